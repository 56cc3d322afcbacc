"""How a customer proves that an account is theirs to see: text message codes, query passwords, tries and locks.

Every write holds the customer's row, so that what one customer does happens one after the other: parallel guesses are
counted one by one, and two requests for a code send one.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import Select, and_, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from runxia.masking import mask_phone
from runxia.utility import Security
from services.accounts.model import Purpose
from services.audit import record
from services.errors import CodeTooSoon, ExpiredCode, Locked, SystemUnavailable, TooManyCodes, WrongProof
from services.ports import Csms, Sms
from store.db import Database
from store.models import Binding, Customer, Lockout, SmsChallenge, VerifiedSession

# OWASP Password Storage Cheat Sheet, Argon2id: m=19 MiB, t=2, p=1.
_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
RECENT_CODES = 3  # of these many, the newest counts and the others are recognised as out of date
KEEP_CHALLENGES = timedelta(days=2)  # the daily limit looks back to midnight


async def lock_customer(session: AsyncSession, clock: Clock, openid: str) -> Customer:
    """The customer's row, made where there is none and held to the end of the transaction."""
    held = select(Customer).where(Customer.openid == openid).with_for_update()
    found = await session.scalar(held)
    if found is not None:
        return found
    now = clock.now()
    try:
        async with session.begin_nested():
            session.add(Customer(openid=openid, created_at=now, last_seen_at=now))
    except IntegrityError:  # somebody made it at the same moment
        pass
    return (await session.scalars(held)).one()


@dataclass(frozen=True, slots=True)
class RightCode:
    """A code that is right and not used up yet."""

    challenge_id: int
    phone: str


