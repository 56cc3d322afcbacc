"""A customer's messages and what comes back, through a real gateway."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import httpx
import pytest

from gateway import conversation, wording
from gateway.menu import buttons as menu_buttons
from services import quota
from services.errors import Undeliverable
from store.models import ConversationRecord, Customer, Media, Message
from tests.integration.gateway.conftest import World

ANNA, BELLA = "oAnna", "oBella"
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20
BUTTONS = [{"title": "是的", "payload": "/affirm"}, {"title": "算了", "payload": "/deny"}]
CHOICES = [{"text": "要交这笔吗？", "buttons": BUTTONS}]

both_databases = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadline that a test can wait for."""
    monkeypatch.setattr(conversation, "DEADLINE_SECONDS", 1.0)


def words(message: str) -> list[dict[str, str]]:
    return [{"text": f"答：{message}"}]


# --- once, whatever WeChat does


@both_databases
async def test_a_retry_gets_the_same_answer_and_runs_nothing(world: World) -> None:
    xml = world.wechat.message(ANNA, "text", Content="交水费")
    replies = [world.wechat.read(await world.wechat.post(xml), ANNA) for _ in range(3)]
    assert replies == ["答：交水费"] * 3
    assert len(world.rasa.heard) == 1
    assert len(await world.messages()) == 2


@both_databases
async def test_retries_during_the_work_wait_for_the_same_answer(world: World) -> None:
    world.rasa.seconds = lambda _message: 0.3
    xml = world.wechat.message(ANNA, "text", Content="交水费")
    other = await world.start_gateway()
    here = [world.wechat.post(xml) for _ in range(2)]
    posts = asyncio.gather(*here)
    await asyncio.sleep(0.1)
    world.wechat.gateway, first = other, world.wechat.gateway
    there = await world.wechat.post(xml)
    world.wechat.gateway = first
    assert [world.wechat.read(answer, ANNA) for answer in (*await posts, there)] == ["答：交水费"] * 3
    assert len(world.rasa.heard) == 1


async def test_events_have_no_message_id_and_still_run_once(world: World) -> None:
    click = world.wechat.message(ANNA, "event", Event="CLICK", EventKey="bill_current")
    for _ in range(2):
        assert world.wechat.read(await world.wechat.post(click), ANNA) == "答：/bill_current"
    other = world.wechat.message(ANNA, "event", Event="CLICK", EventKey="pay_bill")
    assert world.wechat.read(await world.wechat.post(other), ANNA) == "答：/pay_bill"
    assert [message for _, message, _ in world.rasa.heard] == ["/bill_current", "/pay_bill"]


async def test_a_call_that_hangs_up_does_not_lose_the_answer(world: World) -> None:
    world.rasa.seconds = lambda _message: 0.5
    xml = world.wechat.message(ANNA, "text", Content="交水费")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(world.wechat.post(xml), 0.2)
    assert world.wechat.read(await world.wechat.post(xml), ANNA) == "答：交水费"
    assert len(world.rasa.heard) == 1


# --- in time


@pytest.mark.usefixtures("hurry")
@both_databases
async def test_what_comes_late_goes_through_the_api_once(world: World) -> None:
    world.rasa.seconds = lambda _message: 1.6
    typing: list[str] = []
    world.wechat.answer = lambda path, body: typing.append(body["touser"]) if path.endswith("typing") else None
    xml = world.wechat.message(ANNA, "text", Content="交水费")
    assert world.wechat.read(await world.wechat.post(xml), ANNA) is None
    assert world.wechat.read(await world.wechat.post(xml), ANNA) is None
    await world.eventually(lambda: _answered(world))
    assert [sent["text"]["content"] for sent in world.wechat.sent] == ["答：交水费"]
    assert world.wechat.read(await world.wechat.post(xml), ANNA) is None
    assert len(world.wechat.sent) == len(world.rasa.heard) == 1
    assert typing == [ANNA]


