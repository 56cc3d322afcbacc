"""Stand-ins for the outside systems: small, in memory, and able to fail on demand.

Each fake implements a Protocol of :mod:`services.ports`. ``fake.failures`` holds what the next calls raise: push
``SystemUnavailable("csms")`` once for one failing call, or set ``fake.down = True`` for a system that stays away.
``fake.lost_answer = True`` makes the next writing call do its work and then fail, as a time-out after the fact does.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from runxia.clock import SHANGHAI
from services.errors import OrderPaid, SystemUnavailable
from services.ports import (
    Account,
    AccountState,
    Bill,
    BillLine,
    BillStatus,
    BillType,
    LineResult,
    Payment,
    Prepaid,
    RefundResult,
    TierUsage,
    TierUse,
    Transaction,
)
from services.website import Measurement, OutageKind, OutageNotice, Published, QualityReport

PASSWORD = "Lin2Jiang"
PHONE = "13900000001"
ROLES = (
    "ordinary", "arrears", "neighbour_a", "neighbour_b", "leak", "estimated", "disputed", "partly_paid", "no_bills",
    "closed", "stopped", "no_phone", "no_password", "paid_up", "credit", "commercial",
)


def number_of(role: str) -> str:
    """The account number that :func:`sample_csms` gives to a role: ``1000000001`` and on, in the order of ``ROLES``."""
    return f"{1_000_000_001 + ROLES.index(role)}"


def account(account_no: str = "1000000001", **changes: object) -> Account:
    """An ordinary residential account, changed by keyword."""
    usual = Account(
        account_no=account_no, owner="林小满", phone=PHONE, email=None, address="滨江区云栖路88号3栋502室",
        state=AccountState.ACTIVE, kind="residential", people=3, meter_no=f"LJ{account_no[-8:]}",
        bill_type=BillType.ELECTRONIC, cycle_months=1, has_password=True,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def bill(
    account_no: str = "1000000001", period: str = "2026-10", *, volume: str = "12", late_fee_fen: int = 0,
    previous_reading: str = "300", **changes: object,
) -> Bill:
    """A bill of one month at the first tier's price (2.10 + 0.95 + 0.20 yuan per m³), unpaid, changed by keyword."""
    year, month = (int(part) for part in period.split("-"))
    end = date(year, month, 25)
    start = (end.replace(day=1) - timedelta(days=1)).replace(day=25)
    used = Decimal(volume)
    lines = [
        BillLine("water", int(used * 210), tier=1, volume=used, price=Decimal("2.10")),
        BillLine("sewage", int(used * 95), volume=used, price=Decimal("0.95")),
        BillLine("resource_fee", int(used * 20), volume=used, price=Decimal("0.20")),
    ]
    if late_fee_fen:
        lines.append(BillLine("late_fee", late_fee_fen))
    usual = Bill(
        bill_no=f"B{period.replace('-', '')}{account_no}", account_no=account_no, period=period, start=start, end=end,
        previous_reading=Decimal(previous_reading), current_reading=Decimal(previous_reading) + used, volume=used,
        reading_kind="actual", lines=tuple(lines), amount_fen=sum(line.amount_fen for line in lines), paid_fen=0,
        status=BillStatus.UNPAID, issued_on=end + timedelta(days=1), due_on=end + timedelta(days=21),
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def paid(one: Bill) -> Bill:
    """The same bill, paid in full."""
    return replace(one, paid_fen=one.amount_fen, status=BillStatus.PAID)


@dataclass
class _Fake:
    system: str
    down: bool = False
    lost_answer: bool = False
    failures: list[Exception] = field(default_factory=list)
    calls: list[tuple[str, tuple[object, ...]]] = field(default_factory=list)

    def _call(self, name: str, *arguments: object) -> None:
        self.calls.append((name, arguments))
        if self.failures:
            raise self.failures.pop(0)
        if self.down:
            raise SystemUnavailable(self.system)

    def _answer(self) -> None:
        if self.lost_answer:
            self.lost_answer = False
            raise SystemUnavailable(self.system)


class FakeCsms(_Fake):
    """A billing system over a few dictionaries, open to tests: ``accounts``, ``all_bills``, ``booked``, ``passwords``."""

    def __init__(
        self, accounts: Iterable[Account] = (), bills: Iterable[Bill] = (), payments: Iterable[Payment] = (),
        passwords: dict[str, str] | None = None, usage: Iterable[TierUsage] = (),
    ) -> None:
        super().__init__("csms")
        self.accounts = {one.account_no: one for one in accounts}
        self.all_bills = {one.bill_no: one for one in bills}
        self.booked = list(payments)
        self.passwords = dict(passwords or {})
        self.usage = {one.account_no: one for one in usage}
        self.results: dict[str, tuple[LineResult, ...]] = {}
        self.prepaid: dict[str, Prepaid] = {}
        self.reconciliations: dict[date, bytes] = {}

    async def account(self, account_no: str) -> Account | None:
        """See :class:`services.ports.Csms`."""
        self._call("account", account_no)
        return self.accounts.get(account_no)

    async def check_password(self, account_no: str, password: str) -> bool:
        """See :class:`services.ports.Csms`."""
        self._call("check_password", account_no)
        return account_no in self.passwords and self.passwords[account_no] == password

    async def set_password(self, account_no: str, password: str) -> None:
        """See :class:`services.ports.Csms`."""
        self._call("set_password", account_no)
        self.passwords[account_no] = password
        self._change(account_no, has_password=True)
        self._answer()

    async def set_contact(self, account_no: str, *, phone: str | None = None, email: str | None = None) -> None:
        """See :class:`services.ports.Csms`."""
        self._call("set_contact", account_no)
        if phone is not None:
            self._change(account_no, phone=phone)
        if email is not None:
            self._change(account_no, email=email)
        self._answer()

    async def set_bill_type(self, account_no: str, bill_type: BillType) -> None:
        """See :class:`services.ports.Csms`."""
        self._call("set_bill_type", account_no, bill_type)
        self._change(account_no, bill_type=bill_type)
        self._answer()

    async def bills(self, account_no: str, *, since: str | None = None, until: str | None = None) -> Sequence[Bill]:
        """See :class:`services.ports.Csms`."""
        self._call("bills", account_no, since, until)
        found = [
            one for one in self.all_bills.values()
            if one.account_no == account_no and (since or "") <= one.period <= (until or "9999-12")
        ]
        return sorted(found, key=lambda one: one.period, reverse=True)

    async def bill(self, bill_no: str) -> Bill | None:
        """See :class:`services.ports.Csms`."""
        self._call("bill", bill_no)
        return self.all_bills.get(bill_no)

    async def payments(self, account_no: str, *, since: date | None = None, until: date | None = None) -> Sequence[Payment]:
        """See :class:`services.ports.Csms`."""
        self._call("payments", account_no, since, until)
        found = [
            one for one in self.booked
            if one.account_no == account_no and (since or date.min) <= one.paid_at.date() <= (until or date.max)
        ]
        return sorted(found, key=lambda one: one.paid_at, reverse=True)

    async def tier_usage(self, account_no: str) -> TierUsage | None:
        """See :class:`services.ports.Csms`."""
        self._call("tier_usage", account_no)
        return self.usage.get(account_no)

    async def record_payment(
        self, out_trade_no: str, transaction_id: str, paid_at: datetime, lines: Sequence[tuple[str, int]],
        *, keep_excess: bool,
    ) -> Sequence[LineResult]:
        """See :class:`services.ports.Csms`."""
        self._call("record_payment", out_trade_no, transaction_id, tuple(lines), keep_excess)
        if out_trade_no not in self.results:
            self.results[out_trade_no] = tuple(
                self._book(out_trade_no, bill_no, fen, paid_at, keep_excess) for bill_no, fen in lines
            )
        self._answer()
        return self.results[out_trade_no]

    async def record_prepayment(
        self, out_trade_no: str, transaction_id: str, paid_at: datetime, account_no: str, amount_fen: int,
    ) -> Prepaid:
        """See :class:`services.ports.Csms`."""
        self._call("record_prepayment", out_trade_no, transaction_id, account_no, amount_fen)
        if out_trade_no not in self.prepaid:
            self.prepaid[out_trade_no] = self._keep(account_no, amount_fen)
        self._answer()
        return self.prepaid[out_trade_no]

    async def hand_over_reconciliation(self, day: date, content: bytes) -> None:
        """See :class:`services.ports.Csms`."""
        self._call("hand_over_reconciliation", day)
        self.reconciliations[day] = content
        self._answer()

    def pay_elsewhere(self, bill_no: str, channel: str = "counter", paid_at: datetime | None = None) -> None:
        """Somebody pays what is left of a bill at the counter."""
        one = self.all_bills[bill_no]
        moment = paid_at or datetime(2026, 11, 1, 9, tzinfo=SHANGHAI)
        self._add_payment(one, one.amount_fen - one.paid_fen, channel, moment)
        self.all_bills[bill_no] = paid(one)

    def _book(self, out_trade_no: str, bill_no: str, fen: int, paid_at: datetime, keep_excess: bool) -> LineResult:
        one = self.all_bills.get(bill_no)
        if one is None or one.status in (BillStatus.DISPUTED, BillStatus.VOID):
            return LineResult(bill_no, "rejected", 0)
        applied = min(fen, one.outstanding_fen)
        excess = fen - applied
        if excess and keep_excess:
            kept = self.accounts[one.account_no].credit_fen + excess
            self._change(one.account_no, credit_fen=kept)
        if not applied:
            return LineResult(bill_no, "already_paid", 0)
        settled = one.paid_fen + applied
        status = BillStatus.PAID if settled >= one.amount_fen else BillStatus.PARTLY_PAID
        self.all_bills[bill_no] = replace(one, paid_fen=settled, status=status)
        self._add_payment(one, applied, "wechat", paid_at)
        return LineResult(bill_no, "applied", applied)

    def _keep(self, account_no: str, amount_fen: int) -> Prepaid:
        known = self.accounts.get(account_no)
        if known is None or known.state is AccountState.CLOSED:
            return Prepaid("rejected", 0)
        self._change(account_no, credit_fen=known.credit_fen + amount_fen)
        return Prepaid("applied", known.credit_fen + amount_fen)

    def _add_payment(self, one: Bill, fen: int, channel: str, moment: datetime) -> None:
        number = f"P{len(self.booked) + 1:08d}"
        self.booked.append(Payment(number, one.account_no, one.bill_no, one.period, fen, channel, moment))

    def _change(self, account_no: str, **changes: object) -> None:
        self.accounts[account_no] = replace(self.accounts[account_no], **changes)  # type: ignore[arg-type]


class FakeSms(_Fake):
    """Keeps what was sent: ``sent`` is a list of (phone, code, minutes), oldest first."""

    def __init__(self) -> None:
        super().__init__("sms")
        self.sent: list[tuple[str, str, int]] = []

    async def send_code(self, phone: str, code: str, minutes: int) -> None:
        """See :class:`services.ports.Sms`."""
        self._call("send_code", phone)
        self.sent.append((phone, code, minutes))
        self._answer()

    def code(self, phone: str = PHONE) -> str:
        """The newest code sent to ``phone``."""
        return next(code for to, code, _ in reversed(self.sent) if to == phone)


@dataclass
class _Order:
    description: str
    amount_fen: int
    openid: str
    expires_at: datetime
    state: str = "NOTPAY"
    transaction_id: str | None = None
    paid_at: datetime | None = None
    refunds: dict[str, int] = field(default_factory=dict)


class FakePay(_Fake):
    """WeChat Pay over a dictionary: ``orders`` by ``out_trade_no``; ``pay_order`` is the customer's thumb."""

    def __init__(self) -> None:
        super().__init__("pay")
        self.orders: dict[str, _Order] = {}
        self.statements: dict[date, bytes] = {}
        self.refund_state = "SUCCESS"

    async def prepay(self, out_trade_no: str, description: str, amount_fen: int, openid: str, expires_at: datetime) -> str:
        """See :class:`services.ports.Pay`."""
        self._call("prepay", out_trade_no, amount_fen, openid)
        self.orders.setdefault(out_trade_no, _Order(description, amount_fen, openid, expires_at))
        self._answer()
        return f"prepay_{out_trade_no}"

    def jsapi_parameters(self, prepay_id: str) -> dict[str, str]:
        """See :class:`services.ports.Pay`."""
        return {
            "appId": "wxfake", "timeStamp": "1790000000", "nonceStr": "nonce", "package": f"prepay_id={prepay_id}",
            "signType": "RSA", "paySign": "signature",
        }

    async def query(self, out_trade_no: str) -> Transaction | None:
        """See :class:`services.ports.Pay`."""
        self._call("query", out_trade_no)
        order = self.orders.get(out_trade_no)
        if order is None:
            return None
        return Transaction(
            out_trade_no, order.state, order.transaction_id, order.amount_fen, order.paid_at, order.openid,
        )

    async def close(self, out_trade_no: str) -> None:
        """See :class:`services.ports.Pay`."""
        self._call("close", out_trade_no)
        order = self.orders.get(out_trade_no)
        if order is not None and order.state in ("SUCCESS", "REFUND"):
            raise OrderPaid
        if order is not None:
            order.state = "CLOSED"
        self._answer()

    async def refund(self, out_trade_no: str, out_refund_no: str, amount_fen: int, total_fen: int, reason: str) -> RefundResult:
        """See :class:`services.ports.Pay`."""
        self._call("refund", out_trade_no, out_refund_no, amount_fen, total_fen, reason)
        order = self.orders[out_trade_no]
        order.refunds.setdefault(out_refund_no, amount_fen)
        if sum(order.refunds.values()) > order.amount_fen:
            raise AssertionError("more was refunded than paid")
        order.state = "REFUND"
        self._answer()
        return RefundResult(out_refund_no, self.refund_state)

    async def statement(self, day: date) -> bytes | None:
        """See :class:`services.ports.Pay`; what a test put into ``statements``, else none."""
        self._call("statement", day)
        return self.statements.get(day)

    def pay_order(self, out_trade_no: str, paid_at: datetime) -> Transaction:
        """The customer pays; what WeChat Pay would now tell."""
        order = self.orders[out_trade_no]
        order.state, order.paid_at = "SUCCESS", paid_at
        order.transaction_id = f"42000{list(self.orders).index(out_trade_no):05d}{int(paid_at.timestamp())}"
        return Transaction(
            out_trade_no, "SUCCESS", order.transaction_id, order.amount_fen, paid_at, order.openid,
        )

    def refunded_fen(self, out_trade_no: str) -> int:
        """How much of an order went back."""
        return sum(self.orders[out_trade_no].refunds.values())


class FakeWebsite(_Fake):
    """A website with whatever notices and reports a test gives it; ``read_at`` is the time of its information."""

    def __init__(self, outages: Iterable[OutageNotice] = (), quality: Iterable[QualityReport] = ()) -> None:
        super().__init__("website")
        self.notices, self.reports = list(outages), list(quality)
        self.read_at = datetime(2026, 11, 21, 9, tzinfo=SHANGHAI)
        self.stale = False

    async def outages(self) -> Published[OutageNotice]:
        """See :class:`services.website.Website`."""
        self._call("outages")
        return Published(tuple(self.notices), self.read_at, self.stale)

    async def quality(self) -> Published[QualityReport]:
        """See :class:`services.website.Website`."""
        self._call("quality")
        return Published(tuple(self.reports), self.read_at, self.stale)


def outage(
    notice_no: str = "TS2026112209", *, areas: Sequence[str] = ("滨江区云栖路",), kind: OutageKind = OutageKind.PLANNED,
    starts_at: datetime = datetime(2026, 11, 22, 9, tzinfo=SHANGHAI), hours: float = 8, reason: str = "管道改造",
) -> OutageNotice:
    """A notice that was published two days before it begins."""
    return OutageNotice(
        notice_no, kind, tuple(areas), reason, starts_at, starts_at + timedelta(hours=hours), starts_at - timedelta(days=2),
    )


def quality_report(
    works: str = "临江清溪水厂", *, areas: Sequence[str] = ("滨江区",), sampled_on: date = date(2026, 11, 20), **values: str,
) -> QualityReport:
    """A sample of good water, changed by keyword: ``浑浊度="1.4"``."""
    usual = {
        "浑浊度": "0.18", "色度": "<5", "臭和味": "无", "肉眼可见物": "无", "pH": "7.42", "游离氯": "0.52", "总硬度": "102",
        "高锰酸盐指数": "1.2", "菌落总数": "0", "总大肠菌群": "未检出",
    } | values
    return QualityReport(
        f"SZ{sampled_on:%Y%m%d}{works[-3:-2].encode().hex()}", works, tuple(areas), "outlet", sampled_on,
        datetime.combine(sampled_on, datetime.min.time(), SHANGHAI) + timedelta(hours=34),
        tuple(Measurement(name, value) for name, value in usual.items()),
    )


STATEMENT_HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,"
    "代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
STATEMENT_SUMMARY = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)


