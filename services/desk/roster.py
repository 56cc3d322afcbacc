"""Who of the staff is there, and whose turn it is: in turn, up to each one's capacity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from runxia.utility import Utility
from services.desk.ledger import write_history
from services.desk.model import HELD_BY_STAFF, SYSTEM, State, Step
from store.db import Database, insert_for
from store.live import Change, Live
from store.models import ConversationRecord, Presence

BATCH = 100


@dataclass(frozen=True, slots=True)
class Agent:
    """A member of staff as colleagues see them. ``load``: conversations that they have now."""

    login: str
    online: bool
    capacity: int
    load: int
    seen_at: datetime


class Roster:
    """Presence of staff, and giving out conversations."""

    def __init__(self, db: Database, clock: Clock, utility: Utility, live: Live) -> None:
        self._db = db
        self._clock = clock
        self._utility = utility
        self._live = live

    async def set_online(self, login: str, online: bool, capacity: int | None = None) -> int:
        """Come, or go; how many conversations changed hands.

        Who comes gets waiting conversations up to their capacity; who goes gives theirs to colleagues, or back to the queue.
        """
        now = self._clock.now()
        new = {"online": online, "seen_at": now} | ({"capacity": capacity} if capacity is not None else {})
        async with self._db.begin() as session:
            row = insert_for(session, Presence).values({"login": login, "capacity": self._utility.desk.capacity, **new})
            await session.execute(row.on_conflict_do_update(index_elements=["login"], set_=new))
        await self._live.publish(Change("presence", who=login))
        return await self.give_waiting() if online else await self._release(login)

    async def seen(self, login: str) -> None:
        """The console of this member of staff is open."""
        async with self._db.begin() as session:
            await session.execute(update(Presence).where(Presence.login == login).values(seen_at=self._clock.now()))

    async def agents(self) -> list[Agent]:
        """All staff who have ever taken conversations, those online first."""
        async with self._db.read() as session:
            rows = (await session.execute(_with_load())).tuples().all()
        agents = [Agent(row.login, self._is_here(row), row.capacity, load, row.seen_at) for row, load in rows]
        return sorted(agents, key=lambda each: (not each.online, each.login))

    async def give(self, session: AsyncSession, row: ConversationRecord) -> str | None:
        """Give a waiting conversation to whose turn it is, within a transaction that has locked it.

        None where nobody is free.
        """
        here = (Presence.online, Presence.seen_at > self._silent_since())
        # Locked first and counted afterwards: two conversations that come at once must not both see the last free place.
        await session.execute(select(Presence.login).where(*here).order_by(Presence.login).with_for_update())
        rows = (await session.execute(_with_load().where(*here))).tuples()
        found = [(agent, load) for agent, load in rows if load < agent.capacity]
        if not found:
            return None
        never = datetime.min.replace(tzinfo=self._clock.now().tzinfo)
        agent, _ = min(found, key=lambda each: (each[0].given_at or never, each[1], each[0].login))
        agent.given_at = self._clock.now()
        row.owner = agent.login
        await session.flush()
        write_history(session, self._clock, row.id, Step.GIVEN, SYSTEM, owner=agent.login)
        return agent.login

    async def give_waiting(self) -> int:
        """Give out conversations that wait and have nobody, the oldest first, while the desk is open; how many."""
        if not self._utility.hotline.staffed.is_open(self._clock.now()):
            return 0
        waiting = select(ConversationRecord.id).where(
            ConversationRecord.state == State.WAITING, ConversationRecord.owner.is_(None),
        ).order_by(ConversationRecord.waiting_since, ConversationRecord.id).limit(BATCH)
        async with self._db.read() as session:
            ids = (await session.scalars(waiting)).all()
        given = 0
        for conversation_id in ids:
            async with self._db.begin() as session:
                row = await session.get(ConversationRecord, conversation_id, with_for_update=True)
                if row is None or row.state != State.WAITING or row.owner is not None:
                    continue
                if await self.give(session, row) is None:
                    break
            given += 1
            await self._live.publish(Change("state", conversation_id))
        return given

    async def release_absent(self) -> int:
        """Take the conversations of those whose console has been silent for too long; how many."""
        silent = select(Presence.login).where(Presence.online, Presence.seen_at <= self._silent_since())
        async with self._db.read() as session:
            logins = (await session.scalars(silent)).all()
        return sum([await self.set_online(login, online=False) for login in logins])

    async def _release(self, login: str) -> int:
        """Put what somebody had back into the queue, first in line by when the customer wrote, and give it out anew."""
        held = select(ConversationRecord).where(
            ConversationRecord.owner == login, ConversationRecord.state.in_(HELD_BY_STAFF),
        ).with_for_update()
        now = self._clock.now()
        async with self._db.begin() as session:
            rows = (await session.scalars(held)).all()
            for row in rows:
                row.state, row.owner = State.WAITING, None
                row.waiting_since = row.waiting_since or now
                write_history(session, self._clock, row.id, Step.RELEASED, SYSTEM)
        for row in rows:
            await self._live.publish(Change("state", row.id))
        await self.give_waiting()
        return len(rows)

    def _is_here(self, presence: Presence) -> bool:
        return presence.online and presence.seen_at > self._silent_since()

    def _silent_since(self) -> datetime:
        return self._clock.now() - timedelta(seconds=self._utility.desk.away_seconds)


def _with_load() -> Select[Presence, int]:
    load = select(func.count()).select_from(ConversationRecord).where(
        ConversationRecord.owner == Presence.login, ConversationRecord.state.in_(HELD_BY_STAFF),
    ).correlate(Presence).scalar_subquery()
    return select(Presence, load)