@pytest.mark.usefixtures("hurry")
async def test_a_dialogue_that_hangs_is_given_up_and_said_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rasa = world.gateways[0].ctx.messaging.rasa
    monkeypatch.setattr(rasa._http, "timeout", httpx.Timeout(1.5))
    world.rasa.seconds = lambda _message: 2.5
    assert await world.wechat.say(ANNA, "交水费") is None
    await world.eventually(lambda: _answered(world))
    assert "再发一次" in world.wechat.sent[0]["text"]["content"]


@pytest.mark.parametrize("failure", [
    httpx.Response(500), httpx.Response(200, content=b"<html>"), httpx.Response(200, json={"no": "list"}),
    httpx.Response(200, json=["no answer"]), httpx.Response(200, json=[{"text": "hi", "buttons": ["no button"]}]),
])
async def test_a_dialogue_that_fails_is_said_plainly(world: World, failure: httpx.Response) -> None:
    world.rasa.say = lambda _message: failure
    reply = await world.wechat.say(ANNA, "交水费")
    assert reply is not None
    assert "再发一次" in reply
    world.rasa.say = words
    assert await world.wechat.say(ANNA, "交水费") == "答：交水费"


async def test_a_dialogue_without_words_is_said_plainly(world: World) -> None:
    world.rasa.say = lambda _message: []
    assert await world.wechat.say(ANNA, "嗯？") == wording.NOT_UNDERSTOOD


# --- in order


@both_databases
async def test_messages_of_one_customer_are_answered_in_order_by_all_gateways_together(world: World) -> None:
    world.rasa.seconds = lambda message: 0.4 if message == "一" else 0.0
    first, second = world.wechat.gateway, await world.start_gateway()
    posts = []
    for number, text in enumerate("一二三四"):
        world.wechat.gateway = (first, second)[number % 2]
        posts.append(asyncio.create_task(world.wechat.say(ANNA, text)))
        await asyncio.sleep(0.06)
    assert await asyncio.gather(*posts) == ["答：一", "答：二", "答：三", "答：四"]
    assert [message for _, message, _ in world.rasa.heard] == list("一二三四")
    assert world.rasa.most_running == 1


async def test_customers_do_not_wait_for_each_other(world: World) -> None:
    world.rasa.seconds = lambda _message: 0.4
    assert await asyncio.gather(world.wechat.say(ANNA, "一"), world.wechat.say(BELLA, "二")) == ["答：一", "答：二"]
    assert world.rasa.most_running == 2


# --- choices


async def test_choices_become_a_menu_and_a_tap_is_understood(world: World) -> None:
    world.rasa.say = lambda message: words(message) if message.startswith("/") else CHOICES
    assert await world.wechat.say(ANNA, "交水费") is None
    (menu,) = world.wechat.sent
    assert menu["touser"] == ANNA
    assert menu["msgmenu"]["head_content"] == "要交这笔吗？"
    tapped = menu["msgmenu"]["list"][0]
    assert tapped["content"] == "是的"
    tap = world.wechat.message(ANNA, "text", Content="是的", bizmsgmenuid=tapped["id"])
    assert world.wechat.read(await world.wechat.post(tap), ANNA) == "答：/affirm"
    # The dialogue has gone on, but the menu is still there to be tapped.
    again = world.wechat.message(ANNA, "text", Content="算了", bizmsgmenuid=menu["msgmenu"]["list"][1]["id"])
    assert world.wechat.read(await world.wechat.post(again), ANNA) == "答：/deny"


@pytest.mark.parametrize(("typed", "heard"), [
    ("2", "/deny"), ("第二个", "/deny"), ("是的", "/affirm"), ("选1", "/affirm"), ("3", "3"), ("二十", "二十"),
    ("/affirm", "／affirm"),
])
async def test_a_choice_can_be_typed_while_it_is_offered(world: World, typed: str, heard: str) -> None:
    world.rasa.say = lambda message: CHOICES if message == "交水费" else words(message)
    await world.wechat.say(ANNA, "交水费")
    assert await world.wechat.say(ANNA, typed) == f"答：{heard}"
    said_later = "／affirm" if typed == "/affirm" else typed
    assert await world.wechat.say(ANNA, typed) == f"答：{said_later}"


