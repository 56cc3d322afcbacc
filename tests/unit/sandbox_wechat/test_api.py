"""The API that the server calls refuses what WeChat refuses."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import faults
from sandbox.wechat import media
from tests.unit.sandbox_wechat.conftest import OPENID, World


async def _errcode(world: World, path: str, **params: Any) -> int:
    return int((await world.http.get(f"/cgi-bin/{path}", params=params)).json().get("errcode", 0))


# --- tokens


@pytest.mark.parametrize(
    ("wrong", "errcode"),
    [({"grant_type": "code"}, 40002), ({"appid": "wxother"}, 40013), ({"secret": "guess"}, 40125), ({"secret": ""}, 41004)],
)
async def test_wrong_credentials_get_no_token(world: World, wrong: dict[str, str], errcode: int) -> None:
    body = {"grant_type": "client_credential", "appid": "wxtest", "secret": "app-secret", **wrong}
    assert (await world.http.post("/cgi-bin/stable_token", json=body)).json()["errcode"] == errcode


async def test_the_token_is_stable_until_five_minutes_before_its_end(world: World) -> None:
    first = await world.token()
    world.later(minutes=114)
    assert await world.token() == first
    world.later(minutes=2)
    second = await world.token()
    assert second != first
    assert await _errcode(world, "user/info", access_token=first, openid="nobody") == 40003  # still good
    world.later(minutes=5)
    assert await _errcode(world, "user/info", access_token=first, openid="nobody") == 42001


async def test_a_forced_token_ends_the_one_before_at_once_but_not_twice_in_30_seconds(world: World) -> None:
    first = await world.token()
    forced = await world.token(force_refresh=True)
    assert await _errcode(world, "user/info", access_token=first, openid="nobody") == 40001
    assert await world.token(force_refresh=True) == forced
    world.later(seconds=31)
    assert await world.token(force_refresh=True) != forced


async def test_a_token_may_be_forced_20_times_a_day(world: World) -> None:
    for _ in range(20):
        await world.token(force_refresh=True)
        world.later(seconds=31)
    body = {"grant_type": "client_credential", "appid": "wxtest", "secret": "app-secret", "force_refresh": True}
    assert (await world.http.post("/cgi-bin/stable_token", json=body)).json()["errcode"] == 45009


@pytest.mark.parametrize(("token", "errcode"), [("", 41001), ("nonsense", 40014), ("x" * 130, 40001)])
async def test_a_call_needs_a_good_token(world: World, token: str, errcode: int) -> None:
    assert await _errcode(world, "user/info", access_token=token, openid=OPENID) == errcode


# --- customer-service messages


async def test_five_messages_after_a_message_and_five_more_after_the_next(world: World) -> None:
    await world.send(type="text", content="账单")
    assert [await world.custom() for _ in range(6)] == [0, 0, 0, 0, 0, 45047]
    await world.send(type="text", content="还在吗")
    assert await world.custom() == 0


async def test_nothing_after_48_hours(world: World) -> None:
    await world.send(type="text", content="账单")
    world.later(hours=47, minutes=59)
    assert await world.custom() == 0
    world.later(minutes=2)
    assert await world.custom() == 45015


@pytest.mark.parametrize(
    "doing",
    [{"type": "event", "event": "CLICK", "key": "k"}, {"type": "event", "event": "subscribe"},
     {"type": "event", "event": "SCAN", "key": "k"}, {"type": "text", "content": "缴费", "menu_id": "1"}],
)
async def test_three_messages_in_a_minute_after_a_click(world: World, doing: dict[str, str]) -> None:
    await world.send(**doing)
    assert [await world.custom() for _ in range(4)] == [0, 0, 0, 45047]
    await world.send(**doing)
    world.later(seconds=61)
    assert await world.custom() == 45015


async def test_nothing_to_those_who_left(world: World) -> None:
    await world.send(type="text", content="账单")
    await world.send(type="event", event="unsubscribe")
    assert await world.custom() == 45015
    assert await world.call("message/custom/send", {"touser": "oNobody", "msgtype": "text", "text": {"content": "好"}}) == 40003


@pytest.mark.parametrize(
    ("message", "errcode"),
    [
        ({"msgtype": "text", "text": {"content": ""}}, 44004),
        ({"msgtype": "text", "text": {"content": "水" * 683}}, 45002),
        ({"msgtype": "text", "text": "好"}, 47001),
        ({"msgtype": "wxcard", "wxcard": {}}, 40008),
        ({"msgtype": "image", "image": {"media_id": "unknown"}}, 40007),
        ({"msgtype": "news", "news": {"articles": [{"title": "1"}, {"title": "2"}]}}, 45008),
        ({"msgtype": "msgmenu", "msgmenu": {"head_content": "选一个", "list": []}}, 44004),
        ({"msgtype": "msgmenu", "msgmenu": {"head_content": "水" * 700, "list": [{"id": "1", "content": "好"}]}}, 45002),
    ],
)
async def test_messages_that_break_a_rule_cost_no_quota(world: World, message: dict[str, Any], errcode: int) -> None:
    await world.send(type="text", content="账单")
    assert await world.call("message/custom/send", {"touser": OPENID, **message}) == errcode
    assert [await world.custom() for _ in range(6)] == [0, 0, 0, 0, 0, 45047]


async def test_the_customer_sees_text_links_buttons_and_articles(world: World) -> None:
    await world.send(type="text", content="账单")
    seen = world.wechat.inbox.last_id(OPENID)
    await world.custom('请付款：<a href="http://a.example/p?x=1&amp;y=2">去付款</a> <script>alert(1)</script>')
    await world.call("message/custom/send", {"touser": OPENID, "msgtype": "msgmenu", "msgmenu": {
        "head_content": "您可以：", "list": [{"id": "7", "content": "缴费"}], "tail_content": "或直接说",
    }})
    await world.call("message/custom/send", {"touser": OPENID, "msgtype": "news", "news": {
        "articles": [{"title": "停水通知", "description": "周三", "url": "https://a.example/1", "picurl": ""}],
    }})
    text, menu, news = [each["rendered"] for each in world.wechat.inbox.after(OPENID, seen)]
    assert text["links"] == [{"text": "去付款", "url": "http://a.example/p?x=1&y=2"}]
    assert "<script>" not in text["text"]
    assert (menu["plain"], menu["buttons"], menu["tail"]) == ("您可以：", [{"id": "7", "title": "缴费"}], "或直接说")
    assert news["articles"][0]["title"] == "停水通知"


async def test_a_link_that_is_no_web_address_does_not_work(world: World) -> None:
    await world.send(type="text", content="账单")
    await world.custom('<a href="javascript:alert(1)">点我</a>')
    shown = world.wechat.inbox.after(OPENID, 0)[-1]["rendered"]
    assert (shown["text"], shown["links"]) == ("点我", [])


async def test_typing_is_shown_for_15_seconds_or_until_a_message(world: World) -> None:
    async def typing(command: str = "Typing") -> int:
        return await world.call("message/custom/typing", {"touser": OPENID, "command": command})

    world.wechat.users.add(OPENID, "客户")
    assert await typing() == 45080
    await world.send(type="text", content="账单")
    assert [await typing(), await typing(), await typing("Dance")] == [0, 45081, 45072]
    await world.custom()
    assert await typing() == 0
    world.later(seconds=16)
    assert not world.wechat.inbox.is_typing(OPENID)
    world.later(seconds=30)
    assert await typing() == 45080


# --- templates


TEMPLATE = "payment_received_00000000000000000000000000"
FIELDS = {name: {"value": "1002003004"} for name in ("character_string1", "amount2", "time3", "thing4")}


@pytest.mark.parametrize(
    ("change", "errcode"),
    [({"template_id": "unknown"}, 40037), ({"touser": "oNobody"}, 40003), ({"data": {}}, 47003),
     ({"data": FIELDS | {"thing4": {"value": "水" * 21}}}, 47003)],
)
async def test_wrong_template_messages_are_refused(world: World, change: dict[str, Any], errcode: int) -> None:
    world.wechat.users.add(OPENID, "客户")
    body = {"touser": OPENID, "template_id": TEMPLATE, "data": FIELDS, **change}
    assert await world.call("message/template/send", body) == errcode


async def test_a_template_message_needs_no_quota_but_a_follower(world: World) -> None:
    world.wechat.users.add(OPENID, "客户")
    body = {"touser": OPENID, "template_id": TEMPLATE, "data": FIELDS, "url": "https://a.example/"}
    assert await world.call("message/template/send", body) == 0
    await world.server.until("TEMPLATESENDJOBFINISH")
    shown = world.wechat.inbox.after(OPENID, 0)[-1]["rendered"]["template"]
    assert (shown["title"], shown["fields"][0]) == ("缴费成功通知", {"name": "户号", "value": "1002003004"})
    await world.send(type="event", event="unsubscribe")
    assert await world.call("message/template/send", body) == 43004


# --- menu


def _click(name: str, key: str = "k") -> dict[str, Any]:
    return {"type": "click", "name": name, "key": key}


@pytest.mark.parametrize(
    ("buttons", "errcode"),
    [
        ([], 40016),
        ([_click(name) for name in "甲乙丙丁"], 40016),
        ([_click("六个字不行的")], 40018),
        ([{"type": "dance", "name": "跳", "key": "k"}], 40017),
        ([_click("查", "k" * 129)], 40019),
        ([{"type": "view", "name": "官网", "url": "ftp://a.example"}], 40055),
        ([{"name": "多", "sub_button": [_click(name) for name in "一二三四五六"]}], 40023),
        ([{"name": "多", "sub_button": [_click("字" * 21)]}], 40025),
        ([{"name": "多", "sub_button": [{"name": "更多", "sub_button": [_click("一")]}]}], 40023),
        ([{"name": "三" * 5, "sub_button": [_click("字" * 20)]}, _click("二", "k" * 128)], 0),
    ],
)
async def test_the_menu_is_checked(world: World, buttons: list[dict[str, Any]], errcode: int) -> None:
    assert await world.call("menu/create", {"button": buttons}) == errcode
    found = (await world.http.get("/cgi-bin/menu/get", params={"access_token": await world.token()})).json()
    assert found.get("errcode") == 46003 if errcode else found["menu"]["button"] == buttons


# --- media, users


async def test_media_end_after_three_days(world: World) -> None:
    params = {"access_token": await world.token(), "type": "image"}
    photo = media.sample("meter") or b""
    uploaded = (await world.http.post("/cgi-bin/media/upload", params=params, files={"media": ("a.jpg", photo)})).json()
    fetched = await world.http.get("/cgi-bin/media/get", params={**params, "media_id": uploaded["media_id"]})
    assert (fetched.content, fetched.headers["content-type"]) == (photo, "image/jpeg")
    world.later(days=3, seconds=1)
    assert await _errcode(world, "media/get", access_token=await world.token(), media_id=uploaded["media_id"]) == 40007
    assert (await world.http.get(f"/sandbox/wechat/media/{uploaded['media_id']}")).content == photo  # the phone keeps it


@pytest.mark.parametrize(
    ("kind", "content", "errcode"),
    [("image", b"plain text", 40005), ("song", b"#!AMR", 40004), ("voice", b"#!AMR" + bytes(2 << 20), 40006),
     ("voice", b"\xff\xd8\xff", 40005)],
)
async def test_media_are_checked(world: World, kind: str, content: bytes, errcode: int) -> None:
    params = {"access_token": await world.token(), "type": kind}
    answer = await world.http.post("/cgi-bin/media/upload", params=params, files={"media": ("a", content)})
    assert answer.json()["errcode"] == errcode


async def test_a_video_is_fetched_from_the_address_in_the_answer(world: World) -> None:
    film = b"\0\0\0\x18ftypmp42" + bytes(64)
    (shown, *_) = await world.send(type="video", media="AAAAGGZ0eXBtcDQy" + "A" * 84 + "AA==")
    media_id = shown["media"]["url"].rpartition("/")[2]
    params = {"access_token": await world.token(), "media_id": media_id}
    url = (await world.http.get("/cgi-bin/media/get", params=params)).json()["video_url"]
    assert (await world.http.get(url)).content[:12] == film[:12]


async def test_user_info_tells_of_followers_only(world: World) -> None:
    await world.send(type="text", content="账单")
    params = {"access_token": await world.token(), "openid": OPENID}
    assert (await world.http.get("/cgi-bin/user/info", params=params)).json()["subscribe"] == 1
    await world.send(type="event", event="unsubscribe")
    assert (await world.http.get("/cgi-bin/user/info", params=params)).json() == {"subscribe": 0, "openid": OPENID}


# --- web pages


async def _code(world: World) -> str:
    world.wechat.users.add(OPENID, "客户")
    page = f"{world.wechat.settings.public_base_url}/p/pay/t?a=1"
    await world.http.get("/sandbox/open", params={"openid": OPENID, "url": page})
    sent_back = await world.http.get("/connect/oauth2/authorize", params={
        "appid": "wxtest", "redirect_uri": page, "response_type": "code", "scope": "snsapi_base", "state": "s",
    })
    assert sent_back.status_code == 302
    assert sent_back.headers["location"].startswith(f"{page}&code=")
    return sent_back.headers["location"].partition("code=")[2].partition("&")[0]


async def _redeem(world: World, code: str, secret: str = "app-secret") -> dict[str, Any]:
    params = {"appid": "wxtest", "secret": secret, "code": code, "grant_type": "authorization_code"}
    answer: dict[str, Any] = (await world.http.get("/sns/oauth2/access_token", params=params)).json()
    return answer


async def test_a_code_gives_the_openid_once(world: World) -> None:
    code = await _code(world)
    assert (await _redeem(world, code, "guess"))["errcode"] == 40125
    assert (await _redeem(world, code))["openid"] == OPENID
    assert (await _redeem(world, code))["errcode"] == 40163
    assert (await _redeem(world, "unknown"))["errcode"] == 40029


async def test_a_code_ends_after_five_minutes(world: World) -> None:
    code = await _code(world)
    world.later(minutes=5)
    assert (await _redeem(world, code))["errcode"] == 40029


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"redirect_uri": "https://evil.example/"}, "10003"), ({"appid": "wxother"}, "AppID"), ({"scope": "all"}, "10005"),
     ({}, "微信客户端")],
)
async def test_a_wrong_authorization_leads_nowhere(world: World, wrong: dict[str, str], told: str) -> None:
    params = {"appid": "wxtest", "redirect_uri": f"{world.wechat.settings.public_base_url}/", "response_type": "code",
              "scope": "snsapi_base", **wrong}
    answer = await world.http.get("/connect/oauth2/authorize", params=params)
    assert answer.status_code == 400
    assert told in answer.text


# --- faults


@pytest.mark.parametrize("fault", ["down", "garbage"])
async def test_wechat_can_be_out_of_order(world: World, fault: str) -> None:
    faults.put("wechat", faults.Fault(mode=fault, times=1))  # type: ignore[arg-type]
    answer = await world.http.get("/cgi-bin/menu/get")
    assert not answer.headers["content-type"].startswith("application/json")
    assert (await world.http.get("/cgi-bin/menu/get")).json()["errcode"] == 41001
