"""Administering staff: who works here, as what."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from runxia.utility import ConsoleRules
from services.audit import SYSTEM, record
from services.errors import LoginTaken, StaffRefused, UnknownStaff
from services.staff.model import ACTIVE, DISABLED, LOGIN_FORM, Member, member, target
from services.staff.passwords import check, first_password, hashed
from services.staff.rights import Role
from services.staff.sessions import end_sessions
from services.staff.tries import locked_row
from store.db import Database
from store.models import Staff

NAME_LENGTH = 40
_EMAIL = re.compile(r"[^\s@<>,;\"]{1,64}@[\w-]+(\.[\w-]+)+")
_PHONE = re.compile(r"1[3-9]\d{9}")


@dataclass(frozen=True, slots=True)
class Profile:
    """What an administrator writes down about somebody. Empty addresses are none."""

    name: str
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who is to get an account with a given password, for demonstrations: it need not be changed."""

    login: str
    password: str
    role: Role
    profile: Profile
    must_change: bool = False


class Roster:
    """Makes and changes accounts. ``by``: who does it; ``reason``: why, for the audit log."""

    def __init__(self, db: Database, clock: Clock, rules: ConsoleRules) -> None:
        self._db = db
        self._clock = clock
        self._rules = rules

    async def everybody(self) -> list[Member]:
        """All staff, those who work here first, by login."""
        async with self._db.read() as session:
            rows = await session.scalars(select(Staff).order_by(Staff.state, Staff.login))
            return [member(row) for row in rows]

    async def get(self, staff_id: int) -> Member:
        """One member of staff.

        Raises:
            UnknownStaff: there is none.
        """
        async with self._db.read() as session:
            row = await session.get(Staff, staff_id)
        if row is None:
            raise UnknownStaff
        return member(row)

    async def create(self, by: str, login: str, role: Role, profile: Profile) -> str:
        """Make an account; the first password, which nobody can read again.

        Raises:
            StaffRefused: ``bad_login``, ``bad_name``, ``bad_email`` or ``bad_phone``.
            LoginTaken: somebody has it, maybe somebody who left.
        """
        password = first_password(self._rules.password)
        await self._add(by, Newcomer(login.strip().lower(), password, role, profile, must_change=True))
        return password

    async def create_first(self, login: str, name: str) -> str:
        """Make the first administrator, where there is nobody who could; the first password.

        Raises:
            StaffRefused: ``last_admin``: there is an administrator already; ``bad_login``, ``bad_name``.
            LoginTaken: somebody has the login.
        """
        async with self._db.read() as session:
            if (await session.scalars(select(Staff.id).where(_admins()).limit(1))).first() is not None:
                raise StaffRefused("last_admin")
        return await self.create(SYSTEM, login, Role.ADMIN, Profile(name))

    async def seed(self, newcomers: Iterable[Newcomer]) -> int:
        """Make those accounts that do not exist yet; how many. For demonstrations only."""
        made = 0
        for each in newcomers:
            check(each.password, self._rules.password, each.login)
            try:
                await self._add(SYSTEM, each)
            except LoginTaken:
                continue
            made += 1
        return made

    async def _add(self, by: str, new: Newcomer) -> None:
        profile = _checked(new.profile)
        if not LOGIN_FORM.fullmatch(new.login):
            raise StaffRefused("bad_login")
        password_hash, now = await hashed(new.password), self._clock.now()
        try:
            async with self._db.begin() as session:
                session.add(Staff(
                    login=new.login, name=profile.name, email=profile.email or None, phone=profile.phone or None,
                    role=new.role, password_hash=password_hash, must_change=new.must_change, created_at=now, password_at=now,
                ))
                record(session, self._clock, by, "create_staff", target=target(new.login), detail=new.role)
        except IntegrityError as error:
            raise LoginTaken from error

    async def describe(self, by: str, staff_id: int, profile: Profile) -> None:
        """Change name, e-mail address and phone.

        Raises:
            StaffRefused: ``bad_name``, ``bad_email`` or ``bad_phone``.
            UnknownStaff: there is no such member.
        """
        profile = _checked(profile)
        async with self._db.begin() as session:
            row = await _row(session, staff_id)
            row.name, row.email, row.phone = profile.name, profile.email or None, profile.phone or None
            record(session, self._clock, by, "describe_staff", target=target(row.login))

    async def change_role(self, by: str, staff_id: int, role: Role, reason: str) -> None:
        """Give somebody another role, from their next request on.

        Raises:
            StaffRefused: ``own_account``, ``last_admin``, ``no_reason``.
            UnknownStaff: there is no such member.
        """
        async with self._db.begin() as session:
            row = await self._changeable(session, by, staff_id, reason, keeps_admin=role is Role.ADMIN)
            was, row.role = row.role, role
            record(
                session, self._clock, by, "change_role", target=target(row.login), detail=f"{was} → {role}", reason=reason,
            )

    async def disable(self, by: str, staff_id: int, reason: str) -> None:
        """Shut an account; its sessions end.

        Raises:
            StaffRefused: ``own_account``, ``last_admin``, ``no_reason``.
            UnknownStaff: there is no such member.
        """
        async with self._db.begin() as session:
            row = await self._changeable(session, by, staff_id, reason, keeps_admin=False)
            row.state = DISABLED
            await end_sessions(session, self._clock, row.id)
            record(session, self._clock, by, "disable_staff", target=target(row.login), reason=reason)

    async def enable(self, by: str, staff_id: int, reason: str) -> None:
        """Open a shut account again, with its password.

        Raises:
            StaffRefused: ``no_reason``.
            UnknownStaff: there is no such member.
        """
        _given(reason)
        async with self._db.begin() as session:
            row = await _row(session, staff_id)
            row.state, row.wrong_tries, row.locked_until = ACTIVE, 0, None
            record(session, self._clock, by, "enable_staff", target=target(row.login), reason=reason)

    async def reset_password(self, by: str, staff_id: int, reason: str) -> str:
        """A new first password, which must be changed; a lock is lifted, sessions end.

        Raises:
            StaffRefused: ``own_account``, ``no_reason``.
            UnknownStaff: there is no such member.
        """
        password = first_password(self._rules.password)
        password_hash = await hashed(password)
        async with self._db.begin() as session:
            row = await self._changeable(session, by, staff_id, reason, keeps_admin=True)
            row.password_hash, row.password_at, row.must_change = password_hash, self._clock.now(), True
            row.wrong_tries, row.locked_until = 0, None
            await end_sessions(session, self._clock, row.id)
            record(session, self._clock, by, "reset_staff_password", target=target(row.login), reason=reason)
        return password

    async def reset_totp(self, by: str, staff_id: int, reason: str) -> None:
        """Take away the second step of somebody whose phone is lost; sessions end.

        Raises:
            StaffRefused: ``own_account``, ``no_reason``.
            UnknownStaff: there is no such member.
        """
        async with self._db.begin() as session:
            row = await self._changeable(session, by, staff_id, reason, keeps_admin=True)
            row.totp_secret, row.totp_draft = None, None
            await end_sessions(session, self._clock, row.id)
            record(session, self._clock, by, "reset_staff_totp", target=target(row.login), reason=reason)

    async def unlock(self, by: str, staff_id: int, reason: str) -> None:
        """Lift a lock before its time.

        Raises:
            StaffRefused: ``no_reason``.
            UnknownStaff: there is no such member.
        """
        _given(reason)
        async with self._db.begin() as session:
            row = await _row(session, staff_id)
            row.wrong_tries, row.locked_until = 0, None
            record(session, self._clock, by, "unlock_staff", target=target(row.login), reason=reason)

    @staticmethod
    async def _changeable(session: AsyncSession, by: str, staff_id: int, reason: str, *, keeps_admin: bool) -> Staff:
        """The row, held; refused where it is one's own, or where no administrator would be left."""
        _given(reason)
        if not keeps_admin:
            # All administrators are held in one order, so that two who demote each other cannot both succeed.
            admins = set(await session.scalars(select(Staff.id).where(_admins()).order_by(Staff.id).with_for_update()))
            if admins == {staff_id}:
                raise StaffRefused("last_admin")
        row = await _row(session, staff_id)
        if row.login == by:
            raise StaffRefused("own_account")
        return row


def _admins() -> ColumnElement[bool]:
    return (Staff.role == Role.ADMIN) & (Staff.state == ACTIVE)


def _given(reason: str) -> None:
    if not reason.strip():
        raise StaffRefused("no_reason")


def _checked(profile: Profile) -> Profile:
    name, email, phone = profile.name.strip(), profile.email.strip(), profile.phone.strip()
    if not 0 < len(name) <= NAME_LENGTH:
        raise StaffRefused("bad_name")
    if email and not _EMAIL.fullmatch(email):
        raise StaffRefused("bad_email")
    if phone and not _PHONE.fullmatch(phone):
        raise StaffRefused("bad_phone")
    return Profile(name, email, phone)


async def _row(session: AsyncSession, staff_id: int) -> Staff:
    row = await locked_row(session, Staff.id == staff_id)
    if row is None:
        raise UnknownStaff
    return row
