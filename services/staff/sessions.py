"""Where staff are signed in."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from runxia.utility import ConsoleRules
from services.audit import record
from services.errors import UnknownStaff
from services.staff.model import ACTIVE, Member, SessionView, Signed, Stage, member, token_hash
from store.db import Database
from store.models import Staff, StaffCode, StaffDevice, StaffSession

TOUCH = timedelta(minutes=1)  # how exactly the last use is kept
KEEP = timedelta(days=30)


class Sessions:
    """Finds, lists and ends sessions. What was changed about an account holds for the next request already."""

    def __init__(self, db: Database, clock: Clock, rules: ConsoleRules) -> None:
        self._db = db
        self._clock = clock
        self._rules = rules

    async def find(self, token: str) -> Signed | None:
        """Who is signed in with this cookie, if the session still holds and the account is not disabled."""
        now = self._clock.now()
        query = select(StaffSession, Staff).join(Staff, Staff.id == StaffSession.staff_id).where(
            StaffSession.token_hash == token_hash(token), Staff.state == ACTIVE, *self._alive(),
        )
        async with self._db.read() as session:
            found = (await session.execute(query)).one_or_none()
        if found is None:
            return None
        row, staff = found
        if row.last_seen_at < now - TOUCH:
            async with self._db.begin() as session:
                await session.execute(update(StaffSession).where(StaffSession.id == row.id).values(last_seen_at=now))
        return Signed(member(staff), row.id, Stage(row.stage))

    async def of(self, staff_id: int) -> list[SessionView]:
        """The sessions of one person, the one used last first."""
        query = select(StaffSession).where(
            StaffSession.staff_id == staff_id, StaffSession.stage == Stage.OPEN, *self._alive(),
        ).order_by(StaffSession.last_seen_at.desc())
        async with self._db.read() as session:
            rows = await session.scalars(query)
            return [
                SessionView(row.id, row.device, row.address, row.remembered, row.created_at, row.last_seen_at) for row in rows
            ]

    async def end(self, who: Member, session_id: int) -> None:
        """Sign out in one of one's own sessions.

        Raises:
            UnknownStaff: it is nobody's, or somebody else's.
        """
        async with self._db.begin() as session:
            ended = update(StaffSession).where(
                StaffSession.id == session_id, StaffSession.staff_id == who.id, StaffSession.revoked_at.is_(None),
            ).values(revoked_at=self._clock.now()).returning(StaffSession.id)
            if (await session.execute(ended)).scalar() is None:
                raise UnknownStaff
            record(session, self._clock, who.login, "logout")

    async def end_others(self, who: Member, keep: int) -> None:
        """Sign out everywhere but here; no browser is trusted without the second step any more."""
        async with self._db.begin() as session:
            await end_sessions(session, self._clock, who.id, keep=keep)
            record(session, self._clock, who.login, "logout_others")

    async def prune(self) -> int:
        """Forget sessions and codes that ended long ago; how many."""
        before = self._clock.now() - KEEP
        async with self._db.begin() as session:
            over = delete(StaffSession).where(StaffSession.expires_at < before).returning(StaffSession.id)
            codes = delete(StaffCode).where(StaffCode.sent_at < before).returning(StaffCode.id)
            return sum([len((await session.execute(each)).all()) for each in (over, codes)])

    def _alive(self) -> list[ColumnElement[bool]]:
        now = self._clock.now()
        idle = now - timedelta(minutes=self._rules.idle_minutes)
        return [
            StaffSession.revoked_at.is_(None), StaffSession.expires_at > now,
            or_(StaffSession.remembered.is_(True), StaffSession.last_seen_at > idle),
        ]


async def end_sessions(session: AsyncSession, clock: Clock, staff_id: int, *, keep: int | None = None) -> None:
    """End all sessions of a person but ``keep``, and trust none of their browsers, in the caller's transaction."""
    theirs = and_(StaffSession.staff_id == staff_id, StaffSession.revoked_at.is_(None))
    if keep is not None:
        theirs = and_(theirs, StaffSession.id != keep)
    await session.execute(update(StaffSession).where(theirs).values(revoked_at=clock.now()))
    await session.execute(update(StaffDevice).where(StaffDevice.staff_id == staff_id).values(trusted_until=None))
