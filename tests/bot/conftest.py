"""The bot's tests run with the bot's Python: ``bot/.venv/bin/python -m pytest -c bot/pyproject.toml tests/bot``."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("rasa"):
    from bot.environment import prepare

    prepare()
else:  # the application's Python collects the other tests
    collect_ignore_glob = ["*.py"]
