"""Thirty months of a small utility's books, the same on every machine for the same day.

Each role is one account that a demonstration or a test can rely on; the others are ordinary households.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from runxia.clock import SHANGHAI
from runxia.utility import Utility
from sandbox.csms import household_use, ledger, people
from sandbox.csms.records import AccountRecord, BillRecord, Books, PaymentRecord
from sandbox.csms.tariff import price_lines, tariff_year

SEED = 20240117
MONTHS = 30
HOUSEHOLDS = 25
READING_DAY = 20
ISSUED_AFTER_DAYS = 2
CHANNELS = ("wechat", "alipay", "bank", "counter")
CHANNEL_WEIGHTS = (50, 25, 15, 10)
LATE_SHARE = 0.06       # of bills that are paid after they are due
ESTIMATED_SHARE = 0.03  # of readings
CUSTOMER_SHARE = 0.06   # of readings that customers send in


@dataclass(frozen=True, slots=True)
class Plan:
    """What is particular about an account."""

    role: str
    people: int = 3
    kind: str = "residential"
    state: str = "active"
    cycle_months: int = 1
    mean: float | None = None        # m³ a month; by chance for the number of people when none
    cross_first_tier: bool = False   # the newest bill reaches into the second tier
    newest_times: float = 1.0        # the newest volume, as a multiple of what it would be
    newest_kind: str = "actual"
    newest_status: str | None = None
    part_paid_fen: int = 0
    unpaid: int | None = 1           # newest bills that are not paid; by chance none or one when none
    months: int = MONTHS
    ended_months_ago: int = 0
    credit_fen: int = 0
    has_phone: bool = True
    has_password: bool = True
    bill_type: str = "electronic"


PLANS = (
    Plan("ordinary", cross_first_tier=True, newest_times=1.5),
    Plan("frugal", people=1, mean=4.6, unpaid=0),
    Plan("arrears", people=4, mean=17, unpaid=5, bill_type="paper"),
    Plan("neighbour_a", people=2, mean=9),
    Plan("neighbour_b", people=3, mean=13, bill_type="both"),
    Plan("leak", people=3, mean=12, newest_times=4.6),
    Plan("estimated", people=3, mean=13, newest_kind="estimated"),
    Plan("disputed", people=2, mean=10, newest_times=3.2, newest_status="disputed"),
    Plan("partly_paid", people=4, mean=16, part_paid_fen=2000),
    Plan("no_bills", months=0),
    Plan("closed", state="closed", ended_months_ago=5, unpaid=0),
    Plan("stopped", state="stopped", ended_months_ago=3, unpaid=2, bill_type="paper"),
    Plan("no_phone", people=2, mean=8, has_phone=False, bill_type="paper"),
    Plan("no_password", people=2, mean=10, has_password=False),
    Plan("paid_up", people=3, mean=12, unpaid=0),
    Plan("credit", people=3, mean=11, unpaid=0, credit_fen=3650),
    Plan("commercial", kind="commercial", people=1, mean=86, bill_type="both"),
    Plan("special", kind="special", people=1, mean=164, bill_type="both"),
    Plan("large_family", people=6, mean=26),
)


def build_books(utility: Utility, today: date) -> Books:
    """The books as they stand on ``today``."""
    accounts: list[AccountRecord] = []
    bills: list[BillRecord] = []
    payments: list[PaymentRecord] = []
    for number, plan in enumerate(_plans()):
        random = Random(f"{SEED}:{number}")
        account = _account(random, number, plan)
        if plan.role == "neighbour_b":
            account = replace(account, owner=accounts[-1].owner, phone=accounts[-1].phone)
        issued = _bills(random, utility, account, plan, today)
        settled, paid = _settle(random, utility, plan, issued, today)
        accounts.append(account)
        bills += settled
        payments += paid
    return Books(tuple(accounts), tuple(bills), tuple(payments))


def _plans() -> Iterator[Plan]:
    yield from PLANS
    random = Random(SEED)
    for _ in range(HOUSEHOLDS):
        yield Plan(
            "household", people=random.choices((1, 2, 3, 4, 5), (12, 24, 36, 20, 8))[0], unpaid=None,
            cycle_months=random.choices((1, 2), (80, 20))[0], has_password=random.random() < 0.7,
            bill_type=random.choice(("electronic", "both", "paper")),
        )


def _account(random: Random, number: int, plan: Plan) -> AccountRecord:
    shop = plan.kind != "residential"
    return AccountRecord(
        account_no=f"30{random.randint(10, 39)}{number:02d}{random.randint(1000, 9999)}",
        role=plan.role,
        owner=people.shop_name(plan.kind, number) if shop else people.household_name(random),
        phone=people.phone(number) if plan.has_phone else None,
        email=f"kehu{number:02d}@mail.linjiang.example" if plan.bill_type != "paper" and number % 2 else None,
        address=people.address(random, plan.kind),
        state=plan.state,
        kind=plan.kind,
        people=plan.people,
        meter_no=f"LJ{random.randint(12, 23)}{number:02d}{random.randint(1000, 9999)}",
        bill_type=plan.bill_type,
        cycle_months=plan.cycle_months,
        credit_fen=plan.credit_fen,
        password=people.password(random) if plan.has_password else None,
    )


def _periods(plan: Plan, today: date) -> list[date]:
    """The reading days of the bills, oldest first: monthly, or at the end of each even month."""
    newest = today.replace(day=READING_DAY)
    if newest + timedelta(days=ISSUED_AFTER_DAYS) > today:
        newest = _months_before(newest, 1)
    days = (_months_before(newest, ago + plan.ended_months_ago) for ago in reversed(range(plan.months)))
    return [day for day in days if plan.cycle_months == 1 or day.month % 2 == 0]


def _months_before(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, day.day)


def _bills(random: Random, utility: Utility, account: AccountRecord, plan: Plan, today: date) -> list[BillRecord]:
    days = _periods(plan, today)
    volumes = _volumes(random, utility, plan, days)
    kinds = _reading_kinds(random, plan, len(days))
    reading = Decimal(random.randint(20, 900))
    bills: list[BillRecord] = []
    for day, volume, kind in zip(days, _as_read(volumes, kinds), kinds, strict=True):
        before = sum(
            (bill.volume for bill in bills if _year(utility, bill.end_on) == _year(utility, day)), Decimal(0),
        )
        lines = tuple(price_lines(utility.tariff, account.kind, account.people, before, volume))
        issued = day + timedelta(days=ISSUED_AFTER_DAYS)
        due = _last_of_month(_months_before(day, -1))
        bills.append(BillRecord(
            bill_no=f"B{day:%Y%m}{account.account_no}", account_no=account.account_no, period=f"{day:%Y-%m}",
            start_on=_months_before(day, plan.cycle_months), end_on=day, previous_reading=reading,
            current_reading=reading + volume, reading_kind=kind, lines=lines, issued_on=issued,
            debt=ledger.Debt(sum(line.amount_fen for line in lines), 0, None, 0, "unpaid", due),
        ))
        reading += volume
    return bills


def _year(utility: Utility, day: date) -> int:
    return tariff_year(utility.tariff, day)


def _last_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _volumes(random: Random, utility: Utility, plan: Plan, days: Sequence[date]) -> list[Decimal]:
    """What was really used between readings, whole m³."""
    mean = plan.mean or household_use.level(random, plan.people)
    use = []
    for day in days:
        months = [_months_before(day, ago).month for ago in range(plan.cycle_months)]
        use.append(sum(household_use.month_use(random, mean, month) for month in months))
    if use:
        use[-1] *= plan.newest_times
    if use and plan.cross_first_tier:
        year = [volume for day, volume in zip(days, use, strict=True) if _year(utility, day) == _year(utility, days[-1])]
        end = utility.tariff.residential.tiers[0].up_to or 0
        use = [volume * end / (sum(year) - year[-1] / 2) for volume in use]
    return [Decimal(max(round(volume), 1)) for volume in use]


def _reading_kinds(random: Random, plan: Plan, count: int) -> list[str]:
    weights = (1 - ESTIMATED_SHARE - CUSTOMER_SHARE, ESTIMATED_SHARE, CUSTOMER_SHARE)
    kinds = random.choices(("actual", "estimated", "customer"), weights, k=count)
    if kinds:
        kinds[0], kinds[-1] = "actual", plan.newest_kind
    return kinds


def _as_read(volumes: Sequence[Decimal], kinds: Sequence[str]) -> Iterator[Decimal]:
    """What the readings show: an estimate is the mean of the three before it, and the next true reading makes up for it."""
    carried = Decimal(0)
    for index, (volume, kind) in enumerate(zip(volumes, kinds, strict=True)):
        used = volume + carried
        if kind != "estimated" or index == 0:
            carried = Decimal(0)
            yield used
            continue
        recent = volumes[max(index - 3, 0):index]
        following = volumes[index + 1] if index + 1 < len(volumes) else used
        estimate = min(Decimal(round(sum(recent) / len(recent))), used + following)
        carried = used - estimate
        yield estimate


def _settle(
    random: Random, utility: Utility, plan: Plan, bills: Sequence[BillRecord], today: date,
) -> tuple[list[BillRecord], list[PaymentRecord]]:
    """Pay what this account pays."""
    unpaid = random.randint(0, 1) if plan.unpaid is None else plan.unpaid
    settled, payments = [], []
    for index, bill in enumerate(bills):
        newest = index == len(bills) - 1
        offered = None
        if index >= len(bills) - unpaid:
            offered = plan.part_paid_fen if newest else 0
        after, paid = _pay(random, utility, plan, bill, today, offered)
        if newest and plan.newest_status:
            after = replace(after, debt=replace(after.debt, status=plan.newest_status))
        settled.append(after)
        payments += paid
    return settled, payments


def _pay(
    random: Random, utility: Utility, plan: Plan, bill: BillRecord, today: date, offered_fen: int | None,
) -> tuple[BillRecord, list[PaymentRecord]]:
    """Pay ``offered_fen`` of a bill, or all of it when none."""
    if offered_fen == 0:
        return bill, []
    days = random.randint(1, 24)
    if plan.role == "household" and random.random() < LATE_SHARE:
        days = (bill.debt.due_on - bill.issued_on).days + random.randint(1, 12)
    day = max(bill.issued_on, min(bill.issued_on + timedelta(days=days), today - timedelta(days=1)))
    offered = offered_fen or ledger.amount(bill.debt, utility.late_fee, day)
    debt, taken = ledger.pay(bill.debt, utility.late_fee, day, offered)
    moment = datetime.combine(day, time(random.randint(7, 21), random.randint(0, 59)), SHANGHAI)
    channel = random.choices(CHANNELS, CHANNEL_WEIGHTS)[0]
    if plan.credit_fen and bill.issued_on + timedelta(days=45) > today:
        channel = "credit"
    elif offered_fen:
        channel = "counter"
    payment = PaymentRecord(f"P{bill.bill_no[1:]}", bill.account_no, bill.bill_no, bill.period, taken, channel, moment)
    return replace(bill, debt=debt), [payment]