async def test_the_choices_of_another_customer_mean_nothing(world: World) -> None:
    world.rasa.say = lambda message: CHOICES if message == "交水费" else words(message)
    await world.wechat.say(ANNA, "交水费")
    stolen = world.wechat.sent[0]["msgmenu"]["list"][0]["id"]
    tap = world.wechat.message(BELLA, "text", Content="是的", bizmsgmenuid=stolen)
    assert world.wechat.read(await world.wechat.post(tap), BELLA) == "答：是的"


async def test_when_the_quota_is_low_choices_are_numbered_in_the_reply(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "PERSON_RESERVE", 5)
    world.rasa.say = lambda message: CHOICES if message == "交水费" else words(message)
    assert await world.wechat.say(ANNA, "交水费") == "要交这笔吗？\n\n1. 是的\n2. 算了\n（回复数字即可）"
    assert world.wechat.sent == []
    assert await world.wechat.say(ANNA, "1") == "答：/affirm"


async def test_when_menus_fail_choices_are_numbered_in_the_reply(world: World) -> None:
    world.rasa.say = lambda message: CHOICES if message == "交水费" else words(message)
    world.wechat.answer = lambda path, _body: {"errcode": -1} if path.endswith("custom/send") else None
    reply = await world.wechat.say(ANNA, "交水费")
    assert reply is not None
    assert reply.startswith("要交这笔吗？\n\n1. 是的\n2. 算了")
    assert await world.wechat.say(ANNA, "1") == "答：/affirm"


# --- the API


@pytest.mark.usefixtures("hurry")
async def test_what_the_api_does_not_take_now_is_left_to_the_worker(world: World) -> None:
    world.rasa.seconds = lambda _message: 1.6
    world.wechat.answer = lambda path, _body: {"errcode": -1} if path.endswith("custom/send") else None
    assert await world.wechat.say(ANNA, "交水费") is None
    await world.eventually(lambda: _answered(world))
    (entry,) = await world.outbox()
    assert (entry.kind, entry.openid, json.loads(entry.payload)["answers"]) == ("answers", ANNA, words("交水费"))
    world.wechat.answer = lambda _path, _body: None
    delivery = world.gateways[0].ctx.messaging.delivery
    for _ in range(2):  # the worker may send an entry twice; the customer sees it once
        await delivery.answers(ANNA, json.loads(entry.payload)["answers"], entry.dedupe_key)
    assert [sent["text"]["content"] for sent in world.wechat.sent] == ["答：交水费"]


async def test_a_long_answer_is_split_and_merged_within_limits(world: World) -> None:
    sentence = "水费由基本水价、污水处理费和水资源费组成。"
    world.rasa.say = lambda _message: [{"text": sentence * 30}, {"text": sentence * 10}, {"text": "好了"}]
    assert await world.wechat.say(ANNA, "水费怎么算") is None
    texts = [sent["text"]["content"] for sent in world.wechat.sent]
    assert len(texts) == 2
    assert all(len(text.encode()) <= 2048 for text in texts)
    assert "".join(texts).replace("\n", "") == sentence * 40 + "好了"
    assert all(text.endswith(("。", "好了")) for text in texts)


async def test_a_refused_token_is_renewed_once_by_one(world: World) -> None:
    world.rasa.say = lambda _message: CHOICES
    await world.wechat.say(ANNA, "交水费")
    world.wechat.tokens.append("revoked-elsewhere")
    other = await world.start_gateway()
    first = world.wechat.gateway
    for world.wechat.gateway, openid in ((first, ANNA), (other, BELLA)):
        assert await world.wechat.say(openid, "交水费") is None
    assert len(world.wechat.sent) == 3
    assert len(world.wechat.tokens) == 3


async def test_a_push_is_said_by_the_dialogue_and_sent_once(world: World) -> None:
    await world.wechat.say(ANNA, "交水费")
    delivery = world.gateways[0].ctx.messaging.delivery
    for _ in range(2):
        await delivery.trigger(ANNA, "EXTERNAL_payment_received", {"amount": 8640}, "paid:1")
    assert [sent["text"]["content"] for sent in world.wechat.sent] == ["答：EXTERNAL_payment_received {'amount': 8640}"]


