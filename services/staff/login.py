"""Signing in: login and password, then the second step where one is set up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from runxia.utility import ConsoleRules
from services.audit import record
from services.errors import LoginRefused, WrongCode
from services.staff import totp
from services.staff.model import Signed, Stage, Visit, new_token, target, token_hash
from services.staff.notices import Notices
from services.staff.tries import Tries, locked_row
from store.db import Database
from store.models import Staff, StaffDevice, StaffSession

SECOND_STEP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Entered:
    """The cookies of somebody who has just got further. ``lasts``: how long the browser is to keep the session's cookie,
    none for as long as it is open.
    """

    token: str
    device_token: str
    stage: Stage
    lasts: timedelta | None


class Logins:
    """Lets staff in."""

    def __init__(self, db: Database, clock: Clock, rules: ConsoleRules, tries: Tries, notices: Notices) -> None:
        self._db = db
        self._clock = clock
        self._rules = rules
        self._tries = tries
        self._notices = notices

    async def enter(self, login: str, password: str, visit: Visit, *, remember: bool) -> Entered:
        """Check login and password, and open a session: a whole one, or one that owes the second step.

        Raises:
            LoginRefused: wrong, locked or disabled.
        """
        right = await self._tries.password(Staff.login == login.strip().lower(), password)
        if right is None:
            raise LoginRefused
        async with self._db.begin() as session:
            row = await locked_row(session, Staff.id == right.id)
            if row is None or row.password_hash != right.password_hash:
                raise LoginRefused
            if row.totp_secret is None or await self._trusts(session, row, visit):
                entered, known = await self._sign_in(session, row, visit, remember=remember, trust=False)
            else:
                return self._half(session, row, visit, remember=remember)
        self._tell(row, visit, known=known)
        return entered

    async def second_step(self, signed: Signed, code: str, visit: Visit, *, trust: bool) -> Entered:
        """Check the code of the authenticator app; a new session takes the place of the half one.

        Args:
            signed: the half session.
            code: six digits.
            visit: where the request comes from.
            trust: this browser shall not be asked again for some days.

        Raises:
            WrongCode: it is wrong, was used before, or the account is locked.
        """
        row = await self._tries.take(Staff.id == signed.member.id)
        if row is None:
            raise WrongCode
        async with self._db.begin() as session:
            row = await locked_row(session, Staff.id == row.id) or row
            half = await session.get(StaffSession, signed.session_id)
            step = totp.step_of(row.totp_secret or "", code, self._clock.now(), row.totp_step) if row.totp_secret else None
            if step is not None and half is not None and half.revoked_at is None:
                row.totp_step, row.wrong_tries, row.locked_until = step, 0, None
                half.revoked_at = self._clock.now()
                entered, known = await self._sign_in(session, row, visit, remember=half.remembered, trust=trust)
            else:
                step = None
        if step is None:
            await self._tries.refused(row, "wrong_code")
            raise WrongCode
        self._tell(row, visit, known=known)
        return entered

    def _half(self, session: AsyncSession, row: Staff, visit: Visit, *, remember: bool) -> Entered:
        token, now = new_token(), self._clock.now()
        session.add(StaffSession(
            staff_id=row.id, token_hash=token_hash(token), stage=Stage.TOTP, device=visit.device, address=visit.address,
            remembered=remember, created_at=now, last_seen_at=now, expires_at=now + SECOND_STEP,
        ))
        return Entered(token, visit.device_token, Stage.TOTP, None)

    async def _sign_in(
        self, session: AsyncSession, row: Staff, visit: Visit, *, remember: bool, trust: bool,
    ) -> tuple[Entered, bool]:
        """Open a whole session; and whether the browser was known, or it is the person's first."""
        now, token = self._clock.now(), new_token()
        known = row.last_login_at is None or await self._device(session, row, visit) is not None
        device_token = visit.device_token or new_token()
        await self._keep_device(session, row, visit, device_token, trust=trust)
        lasts = timedelta(days=self._rules.remember_days) if remember else timedelta(hours=self._rules.session_hours)
        session.add(StaffSession(
            staff_id=row.id, token_hash=token_hash(token), stage=Stage.OPEN, device=visit.device, address=visit.address,
            remembered=remember, created_at=now, last_seen_at=now, expires_at=now + lasts,
        ))
        row.last_login_at = now
        record(
            session, self._clock, row.login, "login", target=target(row.login), detail=None if known else "new_place",
        )
        return Entered(token, device_token, Stage.OPEN, lasts if remember else None), known

    async def _keep_device(
        self, session: AsyncSession, row: Staff, visit: Visit, device_token: str, *, trust: bool,
    ) -> None:
        now = self._clock.now()
        device = await self._device(session, row, visit)
        if device is None:
            device = StaffDevice(staff_id=row.id, token_hash=token_hash(device_token), first_seen_at=now)
            session.add(device)
        device.device, device.address, device.last_seen_at = visit.device, visit.address, now
        if trust:
            device.trusted_until = now + timedelta(days=self._rules.remember_days)

    async def _trusts(self, session: AsyncSession, row: Staff, visit: Visit) -> bool:
        device = await self._device(session, row, visit)
        return device is not None and device.trusted_until is not None and device.trusted_until > self._clock.now()

    @staticmethod
    async def _device(session: AsyncSession, row: Staff, visit: Visit) -> StaffDevice | None:
        if not visit.device_token:
            return None
        theirs = select(StaffDevice).where(
            StaffDevice.staff_id == row.id, StaffDevice.token_hash == token_hash(visit.device_token),
        )
        return (await session.scalars(theirs)).one_or_none()

    def _tell(self, row: Staff, visit: Visit, *, known: bool) -> None:
        if not known:
            self._notices.new_place(row.email, visit)
