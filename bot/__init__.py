"""The Rasa side of Runxia: what turns words into intents and values, and keeps forms going. Runs on Python 3.10."""
