"""Service halls: near, of a district, open when; and offers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from actions import runtime
from actions.outlets import ActionOutlets, ActionPromotions
from runxia.bootstrap import Services
from runxia.clock import SHANGHAI, FixedClock
from runxia.utility import Utility, load_utility
from tests.unit.answering import answer

ROOT = Path(__file__).parents[2]
MONDAY_NOON = datetime(2026, 11, 2, 12, tzinfo=SHANGHAI)


def open_services(utility: Utility | None = None, now: datetime = MONDAY_NOON) -> None:
    runtime.use(cast("Services", SimpleNamespace(
        utility=utility or load_utility(ROOT / "utility.yml"), clock=FixedClock(now),
    )))


@pytest.fixture(autouse=True)
def _services() -> Iterator[None]:
    open_services()
    yield
    runtime.use(None)


def day(iso: str) -> list[tuple[str, Any]]:
    return [("date", {"from": iso, "to": iso, "part": None, "text": iso, "past": False})]


async def test_the_nearest_outlet_comes_first_with_its_map() -> None:
    said = await answer(ActionOutlets(), intent="inform", entities=[("location", "30.2790,120.1270")])
    assert said.text.index("城西营业厅（约0.0公里）") < said.text.index("城东营业厅")
    assert "怎么走" in said.text


@pytest.mark.parametrize("place", ["nowhere", "91,120", "30.2", "nan,nan", "1,2,3"])
async def test_a_place_that_is_none_lists_all(place: str) -> None:
    said = await answer(ActionOutlets(), entities=[("location", place)])
    assert said.text.count("营业厅\n") == 3


@pytest.mark.parametrize("text", ["滨江的营业厅在哪", "滨江区营业厅", "滨江营业厅怎么走"])
async def test_outlets_of_the_district_named(text: str) -> None:
    said = await answer(ActionOutlets(), text)
    assert "江南大道288号" in said.text
    assert "文三路" not in said.text


async def test_a_hall_named_by_the_side_of_town() -> None:
    said = await answer(ActionOutlets(), "城西那个厅在哪")
    assert "文三路398号" in said.text
    assert "江南大道" not in said.text


@pytest.mark.parametrize(
    ("hour", "words"), [(7, "还没开门"), (12, "现在开着，17:00关门"), (18, "今天已经下班")],
)
async def test_whether_it_is_open_now(hour: int, words: str) -> None:
    open_services(now=MONDAY_NOON.replace(hour=hour))
    assert words in (await answer(ActionOutlets(), "滨江营业厅现在开着吗")).text


async def test_who_is_open_at_the_weekend() -> None:
    said = await answer(ActionOutlets(), "周末营业厅上班吗")
    assert "11月7日（周六）" in said.text
    assert "滨江营业厅：9:00–16:00" in said.text
    assert "城东营业厅：不上班" in said.text


async def test_who_is_open_on_a_day() -> None:
    said = await answer(ActionOutlets(), "8号城西营业厅开门吗", entities=day("2026-11-08"))
    assert "城西营业厅：不上班" in said.text
    assert "城东" not in said.text


async def test_holidays_are_not_promised() -> None:
    assert "法定节假日一般休息" in (await answer(ActionOutlets(), "春节营业厅上班吗")).text


async def test_offers_that_are_over_are_not_told() -> None:
    assert "电子账单立减" in (await answer(ActionPromotions())).text
    utility = load_utility(ROOT / "utility.yml")
    over = utility.promotions[0].model_copy(update={"until": date(2026, 11, 1)})
    open_services(utility.model_copy(update={"promotions": [over]}))
    assert "没有进行中的优惠" in (await answer(ActionPromotions())).text
