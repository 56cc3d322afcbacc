"""What sentences set, switch on and switch off. Entities as the value component gives them."""

from __future__ import annotations

import re
from datetime import time
from decimal import Decimal
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.flow import Task
from actions.subscriptions import (
    ActionNotifyFormSubmit,
    ActionNotifySettings,
    ActionSubOutage,
    ActionSubQuality,
    ActionUnsub,
    ValidateNotifyForm,
    from_slot,
    to_slot,
)
from services.subscriptions import Change, Overview, Quiet, Topic
from tests.fakes import number_of
from tests.unit.answering import OPENID, Answer, answer
from tests.unit.website.conftest import Home

A, B = number_of("neighbour_a"), number_of("neighbour_b")
NIGHT = {"from": "22:00", "to": "07:00"}


def marked(text: str, **found: Any) -> list[tuple[str, Any]]:
    return list(found.items())


async def say(action: Task, text: str, **entities: Any) -> Answer:
    return await answer(action, text, entities=marked(text, **entities))


async def overview(home: Home) -> Overview:
    return await home.subscriptions.overview(OPENID)


async def test_subscribing(home: Home) -> None:
    await home.bind("neighbour_a", "neighbour_b", neighbour_b="爸妈家")
    assert "有停水通知" in (await say(ActionSubOutage(), "停水通知我")).text
    assert "早就订着" in (await say(ActionSubOutage(), "停水通知我")).text
    assert "爸妈家有停水通知" in (await say(ActionSubOutage(), "爸妈家停水也通知我")).text
    assert (await overview(home)).topics == {A: {Topic.OUTAGE}, B: {Topic.OUTAGE}}


async def test_subscribing_to_both_and_for_all(home: Home) -> None:
    await home.bind("neighbour_a", "neighbour_b")
    await say(ActionSubQuality(), "两户的停水和水质都订上")
    both = {Topic.OUTAGE, Topic.QUALITY}
    assert (await overview(home)).topics == {A: both, B: both}


async def test_what_is_not_wanted_is_not_subscribed(home: Home) -> None:
    await home.bind("neighbour_a")
    await say(ActionSubQuality(), "停水的不要，订水质")
    assert (await overview(home)).topics == {A: {Topic.QUALITY}}


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("最近水质报告给我瞅瞅", "action_quality_query"), ("水质那个太频繁了", "action_unsub"),
        ("别再给我推水质", "action_unsub"),
    ],
)
async def test_nobody_is_subscribed_by_a_misunderstanding(home: Home, text: str, instead: str) -> None:
    await home.bind("neighbour_a")
    said = await say(ActionSubQuality(), text)
    assert said.events == [{"event": "followup", "timestamp": None, "name": instead}]
    assert (await overview(home)).is_empty


@pytest.mark.parametrize("text", ["以后水质报告给我看看", "新的水质报告出来提醒我看", "每天早上把水质发来看看"])
async def test_who_wants_it_from_now_on_is_subscribed(home: Home, text: str) -> None:
    await home.bind("neighbour_a")
    await say(ActionSubQuality(), text)
    assert (await overview(home)).topics == {A: {Topic.QUALITY}}


async def test_foreign_accounts_are_refused(home: Home) -> None:
    await home.bind("neighbour_a")
    assert "没有绑定" in (await say(ActionSubOutage(), f"{B}停水通知我", account_no=B)).text
    assert (await overview(home)).is_empty


async def test_unsubscribing_what_is_named(home: Home) -> None:
    await home.bind("neighbour_a")
    await home.subscriptions.subscribe(OPENID, [Topic.OUTAGE, Topic.QUALITY], [A])
    assert "停水通知停掉了" in (await say(ActionUnsub(), "停水的别发了")).text
    assert (await overview(home)).topics == {A: {Topic.QUALITY}}
    assert "水质通知停掉了" in (await say(ActionUnsub(), "退订")).text, "the only one that is on"
    assert "没有给您开着任何通知" in (await say(ActionUnsub(), "退订")).text


@pytest.mark.parametrize(
    ("text", "left"), [("全部退掉", set()), ("除了停水，别的都不要", {Topic.OUTAGE}), ("水质和停水都关了", set())],
)
async def test_unsubscribing_several(home: Home, text: str, left: set[Topic]) -> None:
    await home.bind("neighbour_a")
    await home.subscriptions.subscribe(OPENID, [Topic.OUTAGE, Topic.QUALITY], [A])
    await home.subscriptions.change(OPENID, [A], Change(pay_days=3))
    await say(ActionUnsub(), text)
    assert (await overview(home)).topics.get(A, frozenset()) == left


async def test_which_is_asked_where_it_is_not_said(home: Home) -> None:
    await home.bind("neighbour_a")
    await home.subscriptions.subscribe(OPENID, [Topic.OUTAGE, Topic.QUALITY], [A])
    said = await say(ActionUnsub(), "别发了")
    assert {"event": "followup", "timestamp": None, "name": "unsub_form"} in said.events


async def test_reminders_are_switched_off_by_name(home: Home) -> None:
    await home.bind("neighbour_a")
    await home.subscriptions.change(OPENID, [A], Change(pay_days=3, balance_fen=5000))
    await say(ActionUnsub(), "余额提醒不要了")
    assert (await overview(home)).reminders[A].balance_fen is None
    await say(ActionUnsub(), "账单提醒关了")
    assert not (await overview(home)).reminders[A]


