"""Binding accounts, naming them, choosing between them, and changing what CSMS holds about them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence

from sqlalchemy import Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from runxia.masking import mask_phone
from runxia.utility import Utility
from services.accounts.model import TAIL_DIGITS, BoundAccount, Preview, Purpose
from services.accounts.proof import Proofs, RightCode, lock_customer
from services.accounts.rules import check_password, clean_alias
from services.audit import record
from services.errors import (
    AliasRefused,
    AlreadyBound,
    ClosedAccount,
    ExpiredCode,
    NoPassword,
    NoPhone,
    NotBound,
    NotVerified,
    SystemUnavailable,
    TooManyBindings,
    TooManyLookUps,
    UnknownAccount,
)
from services.ports import Account, AccountState, BillType, Csms, Sms
from store.db import Database
from store.kv import Store
from store.models import Binding, VerifiedSession

# Enough for a landlord with a bundle of bills; too few to walk through the account numbers.
LOOK_UPS = 20
LOOK_UP_SECONDS = 3600
_TAIL = re.compile(rf"(?:尾号|末{TAIL_DIGITS}位|后{TAIL_DIGITS}位)[是为:：]?\s*(\d{{{TAIL_DIGITS}}})(?!\d)")


class Accounts:
    """The accounts of the customers. CSMS is the truth for owner, phone and password; bindings and proofs are ours."""

    def __init__(self, db: Database, kv: Store, csms: Csms, sms: Sms, clock: Clock, utility: Utility) -> None:
        self._db = db
        self._kv = kv
        self._csms = csms
        self._clock = clock
        self._utility = utility
        self._proofs = Proofs(db, csms, sms, clock, utility.security)

    # --- which accounts

    async def bindings(self, openid: str) -> list[BoundAccount]:
        """The customer's accounts: the default one first, then in the order bound."""
        async with self._db.read() as session:
            return [BoundAccount.of(binding) for binding in await session.scalars(_bindings(openid))]

    async def addresses(self, openid: str) -> dict[str, str]:
        """The full address of each of the customer's accounts: to be compared with, never to be shown."""
        async with self._db.read() as session:
            return {binding.account_no: binding.address for binding in await session.scalars(_bindings(openid))}

    async def pick(self, openid: str, account_nos: Sequence[str], text: str = "", focus: str | None = None) -> BoundAccount:
        """The account in question among the customer's; see :func:`choose`.

        Raises:
            NotBound: a number was named that is not one of this customer's, or they have none.
        """
        return choose(await self.bindings(openid), account_nos, text, focus)

    async def preview(self, openid: str, account_no: str) -> Preview:
        """What CSMS now holds about a bound account, masked.

        Raises:
            NotBound: it is not one of this customer's.
            UnknownAccount: CSMS no longer knows it.
        """
        await self._bound(openid, account_no)
        return Preview.of(await self._known(account_no))

    # --- who may see them

    async def is_verified(self, openid: str, account_no: str) -> bool:
        """Whether sensitive data of a bound account may be shown now, by ``security.sensitive_rule``."""
        if self._utility.security.sensitive_rule == "bound_device":
            return any(account.account_no == account_no for account in await self.bindings(openid))
        return await self.is_proven(openid, account_no)

    async def is_proven(self, openid: str, account_no: str) -> bool:
        """Whether the customer gave a right code or password for the account within ``security.session_minutes``."""
        return account_no in await self._proofs.proven(openid, [account_no])

    async def send_code(self, openid: str, account_no: str, purpose: Purpose = Purpose.VERIFY, phone: str | None = None) -> str:
        """Send a code to the phone on file, or for :attr:`Purpose.PHONE` to the new ``phone``; the phone, masked.

        Raises:
            NoPhone: there is no phone on file.
            UnknownAccount: there is no such account.
            CodeTooSoon, TooManyCodes, Locked: see :meth:`Proofs.send_code`.
        """
        account = await self._known(account_no)
        to = phone if purpose is Purpose.PHONE else account.phone
        if not to:
            raise NoPhone
        await self._proofs.send_code(openid, account_no, purpose, to)
        return mask_phone(to)

    async def prove_by_code(self, openid: str, account_no: str, code: str, also: Sequence[str] = ()) -> list[str]:
        """Prove an account by the code sent to its phone; the accounts proven by it.

        Holding the phone proves as well each of the customer's bound accounts, and of those in ``also`` (about to be
        bound), that has the same phone on file.

        Raises:
            WrongProof, ExpiredCode, Locked: see :meth:`Proofs.check_code`.
        """
        right = await self._proofs.check_code(openid, account_no, Purpose.VERIFY, code)
        others = [account.account_no for account in await self.bindings(openid)]
        candidates = list(dict.fromkeys([account_no, *also, *others]))
        try:
            held = await asyncio.gather(*(self._csms.account(number) for number in candidates))
        except SystemUnavailable:
            await self._proofs.give_back_try(openid, account_no)
            raise
        proven = [account.account_no for account in held if account is not None and account.phone == right.phone]
        if account_no not in proven:  # the phone on file was changed after the code was sent
            await self._proofs.give_back_try(openid, account_no)
            raise ExpiredCode
        async with self._db.begin() as session:
            await self._proofs.claim(session, openid, account_no, right)
            await self._proofs.open_sessions(session, openid, proven)
            record(session, self._clock, openid, "verify", account_no, detail="code")
        return proven

    async def prove_by_password(self, openid: str, account_no: str, password: str) -> list[str]:
        """Prove an account, and only that one, by its query password; the accounts proven by it.

        Raises:
            NoPassword: the account has none.
            WrongProof, Locked: see :meth:`Proofs.check_password`.
        """
        if not (await self._known(account_no)).has_password:
            raise NoPassword
        await self._proofs.check_password(openid, account_no, password)
        async with self._db.begin() as session:
            await lock_customer(session, self._clock, openid)
            await self._proofs.open_sessions(session, openid, [account_no])
            record(session, self._clock, openid, "verify", account_no, detail="password")
        return [account_no]

    # --- binding

    async def look_up(self, openid: str, account_no: str) -> Preview:
        """What somebody who wants to bind an account may see of it.

        Raises:
            AlreadyBound: this customer has it.
            TooManyBindings: the customer or the account has no room for one more.
            TooManyLookUps: this customer has asked for too many.
            UnknownAccount: there is no such account.
            ClosedAccount: it was closed.
        """
        bound = await self.bindings(openid)
        if any(account.account_no == account_no for account in bound):
            raise AlreadyBound
        if len(bound) >= self._utility.limits.accounts_per_customer:
            raise TooManyBindings("customer")
        if await self._kv.incr(f"look_ups:{openid}", LOOK_UP_SECONDS) > LOOK_UPS:
            await self._audit(openid, "look_up", account_no, "too_many")
            raise TooManyLookUps
        try:
            account = await self._open_account(account_no)
        except (UnknownAccount, ClosedAccount) as error:
            await self._audit(openid, "look_up", account_no, "closed" if isinstance(error, ClosedAccount) else "unknown")
            raise
        async with self._db.read() as session:
            await self._refuse_crowd(session, account_no)
        await self._audit(openid, "look_up", account_no)
        return Preview.of(account)

    async def bind(self, openid: str, account_nos: Sequence[str]) -> list[BoundAccount]:
        """Bind accounts that the customer has just proved; all or none. One that is bound already stays as it is.

        Raises:
            NotVerified: one of them is not proven, or was too long ago.
            TooManyBindings, UnknownAccount, ClosedAccount: as for :meth:`look_up`.
        """
        if await self._proofs.proven(openid, account_nos) != set(account_nos):
            raise NotVerified
        accounts = await asyncio.gather(*(self._open_account(account_no) for account_no in account_nos))
        async with self._db.begin() as session:
            await lock_customer(session, self._clock, openid)
            bound = {binding.account_no: binding for binding in await session.scalars(_bindings(openid))}
            new = [account for account in accounts if account.account_no not in bound]
            if len(bound) + len(new) > self._utility.limits.accounts_per_customer:
                raise TooManyBindings("customer")
            for account in new:
                await self._refuse_crowd(session, account.account_no)
                bound[account.account_no] = self._add(session, openid, account, is_default=not bound)
        return [BoundAccount.of(bound[account_no]) for account_no in account_nos]

    def _add(self, session: AsyncSession, openid: str, account: Account, *, is_default: bool) -> Binding:
        binding = Binding(
            openid=openid, account_no=account.account_no, alias=None, owner=account.owner, address=account.address,
            is_default=is_default, created_at=self._clock.now(),
        )
        session.add(binding)
        record(session, self._clock, openid, "bind", account.account_no)
        return binding

    async def unbind(self, openid: str, account_no: str) -> BoundAccount | None:
        """Let go of an account, and of the right to see it; the default account from now on, if one is left.

        Raises:
            NotBound: it is not one of this customer's.
        """
        async with self._db.begin() as session:
            await lock_customer(session, self._clock, openid)
            binding = await _binding(session, openid, account_no)
            await session.delete(binding)
            await session.execute(
                delete(VerifiedSession).where(VerifiedSession.openid == openid, VerifiedSession.account_no == account_no),
            )
            await session.flush()
            heir = await session.scalar(_bindings(openid).limit(1))
            if heir is not None:
                heir.is_default = True
            record(session, self._clock, openid, "unbind", account_no)
        return BoundAccount.of(heir) if heir is not None else None

    async def set_default(self, openid: str, account_no: str) -> BoundAccount:
        """Make an account the one that is meant when none is named.

        Raises:
            NotBound: it is not one of this customer's.
        """
        async with self._db.begin() as session:
            await lock_customer(session, self._clock, openid)
            chosen = await _binding(session, openid, account_no)
            for binding in await session.scalars(_bindings(openid)):
                binding.is_default = binding.account_no == account_no
            record(session, self._clock, openid, "set_default", account_no)
        return BoundAccount.of(chosen)

    async def set_alias(self, openid: str, account_no: str, alias: str) -> BoundAccount:
        """Call an account by the customer's own name for it.

        Raises:
            NotBound: it is not one of this customer's.
            AliasRefused: see :func:`clean_alias`; or ``taken`` by another of this customer's accounts.
        """
        alias = clean_alias(alias)
        async with self._db.begin() as session:
            await lock_customer(session, self._clock, openid)
            chosen = await _binding(session, openid, account_no)
            for binding in await session.scalars(_bindings(openid)):
                if binding.alias == alias and binding.account_no != account_no:
                    raise AliasRefused("taken")
            chosen.alias = alias
            record(session, self._clock, openid, "set_alias", account_no)
        return BoundAccount.of(chosen)

    # --- what CSMS holds about them

    async def change_phone(self, openid: str, account_no: str, phone: str, code: str) -> None:
        """Put a new mobile phone on file, by the code that was sent to it.

        Raises:
            NotBound, NotVerified: the customer may not change this account now.
            WrongProof, ExpiredCode, Locked: see :meth:`Proofs.check_code`.
        """
        await self._may_change(openid, account_no)
        right = await self._proofs.check_code(openid, account_no, Purpose.PHONE, code)
        if right.phone != phone:
            await self._proofs.give_back_try(openid, account_no)
            raise ExpiredCode
        await self._change_contact(openid, account_no, right, phone=phone)

    async def change_email(self, openid: str, account_no: str, email: str, code: str) -> None:
        """Put a new e-mail address on file, by a code sent to the phone on file.

        Raises:
            NotBound, NotVerified: the customer may not change this account now.
            WrongProof, ExpiredCode, Locked: see :meth:`Proofs.check_code`.
        """
        await self._may_change(openid, account_no)
        right = await self._proofs.check_code(openid, account_no, Purpose.EMAIL, code)
        await self._change_contact(openid, account_no, right, email=email)

    async def _change_contact(
        self, openid: str, account_no: str, right: RightCode, *, phone: str | None = None, email: str | None = None,
    ) -> None:
        # The change comes before the code is used up: the code allows this one value only, so that doing it again after
        # a failure changes nothing else, and the customer need not ask for another code.
        try:
            await self._csms.set_contact(account_no, phone=phone, email=email)
        except SystemUnavailable:
            await self._proofs.give_back_try(openid, account_no)
            await self._audit(openid, "change_contact", account_no, "unavailable")
            raise
        async with self._db.begin() as session:
            await self._proofs.claim(session, openid, account_no, right)
            record(session, self._clock, openid, "change_contact", account_no, detail="phone" if phone else "email")

    async def check_new_password(self, openid: str, account_no: str, password: str) -> None:
        """Check the strength of a new query password, before the customer types it once more.

        Raises:
            NotBound: it is not one of this customer's.
            WeakPassword: see :func:`check_password`.
        """
        await self._bound(openid, account_no)
        check_password(password, await self._known(account_no), self._utility.security.password)

    async def set_password(self, openid: str, account_no: str, password: str) -> None:
        """Set the query password.

        Raises:
            NotBound, NotVerified: the customer may not change this account now.
            WeakPassword: see :func:`check_password`.
        """
        await self._may_change(openid, account_no)
        await self.check_new_password(openid, account_no, password)
        await self._csms.set_password(account_no, password)
        await self._audit(openid, "set_password", account_no)

    async def set_bill_type(self, openid: str, account_no: str, bill_type: BillType) -> None:
        """Choose how bills are delivered.

        Raises:
            NotBound, NotVerified: the customer may not change this account now.
        """
        await self._bound(openid, account_no)
        if not await self.is_verified(openid, account_no):
            raise NotVerified
        await self._csms.set_bill_type(account_no, bill_type)
        await self._audit(openid, "set_bill_type", account_no, detail=bill_type)

    # --- housekeeping

    async def prune(self) -> int:
        """Drop codes, sessions and counts of tries that are over; how many."""
        return await self._proofs.prune()

    # --- what these share

    async def _bound(self, openid: str, account_no: str) -> None:
        async with self._db.read() as session:
            await _binding(session, openid, account_no)

    async def _may_change(self, openid: str, account_no: str) -> None:
        await self._bound(openid, account_no)
        if not await self.is_proven(openid, account_no):
            raise NotVerified

    async def _known(self, account_no: str) -> Account:
        account = await self._csms.account(account_no)
        if account is None:
            raise UnknownAccount
        return account

    async def _open_account(self, account_no: str) -> Account:
        account = await self._known(account_no)
        if account.state is AccountState.CLOSED:
            raise ClosedAccount
        return account

    async def _refuse_crowd(self, session: AsyncSession, account_no: str) -> None:
        held = select(func.count()).select_from(Binding).where(Binding.account_no == account_no)
        if (await session.scalar(held) or 0) >= self._utility.limits.customers_per_account:
            raise TooManyBindings("account")

    async def _audit(self, openid: str, action: str, account_no: str, outcome: str = "ok", detail: str | None = None) -> None:
        async with self._db.begin() as session:
            record(session, self._clock, openid, action, account_no, outcome, detail)


