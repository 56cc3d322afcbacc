"""Customers, the bot and staff, through a real gateway."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from gateway import conversation as gateway_conversation
from runxia.clock import SHANGHAI
from runxia.messaging import Messaging
from services.desk import wording
from services.desk.model import Understood
from store.models import ConversationRecord, Understanding
from tests.integration.gateway.conftest import World

ANNA = "oAnna"
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20
both_databases = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


def turn(message: str, intent: str = "bill_current", answer: str = "") -> httpx.Response:
    """What our own channel answers."""
    said = {"event": "user", "text": message, "parse_data": {
        "intent": {"name": intent, "confidence": 0.8}, "entities": [],
        "intent_ranking": [{"name": "arrears", "confidence": 0.1}],
    }}
    told = {"events": [said, {"event": "action", "name": "action_bill", "policy": "RulePolicy", "confidence": 1.0}]}
    return httpx.Response(200, json={
        "answers": [{"text": answer or f"答：{message}"}], "turn": {**told, "slots": {}, "active_loop": {"name": None}},
    })


def messaging(world: World) -> Messaging:
    found: Messaging = world.gateways[0].ctx.messaging
    return found


async def row(world: World) -> ConversationRecord:
    async with world.gateways[0].ctx.services.db.read() as session:
        return (await session.scalars(select(ConversationRecord).where(ConversationRecord.openid == ANNA))).one()


@pytest.fixture(autouse=True)
def _at_work(world: World) -> None:
    """It is ten o'clock."""
    at_ten = datetime.now(SHANGHAI).replace(hour=10, minute=0)
    world.move_clock((at_ten - datetime.now(SHANGHAI)).total_seconds())


@both_databases
async def test_what_a_message_was_understood_as_is_kept_with_the_answer(world: World) -> None:
    world.rasa.say = turn
    assert await world.wechat.say(ANNA, "查水费") == "答：查水费"
    kept = await row(world)
    assert (kept.state, kept.last_by, kept.last_intent, kept.last_confidence, kept.outcome) == (
        "bot", "bot", "bill_current", 0.8, "answered",
    )
    async with world.gateways[0].ctx.services.db.read() as session:
        (found,) = (await session.scalars(select(Understanding))).all()
    what = Understood.load(found.intent, found.confidence, found.runner_up, found.runner_up_confidence, found.detail)
    assert (what.runner_up, what.actions[0].policy) == ("arrears", "RulePolicy")


@both_databases
async def test_the_bots_answer_in_flight_at_a_takeover_never_reaches_the_customer(world: World) -> None:
    world.rasa.say = turn
    await world.wechat.say(ANNA, "你好")
    world.rasa.seconds = lambda _message: 0.5
    saying = asyncio.create_task(world.wechat.say(ANNA, "交水费"))
    await asyncio.sleep(0.2)
    await messaging(world).takeover.take((await row(world)).id, "li")
    assert await saying is None
    assert world.wechat.sent == []
    assert [message.state for message in (await world.messages(openid=ANNA))[2:]] == ["held", "withheld"]
    await messaging(world).sending.text((await row(world)).id, "li", "k1", "我是小李")
    assert [sent["text"]["content"] for sent in world.wechat.sent] == ["我是小李"]


async def test_a_late_answer_is_withheld_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_conversation, "DEADLINE_SECONDS", 0.5)
    world.rasa.say = turn
    await world.wechat.say(ANNA, "你好")
    world.rasa.seconds = lambda _message: 1.2
    assert await world.wechat.say(ANNA, "交水费") is None
    await messaging(world).takeover.take((await row(world)).id, "li")

    async def done() -> bool:
        return [message.state for message in await world.messages(openid=ANNA)][2:] == ["held", "withheld"]

    await world.eventually(done)
    assert world.wechat.sent == []


async def test_given_back_the_bot_answers_again(world: World) -> None:
    await world.wechat.say(ANNA, "你好")
    conversation = (await row(world)).id
    await messaging(world).takeover.take(conversation, "li")
    assert await world.wechat.say(ANNA, "在吗") is None
    assert (await row(world)).waiting_since is not None
    await messaging(world).takeover.give_back(conversation, "li")
    assert await world.wechat.say(ANNA, "交水费") == "答：交水费"
    (entry,) = await world.outbox()
    assert json.loads(entry.payload)["intent"] == wording.BACK_TO_BOT


async def test_what_is_not_understood_twice_goes_to_a_person(world: World) -> None:
    world.rasa.say = lambda message: turn(message, "nlu_fallback", "我没太听明白。")
    assert await world.wechat.say(ANNA, "那个啥") == "我没太听明白。"
    second = await world.wechat.say(ANNA, "就那个")
    assert second is not None
    assert "人工客服" in second
    assert ((await row(world)).state, (await row(world)).trigger) == ("waiting", "fallback")


async def test_outside_their_hours_a_person_who_has_it_is_excused_once(world: World) -> None:
    await world.wechat.say(ANNA, "你好")
    await messaging(world).takeover.take((await row(world)).id, "li")
    at_night = datetime.now(SHANGHAI).replace(hour=22, minute=0)
    world.move_clock((at_night - datetime.now(SHANGHAI)).total_seconds())
    told = await world.wechat.say(ANNA, "在吗")
    assert told is not None
    assert "明天 08:30" in told
    assert await world.wechat.say(ANNA, "没人？") is None
    assert [message.state for message in await world.messages(openid=ANNA, direction="in")] == ["answered", "held", "held"]


async def test_a_photo_sent_to_a_person_is_kept_for_them(world: World) -> None:
    await world.wechat.say(ANNA, "你好")
    conversation = (await row(world)).id
    await messaging(world).takeover.take(conversation, "li")
    world.wechat.media["photo-1"] = JPEG
    photo = world.wechat.message(ANNA, "image", MediaId="photo-1", PicUrl="http://mmbiz.example/1")
    assert world.wechat.read(await world.wechat.post(photo), ANNA) is None
    *_, said = await world.gateways[0].ctx.services.desk.inbox.transcript(conversation)
    assert said.media_id is not None
    assert await messaging(world).media.read(said.media_id) == (JPEG, "image/jpeg")
    assert (await row(world)).has_photo


async def test_the_service_is_rated_by_a_tap_without_the_dialogue(world: World) -> None:
    await world.wechat.say(ANNA, "你好")
    conversation = (await row(world)).id
    await messaging(world).takeover.take(conversation, "li")
    await messaging(world).takeover.resolve(conversation, "li")
    (entry,) = await world.outbox()
    await messaging(world).delivery.answers(ANNA, json.loads(entry.payload)["answers"], entry.dedupe_key)
    choice: dict[str, Any] = world.wechat.sent[0]["msgmenu"]["list"][0]
    tap = world.wechat.message(ANNA, "text", Content=choice["content"], bizmsgmenuid=choice["id"])
    assert world.wechat.read(await world.wechat.post(tap), ANNA) == wording.THANKS[3]
    assert (await row(world)).rating == 3
    assert len(world.rasa.heard) == 1
