"""Why a bill is what it is: the parts add up, and the causes are found."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.explanation import compare, daily_use, explain
from services.billing.months import first_month, shift
from services.ports import Bill, BillLine, BillStatus
from tests.fakes import bill

FIRST_TIER = Decimal("2.10")
PRICES = {1: Decimal("2.10"), 2: Decimal("3.15"), 3: Decimal("6.30")}


def fen(yuan: Decimal) -> int:
    """Whole fen, half up."""
    return int((yuan * 100).quantize(Decimal(1), ROUND_HALF_UP))


def tiered(period: str, parts: dict[int, str], *, late_fee: int = 0, discount: int = 0, days: int = 30) -> Bill:
    """A bill with water in several tiers."""
    volume = sum(map(Decimal, parts.values()), Decimal(0))
    lines = [
        *(
            BillLine("water", fen(Decimal(used) * PRICES[tier]), tier, Decimal(used), PRICES[tier])
            for tier, used in parts.items()
        ),
        BillLine("sewage", fen(volume * Decimal("0.95")), None, volume, Decimal("0.95")),
        BillLine("resource_fee", fen(volume * Decimal("0.20")), None, volume, Decimal("0.20")),
        *([BillLine("late_fee", late_fee)] if late_fee else []),
        *([BillLine("discount", -discount)] if discount else []),
    ]
    end = date.fromisoformat(f"{period}-25")
    return replace(
        bill(period=period), volume=volume, lines=tuple(lines), amount_fen=sum(line.amount_fen for line in lines),
        start=end - timedelta(days=days), end=end,
    )


def test_more_use_a_higher_tier_and_a_late_fee_are_told_apart() -> None:
    then = tiered("2026-07", {1: "10"})
    now = tiered("2026-08", {1: "12", 2: "8"}, late_fee=120, days=31)
    found = compare(now, then, FIRST_TIER)
    assert found.tier_fen == 840  # 8 m³ × (3.15 − 2.10)
    assert found.late_fee_fen == 120
    assert found.days_fen == 108  # one day more at ⅓ m³ a day × 3.25
    assert found.use_fen == 3250 - 108  # the rest of 10 m³ more × 3.25
    assert found.total_fen == now.amount_fen - then.amount_fen


def test_a_new_price_list_is_told_from_more_use() -> None:
    then = tiered("2026-07", {1: "10"})
    dearer = tuple(
        replace(line, price=line.price + Decimal("0.50"), amount_fen=line.amount_fen + 500)
        if line.kind == "water" and line.price else line
        for line in then.lines
    )
    now = replace(then, period="2026-08", lines=dearer, amount_fen=then.amount_fen + 500)
    found = compare(now, then, FIRST_TIER)
    assert (found.price_fen, found.use_fen, found.total_fen) == (500, 0, 500)


def test_a_bill_wholly_in_the_second_tier_is_measured_by_the_price_list() -> None:
    found = explain(tiered("2026-08", {2: "10"}), [], FIRST_TIER)
    assert [(step.tier, step.volume, step.extra_fen) for step in found.higher_tiers] == [(2, Decimal(10), 1050)]


def test_a_period_without_use_or_price_still_adds_up() -> None:
    nothing = replace(bill(period="2026-07", volume="0"), lines=(BillLine("water", 0, None, Decimal(0)),), amount_fen=0)
    now = bill(period="2026-08", volume="9")
    found = compare(now, nothing, FIRST_TIER)
    assert (found.total_fen, found.price_fen, found.use_fen) == (now.amount_fen, 0, now.amount_fen)


amounts = st.integers(0, 2000).map(lambda tenths: str(Decimal(tenths) / 10))
tiers = st.dictionaries(st.sampled_from([1, 2, 3]), amounts, min_size=1)
bills = st.builds(
    tiered, st.sampled_from(["2026-07", "2026-08"]), tiers, late_fee=st.integers(0, 9999), discount=st.integers(0, 500),
    days=st.integers(0, 70),
)


@given(bills, bills, st.integers(-500, 500))
def test_the_parts_always_add_up_to_the_difference(now: Bill, then: Bill, unlisted: int) -> None:
    now = replace(now, amount_fen=now.amount_fen + unlisted)  # an amount that its lines do not explain
    found = compare(now, then, FIRST_TIER)
    assert found.total_fen == now.amount_fen - then.amount_fen
    assert found.rest_fen == unlisted
    assert found.late_fee_fen == sum(line.amount_fen for line in now.lines if line.kind == "late_fee") - sum(
        line.amount_fen for line in then.lines if line.kind == "late_fee"
    )


@given(bills)
def test_a_bill_does_not_differ_from_itself(one: Bill) -> None:
    found = compare(one, one, FIRST_TIER)
    assert {
        found.days_fen, found.use_fen, found.tier_fen, found.price_fen, found.late_fee_fen, found.discount_fen, found.rest_fen,
    } == {0}


def year(newest: str, usual: str = "12", **changes: Any) -> list[Bill]:
    """Thirteen months, the newest first, all alike but the newest."""
    return [bill(period="2026-10", volume=newest, **changes), *(
        bill(period=shift("2026-10", -back), volume=usual) for back in range(1, 14)
    )]


def test_twice_the_usual_daily_use_may_be_a_leak() -> None:
    series = year("58")
    leak = explain(series[0], series, FIRST_TIER).leak
    assert leak is not None
    assert leak.daily == Decimal(58) / 30
    assert Decimal("0.38") < leak.usual < Decimal("0.41")


@pytest.mark.parametrize(("newest", "usual"), [("20", "12"), ("5", "2")])  # less than twice; twice of very little
def test_the_ups_and_downs_of_a_household_are_no_leak(newest: str, usual: str) -> None:
    series = year(newest, usual)
    assert explain(series[0], series, FIRST_TIER).leak is None


def test_a_thirsty_season_is_no_leak() -> None:
    series = [replace(one, volume=Decimal(45)) if one.period == "2025-10" else one for one in year("58")]
    assert explain(series[0], series, FIRST_TIER).leak is None


def test_an_estimated_reading_tells_of_no_leak() -> None:
    series = year("58", reading_kind="estimated")
    found = explain(series[0], series, FIRST_TIER)
    assert found.estimated
    assert found.leak is None


def test_a_reading_after_an_estimated_one_settles_for_both() -> None:
    series = year("30")
    series[1] = replace(series[1], reading_kind="estimated", volume=Decimal(4))
    found = explain(series[0], series, FIRST_TIER)
    assert found.catches_up
    assert found.leak is None  # 34 m³ in two months is hardly more than usual


def test_too_few_bills_give_no_usual() -> None:
    series = year("58")[:3]
    assert explain(series[0], series, FIRST_TIER).leak is None


def test_the_same_period_of_last_year_is_found() -> None:
    series = year("15")
    found = explain(series[0], series, FIRST_TIER)
    assert found.last_year is not None
    assert found.last_year.other.period == "2025-10"
    assert found.previous is not None
    assert found.previous.other.period == "2026-09"


def test_a_first_bill_has_nothing_to_compare_with() -> None:
    found = explain(bill(), [bill()], FIRST_TIER)
    assert (found.previous, found.last_year) == (None, None)


def test_daily_use_of_no_days_is_unknown() -> None:
    one = bill()
    assert daily_use([replace(one, start=one.end)]) is None


def test_months() -> None:
    assert shift("2026-11", 3) == "2027-02"
    assert shift("2026-01", -13) == "2024-12"
    assert first_month(bill(period="2026-08")) == "2026-08"
    two = replace(bill(period="2026-08"), start=date(2026, 6, 25))
    assert first_month(two) == "2026-07"
    assert first_month(replace(two, start=two.end, status=BillStatus.VOID)) == "2026-08"
