"""How many customer-service messages the account may send to a user now."""

from __future__ import annotations

from runxia.clock import Clock
from sandbox.wechat.database import Database
from sandbox.wechat.errors import ApiError
from sandbox.wechat.limits import EVENT_QUOTA, EVENT_WINDOW_SECONDS, MESSAGE_QUOTA, MESSAGE_WINDOW_SECONDS


class Quota:
    """What users' doings allow: a message opens one window, a click, follow, scan or menu tap another, shorter one."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def message_came(self, openid: str) -> None:
        """The user sent a message."""
        self._open(openid, "message", MESSAGE_QUOTA, MESSAGE_WINDOW_SECONDS)

    def event_came(self, openid: str) -> None:
        """The user clicked in the menu, followed, scanned or tapped a menu message."""
        self._open(openid, "event", EVENT_QUOTA, EVENT_WINDOW_SECONDS)

    def _open(self, openid: str, source: str, quota: int, seconds: int) -> None:
        self._db.write(
            "INSERT OR REPLACE INTO allowances (openid, source, left_over, ends_at) VALUES (?, ?, ?, ?)",
            (openid, source, quota, self._clock.now().timestamp() + seconds),
        )

    def spend(self, openid: str) -> None:
        """Use one message of the window that ends first.

        Raises:
            ApiError: 45015, no window is open; 45047, those that are have nothing left.
        """
        live = self._db.all(
            "SELECT source, left_over FROM allowances WHERE openid = ? AND ends_at > ? ORDER BY ends_at",
            (openid, self._clock.now().timestamp()),
        )
        if not live:
            raise ApiError(45015)
        source = next((row["source"] for row in live if row["left_over"]), None)
        if source is None:
            raise ApiError(45047)
        self._db.write(
            "UPDATE allowances SET left_over = left_over - 1 WHERE openid = ? AND source = ?", (openid, source),
        )

    def close(self, openid: str) -> None:
        """The user no longer follows."""
        self._db.write("DELETE FROM allowances WHERE openid = ?", (openid,))
