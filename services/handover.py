"""From the bot to a person: who waits, and what brings them there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from runxia.utility import Utility
from services.audit import record
from services.desk import wording
from services.desk.ledger import write_history
from services.desk.model import CUSTOMER, HELD_BY_STAFF, SYSTEM, Outcome, State, Step, Trigger, Understood
from services.desk.roster import Roster
from store.db import Database, insert_for
from store.live import Change, Live
from store.models import ConversationRecord

RULE_LOOKS_AT = 500  # characters of a message


@dataclass(frozen=True, slots=True)
class Asked:
    """What to tell the customer: whether a person is at work now, whether this was asked before, how many wait before them."""

    staffed: bool
    again: bool
    ahead: int = 0


class Handovers:
    """Puts customers into the queue of the desk, and says who answers whom."""

    def __init__(self, db: Database, clock: Clock, utility: Utility, roster: Roster, live: Live) -> None:
        self._db = db
        self._clock = clock
        self._utility = utility
        self._roster = roster
        self._live = live

    async def ask(self, openid: str, reason: str, trigger: str = Trigger.ASKED) -> Asked:
        """Record that a customer wants a person, or should have one; asking again changes nothing."""
        now = self._clock.now()
        staffed = self._utility.hotline.staffed.is_open(now)
        async with self._db.begin() as session:
            row = await _locked(session, openid, now)
            if row.state in HELD_BY_STAFF:
                return Asked(staffed, again=True, ahead=await _ahead(session, row))
            row.state, row.owner, row.trigger, row.reason = State.WAITING, None, trigger, reason[:500]
            row.waiting_since, row.escalated_at, row.snoozed_until = now, None, None
            row.outcome, row.angry = Outcome.HANDED_OVER, row.angry or trigger == Trigger.ANGER
            await session.flush()
            ahead = await _ahead(session, row)
            write_history(session, self._clock, row.id, Step.QUEUED, CUSTOMER if trigger == Trigger.ASKED else SYSTEM)
            record(session, self._clock, openid, "ask_person", detail=trigger)
            if staffed:
                await self._roster.give(session, row)
        await self._live.publish(Change("state", row.id))
        return Asked(staffed, again=False, ahead=ahead)

    async def owner(self, openid: str) -> str | None:
        """The person who has taken over this customer's conversation, if one has."""
        taken = select(ConversationRecord.owner).where(
            ConversationRecord.openid == openid, ConversationRecord.state == State.TAKEN,
        )
        async with self._db.read() as session:
            return await session.scalar(taken)

    async def after_turn(self, openid: str, text: str, understood: Understood | None) -> list[dict[str, Any]]:
        """What to say besides the bot's answer, because the message brings a person: by a rule, anger, or not understood again.

        Nothing where the customer waits for one already.
        """
        trigger = self._trigger(text, understood) or await self._fallen_back(openid, understood)
        if trigger is None:
            return []
        asked = await self.ask(openid, text, trigger)
        return [] if asked.again else [{"text": self._told(asked)}]

    async def out_of_hours(self, openid: str) -> str | None:
        """What to tell a customer who writes to a person when nobody is there; once in a time that is closed."""
        now, hours = self._clock.now(), self._utility.hotline.staffed
        if hours.is_open(now):
            return None
        opens = hours.next_open(now)
        mine = ConversationRecord.openid == openid
        async with self._db.begin() as session:
            told = await session.scalar(select(ConversationRecord.told_closed_at).where(mine))
            if told is not None and hours.next_open(told) == opens:
                return None
            await session.execute(update(ConversationRecord).where(mine).values(told_closed_at=now))
        return wording.closed(opens, now, self._utility.hotline)

    def _trigger(self, text: str, understood: Understood | None) -> str | None:
        said = text[:RULE_LOOKS_AT]
        intent = understood.intent if understood else ""
        for rule in self._utility.desk.hand_over:
            if (not rule.intents or intent in rule.intents) and _has_any(said, rule.words):
                return rule.name
        return Trigger.ANGER if _has_any(said, self._utility.desk.anger) else None

    async def _fallen_back(self, openid: str, understood: Understood | None) -> str | None:
        if understood is None or not understood.fell_back:
            return None
        async with self._db.read() as session:
            before = await session.scalar(select(ConversationRecord.fallbacks).where(ConversationRecord.openid == openid))
        return Trigger.FALLBACK if (before or 0) + 1 >= self._utility.desk.failed_fallbacks else None

    def _told(self, asked: Asked) -> str:
        if asked.staffed:
            return wording.queued(asked.ahead)
        now = self._clock.now()
        return wording.closed(self._utility.hotline.staffed.next_open(now), now, self._utility.hotline)


def _has_any(text: str, words: Sequence[str]) -> bool:
    return any(word in text for word in words)


async def _locked(session: AsyncSession, openid: str, now: datetime) -> ConversationRecord:
    """The customer's conversation, which nobody else changes until the transaction ends."""
    new = insert_for(session, ConversationRecord).values(
        openid=openid, state=State.BOT, last_at=now, last_by="customer", created_at=now, fallbacks=0, fell_back=False,
        angry=False, has_photo=False, has_voice=False,
    )
    await session.execute(new.on_conflict_do_nothing(index_elements=["openid"]))
    found = await session.scalars(select(ConversationRecord).where(ConversationRecord.openid == openid).with_for_update())
    return found.one()


async def _ahead(session: AsyncSession, row: ConversationRecord) -> int:
    """How many wait before this one."""
    if row.state != State.WAITING:
        return 0
    before = select(func.count()).select_from(ConversationRecord).where(
        ConversationRecord.state == State.WAITING, ConversationRecord.waiting_since < row.waiting_since,
    )
    return await session.scalar(before) or 0
