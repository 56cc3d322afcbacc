"""What every process of Runxia shares: settings, the utility's facts, clock, money, masking."""
