"""Why a bill is what it is, in figures that add up. Pure calculation: no clock, no other system."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from statistics import median

from services.billing.months import shift
from services.ports import Bill, BillLine

# A possible leak: at least twice what this account usually uses a day, and at least 0.2 m³ a day more. A toilet cistern
# that runs on loses about 0.2 to 0.4 m³ a day; less than that drowns in the ups and downs of a small household. A season
# that was nearly as thirsty a year ago is no leak.
LEAK_FACTOR = Decimal(2)
LEAK_FLOOR_PER_DAY = Decimal("0.2")
SEASON_FACTOR = Decimal("1.5")
USUAL_MONTHS = 12
USUAL_MIN_BILLS = 3

BY_VOLUME = frozenset({"water", "sewage", "resource_fee"})


@dataclass(frozen=True, slots=True)
class HigherTier:
    """Water of a bill that cost more than the first tier's price. ``extra_fen``: more than at the first tier's price."""

    tier: int
    volume: Decimal
    price: Decimal
    extra_fen: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What makes a bill differ from ``other``: parts in fen that add up to ``total_fen`` exactly.

    ``days``: a longer or shorter time between readings, at the other bill's daily use; ``use``: more or less a day;
    ``tier``: water at the prices of higher tiers; ``price``: a new price list; ``late_fee``, ``discount``: those lines;
    ``rest``: lines of kinds unknown here.
    """

    other: Bill
    days_fen: int
    use_fen: int
    tier_fen: int
    price_fen: int
    late_fee_fen: int
    discount_fen: int
    rest_fen: int

    @property
    def total_fen(self) -> int:
        """This bill's amount less the other's."""
        return (
            self.days_fen + self.use_fen + self.tier_fen + self.price_fen + self.late_fee_fen + self.discount_fen
            + self.rest_fen
        )


@dataclass(frozen=True, slots=True)
class Leak:
    """Use that looks like a leak, in m³ a day: now, and usual for this account."""

    daily: Decimal
    usual: Decimal


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that can be said about one bill. ``catches_up``: the reading follows one or more estimated ones."""

    bill: Bill
    previous: Comparison | None
    last_year: Comparison | None
    higher_tiers: tuple[HigherTier, ...]
    late_fee_fen: int
    catches_up: bool
    leak: Leak | None

    @property
    def estimated(self) -> bool:
        """Whether nobody read the meter for this bill."""
        return self.bill.reading_kind == "estimated"


def explain(bill: Bill, bills: Sequence[Bill], first_tier_price: Decimal) -> Explanation:
    """Explain ``bill`` by the others of its account, in any order.

    ``first_tier_price``: yuan per m³ of water, for bills that have none in the first tier.
    """
    earlier = sorted((one for one in bills if one.period < bill.period), key=lambda one: one.period, reverse=True)
    year_ago = next((one for one in earlier if one.period == shift(bill.period, -12)), None)
    return Explanation(
        bill=bill,
        previous=compare(bill, earlier[0], first_tier_price) if earlier else None,
        last_year=compare(bill, year_ago, first_tier_price) if year_ago else None,
        higher_tiers=tuple(_higher_tiers(bill, _base_price(bill, first_tier_price))),
        late_fee_fen=fen_of(bill, "late_fee"),
        catches_up=bill.reading_kind != "estimated" and bool(earlier) and earlier[0].reading_kind == "estimated",
        leak=_leak(bill, earlier, year_ago),
    )


def compare(bill: Bill, other: Bill, first_tier_price: Decimal) -> Comparison:
    """Take the difference of two bills of one account apart.

    Volume effects are reckoned at the first tier's price, so that the tiers' part is only what higher prices added.
    Rounding to whole fen ends up in ``use_fen``.
    """
    tier = _surcharge_fen(bill, first_tier_price) - _surcharge_fen(other, first_tier_price)
    now, then = _unit_price(bill, first_tier_price), _unit_price(other, first_tier_price)
    price = 0 if now is None or then is None else _fen(bill.volume * (now - then))
    days = 0 if then is None or other.days <= 0 else _fen((bill.days - other.days) * other.volume / other.days * then)
    by_volume = _by_volume_fen(bill) - _by_volume_fen(other)
    late_fee = fen_of(bill, "late_fee") - fen_of(other, "late_fee")
    discount = fen_of(bill, "discount") - fen_of(other, "discount")
    return Comparison(
        other=other, days_fen=days, use_fen=by_volume - tier - price - days, tier_fen=tier, price_fen=price,
        late_fee_fen=late_fee, discount_fen=discount,
        rest_fen=bill.amount_fen - other.amount_fen - by_volume - late_fee - discount,
    )


def daily_use(bills: Iterable[Bill]) -> Decimal | None:
    """Mean use of these bills together in m³ a day, or none where they cover no day."""
    volume, days = Decimal(0), 0
    for one in bills:
        volume, days = volume + one.volume, days + one.days
    return volume / days if days > 0 else None


def fen_of(bill: Bill, kind: str) -> int:
    """The sum of a bill's lines of one kind."""
    return sum(line.amount_fen for line in bill.lines if line.kind == kind)


