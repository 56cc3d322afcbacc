"""What WeChat posts, and what it makes of the answers."""

from __future__ import annotations

import asyncio
import base64

import pytest
from sanic import HTTPResponse, Request
from sanic.response import text

from sandbox.wechat import callback, media
from sandbox.wechat.limits import FAULT_TEXT
from tests.unit.sandbox_wechat.conftest import World, passive


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
async def test_a_text_goes_to_the_server_and_its_reply_to_the_customer(world: World) -> None:
    reply = passive("8月水费 &lt;86.40&gt; 元")

    async def answer(_request: Request, _message: str) -> HTTPResponse:
        return text(reply if world.server.mode == "plain" else world.server.seal(reply))

    world.server.answer = answer
    mine, theirs = await world.send(type="text", content="账单 ]]> <b>")

    assert "<Content><![CDATA[账单 ]]]]><![CDATA[> <b>]]></Content>" in world.server.got[0]
    assert (mine["direction"], mine["text"]) == ("in", "账单 ]]&gt; &lt;b&gt;")
    assert (theirs["direction"], theirs["via"], theirs["plain"]) == ("out", "passive", "8月水费 <86.40> 元")


@pytest.mark.parametrize("answered", ["", "success"])
async def test_success_shows_nothing(world: World, answered: str) -> None:
    async def answer(_request: Request, _message: str) -> HTTPResponse:
        return text(answered)

    world.server.answer = answer
    assert [message["direction"] for message in await world.send(type="text", content="在吗")] == ["in"]


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (passive("好", ToUserName="oSomebodyElse"), "ToUserName"),
        (passive("好", FromUserName="gh_other"), "FromUserName"),
        (passive("好", CreateTime="now"), "CreateTime"),
        (passive("好", MsgType="msgmenu"), "MsgType"),
        (passive("水" * 683), "2048"),
        (passive(" "), "empty"),
        ('{"text": "好"}', "neither XML"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><xml>&a;</xml>', "neither XML"),
    ],
)
async def test_a_reply_that_breaks_a_rule_is_a_fault(world: World, reply: str, why: str) -> None:
    async def answer(_request: Request, _message: str) -> HTTPResponse:
        return text(world.server.seal(reply))

    world.server.answer = answer
    _mine, fault = await world.send(type="text", content="在吗")
    assert fault["plain"] == FAULT_TEXT
    assert why in fault["error"]
    assert len(world.server.got) == 1


@pytest.mark.parametrize("mode", ["safe"])
async def test_an_unencrypted_reply_is_a_fault_in_safe_mode(world: World) -> None:
    async def answer(_request: Request, _message: str) -> HTTPResponse:
        return text(passive("好"))

    world.server.answer = answer
    assert (await world.send(type="text", content="在吗"))[1]["error"] == "the answer is not encrypted"


async def test_a_forged_signature_is_a_fault(world: World) -> None:
    async def answer(_request: Request, _message: str) -> HTTPResponse:
        return text(world.server.seal(passive("好")).replace("<TimeStamp>1", "<TimeStamp>2"))

    world.server.answer = answer
    assert "signature" in (await world.send(type="text", content="在吗"))[1]["error"]


async def test_three_failures_are_a_fault_and_carry_one_message_id(world: World) -> None:
    async def answer(_request: Request, _message: str) -> HTTPResponse:
        return text("no", status=500)

    world.server.answer = answer
    assert (await world.send(type="text", content="在吗"))[1]["error"] == "HTTP 500"
    assert len(world.server.got) == 3
    assert len(set(world.server.got)) == 1


async def test_a_slow_answer_is_asked_for_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callback, "PUSH_SECONDS", 0.2)
    reply = world.server.seal(passive("好"))

    async def answer(_request: Request, _message: str) -> HTTPResponse:
        if len(world.server.got) < 3:
            await asyncio.sleep(0.5)
        return text(reply)

    world.server.answer = answer
    assert (await world.send(type="text", content="在吗"))[1]["plain"] == "好"


async def test_every_kind_of_message_carries_what_wechat_sends(world: World) -> None:
    photo = base64.b64encode(media.sample("meter") or b"").decode()
    await world.send(type="image", media=photo)
    await world.send(type="image", sample="yellow_water")
    await world.send(type="voice", sample="silence", recognition="我要交水费")
    await world.send(type="location", latitude=30.2084, longitude=120.212, label="滨江")
    await world.send(type="link", title="通知", description="停水", url="https://water.linjiang.example/1")
    image, _sample, voice, place, link = world.server.got
    assert "<PicUrl>" in image
    assert "<MediaId>" in image
    assert "<Format><![CDATA[amr]]></Format>" in voice
    assert "<![CDATA[我要交水费]]>" in voice
    assert "<Location_X>30.2084</Location_X>" in place
    assert "<Url><![CDATA[https://water.linjiang.example/1]]></Url>" in link


async def test_events_carry_no_message_id(world: World) -> None:
    await world.send(type="event", event="SCAN", key="hall-1")
    await world.send(type="event", event="CLICK", key="bill_current")
    await world.send(type="event", event="unsubscribe")
    await world.send(type="event", event="subscribe", key="hall-1")
    assert not any("MsgId" in event for event in world.server.got)
    assert "<EventKey><![CDATA[qrscene_hall-1]]></EventKey>" in world.server.got[3]


async def test_a_tap_on_a_menu_message_carries_its_id(world: World) -> None:
    await world.send(type="text", content="缴费", menu_id="101")
    assert "<bizmsgmenuid><![CDATA[101]]></bizmsgmenuid>" in world.server.got[0]


async def test_a_failure_is_not_shown_after_an_event_that_the_customer_does_not_see(world: World) -> None:
    async def answer(_request: Request, _message: str) -> HTTPResponse:
        return text("what?")

    world.server.answer = answer
    assert await world.send(type="event", event="LOCATION", latitude=30.2, longitude=120.2) == []
    assert [message["kind"] for message in await world.send(type="event", event="CLICK", key="help")] == ["fault"]


@pytest.mark.parametrize(
    "doing",
    [
        {"type": "text", "content": "  "}, {"type": "poke"}, {"type": "event", "event": "DANCE"},
        {"type": "image", "media": "!"},
        {"type": "image", "sample": "nothing"}, {"type": "image", "media": ""}, {"type": "location", "latitude": "north"},
        {"type": "location", "latitude": 95, "longitude": 120}, {"type": "event", "event": "LOCATION", "latitude": "nan"},
    ],
)
async def test_what_no_customer_could_do_is_refused(world: World, doing: dict[str, object]) -> None:
    answer = await world.http.post("/sandbox/wechat/send", json={"openid": "oTest", **doing})
    assert answer.status_code == 400
    assert world.server.got == []


async def test_who_does_not_follow_cannot_write(world: World) -> None:
    await world.send(type="event", event="unsubscribe")
    answer = await world.http.post(
        "/sandbox/wechat/send", json={"openid": "oTestCustomer000000000000001", "type": "text", "content": "在吗"},
    )
    assert answer.status_code == 400
