"""What the utility's rules say to a reading and to a visit: whether it can be right, and when it can be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from statistics import median

from runxia.utility import SelfReadingRules, VisitRules
from services.ports import Bill
from services.readings.ports import DayPart, Kind, Meter, MeterReading, MeterRequest, Slot, State

OPEN = frozenset({State.RECEIVED, State.REVIEWING, State.BOOKED, State.SCHEDULED})
# A meter whose last reading had come so far may have started again from nought.
ROLLS_OVER_FROM = Decimal("0.9")
USUAL_BILLS = 6
LEAST_DAYS = 7  # a reading soon after the last one is not judged by a day or two


class Verdict(StrEnum):
    """What a reading looks like."""

    USUAL = "usual"
    HIGH = "high"  # much more than usual: asked about, and looked at by somebody
    LOWER = "lower"  # than the last one
    TOO_LONG = "too_long"  # more digits than the meter has


@dataclass(frozen=True, slots=True)
class Judgement:
    """A reading held against the one before. ``use`` in m³; ``usual``: what would be expected by now, none if unknown."""

    verdict: Verdict
    previous: MeterReading
    use: int
    usual: Decimal | None
    rolled_over: bool = False
    exchanged: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """The days on which a customer's own reading is taken for the next bill, both included."""

    first: date
    last: date

    def holds(self, day: date) -> bool:
        """Whether a day is one of them."""
        return self.first <= day <= self.last


def previous_reading(meter: Meter) -> MeterReading:
    """The reading that the next use is counted from: the last on file, or the start of a meter hung after that."""
    start = MeterReading(meter.installed_on, meter.start, "actual")
    last = meter.readings[0] if meter.readings else start
    return start if meter.installed_on > last.read_on else last


def usual_a_day(bills: Iterable[Bill]) -> Decimal | None:
    """What an account usually uses a day, by its newest bills; none for a new one."""
    recent = [bill for bill in bills if bill.days > 0][:USUAL_BILLS]
    return median([bill.volume / bill.days for bill in recent]) if recent else None


def judge(
    meter: Meter, value: int, day: date, daily: Decimal | None, rules: SelfReadingRules,
) -> Judgement:
    """Hold a reading of whole m³ against the one before and against usual use."""
    previous = previous_reading(meter)
    exchanged = bool(meter.readings) and meter.installed_on > meter.readings[0].read_on
    days = max((day - previous.read_on).days, LEAST_DAYS)
    usual = None if daily is None else daily * days
    use = value - int(previous.value)
    if len(str(value)) > meter.digits:
        return Judgement(Verdict.TOO_LONG, previous, use, usual, exchanged=exchanged)
    rolled_over = use < 0 and _rolls_over(meter, previous, use, usual, rules)
    if rolled_over:
        use += _full(meter)
    if use < 0:
        return Judgement(Verdict.LOWER, previous, use, usual, exchanged=exchanged)
    verdict = Verdict.HIGH if _is_high(Decimal(use), usual, rules) else Verdict.USUAL
    return Judgement(verdict, previous, use, usual, rolled_over=rolled_over, exchanged=exchanged)


def _full(meter: Meter) -> int:
    return int(10**meter.digits)


def _rolls_over(
    meter: Meter, previous: MeterReading, use: int, usual: Decimal | None, rules: SelfReadingRules,
) -> bool:
    """Whether the meter has been through all its digits: it was nearly there, and then the use is not out of the way."""
    was_near = previous.value >= _full(meter) * ROLLS_OVER_FROM
    return was_near and not _is_high(Decimal(use + _full(meter)), usual, rules)


def _is_high(use: Decimal, usual: Decimal | None, rules: SelfReadingRules) -> bool:
    return use > max((usual or Decimal(0)) * rules.high_times, Decimal(rules.high_volume))


def window(meter: Meter, rules: SelfReadingRules) -> Window | None:
    """When the customer's own reading is taken; none for an account that is not read."""
    if meter.next_on is None:
        return None
    return Window(
        meter.next_on - timedelta(days=rules.opens_days_before), meter.next_on + timedelta(days=rules.closes_days_after),
    )


def taken(requests: Iterable[MeterRequest], meter: Meter) -> MeterRequest | None:
    """The customer's own reading of this cycle, if there is one already."""
    since = previous_reading(meter).read_on
    own = (each for each in requests if each.kind is Kind.READING and each.state in (State.ACCEPTED, State.REVIEWING))
    return next((each for each in own if each.filed_at.date() > since), None)


def visit_days(rules: VisitRules, today: date) -> tuple[date, date]:
    """The first and the last day on which somebody may come."""
    return today + timedelta(days=rules.first_days), today + timedelta(days=rules.last_days)


def day_problem(rules: VisitRules, today: date, day: date) -> str | None:
    """Why nobody comes on a day: past | soon | late | holiday | weekday; none where somebody may."""
    first, last = visit_days(rules, today)
    problems = {
        "past": day < today, "soon": day < first, "late": day > last, "holiday": day in rules.holidays,
        "weekday": day.isoweekday() not in rules.weekdays,
    }
    return next((problem for problem, applies in problems.items() if applies), None)


def open_slots(rules: VisitRules, today: date, slots: Iterable[Slot]) -> list[Slot]:
    """Those that the rules allow and that have time left."""
    return [slot for slot in slots if slot.free > 0 and day_problem(rules, today, slot.day) is None]


def nearest(slots: Sequence[Slot], day: date, part: str | None, count: int) -> list[Slot]:
    """The open times nearest to the one wished for, in the order of the calendar."""
    by_time = sorted(slots, key=_in_order)
    by_distance = sorted(by_time, key=lambda slot: (abs((slot.day - day).days), slot.part != part))
    return sorted(by_distance[:count], key=_in_order)


def _in_order(slot: Slot) -> tuple[date, bool]:
    return slot.day, slot.part is DayPart.AFTERNOON