def _leak(bill: Bill, earlier: Sequence[Bill], year_ago: Bill | None) -> Leak | None:
    if bill.reading_kind == "estimated":
        return None  # nobody looked at the meter
    estimated: list[Bill] = []
    for one in earlier:
        if one.reading_kind != "estimated":
            break
        estimated.append(one)
    daily = daily_use([bill, *estimated])  # a reading after estimated ones settles for all of them
    since = shift(bill.period, -USUAL_MONTHS)
    usual = [
        use for one in earlier
        if one.period >= since and one.reading_kind != "estimated" and (use := daily_use([one])) is not None
    ]
    if daily is None or len(usual) < USUAL_MIN_BILLS:
        return None
    middle = median(usual)
    season = daily_use([year_ago]) if year_ago else None
    if daily < middle * LEAK_FACTOR or daily - middle < LEAK_FLOOR_PER_DAY:
        return None
    if season is not None and daily < season * SEASON_FACTOR:
        return None
    return Leak(daily=daily, usual=middle)


def _higher_tiers(bill: Bill, base: Decimal) -> Iterable[HigherTier]:
    for line in bill.lines:
        if line.kind == "water" and (line.tier or 1) > 1 and line.volume is not None and line.price is not None:
            yield HigherTier(line.tier or 1, line.volume, line.price, _extra_fen(line, base))


def _extra_fen(line: BillLine, base: Decimal) -> int:
    return line.amount_fen - _fen((line.volume or Decimal(0)) * base)


def _surcharge_fen(bill: Bill, first_tier_price: Decimal) -> int:
    return sum(step.extra_fen for step in _higher_tiers(bill, _base_price(bill, first_tier_price)))


def _base_price(bill: Bill, first_tier_price: Decimal) -> Decimal:
    """Water in the first tier, or of an account without tiers, in yuan per m³."""
    low = (line.price for line in bill.lines if line.kind == "water" and (line.tier or 1) == 1)
    return next((price for price in low if price is not None), first_tier_price)


def _unit_price(bill: Bill, first_tier_price: Decimal) -> Decimal | None:
    """One m³ with sewage and resource fee, in yuan; none where the bill does not tell."""
    others = {line.kind: line.price for line in bill.lines if line.kind in BY_VOLUME - {"water"}}
    if not any(line.kind == "water" and line.price is not None for line in bill.lines) or None in others.values():
        return None
    return sum((price for price in others.values() if price is not None), _base_price(bill, first_tier_price))


def _by_volume_fen(bill: Bill) -> int:
    return sum(line.amount_fen for line in bill.lines if line.kind in BY_VOLUME)


def _fen(yuan: Decimal) -> int:
    return int((yuan * 100).quantize(Decimal(1), ROUND_HALF_UP))
