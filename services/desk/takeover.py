"""Who speaks with a customer: taking a conversation over, passing it on, and giving it back to the bot."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from services.audit import record
from services.desk import wording
from services.desk.ledger import write_history
from services.desk.model import CUSTOMER, SYSTEM, State, Step
from services.desk.roster import Roster
from services.errors import ConversationTaken, StaffUnavailable, UnknownConversation
from services.outbox import enqueue, hurry
from store.db import Database
from store.live import Change, Live
from store.models import ConversationRecord

BATCH: Final = 100


class Speaker(Protocol):
    """The part of :class:`services.delivery.Delivery` that is needed here."""

    def mouth(self, openid: str) -> AbstractAsyncContextManager[None]:
        """The right to speak through the API."""
        ...


class Takeover:
    """Every method raises ``UnknownConversation``, and those that need the conversation in hand ``ConversationTaken``."""

    def __init__(self, db: Database, clock: Clock, roster: Roster, live: Live, speaker: Speaker) -> None:
        self._db = db
        self._clock = clock
        self._roster = roster
        self._live = live
        self._speaker = speaker

    async def take(self, conversation_id: int, login: str) -> None:
        """Take the conversation over. When this returns, the bot is silent, also with what it was about to say.

        Of two who take it at once exactly one has it; taking again what one has changes nothing.

        Raises:
            ConversationTaken: a colleague has it.
        """
        openid = await self._openid(conversation_id)
        async with self._speaker.mouth(openid):
            await self.take_now(conversation_id, login)

    async def take_now(self, conversation_id: int, login: str) -> None:
        """The same, by one who holds the mouth already."""
        async with self._db.begin() as session:
            row = await self._locked(session, conversation_id)
            if row.state == State.TAKEN:
                if row.owner != login:
                    raise ConversationTaken(row.owner)
                return
            row.state, row.owner, row.snoozed_until = State.TAKEN, login, None
            row.waiting_since = row.waiting_since or (self._clock.now() if row.last_by == CUSTOMER else None)
            self._note(session, row, Step.TAKEN, login)
        await self._live.publish(Change("state", conversation_id, login))

    async def assign(self, conversation_id: int, to: str, by: str, note: str = "") -> None:
        """Give the conversation to a colleague: a supervisor, from anybody. What was taken stays silent.

        Raises:
            StaffUnavailable: the colleague is offline.
        """
        await self._hand(conversation_id, to, by, Step.ASSIGNED, note)

    async def transfer(self, conversation_id: int, to: str, by: str, note: str) -> None:
        """Pass on to a colleague a conversation that one has.

        Raises:
            ConversationTaken: it is a colleague's, or nobody's.
            StaffUnavailable: the colleague is offline.
        """
        await self._hand(conversation_id, to, by, Step.TRANSFERRED, note, own=True)

    async def give_back(self, conversation_id: int, login: str) -> None:
        """Return a conversation that one has to the bot, without closing it. The bot says so, and repeats its open question."""
        say = {"intent": wording.BACK_TO_BOT, "entities": {}}
        await self._leave(conversation_id, login, State.BOT, Step.RETURNED, ("trigger", say))

    async def start_form(self, conversation_id: int, login: str, intent: str) -> None:
        """Return the conversation to the bot, for a task that it begins with the customer now."""
        say = {"intent": intent, "entities": {}}
        await self._leave(conversation_id, login, State.BOT, Step.RETURNED, ("trigger", say), note=intent)

    async def snooze(self, conversation_id: int, login: str, until: datetime) -> None:
        """Put off a conversation that one has; it comes back to them then, or when the customer writes."""
        async with self._db.begin() as session:
            row = await self._owned(session, conversation_id, login)
            row.state, row.snoozed_until, row.waiting_since = State.SNOOZED, until, None
            self._note(session, row, Step.SNOOZED, login)
        await self._live.publish(Change("state", conversation_id, login))

    async def resolve(self, conversation_id: int, login: str) -> None:
        """Close a conversation that one has, and ask the customer how it was."""
        buttons = [{"title": title, "payload": f"{wording.RATE}{score}"} for score, title in wording.RATINGS]
        ask = {"answers": [{"text": wording.ASK_RATING, "buttons": buttons}]}
        await self._leave(conversation_id, login, State.RESOLVED, Step.RESOLVED, ("answers", ask))

    async def rated(self, openid: str, score: int) -> list[dict[str, Any]]:
        """The customer has rated the service; what to answer."""
        if score not in wording.THANKS:
            return []
        mine = update(ConversationRecord).where(ConversationRecord.openid == openid).values(rating=score)
        async with self._db.begin() as session:
            conversation_id = await session.scalar(mine.returning(ConversationRecord.id))
            if conversation_id is not None:
                write_history(session, self._clock, conversation_id, Step.RATED, CUSTOMER, note=str(score))
        await self._live.publish(Change("state", conversation_id))
        return [{"text": wording.THANKS[score]}]

    async def wake_due(self) -> int:
        """Bring back conversations that were put off until now; how many."""
        now = self._clock.now()
        due = select(ConversationRecord).where(
            ConversationRecord.state == State.SNOOZED, ConversationRecord.snoozed_until <= now,
        ).limit(BATCH).with_for_update()
        async with self._db.begin() as session:
            rows = (await session.scalars(due)).all()
            for row in rows:
                row.state = State.TAKEN if row.owner else State.WAITING
                row.snoozed_until, row.waiting_since = None, now
                self._note(session, row, Step.WOKEN, SYSTEM)
        for row in rows:
            await self._live.publish(Change("state", row.id))
        return len(rows)

    async def escalate_due(self, minutes: int) -> int:
        """Tell supervisors of customers who have waited for a person for ``minutes``; how many. Each is told once."""
        now = self._clock.now()
        late = select(ConversationRecord).where(
            ConversationRecord.state.in_((State.WAITING, State.TAKEN)), ConversationRecord.escalated_at.is_(None),
            ConversationRecord.waiting_since <= datetime.fromtimestamp(now.timestamp() - minutes * 60, now.tzinfo),
        ).limit(BATCH).with_for_update()
        async with self._db.begin() as session:
            rows = (await session.scalars(late)).all()
            for row in rows:
                row.escalated_at = now
                self._note(session, row, Step.ESCALATED, SYSTEM)
        for row in rows:
            await self._live.publish(Change("escalated", row.id, row.owner))
        return len(rows)

    # ---

    async def _hand(self, conversation_id: int, to: str, by: str, step: Step, note: str, *, own: bool = False) -> None:
        if to not in {agent.login for agent in await self._roster.agents() if agent.online}:
            raise StaffUnavailable
        openid = await self._openid(conversation_id)
        async with self._speaker.mouth(openid), self._db.begin() as session:
            row = await (self._owned(session, conversation_id, by) if own else self._locked(session, conversation_id))
            if row.state not in (State.TAKEN, State.WAITING):
                row.state, row.snoozed_until = State.WAITING, None
            row.owner = to
            row.waiting_since, row.escalated_at = row.waiting_since or self._clock.now(), None
            self._note(session, row, step, by, note)
        await self._live.publish(Change("state", conversation_id, to))

    async def _leave(
        self, conversation_id: int, login: str, state: State, step: Step, say: tuple[str, Mapping[str, Any]], note: str = "",
    ) -> None:
        """Let go of a conversation; what the bot says then is in the outbox with it."""
        async with self._db.begin() as session:
            row = await self._owned(session, conversation_id, login)
            row.state, row.owner, row.snoozed_until = state, None, None
            row.waiting_since, row.escalated_at, row.fallbacks = None, None, 0
            self._note(session, row, step, login, note)
            kind, payload = say
            key = f"desk:{secrets.token_hex(12)}"
            await hurry(session, self._clock, row.openid)
            await enqueue(session, self._clock, openid=row.openid, kind=kind, payload=payload, dedupe_key=key)
        await self._live.publish(Change("state", conversation_id, login))
        await self._roster.give_waiting()

    async def _owned(self, session: AsyncSession, conversation_id: int, login: str) -> ConversationRecord:
        row = await self._locked(session, conversation_id)
        if row.owner != login or row.state not in (State.TAKEN, State.WAITING, State.SNOOZED):
            raise ConversationTaken(row.owner)
        return row

    @staticmethod
    async def _locked(session: AsyncSession, conversation_id: int) -> ConversationRecord:
        row = await session.get(ConversationRecord, conversation_id, with_for_update=True)
        if row is None:
            raise UnknownConversation
        return row

    async def _openid(self, conversation_id: int) -> str:
        async with self._db.read() as session:
            row = await session.get(ConversationRecord, conversation_id)
        if row is None:
            raise UnknownConversation
        return row.openid

    def _note(self, session: AsyncSession, row: ConversationRecord, step: Step, by: str, note: str = "") -> None:
        write_history(session, self._clock, row.id, step, by, owner=row.owner, note=note)
        if by != SYSTEM:
            record(session, self._clock, by, f"desk_{step}", detail=f"conversation {row.id}")
