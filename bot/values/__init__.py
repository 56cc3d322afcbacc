"""Values in what a customer writes: numbers, identifiers, amounts, volumes, periods. Plain Python, no Rasa."""

from bot.values.finder import Value, find_values

__all__ = ["Value", "find_values"]
