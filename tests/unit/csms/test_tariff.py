"""The tariff: tiers are filled in order, by the year, and wider for large families."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runxia.utility import load_utility
from sandbox.csms.tariff import price_lines, tariff_year, tier_parts

UTILITY = load_utility(Path("utility.yml"))
TARIFF = UTILITY.tariff
VOLUMES = st.decimals(0, 2000, places=1)


@given(before=VOLUMES, volume=VOLUMES, people=st.integers(1, 12))
def test_parts_of_a_volume_add_up_to_it(before: Decimal, volume: Decimal, people: int) -> None:
    parts = tier_parts(TARIFF.residential, people, before, volume)
    assert sum(part.used for part in parts) == volume
    assert all(part.used >= 0 for part in parts)


@given(volumes=st.lists(VOLUMES, max_size=8), people=st.integers(1, 8))
def test_bills_of_a_year_fill_the_tiers_as_one_volume_would(volumes: list[Decimal], people: int) -> None:
    used = {1: Decimal(0), 2: Decimal(0), 3: Decimal(0)}
    before = Decimal(0)
    for volume in volumes:
        for part in tier_parts(TARIFF.residential, people, before, volume):
            used[part.tier] += part.used
        before += volume
    at_once = tier_parts(TARIFF.residential, people, Decimal(0), before)
    assert used == {part.tier: part.used for part in at_once}


def test_the_boundary_belongs_to_the_lower_tier() -> None:
    parts = tier_parts(TARIFF.residential, 3, Decimal(170), Decimal(10))
    assert [part.used for part in parts] == [10, 0, 0]


def test_each_person_above_four_widens_every_tier() -> None:
    widths = [part.width for part in tier_parts(TARIFF.residential, 6, Decimal(0), Decimal(0))]
    assert widths == [180 + 96, 120 + 96, None]


def test_a_bill_that_crosses_a_tier_has_a_line_for_each() -> None:
    lines = price_lines(TARIFF, "residential", 3, Decimal(170), Decimal(24))
    assert [(line.kind, line.tier, line.volume, line.amount_fen) for line in lines] == [
        ("water", 1, Decimal(10), 2100), ("water", 2, Decimal(14), 4410),
        ("sewage", None, Decimal(24), 2280), ("resource_fee", None, Decimal(24), 480),
    ]


def test_businesses_have_one_price() -> None:
    lines = price_lines(TARIFF, "commercial", 1, Decimal(1000), Decimal(50))
    assert [(line.kind, line.amount_fen) for line in lines] == [("water", 16000), ("sewage", 7000), ("resource_fee", 1500)]


@pytest.mark.parametrize(("day", "year"), [(date(2026, 1, 1), 2026), (date(2025, 12, 31), 2025)])
def test_the_tariff_year_starts_when_utility_yml_says(day: date, year: int) -> None:
    assert tariff_year(TARIFF, day) == year
