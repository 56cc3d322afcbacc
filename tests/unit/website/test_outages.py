"""Which notices concern a place."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from runxia.clock import SHANGHAI
from runxia.utility import load_utility
from services.outages import Outages, Place, covers, known_place
from services.website import OutageKind, OutageNotice
from tests.fakes import FakeWebsite, outage

DISTRICTS = ("滨江区", "江东区", "西湖区")
NOW = datetime(2026, 11, 21, 9, tzinfo=SHANGHAI)
UTILITY_FILE = Path(__file__).parents[3] / "utility.yml"
UTILITY = load_utility(UTILITY_FILE)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("滨江区云栖路93号16幢1单元1201室", Place("滨江区", "云栖路", 93)),
        ("临江市滨江区云栖路93号", Place("滨江区", "云栖路", 93)),
        ("滨江云栖路93号", Place("滨江区", "云栖路", 93)),
        ("江南大道288号", Place(None, "江南大道", 288)),
        ("西湖区", Place("西湖区", None)),
        ("西湖", Place("西湖区", None)),
        ("滨江区白鹭小区3幢", Place("滨江区", "白鹭小区3幢")),
        ("上城区解放路１２号", Place("上城区", "解放路", 12)),
        ("", Place(None, None)),
    ],
)
def test_an_address_is_read(address: str, place: Place) -> None:
    assert Place.parse(address, DISTRICTS) == place


@pytest.mark.parametrize(
    ("area", "address", "concerned"),
    [
        ("滨江区云栖路2号至120号", "滨江区云栖路93号16幢1单元1201室", True),
        ("滨江区云栖路2号至120号", "滨江区云栖路120号", True),
        ("滨江区云栖路2号至120号", "滨江区云栖路186号", False),
        ("滨江区云栖路2-120号", "云栖路", True),
        ("滨江区云栖路2号至120号", "滨江区", True),
        ("滨江区云栖路2号至120号", "江东区云栖路93号", False),
        ("滨江区云栖路1号至99号（单号）", "滨江区云栖路93号", True),
        ("滨江区云栖路1号至99号（单号）", "滨江区云栖路94号", False),
        ("滨江区云栖路2号至98号双号侧", "滨江区云栖路94号", True),
        ("江东区望潮街", "江东区望潮街68号5幢", True),
        ("江东区望潮街沿线", "江东区望潮街68号5幢", True),
        ("江东区全区", "江东区望潮街68号5幢", True),
        ("江东区", "江东区望潮街68号5幢", True),
        ("江东区", "望潮街68号", False),
        ("滨江区白鹭小区", "滨江区白鹭小区3幢201室", True),
        ("滨江区白鹭小区", "滨江区白鹭路22号", False),
        ("西湖区茶亭路", "西湖区松风巷40号", False),
    ],
)
def test_an_area_concerns_an_address(area: str, address: str, concerned: bool) -> None:
    assert covers(area, Place.parse(address, DISTRICTS), DISTRICTS) is concerned


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("云栖路明天停水吗", Place(None, "云栖路")),
        ("滨江区云栖路93号停不停", Place("滨江区", "云栖路", 93)),
        ("江东那边有没有停水", Place("江东区", None)),
        ("明天停水吗", None),
    ],
)
def test_a_place_is_found_in_what_was_said(said: str, place: Place | None) -> None:
    assert known_place(said, [outage(areas=("滨江区云栖路2号至120号",))], DISTRICTS) == place


async def test_what_affects_an_address_now() -> None:
    website = FakeWebsite(outages=[
        outage("TS1", starts_at=NOW - timedelta(hours=1), hours=4, areas=("滨江区云栖路",)),
        outage("TS2", starts_at=NOW - timedelta(hours=2), hours=9, areas=("滨江区",), kind=OutageKind.SUDDEN),
        outage("TS3", starts_at=NOW + timedelta(days=1), areas=("滨江区云栖路",)),
        outage("TS4", starts_at=NOW - timedelta(hours=1), areas=("西湖区茶亭路",)),
    ])
    outages = Outages(website, UTILITY)
    assert [each.notice_no for each in await outages.affecting("滨江区云栖路93号1室", NOW)] == ["TS1", "TS2"]
    assert await outages.affecting("滨江区云栖路93号1室", NOW + timedelta(days=3)) == []


async def test_notices_between_two_moments_come_in_order() -> None:
    website = FakeWebsite(outages=[outage("B", starts_at=NOW + timedelta(hours=5)), outage("A", starts_at=NOW)])
    found = await Outages(website, UTILITY).between(NOW, NOW + timedelta(days=1))
    assert [each.notice_no for each in found.items] == ["A", "B"]
    assert not found.stale


def test_the_fake_notice_is_one() -> None:
    assert isinstance(outage(), OutageNotice)
