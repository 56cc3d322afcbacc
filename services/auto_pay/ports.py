"""What direct debit needs from the outside: contracts at WeChat Pay (委托代扣), and the billing system that debits by them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract as WeChat Pay tells it. ``contract_id`` is WeChat Pay's, ``contract_code`` ours."""

    contract_code: str
    contract_id: str
    active: bool
    openid: str
    changed_at: datetime


class Papay(Protocol):
    """WeChat Pay's contracts for direct debit. Every method that asks may raise ``SystemUnavailable("pay")``."""

    @property
    def offered(self) -> bool:
        """Whether the utility has a contract template at WeChat Pay at all."""
        ...

    def sign_url(self, contract_code: str, serial: int, shown_as: str) -> str:
        """Where the customer signs, inside WeChat; good for minutes. ``serial`` is unique, ``shown_as`` names the account."""
        ...

    async def query(self, contract_code: str) -> Contract | None:
        """The contract as WeChat Pay has it, or none where it was never signed."""
        ...

    async def terminate(self, contract_id: str, reason: str) -> None:
        """End a contract. Safe to repeat."""
        ...

    def parse_callback(self, body: bytes) -> Contract:
        """Verify what WeChat Pay posted: a contract was signed or has ended.

        Raises:
            CallbackRefused: forged, malformed, or meant for another merchant.
        """
        ...


class DebitDesk(Protocol):
    """The part of the billing system that debits."""

    async def set_contract(
        self, account_no: str, contract_code: str, contract_id: str, *, active: bool, since: datetime,
    ) -> None:
        """Tell how the account's contract stands. Safe to repeat.

        Raises:
            SystemUnavailable: CSMS does not answer.
            UnknownAccount, ClosedAccount: there is nothing to debit for.
        """
        ...
