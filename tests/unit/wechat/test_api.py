"""The API client: tokens, patience, errors, media."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest

from connectors.wechat import api as wechat_api
from connectors.wechat.api import ApiError, Article, CodeInvalid, MediaGone, WechatApi
from connectors.wechat.bubbles import Button
from runxia.clock import SHANGHAI, FixedClock
from services.errors import SystemUnavailable, Undeliverable
from store import crypto
from store.kv import MemoryStore

ANNA = "oAnna"


class FakeApi:
    """Issues tokens t1, t2, ...; ``answers`` are what the next calls get, then all succeed."""

    def __init__(self) -> None:
        self.tokens = 0
        self.forced: list[bool] = []
        self.calls: list[tuple[str, str | None, Any]] = []
        self.answers: list[httpx.Response | Exception] = []

    async def handle(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/cgi-bin/stable_token":
            await asyncio.sleep(0)
            self.tokens += 1
            self.forced.append(json.loads(request.content)["force_refresh"])
            return httpx.Response(200, json={"access_token": f"t{self.tokens}", "expires_in": 7200})
        body = json.loads(request.content) if request.content[:1] == b"{" else request.content
        self.calls.append((path, request.url.params.get("access_token"), body))
        answer = self.answers.pop(0) if self.answers else httpx.Response(200, json={"errcode": 0})
        if isinstance(answer, Exception):
            raise answer
        return answer


def said(errcode: int) -> httpx.Response:
    return httpx.Response(200, json={"errcode": errcode, "errmsg": "x"})


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wechat_api, "_BACK_OFF_SECONDS", (0.0, 0.0))
    crypto.use(crypto.KeyRing.parse(f"k1:{base64.b64encode(bytes(32)).decode()}"))


@pytest.fixture
def fake() -> FakeApi:
    return FakeApi()


@pytest.fixture
def open_api(fake: FakeApi) -> Callable[[], WechatApi]:
    """A client as another process would have it: the same shared store, nothing else in common."""
    kv = MemoryStore(FixedClock(datetime(2026, 8, 20, tzinfo=SHANGHAI)))
    def make() -> WechatApi:
        http = httpx.AsyncClient(transport=httpx.MockTransport(fake.handle), base_url="https://api.example")
        return WechatApi(http, kv, "wx1", "secret")

    make.kv = kv  # type: ignore[attr-defined]
    return make


async def test_all_processes_share_one_token(fake: FakeApi, open_api: Callable[[], WechatApi]) -> None:
    clients = [open_api() for _ in range(3)]
    await asyncio.gather(*(client.send_text(ANNA, "hi") for client in clients for _ in range(3)))
    assert fake.tokens == 1
    assert {token for _, token, _ in fake.calls} == {"t1"}
    kept = await open_api.kv.get("wechat:token:wx1")  # type: ignore[attr-defined]
    assert "t1" not in base64.b64decode(kept.partition(".")[2]).decode("latin-1")


@pytest.mark.parametrize("errcode", [40001, 42001, 40014])
async def test_a_bad_token_is_replaced_once(fake: FakeApi, open_api: Callable[[], WechatApi], errcode: int) -> None:
    fake.answers = [said(errcode)]
    await open_api().send_text(ANNA, "hi")
    assert [token for _, token, _ in fake.calls] == ["t1", "t2"]
    assert fake.forced == [False, True]
    fake.answers = [said(errcode), said(errcode)]
    with pytest.raises(SystemUnavailable):
        await open_api().send_text(ANNA, "hi")
    assert fake.tokens == 3


@pytest.mark.parametrize("errcode", [-1, 45009])
async def test_patience_has_an_end(fake: FakeApi, open_api: Callable[[], WechatApi], errcode: int) -> None:
    fake.answers = [said(errcode)] * 2
    await open_api().send_text(ANNA, "hi")
    assert len(fake.calls) == 3
    fake.answers = [said(errcode)] * 3
    with pytest.raises(SystemUnavailable):
        await open_api().send_text(ANNA, "hi")
    assert len(fake.calls) == 6


@pytest.mark.parametrize(("errcode", "why"), [
    (45015, "window"), (45047, "quota"), (43101, "refused"), (48001, "forbidden"), (40003, "unknown_customer"),
    (99999, "rejected"),
])
async def test_refusals_are_typed(fake: FakeApi, open_api: Callable[[], WechatApi], errcode: int, why: str) -> None:
    fake.answers = [said(errcode)]
    with pytest.raises(ApiError) as caught:
        await open_api().send_text(ANNA, "hi")
    assert isinstance(caught.value, Undeliverable)
    assert (caught.value.errcode, caught.value.why) == (errcode, why)
    assert len(fake.calls) == 1


@pytest.mark.parametrize("answer", [
    httpx.Response(502), httpx.Response(200, content=b"<html>"), httpx.Response(200, json=[]), httpx.ConnectError("no"),
    httpx.ReadTimeout("slow"), httpx.Response(200, json={"errcode": "x"}),
])
async def test_outages_are_not_tried_again_here(
    fake: FakeApi, open_api: Callable[[], WechatApi], answer: httpx.Response | Exception,
) -> None:
    fake.answers = [answer]
    with pytest.raises(SystemUnavailable):
        await open_api().send_text(ANNA, "hi")
    assert len(fake.calls) == 1


async def test_messages_have_the_shape_that_wechat_documents(fake: FakeApi, open_api: Callable[[], WechatApi]) -> None:
    client = open_api()
    await client.send_text(ANNA, "水费")
    await client.send_image(ANNA, "m1")
    await client.send_article(ANNA, Article("账单", "八月", "https://a.example", "https://a.example/p.png"))
    await client.send_menu(ANNA, "要交吗？", [Button("是的", "/affirm", "x-1")])
    await client.send_template(ANNA, "tpl", {"thing1": "八月水费"}, "https://a.example")
    await client.show_typing(ANNA)
    card = {"title": "账单", "description": "八月", "url": "https://a.example", "picurl": "https://a.example/p.png"}
    assert [body for _, _, body in fake.calls] == [
        {"touser": ANNA, "msgtype": "text", "text": {"content": "水费"}},
        {"touser": ANNA, "msgtype": "image", "image": {"media_id": "m1"}},
        {"touser": ANNA, "msgtype": "news", "news": {"articles": [card]}},
        {
            "touser": ANNA, "msgtype": "msgmenu",
            "msgmenu": {"head_content": "要交吗？", "list": [{"id": "x-1", "content": "是的"}], "tail_content": ""},
        },
        {"touser": ANNA, "template_id": "tpl", "url": "https://a.example", "data": {"thing1": {"value": "八月水费"}}},
        {"touser": ANNA, "command": "Typing"},
    ]


async def test_media_is_fetched_within_its_limit(fake: FakeApi, open_api: Callable[[], WechatApi]) -> None:
    client = open_api()
    fake.answers = [httpx.Response(200, content=b"\xff\xd8\xffphoto")]
    assert await client.fetch_media("m1", "image") == b"\xff\xd8\xffphoto"
    fake.answers = [httpx.Response(200, content=bytes(2 * 1024 * 1024 + 1))]
    with pytest.raises(MediaGone):
        await client.fetch_media("m1", "voice")
    fake.answers = [said(40007)]
    with pytest.raises(MediaGone):
        await client.fetch_media("m1", "image")
    fake.answers = [httpx.Response(200, json={"video_url": "https://a.example"})]
    with pytest.raises(MediaGone):
        await client.fetch_media("m1", "image")


async def test_a_picture_is_uploaded(fake: FakeApi, open_api: Callable[[], WechatApi]) -> None:
    fake.answers = [httpx.Response(200, json={"type": "image", "media_id": "m9", "created_at": 1})]
    assert await open_api().upload_image(b"\x89PNG", "image/png") == "m9"
    assert b'filename="image.png"' in fake.calls[0][2]


async def test_a_code_tells_who_opened_the_page(fake: FakeApi, open_api: Callable[[], WechatApi]) -> None:
    client = open_api()
    fake.answers = [httpx.Response(200, json={"access_token": "a", "openid": ANNA, "scope": "snsapi_base"})]
    assert await client.openid_from_code("c1") == ANNA
    assert fake.tokens == 0
    for errcode in (40029, 40163):
        fake.answers = [said(errcode)]
        with pytest.raises(CodeInvalid):
            await client.openid_from_code("c1")
    fake.answers = [httpx.Response(200, json={"access_token": "a"})]
    with pytest.raises(SystemUnavailable):
        await client.openid_from_code("c1")


async def test_followers_are_told_from_others(fake: FakeApi, open_api: Callable[[], WechatApi]) -> None:
    client = open_api()
    fake.answers = [httpx.Response(200, json={"subscribe": 1, "openid": ANNA, "qr_scene_str": "hall1"})]
    user = await client.user(ANNA)
    assert (user.subscribed, user.scene) == (True, "hall1")
    fake.answers = [httpx.Response(200, json={"subscribe": 0, "openid": ANNA})]
    assert not (await client.user(ANNA)).subscribed