async def test_what_the_quota_does_not_allow_is_told_with_the_next_answer(world: World) -> None:
    await world.wechat.say(ANNA, "你好")
    await _use_up_quota(world, ANNA)
    messaging = world.gateways[0].ctx.messaging
    with pytest.raises(Undeliverable) as caught:
        await messaging.delivery.answers(ANNA, [{"text": "已收到您的缴费。"}], "paid:1")
    assert caught.value.why == "quota"
    assert world.wechat.sent == []
    assert await world.wechat.say(ANNA, "到账了吗") == "已收到您的缴费。\n\n答：到账了吗"
    assert await world.wechat.say(ANNA, "好") == "答：好"


# --- after a crash


@both_databases
async def test_a_message_left_unanswered_is_answered_once(world: World) -> None:
    await _leave(world, "交水费")
    assert sum(await asyncio.gather(world.conversation.recover(), world.conversation.recover())) == 1
    assert [sent["text"]["content"] for sent in world.wechat.sent] == ["答：交水费"]
    assert await world.conversation.recover() == 0
    assert len(world.rasa.heard) == 1


async def test_what_the_dialogue_answered_before_the_crash_is_not_asked_again(world: World) -> None:
    message_id = await _leave(world, "交水费")
    world.rasa.events[ANNA] = [
        {"event": "user", "metadata": {"message_id": message_id - 1}}, {"event": "bot", "text": "旧的"},
        {"event": "user", "metadata": {"message_id": message_id}},
        {"event": "bot", "text": "共86.40元。", "data": {"buttons": None, "custom": None}},
        {"event": "bot", "text": "要交吗？", "data": {"buttons": [{"title": "是的", "payload": "/affirm"}]}},
    ]
    await world.conversation.recover()
    assert world.rasa.heard == []
    assert world.wechat.sent[0]["msgmenu"]["head_content"] == "共86.40元。\n\n要交吗？"


async def test_an_answer_that_was_partly_sent_before_the_crash_is_finished(world: World) -> None:
    long = "水" * 600
    message_id = await _leave(world, "交水费", answers=[{"text": long}, {"text": long}])
    delivery = world.gateways[0].ctx.messaging.delivery
    async with world.gateways[0].ctx.services.db.begin() as session:
        for number, state in enumerate(("sent", "queued")):
            content = json.dumps({"text": f"第{number}段"})
            delivery.record(session, ANNA, f"answers:{message_id}", str(number), "text", content, state)
    await world.conversation.recover()
    assert world.rasa.heard == []
    assert [sent["text"]["content"] for sent in world.wechat.sent] == ["第1段"]


async def test_a_message_that_always_crashes_is_given_up_and_said_so(world: World) -> None:
    await _leave(world, "交水费", attempts=conversation.MOST_ATTEMPTS)
    await world.conversation.recover()
    assert world.rasa.heard == []
    assert "再发一次" in world.wechat.sent[0]["text"]["content"]


async def test_a_message_under_way_is_not_taken_up(world: World) -> None:
    world.rasa.seconds = lambda _message: 0.5
    saying = asyncio.create_task(world.wechat.say(ANNA, "交水费"))
    await world.eventually(lambda: _heard(world))
    world.move_clock(conversation.LEASE.total_seconds() + 1)
    await world.conversation.renew_leases()
    assert await world.conversation.recover() == 0
    assert await saying == "答：交水费"
    assert len(world.rasa.heard) == 1


# --- what is not text


async def test_a_photo_is_kept_encrypted_and_its_id_reaches_the_dialogue(world: World) -> None:
    world.wechat.media["photo-1"] = JPEG
    photo = world.wechat.message(ANNA, "image", MediaId="photo-1", PicUrl="http://mmbiz.example/1")
    reply = world.wechat.read(await world.wechat.post(photo), ANNA)
    assert reply is not None
    media_id = json.loads(reply.removeprefix("答：/inform"))["image"]
    messaging = world.gateways[0].ctx.messaging
    assert await messaging.media.read(media_id) == (JPEG, "image/jpeg")
    async with world.gateways[0].ctx.services.db.read() as session:
        media = await session.get_one(Media, media_id)
    stored = (world.settings.data_dir / media.path).read_bytes()
    assert JPEG[:16] not in stored
    assert (media.openid, media.size) == (ANNA, len(JPEG))


