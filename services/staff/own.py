"""What staff change about their own accounts."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from runxia.utility import Utility
from services.audit import record
from services.errors import UnknownStaff, WeakStaffPassword, WrongCode, WrongPassword
from services.staff import totp
from services.staff.model import Member, target
from services.staff.notices import Notices
from services.staff.passwords import check, hashed
from services.staff.sessions import end_sessions
from services.staff.tries import Tries, locked_row
from store.db import Database
from store.models import Staff


@dataclass(frozen=True, slots=True)
class TotpDraft:
    """A second step that waits for its first code: what the app needs, to scan or to type."""

    secret: str
    address: str


class OwnAccount:
    """Password and second step. Each change asks for the password again."""

    def __init__(self, db: Database, clock: Clock, utility: Utility, tries: Tries, notices: Notices) -> None:
        self._db = db
        self._clock = clock
        self._rules = utility.console
        self._issuer = f"{utility.short_name}客服"
        self._tries = tries
        self._notices = notices

    async def change_password(self, who: Member, session_id: int, current: str, new: str) -> None:
        """Set a new password; sessions elsewhere end.

        Raises:
            WrongPassword: the current one is wrong.
            WeakStaffPassword: the new one does not keep the rules, or is the current one (``same``).
        """
        check(new, self._rules.password, who.login)
        await self._prove(who, current)
        if new == current:
            raise WeakStaffPassword(("same",))
        password_hash = await hashed(new)
        async with self._db.begin() as session:
            row = await _row(session, who)
            row.password_hash, row.password_at, row.must_change = password_hash, self._clock.now(), False
            await end_sessions(session, self._clock, row.id, keep=session_id)
            record(session, self._clock, who.login, "change_password", target=target(who.login))
        self._notices.password_changed(who.email)

    async def start_totp(self, who: Member, password: str) -> TotpDraft:
        """Make a secret for an authenticator app; it counts from :meth:`confirm_totp` on.

        Raises:
            WrongPassword: the password is wrong.
        """
        await self._prove(who, password)
        secret = totp.new_secret()
        async with self._db.begin() as session:
            (await _row(session, who)).totp_draft = secret
        return self._draft(who, secret)

    async def totp_draft(self, who: Member) -> TotpDraft | None:
        """The secret that waits for its first code."""
        async with self._db.read() as session:
            row = await session.get(Staff, who.id)
        return self._draft(who, row.totp_draft) if row and row.totp_draft else None

    async def confirm_totp(self, who: Member, session_id: int, code: str) -> None:
        """The app shows the right code: from now on it is asked for at sign-in. Sessions elsewhere end.

        Raises:
            WrongCode: it is wrong, or nothing waits for it.
        """
        async with self._db.begin() as session:
            row = await _row(session, who)
            step = totp.step_of(row.totp_draft, code, self._clock.now(), 0) if row.totp_draft else None
            if step is None:
                raise WrongCode
            row.totp_secret, row.totp_draft, row.totp_step = row.totp_draft, None, step
            await end_sessions(session, self._clock, row.id, keep=session_id)
            record(session, self._clock, who.login, "set_up_totp", target=target(who.login))
        self._notices.totp_changed(who.email, on=True)

    async def stop_totp(self, who: Member, password: str) -> None:
        """Sign in without the second step from now on.

        Raises:
            WrongPassword: the password is wrong.
        """
        await self._prove(who, password)
        async with self._db.begin() as session:
            row = await _row(session, who)
            row.totp_secret, row.totp_draft = None, None
            record(session, self._clock, who.login, "remove_totp", target=target(who.login))
        self._notices.totp_changed(who.email, on=False)

    def _draft(self, who: Member, secret: str) -> TotpDraft:
        return TotpDraft(secret, totp.address(secret, who.login, self._issuer))

    async def _prove(self, who: Member, password: str) -> None:
        if await self._tries.password(Staff.id == who.id, password) is None:
            raise WrongPassword


async def _row(session: AsyncSession, who: Member) -> Staff:
    row = await locked_row(session, Staff.id == who.id)
    if row is None:
        raise UnknownStaff
    return row
