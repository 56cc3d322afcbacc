"""Access tokens as ``/cgi-bin/stable_token`` gives them out."""

from __future__ import annotations

import re
import secrets
from collections import deque

from runxia.clock import Clock
from sandbox.wechat.database import Database
from sandbox.wechat.errors import ApiError
from sandbox.wechat.limits import (
    FORCED_TOKEN_INTERVAL_SECONDS,
    FORCED_TOKENS_PER_DAY,
    TOKEN_CALLS_PER_MINUTE,
    TOKEN_OVERLAP_SECONDS,
    TOKEN_SECONDS,
)

_SHAPE = re.compile(r"[\w-]{64,512}")


class Tokens:
    """One current token. Asking again gives the same one until five minutes before its end; forcing replaces it at once."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._calls: deque[float] = deque()

    def issue(self, force: bool) -> tuple[str, int]:
        """The current token, or a new one, and the seconds that it is good for.

        Raises:
            ApiError: 45011, too many calls in this minute; 45009, forced too often today.
        """
        now = self._clock.now().timestamp()
        self._count_call(now)
        if force and self._may_force(now):
            self._db.write("UPDATE tokens SET revoked = 1")
            return self._new(now, forced=True), TOKEN_SECONDS
        held = self._db.one(
            "SELECT * FROM tokens WHERE revoked = 0 AND expires_at > ? ORDER BY expires_at DESC LIMIT 1",
            (now + TOKEN_OVERLAP_SECONDS,),
        )
        if held:
            return held["token"], int(held["expires_at"] - now)
        return self._new(now, forced=False), TOKEN_SECONDS

    def _count_call(self, now: float) -> None:
        self._calls.append(now)
        while self._calls[0] <= now - 60:
            self._calls.popleft()
        if len(self._calls) > TOKEN_CALLS_PER_MINUTE:
            raise ApiError(45011)

    def _may_force(self, now: float) -> bool:
        forced = [row["issued_at"] for row in self._db.all(
            "SELECT issued_at FROM tokens WHERE forced = 1 AND issued_at > ? ORDER BY issued_at DESC", (now - 86400,),
        )]
        if forced and now - forced[0] < FORCED_TOKEN_INTERVAL_SECONDS:
            return False
        if len(forced) >= FORCED_TOKENS_PER_DAY:
            raise ApiError(45009)
        return True

    def _new(self, now: float, *, forced: bool) -> str:
        token = f"88_{secrets.token_urlsafe(96)}"
        self._db.write("INSERT INTO tokens (token, issued_at, expires_at, forced) VALUES (?, ?, ?, ?)",
                       (token, now, now + TOKEN_SECONDS, forced))
        return token

    def check(self, token: str | None) -> None:
        """Let a call pass.

        Raises:
            ApiError: 41001 missing, 40014 not a token at all, 40001 unknown or replaced, 42001 expired.
        """
        if not token:
            raise ApiError(41001)
        if not _SHAPE.fullmatch(token):
            raise ApiError(40014)
        held = self._db.one("SELECT * FROM tokens WHERE token = ?", (token,))
        if held is None or held["revoked"]:
            raise ApiError(40001)
        if held["expires_at"] <= self._clock.now().timestamp():
            raise ApiError(42001)