def statement(rows: Sequence[dict[str, str]]) -> bytes:
    """A daily statement as WeChat Pay writes it: CSV, a backtick before each value, amounts in yuan, two summary rows.

    ``rows`` name the columns that matter; the others are empty or zero.
    """
    columns = STATEMENT_HEADER.split(",")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([f"`{row.get(name, '0.00' if '金额' in name else '')}" for name in columns])
    trade = sum((Decimal(row.get("订单金额", "0")) for row in rows), Decimal("0.00"))
    refunds = sum((Decimal(row.get("申请退款金额", "0")) for row in rows), Decimal("0.00"))
    writer.writerow(STATEMENT_SUMMARY.split(","))
    writer.writerow([f"`{value}" for value in (len(rows), trade, refunds, "0.00", "0.00", trade, refunds)])
    return ("\ufeff" + out.getvalue()).encode()


def sample_csms() -> FakeCsms:
    """A billing system with one account for each role; bills of 2026-08 to 2026-10, the last unpaid."""
    fake = FakeCsms()
    for role in ROLES:
        number = number_of(role)
        fake.accounts[number] = _SAMPLE_CHANGES.get(role, account)(number)
        if role != "no_password":
            fake.passwords[number] = PASSWORD
        for one in _sample_bills(role, number):
            fake.all_bills[one.bill_no] = one
    ordinary = number_of("ordinary")
    fake.usage[ordinary] = TierUsage(
        ordinary, 2026, date(2026, 10, 25), Decimal("205"),
        (
            TierUse(1, Decimal("180"), Decimal("180"), Decimal("2.10")),
            TierUse(2, Decimal("25"), Decimal("120"), Decimal("3.15")),
            TierUse(3, Decimal("0"), None, Decimal("6.30")),
        ),
    )
    return fake


