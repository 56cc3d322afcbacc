"""All values of a message, each piece of text read once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Iterator, List

from bot.values import business, counts, dates, hours, identifiers, periods, quantities
from bot.values.numbers import normalise


@dataclass(frozen=True)
class Value:
    """An entity found in a text: where, what kind, and its value (shapes: ``docs/architecture.md``)."""

    start: int
    end: int
    entity: str
    value: Any


def find_values(text: str, today: date, *, account_digits: int, code_digits: int) -> List[Value]:
    """Values in ``text``, in order; none overlaps another.

    Args:
        text: what the customer wrote.
        today: the day that 上个月 and the like are counted from.
        account_digits: how many digits an account number has.
        code_digits: how many digits a one-time code has.
    """
    plain = normalise(text)
    chosen: List[Value] = []
    for value in _candidates(text, plain, today, account_digits, code_digits):
        if all(value.end <= other.start or value.start >= other.end for other in chosen):
            chosen.append(value)
    return sorted(chosen, key=lambda value: value.start)


def _candidates(text: str, plain: str, today: date, account_digits: int, code_digits: int) -> Iterator[Value]:
    """In order of precedence."""
    for start, end, entity, found in business.find_business_numbers(plain):
        yield Value(start, end, entity, found)
    for start, end, volume in quantities.find_readings(plain):
        yield Value(start, end, "volume", volume)
    for start, end, entity, found in identifiers.find_identifiers(plain, account_digits, code_digits):
        yield Value(start, end, entity, found)
    for start, end, days in counts.find_days(plain):
        yield Value(start, end, "days", days)
    yield from _times(text, plain, today)
    for start, end, part in dates.find_day_parts(plain):
        yield Value(start, end, "day_part", part)
    for start, end, volume in quantities.find_volumes(plain):
        yield Value(start, end, "volume", volume)
    for start, end, people in counts.find_people(plain):
        yield Value(start, end, "people", people)
    for start, end, fen in sorted(quantities.find_amounts(plain), key=lambda amount: amount[0] - amount[1]):
        yield Value(start, end, "amount", fen)
    for start, end, position in quantities.find_ordinals(plain):
        yield Value(start, end, "ordinal", position)
    for start, end, number in quantities.find_numbers(plain):
        yield Value(start, end, "number", number)


def _times(text: str, plain: str, today: date) -> Iterator[Value]:
    """Days, periods and hours, the longest first. A day is a ``date``, unless it is excepted, as only periods can be."""
    spans = [span for span in periods.find_periods(plain, today) if span.grain != "day" or span.exclude]
    found = [Value(span.at, span.to, "period", span.value(text)) for span in spans]
    found += [Value(days.at, days.to, "date", days.value(text, today)) for days in dates.find_dates(plain, today)]
    found += [Value(start, end, "time_range", value) for start, end, value in hours.find_time_ranges(plain)]
    yield from sorted(found, key=lambda value: (value.start - value.end, not value.value.get("exclude"), value.entity))
