"""What can be a reading, and when somebody can come."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from runxia.clock import SHANGHAI, FixedClock
from runxia.utility import SelfReadingRules, load_utility
from services.billing.tariff import cost_fen, price_list
from services.readings import DayPart, Judgement, Kind, MeterReading, MeterRequest, Slot, State, Verdict
from services.readings.rules import day_problem, judge, nearest, open_slots, previous_reading, taken, usual_a_day, window
from tests.fakes import bill
from tests.unit.readings.conftest import ROOT
from tests.unit.readings.desk import meter

UTILITY = load_utility(ROOT / "utility.yml")
RULES, VISITS = UTILITY.readings.self_reading, UTILITY.readings.visits
CLOCK = FixedClock(datetime(2026, 11, 2, 9, 30, tzinfo=SHANGHAI))
TODAY = date(2026, 11, 2)
DAILY = Decimal("0.4")


def judged(value: int, last: int = 312, **changes: object) -> Judgement:
    read = MeterReading(date(2026, 10, 20), Decimal(last), "actual")
    return judge(meter(CLOCK, readings=(read,), **changes), value, TODAY, DAILY, RULES)


@pytest.mark.parametrize(("value", "last", "verdict", "use"), [
    (312, 312, Verdict.USUAL, 0),
    (317, 312, Verdict.USUAL, 5),
    (327, 312, Verdict.USUAL, 15),   # 13 days at 0.4, three times: 15.6
    (328, 312, Verdict.HIGH, 16),
    (311, 312, Verdict.LOWER, -1),
    (99999, 312, Verdict.HIGH, 99687),
    (100000, 312, Verdict.TOO_LONG, 99688),
    (3, 99990, Verdict.USUAL, 13),
    (0, 99999, Verdict.USUAL, 1),
    (60, 99990, Verdict.LOWER, -99930),  # once round would be far too much
    (5, 89999, Verdict.LOWER, -89994),   # not near enough to its end
])
def test_a_reading_against_the_last_one(value: int, last: int, verdict: Verdict, use: int) -> None:
    found = judged(value, last)
    assert (found.verdict, found.use) == (verdict, use)
    assert found.rolled_over == (verdict is Verdict.USUAL and value < last)


def test_a_new_account_has_no_usual_use_but_a_large_one_is_asked_about() -> None:
    new = meter(CLOCK, readings=())
    assert judge(new, 9, TODAY, None, RULES).verdict is Verdict.USUAL
    assert judge(new, 11, TODAY, None, RULES).verdict is Verdict.HIGH


def test_soon_after_the_last_reading_a_week_is_allowed_for() -> None:
    read = MeterReading(TODAY - timedelta(days=1), Decimal(312), "actual")
    assert judge(meter(CLOCK, readings=(read,)), 322, TODAY, Decimal(1), RULES).verdict is Verdict.USUAL


def test_a_meter_hung_since_counts_from_its_start() -> None:
    found = judged(11, installed_on=date(2026, 10, 25), start=Decimal(2))
    assert (found.verdict, found.use, found.exchanged, found.previous.value) == (Verdict.USUAL, 9, True, Decimal(2))
    assert not judged(317).exchanged
    assert previous_reading(meter(CLOCK, readings=())).read_on == date(2015, 6, 1)


def test_usual_use_is_the_median_of_recent_bills() -> None:
    bills = [bill(period=f"2026-{month:02d}", volume=volume) for month, volume in ((10, "90"), (9, "12"), (8, "12"))]
    assert usual_a_day(bills) == Decimal(12) / 31
    assert usual_a_day([]) is None


def test_the_window_lies_around_the_reading_day() -> None:
    found = window(meter(CLOCK), replace_rules(10, 2))
    assert found is not None
    assert (found.first, found.last) == (date(2026, 11, 10), date(2026, 11, 22))
    assert [found.holds(date(2026, 11, day)) for day in (9, 10, 22, 23)] == [False, True, True, False]
    assert window(meter(CLOCK, next_on=None), RULES) is None


def replace_rules(before: int, after: int) -> SelfReadingRules:
    return RULES.model_copy(update={"opens_days_before": before, "closes_days_after": after})


def request(state: State, days_ago: int, kind: Kind = Kind.READING) -> MeterRequest:
    filed = CLOCK.now() - timedelta(days=days_ago)
    return MeterRequest("DS1", "r", kind, state, "1000000001", filed, filed, 1, 320, None, None, None)


@pytest.mark.parametrize(("made", "is_taken"), [
    (request(State.ACCEPTED, 3), True), (request(State.REVIEWING, 3), True), (request(State.REJECTED, 3), False),
    (request(State.ACCEPTED, 20), False), (request(State.RECEIVED, 3, Kind.DISPUTE), False),
])
def test_one_reading_a_cycle(made: MeterRequest, is_taken: bool) -> None:
    assert (taken([made], meter(CLOCK)) is not None) == is_taken


@pytest.mark.parametrize(("day", "why"), [
    (date(2026, 11, 1), "past"), (date(2026, 11, 2), "soon"), (date(2026, 11, 3), None), (date(2026, 11, 8), "weekday"),
    (date(2026, 11, 14), None), (date(2026, 11, 16), None), (date(2026, 11, 17), "late"), (date(2027, 1, 1), "late"),
])
def test_days_on_which_somebody_comes(day: date, why: str | None) -> None:
    assert day_problem(VISITS, TODAY, day) == why


def test_nobody_comes_on_a_holiday() -> None:
    assert day_problem(VISITS, date(2026, 12, 28), date(2027, 1, 1)) == "holiday"


def slots(*days: int, free: int = 1) -> list[Slot]:
    return [Slot(date(2026, 11, day), part, free) for day in days for part in DayPart]


def test_full_and_forbidden_times_are_left_out() -> None:
    assert open_slots(VISITS, TODAY, [*slots(2, 8), *slots(3, free=0), *slots(4)]) == slots(4)


def test_the_nearest_times_prefer_the_half_of_the_day_wished_for() -> None:
    found = nearest(slots(4, 6, 9), date(2026, 11, 5), "afternoon", 2)
    assert found == [Slot(date(2026, 11, day), DayPart.AFTERNOON, 1) for day in (4, 6)]
    assert nearest(slots(6), date(2026, 11, 6), None, 2) == slots(6)
    assert nearest([], date(2026, 11, 6), None, 2) == []


@pytest.mark.parametrize(("used", "volume", "fen"), [
    ("0", "12", 12 * 325), ("175", "10", 5 * 325 + 5 * 430), ("290", "20", 10 * 430 + 10 * 745),
    ("400", "1", 745), ("0", "0", 0),
])
def test_what_a_volume_costs_over_the_tiers(used: str, volume: str, fen: int) -> None:
    assert cost_fen(price_list(UTILITY.tariff, "residential", 3), Decimal(used), Decimal(volume)) == fen


def test_what_a_volume_costs_a_shop() -> None:
    assert cost_fen(price_list(UTILITY.tariff, "commercial"), Decimal(0), Decimal(10)) == 4900
