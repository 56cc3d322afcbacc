"""What the billing service asks CSMS, and what it makes of the answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from runxia.clock import SHANGHAI, FixedClock
from runxia.utility import load_utility
from services.billing import Billing
from services.errors import SystemUnavailable, UnknownAccount
from services.ports import BillStatus
from tests.fakes import FakeCsms, account, bill, number_of, paid, sample_csms

ROOT = Path(__file__).parents[2]


@pytest.fixture
def csms() -> FakeCsms:
    return sample_csms()


@pytest.fixture
def billing(csms: FakeCsms) -> Billing:
    clock = FixedClock(datetime(2026, 11, 2, 9, tzinfo=SHANGHAI))
    return Billing(csms, clock, load_utility(ROOT / "utility.yml"))


async def test_current_is_the_newest_bill_and_what_earlier_ones_owe(billing: Billing) -> None:
    current = await billing.current(number_of("arrears"))
    assert current.bill is not None
    assert current.bill.period == "2026-10"
    assert [one.period for one in current.earlier_unpaid] == ["2026-09", "2026-08"]


async def test_a_new_account_has_no_current_bill(billing: Billing) -> None:
    assert (await billing.current(number_of("no_bills"))).bill is None


async def test_void_bills_are_not_shown(billing: Billing, csms: FakeCsms) -> None:
    void = bill(number_of("ordinary"), "2026-11", status=BillStatus.VOID)
    csms.all_bills[void.bill_no] = void
    current = await billing.current(number_of("ordinary"))
    assert current.bill is not None
    assert current.bill.period == "2026-10"


async def test_an_account_that_csms_does_not_know(billing: Billing) -> None:
    with pytest.raises(UnknownAccount):
        await billing.current("9999999999")


async def test_history_is_bounded_by_the_months_asked(billing: Billing) -> None:
    history = await billing.history(number_of("ordinary"), "2026-08", "2026-09")
    assert [one.period for one in history.bills] == ["2026-09", "2026-08"]
    assert history.volume == Decimal(24)
    assert history.amount_fen == sum(one.amount_fen for one in history.bills)


async def test_a_bill_of_two_months_is_found_by_the_first_of_them() -> None:
    two = replace(bill(period="2026-08"), start=date(2026, 6, 25))
    csms = FakeCsms([account(cycle_months=2)], [two])
    clock = FixedClock(datetime(2026, 11, 2, tzinfo=SHANGHAI))
    billing = Billing(csms, clock, load_utility(ROOT / "utility.yml"))
    assert (await billing.history("1000000001", "2026-07", "2026-07")).bills == (two,)
    assert (await billing.history("1000000001", "2026-06", "2026-06")).bills == ()
    found = await billing.explain("1000000001", ("2026-07", "2026-07"))
    assert found is not None
    assert found.bill == two


async def test_arrears_are_reckoned_for_each_account(billing: Billing) -> None:
    owing, clear, disputed = await billing.arrears([number_of("arrears"), number_of("paid_up"), number_of("disputed")])
    assert [one.period for one in owing.bills] == ["2026-08", "2026-09", "2026-10"]
    assert owing.owed_fen == sum(one.amount_fen for one in owing.bills)
    assert (owing.late_fee_fen, owing.overdue) == (136, 2)
    assert clear.owed_fen == 0
    assert (disputed.owed_fen, len(disputed.disputed)) == (0, 1)


async def test_no_total_when_csms_does_not_answer_for_one(billing: Billing, csms: FakeCsms) -> None:
    csms.failures.append(SystemUnavailable("csms"))
    with pytest.raises(SystemUnavailable):
        await billing.arrears([number_of("arrears"), number_of("paid_up")])


async def test_partly_paid_owes_the_rest(billing: Billing) -> None:
    (found,) = await billing.arrears([number_of("partly_paid")])
    assert found.owed_fen == 3900 - 1500


async def test_asked_for_a_season_the_dearest_bill_is_explained(billing: Billing) -> None:
    found = await billing.explain(number_of("leak"), ("2026-08", "2026-10"))
    assert found is not None
    assert found.bill.period == "2026-10"


async def test_nothing_to_explain(billing: Billing) -> None:
    assert await billing.explain(number_of("no_bills")) is None
    assert await billing.explain(number_of("ordinary"), ("2020-01", "2020-01")) is None


async def test_payments_between_two_days(billing: Billing, csms: FakeCsms) -> None:
    one = bill(number_of("ordinary"), "2026-10")
    csms.pay_elsewhere(one.bill_no, paid_at=datetime(2026, 11, 1, 9, tzinfo=SHANGHAI))
    assert paid(one).bill_no == csms.booked[0].bill_no
    assert len(await billing.payments(number_of("ordinary"), date(2026, 11, 1), date(2026, 11, 1))) == 1
    assert not await billing.payments(number_of("ordinary"), date(2026, 11, 2), date(2026, 11, 30))
    assert not await billing.payments(number_of("ordinary"), date(2026, 9, 1), date(2026, 9, 30))


async def test_a_payment_for_the_months_bill_made_later_counts(billing: Billing, csms: FakeCsms) -> None:
    csms.pay_elsewhere(f"B202610{number_of('ordinary')}", paid_at=datetime(2026, 11, 1, 9, tzinfo=SHANGHAI))
    found = await billing.payments(number_of("ordinary"), date(2026, 10, 1), date(2026, 10, 31))
    assert [one.period for one in found] == ["2026-10"]


def test_large_households_have_wider_tiers(billing: Billing) -> None:
    usual, large = billing.price(), billing.price("residential", 6)
    assert [step.up_to for step in usual.steps] == [180, 300, None]
    assert [step.up_to for step in large.steps] == [180 + 96, 300 + 2 * 96, None]
    assert [step.all_in for step in usual.steps] == [Decimal("3.25"), Decimal("4.30"), Decimal("7.45")]


def test_small_households_have_the_usual_tiers(billing: Billing) -> None:
    assert billing.price("residential", 1) == billing.price()


def test_other_kinds_have_one_price(billing: Billing) -> None:
    (step,) = billing.price("commercial").steps
    assert (step.tier, step.all_in) == (None, Decimal("4.90"))
    with pytest.raises(ValueError, match="farm"):
        billing.price("farm")
