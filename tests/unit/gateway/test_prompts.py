"""What was offered last, and what a customer's words choose of it."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.wechat.bubbles import Button
from runxia.clock import SHANGHAI, FixedClock
from services.prompts import KEEP_SECONDS, KEPT_MENUS, Prompt, Prompts
from store.kv import MemoryStore

ANNA, BELLA = "oAnna", "oBella"
THREE = Prompt(buttons=tuple(Button(title, f"/{title}") for title in ("查账单", "交水费", "Help")))


@pytest.mark.parametrize(("said", "payload"), [
    ("1", "/查账单"), ("2", "/交水费"), (" 3。", "/Help"), ("第二个", "/交水费"), ("第2个", "/交水费"), ("选三", "/Help"),
    ("最后一个", "/Help"), ("交水费", "/交水费"), ("help", "/Help"), ("二", "/交水费"), ("第两个", "/交水费"), ("3号", "/Help"),
    ("0", None), ("4", None), ("第十个", None), ("12", None), ("交水费吧", None), ("", None), ("2月", None), ("123456", None),
])
def test_numbers_and_titles_choose(said: str, payload: str | None) -> None:
    assert THREE.chosen(said) == payload


@given(st.text(max_size=20))
def test_nothing_chooses_where_nothing_is_offered(said: str) -> None:
    assert Prompt().chosen(said) is None


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 8, 20, tzinfo=SHANGHAI))


@pytest.fixture
def prompts(clock: FixedClock) -> Prompts:
    return Prompts(MemoryStore(clock))


def offer(number: int) -> list[dict[str, object]]:
    return [{"text": "?", "buttons": [{"title": f"选项{number}", "payload": f"/p{number}"}]}]


async def test_only_the_last_offer_can_be_typed_but_older_ones_tapped(prompts: Prompts) -> None:
    (first,) = await prompts.renew(ANNA, offer(1))
    (second,) = await prompts.renew(ANNA, offer(2))
    await prompts.renew(ANNA, [{"text": "好的"}])
    prompt = await prompts.read(ANNA)
    assert prompt.chosen("选项2") is None
    assert prompt.tapped(first.id) == "/p1"
    assert prompt.tapped(second.id) == "/p2"
    assert prompt.tapped("made-up") is None
    assert (await prompts.read(BELLA)).tapped(first.id) is None


async def test_the_oldest_menus_are_forgotten(prompts: Prompts, clock: FixedClock) -> None:
    ids = [(await prompts.renew(ANNA, offer(number)))[0].id for number in range(KEPT_MENUS + 1)]
    prompt = await prompts.read(ANNA)
    assert prompt.tapped(ids[0]) is None
    assert prompt.tapped(ids[1]) == "/p1"
    clock.advance(seconds=KEEP_SECONDS)
    assert await prompts.read(ANNA) == Prompt()


async def test_a_wish_for_a_secret_holds_for_one_turn(prompts: Prompts) -> None:
    await prompts.renew(ANNA, [{"text": "请输入密码"}, {"custom": {"expects": "secret"}}])
    assert (await prompts.read(ANNA)).expects == "secret"
    await prompts.renew(ANNA, [{"text": "好的"}])
    assert (await prompts.read(ANNA)).expects is None
