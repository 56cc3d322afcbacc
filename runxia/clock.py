"""The one source of time.

Imported by both environments (Python 3.10 and 3.12): standard library only.
"""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Optional, Protocol
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present moment, zone-aware, in Asia/Shanghai."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment in Asia/Shanghai."""
        return datetime.now(SHANGHAI)


class OffsetFileClock:
    """The machine's clock moved by the seconds written in a file that the sandbox owns.

    A file rather than an HTTP call, so that every process sees a move at once and reading costs one ``stat``.
    A missing or unreadable file means no offset.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: Optional[int] = None
        self._offset = timedelta()

    def now(self) -> datetime:
        """The present moment plus the offset, in Asia/Shanghai."""
        return datetime.now(SHANGHAI) + self._read()

    def _read(self) -> timedelta:
        try:
            stamp = os.stat(self._path).st_mtime_ns
            if stamp != self._stamp:
                self._offset = timedelta(seconds=float(self._path.read_text()))
                self._stamp = stamp
        except (OSError, ValueError):
            self._stamp, self._offset = None, timedelta()
        return self._offset


class FixedClock:
    """A clock that stands still until it is told to move; for tests."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment.astimezone(SHANGHAI)

    def now(self) -> datetime:
        """The moment last set."""
        return self.moment

    def advance(self, **by: float) -> None:
        """Move forward by ``timedelta(**by)``."""
        self.moment += timedelta(**by)


def clock_from(path: Optional[Path]) -> Clock:
    """The clock that a process should use: the sandbox's where ``path`` is set, else the machine's."""
    return OffsetFileClock(path) if path else SystemClock()


def today(clock: Clock) -> date:
    """The calendar day in Asia/Shanghai."""
    return clock.now().date()
