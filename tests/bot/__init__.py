"""Tests of the Rasa side; run with the bot's Python."""
