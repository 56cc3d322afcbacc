"""What water costs: splits a volume over the yearly tiers and prices it by ``utility.yml``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from runxia.utility import FlatTariff, Residential, Tariff


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill. ``price`` in yuan per m³, ``volume`` in m³."""

    kind: str
    amount_fen: int
    tier: int | None = None
    volume: Decimal | None = None
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TierPart:
    """The part of a volume that falls into one tier; ``width`` of the tier in m³, none for the last."""

    tier: int
    used: Decimal
    width: Decimal | None
    price: Decimal


def tariff_year(tariff: Tariff, day: date) -> int:
    """The tariff year of a day, named by the calendar year in which it starts."""
    month, first = (int(part) for part in tariff.year_starts.split("-"))
    return day.year if (day.month, day.day) >= (month, first) else day.year - 1


def tier_parts(tariff: Residential, people: int, before: Decimal, volume: Decimal) -> list[TierPart]:
    """Split ``volume``, used after ``before`` m³ in the same year, over all tiers, the untouched ones included."""
    parts = []
    start = Decimal(0)
    for tier, width, price in _widths(tariff, people):
        end = None if width is None else start + width
        top = before + volume if end is None else min(before + volume, end)
        parts.append(TierPart(tier, max(top - max(before, start), Decimal(0)), width, price))
        start = end if end is not None else start
    return parts


def _widths(tariff: Residential, people: int) -> Iterator[tuple[int, Decimal | None, Decimal]]:
    extra = Decimal(tariff.extra_volume_per_person * max(people - tariff.people_included, 0))
    reached = 0
    for tier in tariff.tiers:
        yield tier.tier, None if tier.up_to is None else tier.up_to - reached + extra, tier.water
        reached = tier.up_to or reached


def price_lines(tariff: Tariff, kind: str, people: int, before: Decimal, volume: Decimal) -> list[Line]:
    """The lines of a bill for ``volume`` m³, ``before`` m³ being used already in the same tariff year."""
    if kind == "residential":
        rates: Residential | FlatTariff = tariff.residential
        water = [
            Line("water", fen(part.used * part.price), part.tier, part.used, part.price)
            for part in tier_parts(tariff.residential, people, before, volume) if part.used
        ]
    else:
        flat = tariff.commercial if kind == "commercial" else tariff.special
        rates = flat
        water = [Line("water", fen(volume * flat.water), None, volume, flat.water)]
    return [
        *(water or [Line("water", 0, None, volume)]),
        Line("sewage", fen(volume * rates.sewage), None, volume, rates.sewage),
        Line("resource_fee", fen(volume * rates.resource_fee), None, volume, rates.resource_fee),
    ]


def fen(yuan: Decimal) -> int:
    """Yuan as fen, half a fen rounded up."""
    return int((yuan * 100).quantize(Decimal(1), ROUND_HALF_UP))
