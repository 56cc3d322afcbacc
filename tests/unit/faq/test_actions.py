"""The knowledge base in the chat."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from actions.faq import BROWSE, ActionFaq, ActionRateAnswer, score_of
from runxia.clock import FixedClock
from services.knowledge import Knowledge
from tests.unit.answering import answer

pytestmark = pytest.mark.usefixtures("knowledge")
SAID = {"event": "user", "text": "水垢有害吗", "metadata": {"message_id": 41}}
ANSWERED = [SAID, {"event": "action", "name": "action_faq"}, {"event": "action", "name": "action_listen"}]
SHOWN = {"faq_shown": {"entry": "quality_scale", "message": 41}}


def found(*entries: tuple[str, float], score: float = 0.4) -> dict[str, Any]:
    """What the retriever says: ids and confidences."""
    return {"ranking": [{"id": name, "confidence": confidence, "score": score} for name, confidence in entries]}


async def test_a_clear_question_is_answered_with_the_service_that_does_it() -> None:
    said = await answer(ActionFaq(), "水表怎么看", intent="faq", found=found(("meter_read", 0.9), ("meter_stuck", 0.1)))
    assert "黑色数字" in said.text
    assert said.buttons["现在办理：自己报读数"] == "/self_reading"
    assert {"有用", "没解决"} <= set(said.buttons)
    assert said.slot("faq_shown")["entry"] == "meter_read"


async def test_near_misses_are_offered() -> None:
    near = found(("meter_read", 0.4), ("meter_electronic", 0.3), ("meter_remote", 0.2), ("meter_stuck", 0.1))
    said = await answer(ActionFaq(), "表", intent="faq", found=near)
    assert list(said.buttons) == ["水表上的数怎么看", "智能水表（液晶屏）怎么看", "远传水表是怎么抄表的", "都不是，找人工"]


async def test_what_is_not_there_is_said_honestly() -> None:
    said = await answer(ActionFaq(), "水怎么唱歌", intent="faq", found=found(("meter_read", 0.9), score=0.1))
    assert "没有现成的答案" in said.text
    assert "0571-96390" in said.text


async def test_a_tapped_question_is_answered() -> None:
    said = await answer(ActionFaq(), '/faq{"faq_entry": "freeze_thaw"}', intent="faq", entities=[("faq_entry", "freeze_thaw")])
    assert "温水" in said.text
    gone = await answer(ActionFaq(), "/faq", intent="faq", entities=[("faq_entry", "no_such")])
    assert "已经更新" in gone.text


async def test_categories_and_pages() -> None:
    said = await answer(ActionFaq(), "常见问题", intent="faq", found=found((BROWSE, 0.9)))
    assert said.buttons["水质"] == '/faq{"faq_category": "quality"}'
    first = await answer(ActionFaq(), "/faq", intent="faq", entities=[("faq_category", "quality")])
    assert "第 1 页，共 3 页" in first.text
    assert first.buttons["下一页"] == '/faq{"faq_category": "quality", "faq_page": 2}'
    last = await answer(ActionFaq(), "/faq", intent="faq", entities=[("faq_category", "quality"), ("faq_page", 9)])
    assert "第 3 页" in last.text
    assert "回第一页" in last.buttons
    unknown = await answer(ActionFaq(), "/faq", intent="faq", entities=[("faq_category", "gossip")])
    assert "水质" in unknown.buttons


async def test_search() -> None:
    said = await answer(ActionFaq(), "搜 水垢", intent="faq", found={**found(), "search": "水垢"})
    assert "水垢怎么去掉" in said.buttons
    none = await answer(ActionFaq(), "搜 火星", intent="faq", found={**found(), "search": "火星"})
    assert "没找到和“火星”有关" in none.text
    one = await answer(ActionFaq(), "搜 密封圈漏", intent="faq", found={**found(), "search": "密封圈漏"})
    assert "半小时不冲" in one.text


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("有用", 5), ("没用", 1), ("没解决", 1), ("解决了", 5), ("五星好评", 5), ("3星", 3), ("打两星", 2), ("10分给你", 5),
        ("0分", 1), ("满意", 5), ("不满意", 1), ("一般般吧", 3), ("👍", 5), ("⭐⭐", 2), ("答非所问", 1), ("我要评价", None),
        ("照着弄好了", 5), ("没帮上啥忙", 1), ("问题还在呢", 1),
    ],
)
def test_opinions_are_read(text: str, score: int | None) -> None:
    assert score_of(text) == score


async def test_an_opinion_is_kept_of_what_was_shown(knowledge: Knowledge, clock: FixedClock) -> None:
    said = await answer(ActionRateAnswer(), "没用，看不懂", intent="rate_answer", slots=SHOWN, before=ANSWERED)
    assert "是不是下面这些" in said.text
    assert "水垢怎么去掉" in said.buttons
    assert "找人工" in said.buttons
    counts = await knowledge.counts(clock.now() - timedelta(days=1))
    assert [(each.entry, each.useless) for each in counts] == [("quality_scale", 1)]


async def test_an_opinion_after_another_answer_is_about_that_one(knowledge: Knowledge, clock: FixedClock) -> None:
    later = [*ANSWERED, {"event": "user", "text": "查水费"}, {"event": "action", "name": "action_bill_current"}]
    said = await answer(ActionRateAnswer(), "不满意", intent="rate_answer", slots=SHOWN, before=later)
    assert list(said.buttons) == ["找人工"]
    counts = await knowledge.counts(clock.now() - timedelta(days=1))
    assert [each.entry for each in counts] == ["action_bill_current"]


async def test_a_late_tap_is_about_its_own_answer(knowledge: Knowledge, clock: FixedClock) -> None:
    tap = [("faq_entry", "meter_read"), ("rating", 5)]
    await answer(ActionRateAnswer(), "/rate_answer{...}", intent="rate_answer", entities=tap, slots=SHOWN, before=ANSWERED)
    assert (await knowledge.counts(clock.now() - timedelta(days=1)))[0].entry == "meter_read"


async def test_a_wish_to_rate_is_asked_back() -> None:
    said = await answer(ActionRateAnswer(), "我要评价", intent="rate_answer", slots=SHOWN, before=ANSWERED)
    assert {"有用", "没解决"} == set(said.buttons)
