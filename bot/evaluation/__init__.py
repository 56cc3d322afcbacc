"""How well messages are understood, measured: ``make evaluate`` for the quick form, ``make nlu-report`` for all of it."""
