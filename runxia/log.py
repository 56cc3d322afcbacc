"""Logging for every process: one line per event on standard output, and nothing personal in it.

Times are the machine's, not the Clock port's: a log tells what happened when, also while the sandbox plays another day.
"""

from __future__ import annotations

import logging
import logging.config
import re
from typing import Any

from runxia.masking import mask_text

LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"
DATE = "%Y-%m-%dT%H:%M:%S%z"
# These tell every request with its address, or every tick of the clock.
TOO_TALKATIVE = (
    "aiosqlite", "alembic", "apscheduler", "asyncio", "celery.app.trace", "celery.beat", "celery.worker.strategy", "httpcore",
    "httpx", "kombu", "sanic.access", "sqlalchemy.engine",
)
# What opens a door: tokens, secrets, signatures and codes in addresses or settings, and the token of a payment link.
_CREDENTIALS = re.compile(
    r"((?:access_token|token|secret|appsecret|password|signature|msg_signature|code|key)[\"']?\s*[=:]\s*[\"']?)"
    r"[^\s&\"',;)}]+",
    re.IGNORECASE,
)
_PAY_LINKS = re.compile(r"(/p/pay/)[^\s/?\"']+")


class OneLine(logging.Formatter):
    """Formats an event, its traceback included, as one line with personal data and credentials hidden."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return clean(super().format(record).replace("\r", "").replace("\n", " | "))


def clean(text: str) -> str:
    """Hide e-mail addresses, long numbers, credentials and payment links."""
    return mask_text(_PAY_LINKS.sub(r"\1***", _CREDENTIALS.sub(r"\1***", text)))


def configuration(level: str) -> dict[str, Any]:
    """The ``dictConfig`` of every process; for frameworks that insist on setting up logging themselves."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": OneLine, "fmt": LINE, "datefmt": DATE}},
        "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "line"}},
        "root": {"level": level, "handlers": ["out"]},
        "loggers": {name: {"level": "WARNING", "propagate": True, "handlers": []} for name in TOO_TALKATIVE},
    }


def set_up(level: str) -> None:
    """Set up logging in this process."""
    logging.config.dictConfig(configuration(level))
