"""What the account services tell their callers. Everything personal in here is masked, ready to be shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from runxia.masking import mask_account_no, mask_address, mask_name, mask_phone
from services.ports import Account
from store.models import Binding

TAIL_DIGITS = 4


class Purpose(StrEnum):
    """What a text message code is good for; a code for one purpose is no good for another."""

    VERIFY = "verify"  # binding, and seeing or changing what is bound: it proves the phone on file
    PHONE = "phone"  # the new phone of an account: it goes to that phone
    EMAIL = "email"  # the new e-mail address of an account: it goes to the phone on file


@dataclass(frozen=True, slots=True)
class BoundAccount:
    """An account that the customer has bound. ``owner`` and ``address`` are masked."""

    account_no: str
    alias: str | None
    owner: str
    address: str
    is_default: bool

    @property
    def tail(self) -> str:
        """``尾号3004``."""
        return f"尾号{self.account_no[-TAIL_DIGITS:]}"

    @property
    def label(self) -> str:
        """What to call it in answers: the customer's own name for it, else the masked address and the last digits."""
        return self.alias or f"{self.address}（{self.tail}）"

    @property
    def short_label(self) -> str:
        """The same for a button: the alias or the last digits."""
        return self.alias or self.tail

    @property
    def masked_no(self) -> str:
        """``1002**3004``."""
        return mask_account_no(self.account_no)

    @classmethod
    def of(cls, binding: Binding) -> BoundAccount:
        """From its row."""
        return cls(
            account_no=binding.account_no, alias=binding.alias, owner=mask_name(binding.owner),
            address=mask_address(binding.address), is_default=binding.is_default,
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """What somebody who is not verified may see of an account, to recognise their own. All masked."""

    account_no: str
    owner: str
    address: str
    phone: str | None
    has_password: bool

    @classmethod
    def of(cls, account: Account) -> Preview:
        """From the account in CSMS."""
        return cls(
            account_no=account.account_no, owner=mask_name(account.owner), address=mask_address(account.address),
            phone=mask_phone(account.phone) if account.phone else None, has_password=account.has_password,
        )
