"""Small talk, facts, a person, and not understanding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from actions import runtime
from actions.basics import (
    TITLES,
    ActionAnswer,
    ActionDidYouMean,
    ActionHuman,
    hello,
)
from actions.turn import DID_YOU_MEAN
from runxia.bootstrap import Services
from runxia.clock import SHANGHAI, FixedClock
from runxia.utility import Utility, load_utility
from services.handover import Asked
from tests.unit.answering import answer, responses

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 11, 2, 12, tzinfo=SHANGHAI)
WECHAT_TEXT_BYTES = 2048


@dataclass
class AskedHandovers:
    """Remembers why a person was asked for."""

    answer: Asked = field(default_factory=lambda: Asked(staffed=True, again=False))
    reasons: list[str] = field(default_factory=list)

    async def ask(self, openid: str, reason: str) -> Asked:
        self.reasons.append(reason)
        return self.answer


def open_services(utility: Utility | None = None) -> AskedHandovers:
    handovers = AskedHandovers()
    runtime.use(cast("Services", SimpleNamespace(
        utility=utility or load_utility(ROOT / "utility.yml"), clock=FixedClock(NOON), handovers=handovers,
    )))
    return handovers


@pytest.fixture(autouse=True)
def _services() -> Iterator[None]:
    open_services()
    yield
    runtime.use(None)


def answered() -> list[str]:
    """The intents whose rule is ``action_answer``."""
    rules: list[Any] = []
    for name in ("basics", "elsewhere", "outlets"):
        rules += yaml.safe_load((ROOT / f"data/rules/{name}.yml").read_text(encoding="utf-8"))["rules"]
    return [rule["steps"][0]["intent"] for rule in rules if rule["steps"][1]["action"] == "action_answer"]


@pytest.mark.parametrize("intent", answered())
async def test_every_fixed_answer_has_its_words_and_facts(intent: str) -> None:
    for variant in responses()[f"utter_{intent}"]:
        assert len(variant["text"].encode()) < WECHAT_TEXT_BYTES
    said = await answer(ActionAnswer(), intent=intent)
    assert said.text
    assert "{" not in said.text


@pytest.mark.parametrize("intent", [name for name in answered() if name in TITLES and name not in ("help", "privacy")])
async def test_what_cannot_be_done_here_says_where_it_can(intent: str) -> None:
    said = await answer(ActionAnswer(), intent=intent)
    somewhere = ("0571-96390", "water.linjiang.example", "营业厅", "/bill_history", "/bill_current")
    assert any(place in said.text or place in said.buttons.values() for place in somewhere)


def test_every_choice_offered_is_an_intent() -> None:
    known: set[str] = set()
    for path in (ROOT / "data/domain").glob("*.yml"):
        known |= {name for each in yaml.safe_load(path.read_text(encoding="utf-8")).get("intents") or []
                  for name in ([each] if isinstance(each, str) else each)}
    assert set(TITLES) <= known


@pytest.mark.parametrize(
    ("hour", "words"), [(0, "晚上好"), (5, "早上好"), (11, "中午好"), (13, "下午好"), (17, "下午好"), (18, "晚上好")],
)
def test_the_greeting_fits_the_hour(hour: int, words: str) -> None:
    assert hello(NOON.replace(hour=hour)) == words


@pytest.mark.parametrize(
    ("staffed", "again", "words"),
    [
        (True, False, "已经替您转告"), (True, True, "还在排队"), (False, False, "值班时间是每天 08:30–12:00、13:00–17:30"),
        (False, True, "已经记下了"),
    ],
)
async def test_a_person_is_asked_for_honestly(staffed: bool, again: bool, words: str) -> None:
    open_services().answer = Asked(staffed=staffed, again=again)
    assert words in (await answer(ActionHuman(), "转人工")).text


async def test_the_reason_is_what_was_said_before_the_tap() -> None:
    handovers = open_services()
    before = [{"event": "user", "text": "水费算错了"}, {"event": "action", "name": "action_bill_explain"}]
    await answer(ActionHuman(), "/human", before=before)
    assert handovers.reasons == ["水费算错了"]


RANKING = [
    {"name": "nlu_fallback", "confidence": 0.6}, {"name": "bill_current", "confidence": 0.3},
    {"name": "affirm", "confidence": 0.25}, {"name": "arrears", "confidence": 0.2}, {"name": "bye", "confidence": 0.1},
    {"name": "outlets", "confidence": 0.01},
]


async def test_the_two_likeliest_meanings_are_offered() -> None:
    said = await answer(ActionDidYouMean(), "水费那个", ranking=RANKING)
    assert said.buttons == {"查水费账单": "/bill_current", "查欠费": "/arrears", "都不是": "/nlu_fallback"}


async def test_a_value_in_the_message_goes_on_with_the_last_task() -> None:
    number = [("account_no", "1000000001")]
    said = await answer(ActionDidYouMean(), "那个呢", entities=number, slots={"last_task": "action_bill_current"})
    assert said.events == [{"event": "followup", "timestamp": None, "name": "action_inform"}]
    assert (await answer(ActionDidYouMean(), "那个呢", entities=number)).text


async def test_without_a_guess_help_is_offered() -> None:
    said = await answer(ActionDidYouMean(), "？？？", ranking=[])
    assert list(said.buttons.values()) == ["/help", "/human"]


async def test_the_second_time_in_a_row_a_person_is_offered() -> None:
    failed = [
        {"event": "user", "text": "水费那个"}, {"event": "action", "name": DID_YOU_MEAN},
        {"event": "action", "name": "action_listen"},
    ]
    said = await answer(ActionDidYouMean(), "都不是", before=failed)
    assert "还是没听懂" in said.text
    assert "/human" in said.buttons.values()
    helped = [*failed, {"event": "user", "text": "查水费"}, {"event": "action", "name": "action_bill_current"}]
    assert "还是没听懂" not in (await answer(ActionDidYouMean(), "嗯那个", before=helped)).text



async def test_another_utility_speaks_of_itself() -> None:
    utility = load_utility(ROOT / "utility.yml").model_copy(update={"short_name": "清源水务", "assistant_name": "小清"})
    open_services(utility)
    said = await answer(ActionAnswer(), intent="greet")
    assert said.text.startswith("中午好，我是清源水务的小清。")
