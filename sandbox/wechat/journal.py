"""What went over the wire, for the engineers' view: posts to the server and calls of the API."""

from __future__ import annotations

import re
from typing import Any

from runxia.clock import Clock
from sandbox.wechat.database import Database
from sandbox.wechat.signal import Signal

KEPT = 2000
_SECRETS = re.compile(r'(access_token=|secret=|"access_token":\s*"|"secret":\s*")([^&"\s]{6})[^&"\s]*')


class Journal:
    """The newest exchanges. ``side``: ``callback`` (WeChat posts) or ``api`` (the server calls)."""

    def __init__(self, db: Database, signal: Signal, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._signal = signal

    async def note(self, side: str, name: str, request: str, response: str, outcome: str, seconds: float) -> None:
        """Keep an exchange; tokens and secrets are cut short."""
        newest = self._db.write(
            "INSERT INTO traffic (at, side, name, request, response, outcome, milliseconds) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self._clock.now().isoformat(), side, _hide(name), _hide(request), _hide(response), outcome, round(seconds * 1000)),
        )
        self._db.write("DELETE FROM traffic WHERE id <= ?", (newest - KEPT,))
        await self._signal.notify()

    def after(self, last: int, limit: int = 200) -> list[dict[str, Any]]:
        """The newest ``limit`` exchanges after the one with id ``last``, oldest first."""
        rows = self._db.all("SELECT * FROM traffic WHERE id > ? ORDER BY id DESC LIMIT ?", (last, limit))
        return [dict(row) for row in reversed(rows)]


def _hide(text: str) -> str:
    return _SECRETS.sub(r"\1\2…", text)