@pytest.mark.parametrize(("content", "said"), [
    (None, wording.NOT_A_PHOTO), (b"<svg onload=alert(1)>", wording.NOT_A_PHOTO), (b"", wording.NOT_A_PHOTO),
    (JPEG + bytes(11 * 1024 * 1024), wording.NOT_A_PHOTO),
])
async def test_a_photo_that_cannot_be_used_is_said_plainly(world: World, content: bytes | None, said: str) -> None:
    if content is not None:
        world.wechat.media["photo-1"] = content
    photo = world.wechat.message(ANNA, "image", MediaId="photo-1")
    assert world.wechat.read(await world.wechat.post(photo), ANNA) == said
    assert world.rasa.heard == []


async def test_a_photo_that_fails_to_download_is_asked_for_again(world: World) -> None:
    world.wechat.answer = lambda path, _body: {"errcode": -1} if path.endswith("media/get") else None
    photo = world.wechat.message(ANNA, "image", MediaId="photo-1")
    assert world.wechat.read(await world.wechat.post(photo), ANNA) == wording.PHOTO_FAILED


@pytest.mark.parametrize(("kind", "fields", "said"), [
    ("voice", {"MediaId": "v", "Format": "amr", "Recognition": "我家水费多少？"}, "答：我家水费多少"),
    ("voice", {"MediaId": "v", "Format": "amr"}, wording.NOT_HEARD),
    ("video", {"MediaId": "v", "ThumbMediaId": "t"}, wording.NO_VIDEO),
    ("shortvideo", {"MediaId": "v", "ThumbMediaId": "t"}, wording.NO_VIDEO),
    ("link", {"Title": "公告", "Description": "", "Url": "https://a.example"}, wording.NO_LINK),
    ("location", {"Location_X": "30.2", "Location_Y": "120.2", "Scale": "16", "Label": "江边"},
     '答：/inform{"location": "30.2,120.2"}'),
    ("sticker", {}, wording.NO_WORDS),
    ("text", {"Content": "  \u3000 "}, wording.NO_WORDS),
    ("text", {"Content": "/affirm"}, "答：／affirm"),
    ("text", {"Content": '  /inform{"secret": "x"}'}, '答：／inform{"secret": "x"}'),
])
async def test_every_kind_of_message_is_answered(world: World, kind: str, fields: dict[str, str], said: str) -> None:
    xml = world.wechat.message(ANNA, kind, **fields)
    assert world.wechat.read(await world.wechat.post(xml), ANNA) == said


@pytest.mark.parametrize(("fields", "said"), [
    ({"Event": "subscribe"}, "答：/greet"),
    ({"Event": "subscribe", "EventKey": "qrscene_hall1", "Ticket": "T"}, "答：/greet"),
    ({"Event": "SCAN", "EventKey": "hall1", "Ticket": "T"}, "答：/greet"),
    ({"Event": "CLICK", "EventKey": "outlets"}, "答：/outlets"),
    ({"Event": "CLICK", "EventKey": 'restart{"a": 1}'}, wording.MENU_CHANGED),
    ({"Event": "LOCATION", "Latitude": "30.2", "Longitude": "120.2", "Precision": "65"}, None),
    ({"Event": "VIEW", "EventKey": "https://a.example"}, None),
    ({"Event": "TEMPLATESENDJOBFINISH", "MsgID": "200163836", "Status": "success"}, None),
    ({"Event": "some_new_event"}, None),
])
async def test_every_event_is_stored_and_those_that_ask_are_answered(
    world: World, fields: dict[str, str], said: str | None,
) -> None:
    xml = world.wechat.message(ANNA, "event", **fields)
    assert world.wechat.read(await world.wechat.post(xml), ANNA) == said
    (stored,) = await world.messages(direction="in")
    assert stored.state == ("answered" if said else "noted")


