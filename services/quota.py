"""How many customer-service messages WeChat would still take for a customer.

The stored messages are the ledger: what the customer did last, and what was sent since. Passive replies count for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from connectors.wechat.limits import EVENT_QUOTA, EVENT_WINDOW_SECONDS, MESSAGE_QUOTA, MESSAGE_WINDOW_SECONDS
from runxia.clock import Clock
from store.db import Database
from store.models import Message

PERSON_RESERVE: Final = 1  # kept back so that a person can still say something
REPLY: Final = "reply"  # the kind of an outgoing message that was a passive reply


@dataclass(frozen=True, slots=True)
class Allowance:
    """What WeChat would still take: ``left`` messages until ``ends_at``; none where the window is closed.

    ``for_bot``: how many of them the assistant may use; the rest is kept back for a person.
    """

    left: int
    ends_at: datetime | None

    @property
    def for_bot(self) -> int:
        """See the class."""
        return max(self.left - PERSON_RESERVE, 0)

    @property
    def refusal(self) -> str | None:
        """Why nothing more can be sent: window or quota; none where it can."""
        return None if self.left else "quota" if self.ends_at else "window"


class Quota:
    """Replays what happened since the customer's last message. Each message sent uses the grant that ends first."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def left(self, openid: str) -> int:
        """Messages that the assistant may still send now."""
        return (await self.allowance(openid)).for_bot

    async def allowance(self, openid: str) -> Allowance:
        """What WeChat would still take now."""
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
            return _replay(rows.tuples().all(), now)


def _replay(rows: Sequence[tuple[str | None, str, str, datetime]], now: datetime) -> Allowance:
    message, event, event_ends = 0, 0, now
    window_ends: datetime | None = None
    for grant, kind, state, at in rows:
        if grant == "message":
            message, window_ends = MESSAGE_QUOTA, at + timedelta(seconds=MESSAGE_WINDOW_SECONDS)
        elif grant == "event":
            event, event_ends = EVENT_QUOTA, at + timedelta(seconds=EVENT_WINDOW_SECONDS)
        elif state == "sent" and kind != REPLY:
            if event and at < event_ends:
                event -= 1
            else:
                message -= 1
    open_event = event if now < event_ends else 0
    return Allowance(max(message, 0) + open_event, window_ends or (event_ends if open_event else None))
