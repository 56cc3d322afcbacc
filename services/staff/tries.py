"""Counting wrong passwords and codes, and locking accounts."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from runxia.utility import ConsoleRules
from services.audit import record
from services.staff.model import ACTIVE, target
from services.staff.notices import Notices
from services.staff.passwords import matches
from store.db import Database
from store.models import Staff


class Tries:
    """A try is counted before it is known to be wrong, so that tries made at once cannot outrun the lock."""

    def __init__(self, db: Database, clock: Clock, rules: ConsoleRules, notices: Notices) -> None:
        self._db = db
        self._clock = clock
        self._rules = rules
        self._notices = notices

    async def password(self, who: ColumnElement[bool], password: str) -> Staff | None:
        """The member of staff whom ``who`` picks, if the password is theirs and the account neither locked nor disabled."""
        row = await self.take(who)
        if not await matches(row.password_hash if row else None, password):
            await self.refused(row, "wrong_password")
            return None
        if row is not None:
            await self.forgive(row.id)
        return row

    async def take(self, who: ColumnElement[bool]) -> Staff | None:
        """Count a try; none where there is no such account, or it is disabled or locked."""
        now, span = self._clock.now(), timedelta(minutes=self._rules.lock_minutes)
        async with self._db.begin() as session:
            row = await locked_row(session, who)
            if row is None or row.state != ACTIVE or (row.locked_until and row.locked_until > now):
                return None
            if row.locked_until or (row.last_try_at and now - row.last_try_at > span):
                row.wrong_tries, row.locked_until = 0, None
            row.wrong_tries += 1
            row.last_try_at = now
            if row.wrong_tries >= self._rules.wrong_tries:
                row.locked_until = now + span
        return row

    async def forgive(self, staff_id: int) -> None:
        """The try was right: earlier wrong ones do not count any more."""
        async with self._db.begin() as session:
            clean = update(Staff).where(Staff.id == staff_id).values(wrong_tries=0, locked_until=None)
            await session.execute(clean)

    async def refused(self, row: Staff | None, outcome: str) -> None:
        """Write down a try that was wrong, and tell the owner where it locked the account."""
        if row is None:
            return
        async with self._db.begin() as session:
            record(session, self._clock, row.login, "login", outcome=outcome, target=target(row.login))
            if row.locked_until:
                record(session, self._clock, row.login, "lock_staff", target=target(row.login))
        if row.locked_until:
            self._notices.locked(row.email, self._rules.lock_minutes)


async def locked_row(session: AsyncSession, who: ColumnElement[bool]) -> Staff | None:
    """The row, held against other writers until the transaction ends."""
    return (await session.scalars(select(Staff).where(who).with_for_update())).one_or_none()
