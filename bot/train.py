"""Trains the model when the data changed: ``python -m bot.train`` in the repository's root, with the bot's Python.

The model is ``models/runxia.tar.gz`` (``MODELS_DIR`` says where else); the stamp beside it tells what it was trained on.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterator, List, Optional

from bot.environment import MODEL_FILE, ROOT, configure_logging, models_dir, prepare

STAMP_FILE = "runxia.stamp"
SEED = 7
# What the model depends on, besides the locked packages.
SOURCES = (
    "config.yml", "domain.yml", "utility.yml", "bot/uv.lock", "runxia/clock.py", "runxia/faq.py",
    "data/**/*.yml", "data/**/*.txt", "bot/**/*.py",
)  # fmt: skip
NOT_SOURCES = ("bot/serve.py", "bot/evaluate.py", "bot/evaluation/", "bot/likeness.py", "bot/validate.py")


def main() -> None:
    """Train, or say that nothing changed. ``--force`` trains in any case."""
    prepare()
    stamp = fingerprint(ROOT)
    target = models_dir()
    if "--force" not in sys.argv and is_current(target, stamp):
        print(f"The language data has not changed: using {target / MODEL_FILE}")
        return
    started = time.monotonic()
    train_into(target, stamp)
    print(f"Trained {target / MODEL_FILE} in {time.monotonic() - started:.0f} s", flush=True)


def fingerprint(root: Path) -> str:
    """A hash over everything that the model depends on."""
    digest = hashlib.sha256()
    for path in _sources(root):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _sources(root: Path) -> Iterator[Path]:
    for pattern in SOURCES:
        for path in sorted(root.glob(pattern)):
            name = str(path.relative_to(root))
            if not name.startswith(NOT_SOURCES) and ".venv" not in path.parts:
                yield path


def is_current(target: Path, stamp: str) -> bool:
    """Whether the model in ``target`` was trained on what ``stamp`` stands for."""
    stamped = target / STAMP_FILE
    return (target / MODEL_FILE).is_file() and stamped.is_file() and stamped.read_text().strip() == stamp


def train_into(target: Path, stamp: str) -> None:
    """Train and put the model in place in one step, so that a server never sees half of it.

    Raises:
        SystemExit: the data is broken; the message names the file.
    """
    _say("loading Rasa")
    import numpy as np
    from rasa.engine.exceptions import GraphComponentException, GraphSchemaValidationException
    from rasa.model_training import train
    from rasa.shared.exceptions import RasaException

    configure_logging()
    random.seed(SEED)
    np.random.seed(SEED)
    target.mkdir(parents=True, exist_ok=True)
    _say("reading data and training")
    with tempfile.TemporaryDirectory(dir=target) as folder:
        try:
            result = train(
                domain=str(ROOT / "domain.yml"),
                config=str(ROOT / "config.yml"),
                training_files=[str(ROOT / "data")],
                output=folder,
                force_training=True,
                fixed_model_name=Path(MODEL_FILE).name.split(".")[0],
            )
        except (RasaException, GraphComponentException, GraphSchemaValidationException) as error:
            raise SystemExit(f"The language data cannot be used.\n{_reasons(error)}") from error
        if result.code or not result.model:
            raise SystemExit(f"Training failed (code {result.code}).")
        (target / STAMP_FILE).unlink(missing_ok=True)
        os.replace(result.model, target / MODEL_FILE)
    (target / STAMP_FILE).write_text(stamp + "\n")


def _reasons(error: Optional[BaseException]) -> str:
    """The chain of causes, the first last: Rasa wraps a component's error in its own."""
    lines: List[str] = []
    while error is not None:
        lines.append(f"{type(error).__name__}: {error}")
        error = error.__cause__
    return "\n".join(lines)


def _say(step: str) -> None:
    print(f"  {step} ...", flush=True)


if __name__ == "__main__":
    main()
