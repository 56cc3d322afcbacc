"""A forgotten password, set anew with a code by mail or text message."""

from __future__ import annotations

import logging
import secrets
from datetime import timedelta
from typing import Literal

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from runxia.utility import ConsoleRules, Utility
from services.audit import record
from services.background import Background
from services.errors import SystemUnavailable, WrongCode
from services.ports import Mail, Sms
from services.staff.model import ACTIVE, target
from services.staff.notices import Notices
from services.staff.passwords import check, hashed, matches
from services.staff.sessions import end_sessions
from services.staff.tries import locked_row
from store.db import Database
from store.models import Staff, StaffCode

log = logging.getLogger(__name__)

Channel = Literal["mail", "sms"]


class Recovery:
    """Sends codes and takes them back. Whoever asks never learns whether there is such an account."""

    def __init__(
        self, db: Database, clock: Clock, utility: Utility, mail: Mail, sms: Sms, notices: Notices, background: Background,
    ) -> None:
        self._db = db
        self._clock = clock
        self._rules: ConsoleRules = utility.console
        self._name = utility.short_name
        self._mail = mail
        self._sms = sms
        self._notices = notices
        self._background = background

    def ask(self, login: str, channel: Channel) -> None:
        """Send a code beside the caller, if the account exists, has such an address, and has not had too many."""
        self._background.start(self._send(login.strip().lower(), channel), "sending a code to staff")

    async def _send(self, login: str, channel: Channel) -> None:
        code = "".join(secrets.choice("0123456789") for _ in range(self._rules.code_digits))
        code_hash = await hashed(code)
        now = self._clock.now()
        async with self._db.begin() as session:
            row = await locked_row(session, Staff.login == login)
            to = (row.email if channel == "mail" else row.phone) if row and row.state == ACTIVE else None
            if row is None or to is None or await self._too_many(session, row.id):
                return
            challenge = StaffCode(
                staff_id=row.id, channel=channel, code_hash=code_hash, sent_at=now,
                expires_at=now + timedelta(minutes=self._rules.code_minutes),
            )
            session.add(challenge)
            record(session, self._clock, login, "send_staff_code", target=target(login), detail=channel)
        try:
            await self._deliver(to, code, channel)
        except SystemUnavailable as error:
            log.error("a code for staff could not be sent: %s is unavailable", error.system)
            await self._take_back(login, challenge.id)

    async def _deliver(self, to: str, code: str, channel: Channel) -> None:
        minutes = self._rules.code_minutes
        if channel == "sms":
            await self._sms.send_code(to, code, minutes)
            return
        text = f"重设密码的验证码是 {code}，{minutes} 分钟内有效。\n请不要告诉任何人。不是您本人要的，请不用理会。"
        await self._mail.send(to, f"【{self._name}客服工作台】验证码", text)

    async def _take_back(self, login: str, code_id: int) -> None:
        """A code that never left is no code, and does not keep another one waiting."""
        async with self._db.begin() as session:
            await session.delete(await session.get_one(StaffCode, code_id))
            record(session, self._clock, login, "send_staff_code", outcome="unavailable", target=target(login))

    async def _too_many(self, session: AsyncSession, staff_id: int) -> bool:
        now = self._clock.now()
        mine = StaffCode.staff_id == staff_id
        last = await session.scalar(select(func.max(StaffCode.sent_at)).where(mine))
        if last is not None and now - last < timedelta(seconds=self._rules.code_resend_seconds):
            return True
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        today = await session.scalar(select(func.count()).select_from(StaffCode).where(mine, StaffCode.sent_at >= day))
        return (today or 0) >= self._rules.codes_per_day

    async def reset(self, login: str, code: str, password: str) -> None:
        """Set a new password; all sessions end, a lock is lifted.

        Raises:
            WeakStaffPassword: the new password does not keep the rules; the code stays good.
            WrongCode: wrong, used, too old, or tried too often.
        """
        login = login.strip().lower()
        check(password, self._rules.password, login)
        challenge = await self._take_try(login)
        if not await matches(challenge.code_hash if challenge else None, code.strip()) or challenge is None:
            raise WrongCode
        password_hash = await hashed(password)
        async with self._db.begin() as session:
            row = await locked_row(session, Staff.id == challenge.staff_id)
            claimed = update(StaffCode).where(StaffCode.id == challenge.id, StaffCode.used.is_(False)).values(used=True)
            if row is None or (await session.execute(claimed.returning(StaffCode.id))).scalar() is None:
                raise WrongCode
            row.password_hash, row.password_at, row.must_change = password_hash, self._clock.now(), False
            row.wrong_tries, row.locked_until = 0, None
            await end_sessions(session, self._clock, row.id)
            record(session, self._clock, login, "reset_password", target=target(login), detail=challenge.channel)
        self._notices.password_changed(row.email)

    async def _take_try(self, login: str) -> StaffCode | None:
        """The newest code, with a try counted before it is known to be wrong; none where none is good."""
        async with self._db.begin() as session:
            row = await locked_row(session, Staff.login == login)
            if row is None or row.state != ACTIVE:
                return None
            newest = select(StaffCode).where(StaffCode.staff_id == row.id).order_by(StaffCode.id.desc()).limit(1)
            code = (await session.scalars(newest)).one_or_none()
            if code is None or code.used or code.expires_at <= self._clock.now() or code.tries >= self._rules.code_tries:
                return None
            code.tries += 1
        return code
