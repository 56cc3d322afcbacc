"""Where an address is, which words mean what, and what a change does to the prices."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from runxia.utility import load_utility
from services.applications import Filing, Kind
from services.applications.rules import (
    city_of,
    documents_for,
    months_later,
    natures_said,
    place,
    stop_ends,
    tariff_change,
    use_said,
)

UTILITY = load_utility(Path("utility.yml"))
RULES = UTILITY.applications


@pytest.mark.parametrize(("address", "district"), [
    ("滨江区江南大道188号", "滨江区"), ("临江市西湖区文三路12号3单元501", "西湖区"), ("云栖路88号3栋", "滨江区"),
    ("江东望潮街9号", "江东区"), ("临江市橘洲路66号", "江东区"), ("西湖区望江小区7幢1单元", "西湖区"),
])
def test_an_address_that_is_served(address: str, district: str) -> None:
    assert place(address, UTILITY.service_area, city_of(UTILITY.name)).district == district


@pytest.mark.parametrize("address", ["上海市浦东新区世纪大道1号", "萧山区市心中路200号", "桐庐县桐君街道", "宁波市中山路1号"])
def test_an_address_elsewhere(address: str) -> None:
    found = place(address, UTILITY.service_area, city_of(UTILITY.name))
    assert (found.district, found.elsewhere) == (None, True)


@pytest.mark.parametrize("address", ["望江小区7幢1单元", "解放路88号", "工业区旁边的菜市场", "", "a" * 100])
def test_an_address_that_does_not_say(address: str) -> None:
    found = place(address, UTILITY.service_area, city_of(UTILITY.name))
    assert (found.district, found.elsewhere) == (None, False)


@pytest.mark.parametrize(("said", "use"), [
    ("自己家住的", "residential"), ("老家盖了房子", "residential"), ("开了家面店", "commercial"), ("工地上临时用", "temporary"),
    ("装个表", None),
])
def test_what_a_connection_is_for(said: str, use: str | None) -> None:
    found = use_said(said, RULES.installation.uses)
    assert (found.use if found else None) == use


@pytest.mark.parametrize(("said", "kinds"), [
    ("商业改居民", ["residential", "commercial"]), ("收的是非居民价", ["commercial"]), ("洗车店关了", ["special"]),
    ("改性质", []),
])
def test_kinds_of_use(said: str, kinds: list[str]) -> None:
    assert natures_said(said, RULES.nature.kinds) == kinds


def test_documents_depend_on_what_is_applied_for() -> None:
    assert documents_for(Filing(Kind.INSTALL, use="temporary"), RULES) == ["identity", "licence", "construction"]
    assert documents_for(Filing(Kind.NATURE, nature="residential"), RULES) == ["property", "usage"]
    assert documents_for(Filing(Kind.STOP), RULES) == []


def test_a_larger_household_widens_every_tier() -> None:
    change = tariff_change(Filing(Kind.HOUSEHOLD, people=6), UTILITY.tariff, "residential", 3)
    assert change is not None
    assert [step.up_to for step in change.before.steps] == [180, 300, None]
    assert [step.up_to for step in change.after.steps] == [276, 492, None]


def test_another_use_has_another_price() -> None:
    change = tariff_change(Filing(Kind.NATURE, nature="residential"), UTILITY.tariff, "commercial", 1)
    assert change is not None
    assert (str(change.before.steps[0].all_in), str(change.after.steps[0].all_in)) == ("4.90", "3.25")


def test_months_and_stops() -> None:
    assert months_later(date(2026, 8, 31), 6) == date(2027, 2, 28)
    assert months_later(date(2026, 12, 1), 12) == date(2027, 12, 1)
    assert stop_ends(RULES.stop, date(2026, 12, 1)) == (date(2027, 2, 28), date(2028, 11, 29))
