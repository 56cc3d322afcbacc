"""Every conversation as its user sees it, in order."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from runxia.clock import Clock
from sandbox.wechat.database import Database
from sandbox.wechat.limits import TYPING_LASTS_SECONDS
from sandbox.wechat.render import Rendered
from sandbox.wechat.signal import Signal


class Inbox:
    """Messages, and whether the account is shown as typing."""

    def __init__(self, db: Database, signal: Signal, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._signal = signal

    async def customer_said(self, openid: str, kind: str, raw: str, rendered: Rendered) -> int:
        """Keep what the user sent; its id."""
        return await self._add(openid, "in", "customer", kind, raw, rendered)

    async def account_said(self, openid: str, via: str, kind: str, raw: str, rendered: Rendered) -> int:
        """Keep what the account sent. ``via``: passive, custom, template or system; any of them ends the typing sign."""
        self._db.write("UPDATE users SET typing_until = NULL WHERE openid = ?", (openid,))
        return await self._add(openid, "out", via, kind, raw, rendered)

    async def _add(self, openid: str, direction: str, via: str, kind: str, raw: str, rendered: Rendered) -> int:
        added = self._db.write(
            "INSERT INTO messages (openid, at, direction, via, kind, raw, rendered) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (openid, self._clock.now().isoformat(), direction, via, kind, raw, json.dumps(rendered, ensure_ascii=False)),
        )
        await self._signal.notify()
        return added

    def after(self, openid: str, last: int) -> list[dict[str, Any]]:
        """The user's messages after the one with id ``last``: ``{"id", "raw", "rendered"}``.

        ``raw`` is the XML or JSON that carried it; ``rendered`` has ``id``, ``at``, ``direction`` (``in``: the user sent it),
        ``via``, ``kind`` and the keys of :mod:`sandbox.wechat.render`.
        """
        rows = self._db.all("SELECT * FROM messages WHERE openid = ? AND id > ? ORDER BY id", (openid, last))
        return [{"id": row["id"], "raw": row["raw"], "rendered": _rendered(row)} for row in rows]

    def last_id(self, openid: str) -> int:
        """The id of the user's newest message, 0 where there is none."""
        row = self._db.one("SELECT MAX(id) AS newest FROM messages WHERE openid = ?", (openid,))
        return (row["newest"] if row else None) or 0

    async def type(self, openid: str, typing: bool) -> None:
        """Show or end 对方正在输入."""
        until = self._clock.now().timestamp() + TYPING_LASTS_SECONDS if typing else None
        self._db.write("UPDATE users SET typing_until = ? WHERE openid = ?", (until, openid))
        await self._signal.notify()

    def is_typing(self, openid: str) -> bool:
        """Whether the user sees 对方正在输入 now."""
        row = self._db.one("SELECT typing_until FROM users WHERE openid = ?", (openid,))
        return bool(row and row["typing_until"] and row["typing_until"] > self._clock.now().timestamp())


def _rendered(row: sqlite3.Row) -> dict[str, Any]:
    head = {key: row[key] for key in ("id", "at", "direction", "via", "kind")}
    rendered: Rendered = json.loads(row["rendered"])
    return head | rendered