class Proofs:
    """Codes, passwords, tries, locks and verified sessions."""

    def __init__(self, db: Database, csms: Csms, sms: Sms, clock: Clock, rules: Security) -> None:
        self._db = db
        self._csms = csms
        self._sms = sms
        self._clock = clock
        self._rules = rules

    # --- sessions

    async def proven(self, openid: str, account_nos: Iterable[str]) -> set[str]:
        """Those of the accounts for which the customer has proved themselves not long ago."""
        async with self._db.read() as session:
            live = select(VerifiedSession.account_no).where(
                VerifiedSession.openid == openid, VerifiedSession.account_no.in_(list(account_nos)),
                VerifiedSession.until > self._clock.now(),
            )
            return set(await session.scalars(live))

    async def open_sessions(self, session: AsyncSession, openid: str, account_nos: Iterable[str]) -> None:
        """Start or extend verified sessions, forgive earlier wrong tries."""
        until = self._clock.now() + timedelta(minutes=self._rules.session_minutes)
        for account_no in account_nos:
            await session.merge(VerifiedSession(openid=openid, account_no=account_no, until=until))
            await self._forgive(session, openid, account_no)

    # --- codes

    async def send_code(self, openid: str, account_no: str, purpose: Purpose, phone: str) -> None:
        """Send a new code; an earlier one for the same purpose is void.

        Raises:
            CodeTooSoon: the last one, not used yet, is too young.
            TooManyCodes: the customer has had as many as a day allows, or strangers to the account have.
            Locked: too many wrong tries.
            SystemUnavailable: it could not be sent; nothing is counted.
        """
        code = "".join(secrets.choice("0123456789") for _ in range(self._rules.code_digits))
        code_hash = await asyncio.to_thread(_hasher.hash, code)
        async with self._db.begin() as session:
            await lock_customer(session, self._clock, openid)
            await self._refuse_locked(session, openid, account_no)
            await self._refuse_flood(session, openid, account_no, purpose, phone)
            now = self._clock.now()
            challenge = SmsChallenge(
                openid=openid, purpose=_scope(purpose, account_no), phone=phone, code_hash=code_hash, sent_at=now,
                expires_at=now + timedelta(minutes=self._rules.code_minutes),
            )
            session.add(challenge)
            record(session, self._clock, openid, "send_code", account_no, detail=purpose)
        try:
            await self._sms.send_code(phone, code, self._rules.code_minutes)
        except SystemUnavailable:
            async with self._db.begin() as session:
                await session.execute(delete(SmsChallenge).where(SmsChallenge.id == challenge.id))
                record(session, self._clock, openid, "send_code", account_no, "unavailable", purpose)
            raise

    async def _refuse_flood(
        self, session: AsyncSession, openid: str, account_no: str, purpose: Purpose, phone: str,
    ) -> None:
        now = self._clock.now()
        last = await session.scalar(self._recent(openid, account_no, purpose).limit(1))
        if last is not None and not last.used and last.phone == phone:
            wait = (last.sent_at + timedelta(seconds=self._rules.code_resend_seconds) - now).total_seconds()
            if wait > 0:
                raise CodeTooSoon(math.ceil(wait), mask_phone(phone))
        today = SmsChallenge.sent_at >= now.replace(hour=0, minute=0, second=0, microsecond=0)
        holders = list(await session.scalars(select(Binding.openid).where(Binding.account_no == account_no)))
        mine = SmsChallenge.openid == openid
        # Strangers share one allowance for an account: its owner is not pestered, and those who hold it are not shut out.
        scopes = [_scope(each, account_no) for each in Purpose]
        strangers = and_(SmsChallenge.purpose.in_(scopes), SmsChallenge.openid.not_in(holders))
        for whose in (mine,) if openid in holders else (mine, strangers):
            sent = await session.scalar(select(func.count()).select_from(SmsChallenge).where(whose, today))
            if (sent or 0) >= self._rules.codes_per_day:
                raise TooManyCodes

    async def check_code(self, openid: str, account_no: str, purpose: Purpose, code: str) -> RightCode:
        """Check a code without using it up: see :meth:`claim`.

        Raises:
            WrongProof: it is wrong. It counts as a try.
            Locked: too many wrong tries.
            ExpiredCode: it was right once, or there is none. It does not count.
        """
        left = await self._take_try(openid, account_no)
        async with self._db.read() as session:
            sent = list(await session.scalars(self._recent(openid, account_no, purpose).limit(RECENT_CODES)))
        matching = await asyncio.to_thread(_matching, sent, code)
        if matching is None and sent:
            await self._refuse_wrong(openid, account_no, left, "wrong_code")
        if matching is None or matching is not sent[0] or matching.used or matching.expires_at <= self._clock.now():
            await self.give_back_try(openid, account_no)
            raise ExpiredCode
        return RightCode(challenge_id=matching.id, phone=matching.phone)

    async def claim(self, session: AsyncSession, openid: str, account_no: str, right: RightCode) -> None:
        """Use up a code, in the transaction of what it allows.

        Raises:
            ExpiredCode: it was used meanwhile.
        """
        await lock_customer(session, self._clock, openid)
        unused = update(SmsChallenge).where(SmsChallenge.id == right.challenge_id, SmsChallenge.used.is_(False))
        if (await session.execute(unused.values(used=True).returning(SmsChallenge.id))).scalar() is None:
            raise ExpiredCode
        await self._forgive(session, openid, account_no)

    # --- passwords

    async def check_password(self, openid: str, account_no: str, password: str) -> None:
        """Ask CSMS whether a query password is right.

        Raises:
            WrongProof: it is not. It counts as a try.
            Locked: too many wrong tries.
            SystemUnavailable: CSMS does not answer. It does not count.
        """
        left = await self._take_try(openid, account_no)
        try:
            right = await self._csms.check_password(account_no, password)
        except SystemUnavailable:
            await self.give_back_try(openid, account_no)
            raise
        if not right:
            await self._refuse_wrong(openid, account_no, left, "wrong_password")

    # --- tries

    async def _take_try(self, openid: str, account_no: str) -> int:
        """Count a try before it is known to be wrong, so that tries made at once cannot outrun the lock; what is left."""
        async with self._db.begin() as session:
            await lock_customer(session, self._clock, openid)
            lockout = await self._refuse_locked(session, openid, account_no)
            now = self._clock.now()
            if lockout is None:
                lockout = Lockout(openid=openid, account_no=account_no, wrong=0)
                session.add(lockout)
            elif lockout.locked_until or now - lockout.last_try_at > self._lock_time:
                lockout.wrong, lockout.locked_until = 0, None
            lockout.wrong += 1
            lockout.last_try_at = now
            left = self._rules.wrong_tries - lockout.wrong
            if left <= 0:
                lockout.locked_until = now + self._lock_time
        return left

    async def give_back_try(self, openid: str, account_no: str) -> None:
        """Undo a counted try that turned out not to be a guess."""
        async with self._db.begin() as session:
            await lock_customer(session, self._clock, openid)
            lockout = await session.get(Lockout, (openid, account_no))
            if lockout is not None and lockout.wrong > 0:
                lockout.wrong, lockout.locked_until = lockout.wrong - 1, None

    async def _refuse_wrong(self, openid: str, account_no: str, left: int, outcome: str) -> None:
        async with self._db.begin() as session:
            record(session, self._clock, openid, "verify", account_no, outcome if left > 0 else "locked")
        if left <= 0:
            raise Locked(self._clock.now() + self._lock_time)
        raise WrongProof(left)

    async def _refuse_locked(self, session: AsyncSession, openid: str, account_no: str) -> Lockout | None:
        lockout = await session.get(Lockout, (openid, account_no))
        if lockout is not None and lockout.locked_until is not None and lockout.locked_until > self._clock.now():
            raise Locked(lockout.locked_until)
        return lockout

    @staticmethod
    async def _forgive(session: AsyncSession, openid: str, account_no: str) -> None:
        await session.execute(delete(Lockout).where(Lockout.openid == openid, Lockout.account_no == account_no))

    # --- housekeeping

    async def prune(self) -> int:
        """Drop codes and sessions that no rule looks at any more; how many."""
        now = self._clock.now()
        async with self._db.begin() as session:
            codes = delete(SmsChallenge).where(SmsChallenge.sent_at < now - KEEP_CHALLENGES).returning(SmsChallenge.id)
            over = delete(VerifiedSession).where(VerifiedSession.until <= now).returning(VerifiedSession.openid)
            calm = delete(Lockout).where(
                Lockout.last_try_at < now - self._lock_time,
                or_(Lockout.locked_until.is_(None), Lockout.locked_until <= now),
            ).returning(Lockout.openid)
            return sum([len((await session.execute(each)).all()) for each in (codes, over, calm)])

    @property
    def _lock_time(self) -> timedelta:
        return timedelta(minutes=self._rules.lock_minutes)

    @staticmethod
    def _recent(openid: str, account_no: str, purpose: Purpose) -> Select[SmsChallenge]:
        mine = (SmsChallenge.openid == openid, SmsChallenge.purpose == _scope(purpose, account_no))
        return select(SmsChallenge).where(*mine).order_by(SmsChallenge.id.desc())


def _scope(purpose: Purpose, account_no: str) -> str:
    return f"{purpose}:{account_no}"


def _matching(sent: list[SmsChallenge], code: str) -> SmsChallenge | None:
    for challenge in sent:
        try:
            _hasher.verify(challenge.code_hash, code)
        except VerifyMismatchError:
            continue
        return challenge
    return None