async def test_following_and_leaving_are_remembered(world: World) -> None:
    async def follows() -> bool:
        async with world.gateways[0].ctx.services.db.read() as session:
            return (await session.get_one(Customer, ANNA)).subscribed

    await world.wechat.post(world.wechat.message(ANNA, "event", Event="subscribe"))
    assert await follows()
    await world.wechat.post(world.wechat.message(ANNA, "event", Event="unsubscribe"))
    assert not await follows()
    await world.wechat.post(world.wechat.message(ANNA, "event", Event="subscribe", CreateTime=int(world.wechat.now()) + 9))
    assert await follows()


# --- secrets, and people


async def test_a_password_never_reaches_the_dialogue_nor_the_store(world: World) -> None:
    ask = [{"text": "请输入查询密码"}, {"custom": {"expects": "secret"}}]
    world.rasa.say = lambda message: words(message) if message.startswith("/inform") else ask
    assert await world.wechat.say(ANNA, "设置密码") == "请输入查询密码"
    reply = await world.wechat.say(ANNA, "Lin2Jiang!")
    assert reply is not None
    handle = json.loads(reply.removeprefix("答：/inform"))["secret"]
    assert all("Lin2Jiang" not in message for _, message, _ in world.rasa.heard)
    assert all("Lin2Jiang" not in message.content for message in await world.messages())
    secrets = world.gateways[0].ctx.services.secrets
    assert await secrets.take(BELLA, handle) is None


@pytest.mark.parametrize("text", ["我忘了密码", "12345678", "abc1234", "pass word1", "a" * 21])
async def test_what_is_no_password_is_heard(world: World, text: str) -> None:
    world.rasa.say = lambda message: [{"text": message, "custom": None}, {"custom": {"expects": "secret"}}]
    await world.wechat.say(ANNA, "设置密码")
    assert await world.wechat.say(ANNA, text) == text


async def test_a_conversation_that_a_person_has_taken_is_left_to_them(world: World) -> None:
    services = world.gateways[0].ctx.services
    async with services.db.begin() as session:
        now = services.clock.now()
        session.add(ConversationRecord(
            openid=ANNA, state="taken", owner="li", last_at=now, last_by="customer", told_closed_at=now, created_at=now,
        ))
    assert await world.wechat.say(ANNA, "在吗") is None
    assert world.rasa.heard == []
    assert [message.state for message in await world.messages()] == ["held"]


async def test_the_menu_is_what_wechat_takes(world: World) -> None:
    columns = menu_buttons()
    assert len(columns) <= 3
    for column in columns:
        assert len(column["name"].encode()) <= 16
        assert 1 <= len(column["sub_button"]) <= 5
        assert all(len(entry["name"].encode()) <= 60 for entry in column["sub_button"])
    published: list[object] = []
    world.wechat.answer = lambda path, body: published.append(body) if path.endswith("menu/create") else None
    await world.gateways[0].ctx.wechat.create_menu(columns)
    assert published == [{"button": columns}]


async def _answered(world: World) -> bool:
    return all(message.state == "answered" for message in await world.messages(direction="in"))


async def _heard(world: World) -> bool:
    return bool(world.rasa.heard)


async def _use_up_quota(world: World, openid: str) -> None:
    services, delivery = world.gateways[0].ctx.services, world.gateways[0].ctx.messaging.delivery
    async with services.db.begin() as session:
        for number in range(10):
            delivery.record(session, openid, "earlier", str(number), "text", json.dumps({"text": "x"}), "sent")


async def _leave(world: World, text: str, answers: list[dict[str, str]] | None = None, attempts: int = 0) -> int:
    """A message as a gateway leaves it that stops in the middle."""
    services = world.gateways[0].ctx.services
    past = services.clock.now() - timedelta(seconds=1)
    heard = conversation.Heard(shown=text, message=text)
    row = Message(
        key="m:1", openid=ANNA, direction="in", kind="text", grant="message", content=heard.dump(), state="received",
        answers=json.dumps(answers) if answers else None, lease_until=past, attempts=attempts, created_at=past,
    )
    async with services.db.begin() as session:
        session.add(row)
    return row.id