@pytest.mark.parametrize(
    ("text", "entities", "change"),
    [
        ("用水超过30吨提醒我", {"volume": "30"}, Change(overuse_volume=Decimal(30))),
        ("水费超过一百块告诉我", {"amount": 10000}, Change(overuse_fen=10000)),
        ("提前五天提醒我交费", {"days": 5}, Change(pay_days=5)),
        ("晚上十点到早上七点别发", {"time_range": NIGHT}, Change(quiet=Quiet(time(22), time(7)))),
        ("余额低于50块提醒", {"amount": 5000}, Change(balance_fen=5000)),
        ("余额低于50提醒", {}, Change(balance_fen=5000)),
        ("用水超30提醒", {}, Change(overuse_volume=Decimal(30))),
        ("晚上十一点以后别发", {"time_range": {"from": "23:00", "to": None}}, Change(quiet=Quiet(time(23), time(7)))),
        ("早上八点以后再发", {"time_range": {"from": "08:00", "to": None}}, Change(quiet=Quiet(time(22), time(8)))),
        ("晚上别给我发", {}, Change(quiet=Quiet(time(22), time(7)))),
    ],
)
async def test_a_sentence_sets(home: Home, text: str, entities: dict[str, Any], change: Change) -> None:
    await home.bind("neighbour_a")
    said = await say(ActionNotifySettings(), text, **entities)
    assert "设好了" in said.text
    after = await overview(home)
    reminders = after.reminders.get(A)
    kept = Change(*(getattr(reminders, name, None) for name in ("overuse_volume", "overuse_fen", "pay_days", "balance_fen")))
    assert (kept, after.quiet) == (Change(**{**_fields(change), "quiet": None}), change.quiet)


def _fields(change: Change) -> dict[str, Any]:
    return {name: getattr(change, name) for name in ("overuse_volume", "overuse_fen", "pay_days", "balance_fen", "quiet")}


async def test_several_settings_in_one_sentence(home: Home) -> None:
    await home.bind("neighbour_a")
    text = "用水超过30吨提醒我，提前五天提醒交费，晚上十点到早上七点别发，余额低于50块提醒"
    said = await answer(ActionNotifySettings(), text, entities=[
        ("volume", "30"), ("days", 5), ("time_range", NIGHT), ("amount", 5000),
    ])
    for shown in ("一期超过30吨", "截止日前5天", "低于50.00元", "22:00到次日07:00"):
        assert shown in said.text


async def test_what_is_set_is_shown(home: Home) -> None:
    await home.bind("neighbour_a")
    said = await say(ActionNotifySettings(), "看看我设了哪些提醒")
    assert len(re.findall("没设", said.text)) == 4
    assert "停水通知：没订" in said.text
    assert "用水超量提醒" in said.buttons


async def test_a_setting_without_its_value_is_asked_for(home: Home) -> None:
    await home.bind("neighbour_a")
    said = await say(ActionNotifySettings(), "余额提醒开一下")
    assert said.slot("notify_kind") == "balance"


async def test_too_much_is_refused_and_asked_again(home: Home) -> None:
    await home.bind("neighbour_a")
    said = await say(ActionNotifySettings(), "提前三十天提醒我交费", days=30)
    assert "提前天数能设1到15天" in said.text
    assert said.slot("notify_kind") == "pay_days"
    assert (await overview(home)).is_empty


async def hear(text: str, kind: str | None, slot: str, intent: str = "inform", **entities: Any) -> Any:
    latest = {"text": text, "intent": {"name": intent}, "entities": [{"entity": k, "value": v} for k, v in entities.items()]}
    slots = {"requested_slot": slot, "notify_kind": kind}
    tracker = Tracker(OPENID, slots, latest, [{"event": "user"}], False, None, {"name": "notify_form"}, "action_listen")
    form = {"forms": {"notify_form": {"required_slots": ["notify_kind", "notify_change"]}}}
    events = await ValidateNotifyForm().run(CollectingDispatcher(), tracker, form)
    return {event["name"]: event["value"] for event in events if event["event"] == "slot"}


@pytest.mark.parametrize(
    ("kind", "text", "entities", "change"),
    [
        ("overuse", "30", {"ordinal": 30}, Change(overuse_volume=Decimal(30))),
        ("overuse", "120", {}, Change(overuse_volume=Decimal(120))),
        ("overuse", "两百块", {"amount": 20000}, Change(overuse_fen=20000)),
        ("balance", "100", {}, Change(balance_fen=10000)),
        ("balance", "五十吧", {}, Change(balance_fen=5000)),
        ("overuse", "就三十五", {}, Change(overuse_volume=Decimal(35))),
        ("pay_days", "3", {"ordinal": 3}, Change(pay_days=3)),
        ("pay_days", "哦那就五天", {}, Change(pay_days=5)),
        ("pay_days", "早两个星期吧", {}, Change(pay_days=14)),
        ("quiet", "十点到七点", {"time_range": NIGHT}, Change(quiet=Quiet(time(22), time(7)))),
    ],
)
async def test_the_form_hears_a_bare_value(home: Home, kind: str, text: str, entities: dict[str, Any], change: Change) -> None:
    slots = await hear(text, kind, "notify_change", **entities)
    assert from_slot(slots["notify_change"]) == change


async def test_the_form_does_not_hear_nonsense_or_too_much(home: Home) -> None:
    assert (await hear("嗯嗯😀", "balance", "notify_change"))["notify_change"] is None
    slots = await hear("99", "pay_days", "notify_change", ordinal=99)
    assert (slots["notify_change"], slots["asked_again"]) == (None, True)
    assert await hear("停水吗", "balance", "notify_change", "outage_query") == {"requested_slot": "notify_change"}


async def test_the_form_sets_what_it_heard(home: Home) -> None:
    await home.bind("neighbour_a")
    slots = {"notify_account": [A], "notify_change": to_slot(Change(balance_fen=5000))}
    said = await answer(ActionNotifyFormSubmit(), "50", slots=slots)
    assert "低于50.00元" in said.text
