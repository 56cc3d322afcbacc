"""What every entry point of the bot sets before it imports Rasa."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path
from typing import Any, Callable

ROOT = Path(__file__).resolve().parent.parent
MODEL_FILE = "runxia.tar.gz"

QUIET = {
    "RASA_TELEMETRY_ENABLED": "false",
    "RASA_MAX_CACHE_SIZE": "0",  # the cache does not notice changes in our components' code
    "MAX_NUMBER_OF_PREDICTIONS": "30",  # in one turn: several requests, each with its detours
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "OMP_WAIT_POLICY": "passive",
    "OMP_NUM_THREADS": "1",  # messages are small; more threads only take turns
    "OPENBLAS_NUM_THREADS": "1",
}
# Rasa looks for its own classes by name and does not see that ours are kinds of them.
UNTRUE_WARNINGS = (
    "'RulePolicy' is not included in the model's policy configuration",
    "You have defined training data consisting of entity examples",
    "The following duplicated intents have been found across multiple domain files: faq",
    "You have defined training data with examples for training a response selector",  # bot/nlu/faq.py is one
    "Slot auto-fill has been removed in 3.0",
    r"Parsed an intent '[a-z_/]+\+",  # several requests: the policy knows
)


def prepare() -> None:
    """Work in the repository's root with quiet libraries; values set outside win."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    import sanic.app  # noqa: F401 - turns deprecation warnings on when imported, so before they are turned off

    for kind in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
        warnings.filterwarnings("ignore", category=kind)
    warnings.filterwarnings("ignore", module="matplotlib")
    os.chdir(ROOT)


def models_dir() -> Path:
    """Where the model is: ``MODELS_DIR``, else ``models/``."""
    return Path(os.environ.get("MODELS_DIR") or ROOT / "models").resolve()


def configure_logging(*processors: Callable[..., Any]) -> None:
    """Rasa's logging at ``BOT_LOG_LEVEL`` (default WARNING: Rasa tells every step at INFO).

    Args:
        processors: of structlog, applied before any other.
    """
    import structlog
    from rasa.utils.common import configure_logging_and_warnings
    from rasa.utils.log_utils import configure_structlog

    level = logging.getLevelName(os.environ.get("BOT_LOG_LEVEL", "WARNING"))
    configure_logging_and_warnings(level)
    configure_structlog(level)
    logging.getLogger("jieba").setLevel(logging.WARNING)
    for untrue in UNTRUE_WARNINGS:
        warnings.filterwarnings("ignore", message=untrue)
    structlog.configure(processors=[*processors, *structlog.get_config()["processors"]])
