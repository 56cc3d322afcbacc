"""A customer's wish to speak to a person."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, select

from runxia.clock import Clock
from runxia.utility import Utility
from services.audit import record
from store.db import Database
from store.models import Handover

OPEN_STATES = ("waiting", "taken")


@dataclass(frozen=True, slots=True)
class Asked:
    """What to tell the customer: whether a person is at work now, and whether this was asked before."""

    staffed: bool
    again: bool


class Handovers:
    """Records of who waits for a person, and who answers whom."""

    def __init__(self, db: Database, clock: Clock, utility: Utility) -> None:
        self._db = db
        self._clock = clock
        self._utility = utility

    async def ask(self, openid: str, reason: str) -> Asked:
        """Record that a customer wants a person; asking again changes nothing."""
        now = self._clock.now()
        hours = self._utility.hotline.staffed
        staffed = hours.opens <= now.time() < hours.closes
        async with self._db.begin() as session:
            if await session.scalar(self._open(openid)) is not None:
                return Asked(staffed=staffed, again=True)
            session.add(Handover(openid=openid, reason=reason[:500], state="waiting", created_at=now))
            record(session, self._clock, openid, "ask_person")
        return Asked(staffed=staffed, again=False)

    async def owner(self, openid: str) -> str | None:
        """The person who has taken over this customer's conversation, if one has."""
        async with self._db.read() as session:
            found = await session.scalar(self._open(openid))
            return found.owner if found and found.state == "taken" else None

    @staticmethod
    def _open(openid: str) -> Select[Handover]:
        return select(Handover).where(Handover.openid == openid, Handover.state.in_(OPEN_STATES)).limit(1)