def choose(
    bound: Sequence[BoundAccount], account_nos: Sequence[str], text: str = "", focus: str | None = None,
) -> BoundAccount:
    """The account in question: the number named, else an alias or 尾号 in ``text``, else ``focus``, else the first.

    Raises:
        NotBound: a number was named that is not among ``bound``, or there is none.
    """
    by_number = {account.account_no: account for account in bound}
    if not bound or not all(number in by_number for number in account_nos):
        raise NotBound
    if account_nos:
        return by_number[account_nos[0]]
    return named_in(text, bound) or by_number.get(focus or "") or bound[0]


def named_in(text: str, accounts: Iterable[BoundAccount]) -> BoundAccount | None:
    """The account that ``text`` speaks of by its alias (the longest that fits) or its last digits."""
    found = [account for account in accounts if account.alias and account.alias in text]
    if found:
        return max(found, key=lambda account: len(account.alias or ""))
    tail = _TAIL.search(text)
    ending = [account for account in accounts if tail and account.account_no.endswith(tail.group(1))]
    return ending[0] if len(ending) == 1 else None


def _bindings(openid: str) -> Select[Binding]:
    return select(Binding).where(Binding.openid == openid).order_by(Binding.is_default.desc(), Binding.id)


async def _binding(session: AsyncSession, openid: str, account_no: str) -> Binding:
    found = await session.scalar(_bindings(openid).where(Binding.account_no == account_no))
    if found is None:
        raise NotBound
    return found
