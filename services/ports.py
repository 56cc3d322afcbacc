"""What services need from the outside world. Connectors implement these; fakes of ten lines stand in for tests.

Every method may raise :class:`services.errors.SystemUnavailable`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class AccountState(StrEnum):
    """Whether an account takes water."""

    ACTIVE = "active"
    STOPPED = "stopped"
    CLOSED = "closed"


class BillType(StrEnum):
    """How the customer gets the bill."""

    ELECTRONIC = "electronic"
    BOTH = "both"
    PAPER = "paper"


@dataclass(frozen=True, slots=True)
class Account:
    """A utility account as CSMS holds it. Names, phone and address are in clear: mask before showing."""

    account_no: str
    owner: str
    phone: str | None
    email: str | None
    address: str
    state: AccountState
    kind: str  # residential | commercial | special
    people: int
    meter_no: str
    bill_type: BillType
    cycle_months: int
    has_password: bool
    credit_fen: int = 0


class BillStatus(StrEnum):
    """Where a bill stands."""

    UNPAID = "unpaid"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    DISPUTED = "disputed"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a bill. ``kind``: water | sewage | resource_fee | late_fee | discount; ``tier`` for tiered water."""

    kind: str
    amount_fen: int
    tier: int | None = None
    volume: Decimal | None = None
    price: Decimal | None = None  # yuan per m³


@dataclass(frozen=True, slots=True)
class Bill:
    """One bill. Volumes in m³; ``period`` is its month, ``2026-08``, the last month that the reading covers."""

    bill_no: str
    account_no: str
    period: str
    start: date
    end: date
    previous_reading: Decimal
    current_reading: Decimal
    volume: Decimal
    reading_kind: str  # actual | estimated | customer
    lines: tuple[BillLine, ...]
    amount_fen: int
    paid_fen: int
    status: BillStatus
    issued_on: date
    due_on: date

    @property
    def outstanding_fen(self) -> int:
        """What is still to be paid; a disputed or void bill owes nothing for now."""
        if self.status in (BillStatus.DISPUTED, BillStatus.VOID):
            return 0
        return max(self.amount_fen - self.paid_fen, 0)

    @property
    def days(self) -> int:
        """Days from the previous to the current reading."""
        return (self.end - self.start).days


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that CSMS has booked."""

    payment_no: str
    account_no: str
    bill_no: str | None
    period: str | None
    amount_fen: int
    channel: str  # wechat | alipay | bank | counter | credit
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class TierUse:
    """How much of one tier has been used this year. ``limit``: width of the tier in m³, none for the last."""

    tier: int
    used: Decimal
    limit: Decimal | None
    price: Decimal


@dataclass(frozen=True, slots=True)
class TierUsage:
    """Use of the tariff year so far."""

    account_no: str
    year: int
    as_of: date
    total: Decimal
    tiers: tuple[TierUse, ...]


@dataclass(frozen=True, slots=True)
class LineResult:
    """What CSMS did with one bill of a payment. ``result``: applied | already_paid | rejected."""

    bill_no: str
    result: str
    applied_fen: int


@dataclass(frozen=True, slots=True)
class Prepaid:
    """What CSMS did with money paid in advance. ``result``: applied | rejected; ``credit_fen``: the credit afterwards."""

    result: str
    credit_fen: int


class Csms(Protocol):
    """The billing system."""

    async def account(self, account_no: str) -> Account | None:
        """The account, or none."""
        ...

    async def check_password(self, account_no: str, password: str) -> bool:
        """Whether the query password is right."""
        ...

    async def set_password(self, account_no: str, password: str) -> None:
        """Set the query password."""
        ...

    async def set_contact(self, account_no: str, *, phone: str | None = None, email: str | None = None) -> None:
        """Change phone or e-mail address."""
        ...

    async def set_bill_type(self, account_no: str, bill_type: BillType) -> None:
        """Change how bills are delivered."""
        ...

    async def bills(self, account_no: str, *, since: str | None = None, until: str | None = None) -> Sequence[Bill]:
        """Bills of the months ``since`` to ``until`` (``2026-08``, both included), newest first; without bounds, the
        last 36 months.
        """
        ...

    async def bill(self, bill_no: str) -> Bill | None:
        """One bill, or none."""
        ...

    async def payments(self, account_no: str, *, since: date | None = None, until: date | None = None) -> Sequence[Payment]:
        """Payments booked, newest first."""
        ...

    async def tier_usage(self, account_no: str) -> TierUsage | None:
        """Use of the tariff year so far; none for accounts without tiers."""
        ...

    async def record_payment(
        self, out_trade_no: str, transaction_id: str, paid_at: datetime, lines: Sequence[tuple[str, int]],
        *, keep_excess: bool,
    ) -> Sequence[LineResult]:
        """Book a payment on bills: pairs of bill number and fen. The same ``out_trade_no`` again changes nothing and gives
        the same result. ``keep_excess``: money for a bill that was paid meanwhile becomes the account's credit.
        """
        ...

    async def record_prepayment(
        self, out_trade_no: str, transaction_id: str, paid_at: datetime, account_no: str, amount_fen: int,
    ) -> Prepaid:
        """Book money paid in advance as the account's credit, which CSMS uses for its next bills. The same
        ``out_trade_no`` again changes nothing and gives the same result. Rejected where the account takes no money any more.
        """
        ...

    async def hand_over_reconciliation(self, day: date, content: bytes) -> None:
        """Hand over one day's reconciliation file (CSV, UTF-8); the same day again replaces it."""
        ...


