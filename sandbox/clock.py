"""Moves the clock that every process of a sandbox run reads: an offset in seconds, in ``CLOCK_FILE``."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from runxia.clock import SHANGHAI, Clock, clock_from
from runxia.settings import load_settings


def sandbox_clock() -> Clock:
    """The clock of this sandbox run."""
    return clock_from(load_settings().clock_file)


def move_to(path: Path, moment: datetime) -> None:
    """Make the clock show ``moment`` (zone-aware) now."""
    write_offset(path, (moment - datetime.now(SHANGHAI)).total_seconds())


def advance(path: Path, seconds: float) -> None:
    """Move the clock by ``seconds`` from where it stands."""
    move = clock_from(path).now() - datetime.now(SHANGHAI)
    write_offset(path, move.total_seconds() + seconds)


def write_offset(path: Path, seconds: float) -> None:
    """Replace the offset in one step, so that no reader sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(f"{seconds:.3f}", encoding="ascii")
    part.replace(path)
