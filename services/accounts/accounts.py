"""Binding accounts, naming them, choosing between them, and changing what CSMS holds about them."""

from __future__ import annotations

from collections.abc import Sequence

from runxia.clock import Clock
from runxia.utility import Utility
from services.accounts.model import BoundAccount, Preview, Purpose
from services.ports import Account, BillType, Csms, Sms
from store.db import Database
from store.kv import Store


class Accounts:
    """The accounts of the customers."""

    def __init__(self, db: Database, kv: Store, csms: Csms, sms: Sms, clock: Clock, utility: Utility) -> None: ...

    async def bindings(self, openid: str) -> list[BoundAccount]:
        """The customer's accounts, the default one first, then the oldest binding first."""
        raise NotImplementedError

    async def pick(self, openid: str, account_nos: Sequence[str], text: str = "", focus: str | None = None) -> BoundAccount:
        """The account in question: the number named, else an alias or 尾号 in the text, else ``focus``, else the default.

        Raises:
            NotBound: a number was named that is not bound, or nothing is bound.
        """
        raise NotImplementedError

    async def is_verified(self, openid: str, account_no: str) -> bool:
        """Whether sensitive data of a bound account may be shown now, by ``security.sensitive_rule``."""
        raise NotImplementedError

    async def is_proven(self, openid: str, account_no: str) -> bool:
        """Whether the customer gave a code or password for the account within ``security.session_minutes``."""
        raise NotImplementedError

    async def look_up(self, openid: str, account_no: str) -> Preview:
        """Raises UnknownAccount, ClosedAccount, AlreadyBound, TooManyBindings, TooManyLookUps."""
        raise NotImplementedError

    async def preview(self, openid: str, account_no: str) -> Preview:
        """A bound account's preview, from CSMS (masked phone, whether there is a password). Raises NotBound."""
        raise NotImplementedError

    async def send_code(self, openid: str, account_no: str, purpose: Purpose = Purpose.VERIFY, phone: str | None = None) -> str:
        """Send a code; the masked phone. Raises NoPhone, CodeTooSoon, TooManyCodes, Locked."""
        raise NotImplementedError

    async def prove_by_code(self, openid: str, account_no: str, code: str, also: Sequence[str] = ()) -> list[str]:
        """Raises WrongProof, ExpiredCode, Locked. The account numbers that are proven now."""
        raise NotImplementedError

    async def prove_by_password(self, openid: str, account_no: str, password: str) -> list[str]:
        """Raises WrongProof, NoPassword, Locked."""
        raise NotImplementedError

    async def bind(self, openid: str, account_nos: Sequence[str]) -> list[BoundAccount]:
        """Bind what is proven. Raises NotVerified, ClosedAccount, UnknownAccount, TooManyBindings."""
        raise NotImplementedError

    async def unbind(self, openid: str, account_no: str) -> BoundAccount | None:
        """Unbind; the default account now, or none. Raises NotBound."""
        raise NotImplementedError

    async def set_alias(self, openid: str, account_no: str, alias: str | None) -> BoundAccount:
        """Raises NotBound, AliasRefused."""
        raise NotImplementedError

    async def set_default(self, openid: str, account_no: str) -> BoundAccount:
        """Raises NotBound."""
        raise NotImplementedError

    async def change_phone(self, openid: str, account_no: str, phone: str, code: str) -> None:
        """Raises NotBound, NotVerified, WrongProof, ExpiredCode, Locked."""
        raise NotImplementedError

    async def change_email(self, openid: str, account_no: str, email: str, code: str) -> None:
        """Raises NotBound, NotVerified, WrongProof, ExpiredCode, Locked."""
        raise NotImplementedError

    async def set_password(self, openid: str, account_no: str, password: str) -> None:
        """Raises NotBound, NotVerified, WeakPassword."""
        raise NotImplementedError

    async def set_bill_type(self, openid: str, account_no: str, bill_type: BillType) -> None:
        """Raises NotBound."""
        raise NotImplementedError

    async def account(self, openid: str, account_no: str) -> Account:
        """The bound account as CSMS holds it, in clear. Raises NotBound, UnknownAccount."""
        raise NotImplementedError
