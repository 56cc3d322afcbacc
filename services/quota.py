"""How many customer-service messages WeChat would still take for a customer.

The stored messages are the ledger: what the customer did last, and what was sent since. Passive replies count for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from connectors.wechat.limits import EVENT_QUOTA, EVENT_WINDOW_SECONDS, MESSAGE_QUOTA, MESSAGE_WINDOW_SECONDS
from runxia.clock import Clock
from store.db import Database
from store.models import Message

PERSON_RESERVE: Final = 1  # kept back so that a person can still say something
REPLY: Final = "reply"  # the kind of an outgoing message that was a passive reply


class Quota:
    """Replays what happened since the customer's last message. Each message sent uses the grant that ends first."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def left(self, openid: str) -> int:
        """Messages that the assistant may still send now."""
        now = self._clock.now()
        horizon = now - timedelta(seconds=MESSAGE_WINDOW_SECONDS)
        ours = Message.openid == openid
        last = select(func.max(Message.id)).where(ours, Message.grant == "message", Message.created_at > horizon)
        async with self._db.read() as session:
            start = await session.scalar(last)
            since = Message.id >= start if start else Message.created_at > now - timedelta(seconds=EVENT_WINDOW_SECONDS)
            rows = await session.execute(
                select(Message.grant, Message.kind, Message.state, Message.created_at).where(ours, since).order_by(Message.id),
            )
            return max(_replay(rows.tuples().all(), now) - PERSON_RESERVE, 0)


def _replay(rows: Sequence[tuple[str | None, str, str, datetime]], now: datetime) -> int:
    message, event, event_ends = 0, 0, now
    for grant, kind, state, at in rows:
        if grant == "message":
            message = MESSAGE_QUOTA
        elif grant == "event":
            event, event_ends = EVENT_QUOTA, at + timedelta(seconds=EVENT_WINDOW_SECONDS)
        elif state == "sent" and kind != REPLY:
            if event and at < event_ends:
                event -= 1
            else:
                message -= 1
    return max(message, 0) + (event if now < event_ends else 0)
