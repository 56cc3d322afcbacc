"""Keeps each conversation's row up to date, in the transactions in which its messages are stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from services.desk.model import State, Understood
from services.desk.search import Search
from store.db import Database, Moment, insert_for
from store.models import Assignment, ConversationFacet, ConversationRecord, Understanding

LOOKS = {"image": "has_photo", "voice": "has_voice"}


@dataclass(frozen=True, slots=True)
class Standing:
    """A conversation as a message finds it."""

    id: int
    state: State
    owner: str | None


class Ledger:
    """Notes what customers, the bot and staff say. All methods work within the caller's transaction."""

    def __init__(self, db: Database, clock: Clock, search: Search) -> None:
        self._db = db
        self._clock = clock
        self._search = search

    async def open(self) -> None:
        """Make ready what a transaction must not wait for."""
        await self._search.open_key()

    async def heard(self, session: AsyncSession, openid: str, kind: str, text: str, now: datetime) -> Standing:
        """A customer has written. A conversation put off goes back to who had it; one that was resolved begins anew."""
        record = ConversationRecord
        looks = {LOOKS[kind]: True} if kind in LOOKS else {}
        row = insert_for(session, record).values(
            openid=openid, state=State.BOT, last_at=now, last_by="customer", created_at=now, fallbacks=0, fell_back=False,
            angry=False, **{"has_photo": False, "has_voice": False, **looks},
        )
        moment = literal(now, Moment)
        put_off = record.state == State.SNOOZED
        over = record.state == State.RESOLVED
        waits = or_(put_off, record.state == State.TAKEN)
        changed: dict[str, Any] = {
            "last_at": now, "last_by": "customer", **looks,
            "state": case(
                (put_off & record.owner.is_not(None), State.TAKEN), (put_off, State.WAITING), (over, State.BOT),
                else_=record.state,
            ),
            "waiting_since": case((waits, func.coalesce(record.waiting_since, moment)), else_=record.waiting_since),
            "snoozed_until": None,
        }
        noted = row.on_conflict_do_update(index_elements=["openid"], set_=changed)
        id_, state, owner = (await session.execute(noted.returning(record.id, record.state, record.owner))).one()
        await self._search.note(session, id_, [text], now.date())
        return Standing(id_, State(state), owner)

    async def may_bot_speak(self, session: AsyncSession, openid: str) -> bool:
        """Whether no person has the conversation. Nobody can take it until the transaction ends."""
        held = select(ConversationRecord.state).where(ConversationRecord.openid == openid).with_for_update()
        return await session.scalar(held) != State.TAKEN

    async def understood(self, session: AsyncSession, openid: str, message_id: int, what: Understood) -> None:
        """Keep what a message was understood as; keeping it again changes nothing."""
        row = insert_for(session, Understanding).values(
            message_id=message_id, intent=what.intent[:64], confidence=what.confidence, fell_back=what.fell_back,
            runner_up=what.runner_up, runner_up_confidence=what.runner_up_confidence, detail=what.dump(),
        )
        new = row.on_conflict_do_nothing(index_elements=["message_id"]).returning(Understanding.message_id)
        if (await session.execute(new)).scalar_one_or_none() is None:
            return
        record = ConversationRecord
        lowest = case(
            (or_(record.lowest_confidence.is_(None), record.lowest_confidence > what.confidence), what.confidence),
            else_=record.lowest_confidence,
        )
        values: dict[str, Any] = {
            "last_intent": what.intent[:64], "last_confidence": what.confidence, "lowest_confidence": lowest,
            "fallbacks": record.fallbacks + 1 if what.fell_back else 0, "outcome": what.outcome,
        }
        if what.fell_back:
            values["fell_back"] = True
        changed = await session.execute(update(record).where(record.openid == openid).values(values).returning(record.id))
        if (conversation_id := changed.scalar_one_or_none()) is not None:
            await self._add_facets(session, conversation_id, what)

    async def spoke(self, session: AsyncSession, openid: str, by: str, texts: list[str]) -> int | None:
        """The bot or a member of staff (``by``: bot | staff) has said something; the conversation's id."""
        now = self._clock.now()
        values: dict[str, Any] = {"last_at": now, "last_by": by}
        if by == "staff":
            values["waiting_since"] = None
        record = ConversationRecord
        changed = await session.execute(update(record).where(record.openid == openid).values(values).returning(record.id))
        conversation_id = changed.scalar_one_or_none()
        if conversation_id is not None:
            await self._search.note(session, conversation_id, texts, now.date())
        return conversation_id

    @staticmethod
    async def _add_facets(session: AsyncSession, conversation_id: int, what: Understood) -> None:
        facets = {("intent", what.intent), *(("entity", str(each["entity"])) for each in what.entities)}
        if what.task:
            facets.add(("task", what.task))
        rows = [{"kind": kind, "value": value[:64], "conversation_id": conversation_id} for kind, value in sorted(facets)]
        await session.execute(insert_for(session, ConversationFacet).values(rows).on_conflict_do_nothing())


def write_history(
    session: AsyncSession, clock: Clock, conversation_id: int, step: str, by: str, owner: str | None = None,
    note: str | None = None,
) -> None:
    """Add a step to a conversation's history within its transaction."""
    session.add(
        Assignment(conversation_id=conversation_id, at=clock.now(), step=step, by=by, owner=owner, note=note or None),
    )