_SAMPLE_CHANGES = {
    "arrears": lambda no: account(no, owner="沈阿木", phone="13900000002"),
    "neighbour_a": lambda no: account(no, owner="周桂芬", phone="13900000003", address="西湖区松风巷12号1单元201室"),
    "neighbour_b": lambda no: account(no, owner="周桂芬", phone="13900000003", address="江东区望潮街9号2幢802室"),
    "closed": lambda no: account(no, state=AccountState.CLOSED),
    "stopped": lambda no: account(no, state=AccountState.STOPPED),
    "no_phone": lambda no: account(no, phone=None),
    "no_password": lambda no: account(no, has_password=False),
    "credit": lambda no: account(no, credit_fen=5000),
    "commercial": lambda no: account(no, kind="commercial", owner="临江豆浆铺"),
}


def _sample_bills(role: str, number: str) -> list[Bill]:
    if role in ("no_bills", "closed"):
        return []
    august = bill(number, "2026-08", previous_reading="276", volume="13")
    september = bill(number, "2026-09", previous_reading="289", volume="11")
    october = bill(number, "2026-10", previous_reading="300")
    if role == "arrears":
        return [
            bill(number, "2026-08", previous_reading="276", volume="13", late_fee_fen=96),
            bill(number, "2026-09", previous_reading="289", volume="11", late_fee_fen=40), october,
        ]
    last = {
        "leak": bill(number, "2026-10", previous_reading="300", volume="58"),
        "estimated": replace(october, reading_kind="estimated"),
        "disputed": replace(october, status=BillStatus.DISPUTED),
        "partly_paid": replace(october, paid_fen=1500, status=BillStatus.PARTLY_PAID),
        "paid_up": paid(october),
    }.get(role, october)
    return [paid(august), paid(september), last]
