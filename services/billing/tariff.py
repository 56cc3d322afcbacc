"""The price list of ``utility.yml`` as it applies to one household or business."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from runxia.utility import FlatTariff, Residential, Tariff


@dataclass(frozen=True, slots=True)
class PriceStep:
    """Prices in yuan per m³ for use above ``above`` and up to ``up_to`` m³ a year; ``tier`` none where there are no tiers."""

    tier: int | None
    above: int
    up_to: int | None
    water: Decimal
    sewage: Decimal
    resource_fee: Decimal

    @property
    def all_in(self) -> Decimal:
        """What one m³ costs with everything."""
        return self.water + self.sewage + self.resource_fee


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices of one kind of use. ``people``: those the tiers are reckoned for, none where there are no tiers."""

    kind: str
    people: int | None
    steps: tuple[PriceStep, ...]
    effective_from: date
    source: str


def price_list(tariff: Tariff, kind: str, people: int | None = None) -> PriceList:
    """The prices for ``kind`` (residential | commercial | special) and a household of ``people``.

    Raises:
        ValueError: no such kind.
    """
    if kind == "residential":
        household = max(people or 0, tariff.residential.people_included)
        steps = _tiers(tariff.residential, household)
        return PriceList(kind, household, steps, tariff.effective_from, tariff.source)
    flat = {"commercial": tariff.commercial, "special": tariff.special}.get(kind)
    if flat is None:
        raise ValueError(f"no tariff for {kind!r}")
    return PriceList(kind, None, (_flat(flat),), tariff.effective_from, tariff.source)


def cost_fen(prices: PriceList, used: Decimal, volume: Decimal) -> int:
    """About what ``volume`` costs, with everything, after ``used`` m³ in the same year. A bill rounds line by line."""
    total = Decimal(0)
    for step in prices.steps:
        top = used + volume if step.up_to is None else min(used + volume, Decimal(step.up_to))
        total += max(top - max(used, Decimal(step.above)), Decimal(0)) * step.all_in
    return int((total * 100).quantize(Decimal(1), ROUND_HALF_UP))


def _tiers(tariff: Residential, people: int) -> tuple[PriceStep, ...]:
    extra = (people - tariff.people_included) * tariff.extra_volume_per_person
    steps: list[PriceStep] = []
    above = 0
    for place, tier in enumerate(tariff.tiers, start=1):
        up_to = None if tier.up_to is None else tier.up_to + extra * place  # every tier grows, and the ones below it did
        steps.append(PriceStep(tier.tier, above, up_to, tier.water, tariff.sewage, tariff.resource_fee))
        above = up_to or above
    return tuple(steps)


def _flat(tariff: FlatTariff) -> PriceStep:
    return PriceStep(None, 0, None, tariff.water, tariff.sewage, tariff.resource_fee)
