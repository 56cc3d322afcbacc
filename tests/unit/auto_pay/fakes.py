"""WeChat Pay's contracts and the billing system's list of them, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from services.auto_pay import Contract
from services.errors import SystemUnavailable


@dataclass
class FakePapay:
    """WeChat Pay's contracts in a dictionary."""

    now: datetime
    offered: bool = True
    down: bool = False
    contracts: dict[str, Contract] = field(default_factory=dict)
    terminated: list[str] = field(default_factory=list)

    def sign_url(self, contract_code: str, serial: int, shown_as: str) -> str:
        """See :class:`services.auto_pay.ports.Papay`."""
        return f"https://pay.example/{contract_code}?{shown_as}"

    async def query(self, contract_code: str) -> Contract | None:
        """See :class:`services.auto_pay.ports.Papay`."""
        self._check()
        return self.contracts.get(contract_code)

    async def terminate(self, contract_id: str, reason: str) -> None:
        """See :class:`services.auto_pay.ports.Papay`."""
        self._check()
        self.terminated.append(contract_id)

    def parse_callback(self, body: bytes) -> Contract:
        """See :class:`services.auto_pay.ports.Papay`."""
        code, change, openid = body.decode().split()
        return Contract(code, f"W{code}", change == "ADD", openid, self.now)

    def _check(self) -> None:
        if self.down:
            raise SystemUnavailable("pay")


@dataclass
class FakeDebitDesk:
    """Keeps what it is told."""

    told: list[tuple[str, bool]] = field(default_factory=list)
    down: bool = False

    async def set_contract(
        self, account_no: str, contract_code: str, contract_id: str, *, active: bool, since: datetime,
    ) -> None:
        """See :class:`services.auto_pay.ports.DebitDesk`."""
        if self.down:
            raise SystemUnavailable("csms")
        self.told.append((account_no, active))
