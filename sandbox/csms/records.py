"""The rows of the billing system. Amounts are fen, readings and volumes m³."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sandbox.csms.ledger import Debt
from sandbox.csms.tariff import Line


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account. ``password`` is known here only because the demonstration tells it; CSMS keeps a hash."""

    account_no: str
    role: str
    owner: str
    phone: str | None
    email: str | None
    address: str
    state: str
    kind: str
    people: int
    meter_no: str
    bill_type: str
    cycle_months: int
    credit_fen: int
    password: str | None


@dataclass(frozen=True, slots=True)
class BillRecord:
    """A bill: what was read, what it costs, and how its debt stands."""

    bill_no: str
    account_no: str
    period: str
    start_on: date
    end_on: date
    previous_reading: Decimal
    current_reading: Decimal
    reading_kind: str
    lines: tuple[Line, ...]
    issued_on: date
    debt: Debt

    @property
    def volume(self) -> Decimal:
        """What was used, m³."""
        return self.current_reading - self.previous_reading


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    """Money booked on a bill, or kept as credit where ``bill_no`` is none."""

    payment_no: str
    account_no: str
    bill_no: str | None
    period: str | None
    amount_fen: int
    channel: str
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class Books:
    """Everything in the billing system."""

    accounts: tuple[AccountRecord, ...]
    bills: tuple[BillRecord, ...]
    payments: tuple[PaymentRecord, ...]
