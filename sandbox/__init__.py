"""The outside world, for demonstrations and tests: WeChat, WeChat Pay, the billing system and the text-message provider.

Nothing outside this package imports it; production never starts it.
"""