class Sms(Protocol):
    """The text message provider."""

    async def send_code(self, phone: str, code: str, minutes: int) -> None:
        """Send a verification code that is good for ``minutes``."""
        ...


class Mail(Protocol):
    """The mail server."""

    async def send(self, to: str, subject: str, text: str) -> None:
        """Send plain text to one address."""
        ...


@dataclass(frozen=True, slots=True)
class Transaction:
    """A payment as WeChat Pay tells it. ``state``: SUCCESS, NOTPAY, CLOSED, REFUND, PAYERROR, USERPAYING, REVOKED."""

    out_trade_no: str
    state: str
    transaction_id: str | None = None
    amount_fen: int = 0
    paid_at: datetime | None = None
    openid: str | None = None


@dataclass(frozen=True, slots=True)
class RefundResult:
    """A refund as WeChat Pay tells it. ``state``: SUCCESS, PROCESSING, CLOSED, ABNORMAL."""

    out_refund_no: str
    state: str


class Pay(Protocol):
    """WeChat Pay, JSAPI."""

    async def prepay(self, out_trade_no: str, description: str, amount_fen: int, openid: str, expires_at: datetime) -> str:
        """Make the order at WeChat Pay; its ``prepay_id``. Safe to repeat with the same facts."""
        ...

    def jsapi_parameters(self, prepay_id: str) -> dict[str, str]:
        """What the page hands to WeixinJSBridge, signed."""
        ...

    async def query(self, out_trade_no: str) -> Transaction | None:
        """The order as WeChat Pay has it, or none where it never heard of it."""
        ...

    async def close(self, out_trade_no: str) -> None:
        """Close an unpaid order.

        Raises:
            OrderPaid: it has been paid meanwhile.
        """
        ...

    async def refund(self, out_trade_no: str, out_refund_no: str, amount_fen: int, total_fen: int, reason: str) -> RefundResult:
        """Send money back. Safe to repeat with the same ``out_refund_no``."""
        ...

    async def statement(self, day: date) -> bytes | None:
        """The day's transaction statement, its SHA1 verified; none where there was no trade."""
        ...

    def parse_callback(self, headers: Mapping[str, str], body: bytes) -> Transaction | RefundResult:
        """Verify and decrypt what WeChat Pay posted: a payment, or the end of a refund.

        Raises:
            CallbackRefused: forged, stale, malformed, or meant for another merchant.
        """
        ...
