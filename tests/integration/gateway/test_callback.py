"""The callback, posted to by an independent WeChat: every mode, and everything that must be refused."""

from __future__ import annotations

import pytest

from tests.integration.gateway.conftest import World
from tests.integration.minimal_wechat import sign

ANNA = "oAnna"
NOBODY = "oNobody"


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
async def test_a_message_is_answered_in_every_mode(world: World, mode: str) -> None:
    world.wechat.mode = mode
    assert await world.wechat.say(ANNA, "这个月水费多少") == "答：这个月水费多少"
    assert [message for _, message, _ in world.rasa.heard] == ["这个月水费多少"]


async def test_an_answer_that_tries_to_break_out_of_its_xml_arrives_as_it_is(world: World) -> None:
    world.rasa.say = lambda _message: [{"text": "一]]>二</Content><b>&amp;\x0b三"}]
    for world.wechat.mode in ("plain", "safe"):
        assert await world.wechat.say(ANNA, "hi") == "一]]>二</Content><b>&amp;三"


async def test_the_address_is_verified(world: World) -> None:
    stamp = str(int(world.wechat.now()))
    query = {"timestamp": stamp, "nonce": "n1", "signature": sign("minimaltoken", stamp, "n1"), "echostr": "5836<b>"}
    good = await world.wechat.gateway.get("/wechat", params=query)
    assert (good.status_code, good.text) == (200, "5836<b>")
    assert good.headers["content-type"].startswith("text/plain")
    assert (await world.wechat.gateway.get("/wechat", params=query | {"signature": "0" * 40})).status_code == 403
    assert (await world.wechat.gateway.get("/wechat", params=query | {"timestamp": "1"})).status_code == 403
    assert (await world.wechat.gateway.get("/wechat")).status_code == 403


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
@pytest.mark.parametrize("wrong", ["signature", "nonce", "timestamp"])
async def test_a_wrong_signature_is_refused(world: World, mode: str, wrong: str) -> None:
    world.wechat.mode = mode
    xml = world.wechat.message(ANNA, "text", Content="hi")
    value = str(int(world.wechat.now()) - 1) if wrong == "timestamp" else "0" * 40
    assert (await world.wechat.post(xml, **{wrong: value})).status_code == 403
    await _nothing_happened(world)


async def test_a_wrong_message_signature_is_refused(world: World) -> None:
    xml = world.wechat.message(ANNA, "text", Content="hi")
    assert (await world.wechat.post(xml, msg_signature="0" * 40)).status_code == 403
    await _nothing_happened(world)


@pytest.mark.parametrize("mode", ["plain", "safe"])
@pytest.mark.parametrize("seconds", [-301, 301])
async def test_a_stale_call_is_refused(world: World, mode: str, seconds: int) -> None:
    world.wechat.mode = mode
    now = world.wechat.now()
    world.wechat.now = lambda: now + seconds
    assert (await world.wechat.post(world.wechat.message(ANNA, "text", Content="hi"))).status_code == 403
    await _nothing_happened(world)


XXE = (
    '<!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/passwd">]><xml><ToUserName>gh_0123456789ab</ToUserName>'
    "<FromUserName>oAnna</FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType><MsgId>1</MsgId>"
    "<Content>&x;</Content></xml>"
)
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><xml><Content>&b;</Content></xml>'


@pytest.mark.parametrize("mode", ["plain", "safe"])
@pytest.mark.parametrize("body", ["", "no xml", "<xml>", "<xml></xml>", XXE, BOMB, "<xml>\x00</xml>"])
async def test_malformed_xml_is_rejected(world: World, mode: str, body: str) -> None:
    world.wechat.mode = mode
    assert (await world.wechat.post(body)).status_code == 400
    await _nothing_happened(world)


@pytest.mark.parametrize("missing", ["FromUserName", "CreateTime", "MsgType", "MsgId", "ToUserName"])
async def test_a_message_without_what_identifies_it_is_rejected(world: World, missing: str) -> None:
    xml = world.wechat.message(ANNA, "text", Content="hi", **{missing: ""})
    assert (await world.wechat.post(xml)).status_code == 400
    await _nothing_happened(world)


@pytest.mark.parametrize("size", [65 * 1024, 3 * 1024 * 1024])
async def test_an_oversize_call_is_rejected(world: World, size: int) -> None:
    world.wechat.mode = "plain"
    assert (await world.wechat.post(world.wechat.message(ANNA, "text", Content="x" * size))).status_code == 400
    await _nothing_happened(world)


async def test_a_message_for_another_application_is_rejected(world: World) -> None:
    account = world.wechat.account
    sealed = account.seal(world.wechat.message(ANNA, "text", Content="hi"), app_id="wxsomebodyelse000")
    stamp = str(int(world.wechat.now()))
    query = {"timestamp": stamp, "nonce": "n", "encrypt_type": "aes", "msg_signature": sign(account.token, stamp, "n", sealed)}
    answer = await world.wechat.gateway.post("/wechat", params=query, content=f"<xml><Encrypt>{sealed}</Encrypt></xml>")
    assert answer.status_code == 400
    await _nothing_happened(world)


@pytest.mark.parametrize("sealed", ["", "AAAA", "not base64!", "A" * 64, "AAAA" * 32])
async def test_a_signed_call_that_does_not_decrypt_is_rejected(world: World, sealed: str) -> None:
    stamp = str(int(world.wechat.now()))
    signature = sign(world.wechat.account.token, stamp, "n", sealed)
    query = {"timestamp": stamp, "nonce": "n", "encrypt_type": "aes", "msg_signature": signature}
    answer = await world.wechat.gateway.post("/wechat", params=query, content=f"<xml><Encrypt>{sealed}</Encrypt></xml>")
    assert answer.status_code == 400
    await _nothing_happened(world)


async def test_a_message_to_another_account_is_rejected(world: World) -> None:
    xml = world.wechat.message(ANNA, "text", Content="hi", ToUserName="gh_somebodyelse")
    assert (await world.wechat.post(xml)).status_code == 400
    await _nothing_happened(world)


async def test_a_plain_call_is_refused_where_encryption_is_required(world: World) -> None:
    world.settings.wechat_require_encryption = True
    world.wechat.gateway = await world.start_gateway()
    world.wechat.mode = "plain"
    assert (await world.wechat.post(world.wechat.message(ANNA, "text", Content="hi"))).status_code == 403
    world.wechat.mode = "safe"
    assert await world.wechat.say(ANNA, "hi") == "答：hi"


async def test_health_tells_what_is_up(world: World) -> None:
    answer = await world.wechat.gateway.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "database": "ok", "rasa": "ok"})


async def _nothing_happened(world: World) -> None:
    assert world.rasa.heard == []
    assert await world.messages() == []
    assert world.wechat.sent == []
