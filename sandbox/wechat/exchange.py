"""One doing of a user: shown in their chat, posted to the server, and the answer shown."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

from sandbox.wechat import render, xml
from sandbox.wechat.callback import Answer
from sandbox.wechat.errors import ApiError
from sandbox.wechat.limits import FAULT_TEXT
from sandbox.wechat.render import Rendered
from sandbox.wechat.state import WeChat

MESSAGE_TYPES = ("text", "image", "voice", "video", "shortvideo", "location", "link")
EVENTS = ("subscribe", "unsubscribe", "SCAN", "LOCATION", "CLICK", "VIEW")
# After these WeChat shows a failure of the server to the user; of the others the user knows nothing.
_VISIBLE_EVENTS = ("subscribe", "SCAN", "CLICK")
_QUOTA_EVENTS = ("subscribe", "SCAN", "CLICK")
_MEDIA_KINDS = {"image": "image", "voice": "voice", "video": "video", "shortvideo": "video"}


class BadRequest(Exception):
    """The tester asks for something that no WeChat user could do; the text says what."""


@dataclass(frozen=True, slots=True)
class Doing:
    """What a user does. ``type`` is one of :data:`MESSAGE_TYPES` or ``event``."""

    openid: str
    type: str
    facts: dict[str, Any] = field(default_factory=dict)
    media: bytes = b""

    def text(self, name: str) -> str:
        """A fact as text, empty where there is none."""
        value = self.facts.get(name)
        return "" if value is None else str(value)

    def number(self, name: str) -> float:
        """A fact as a number.

        Raises:
            BadRequest: it is none.
        """
        try:
            value = float(self.facts.get(name, ""))
        except (TypeError, ValueError) as error:
            raise BadRequest(f"{name} must be a number") from error
        if not math.isfinite(value):
            raise BadRequest(f"{name} must be finite")
        return value


async def perform(wechat: WeChat, doing: Doing) -> list[dict[str, Any]]:
    """Carry out what a user does; every message of the exchange once WeChat is done with it.

    A user never seen before follows the account from before it had a server: no subscribe event is posted for them.

    Raises:
        BadRequest: the doing makes no sense.
    """
    user = wechat.users.find(doing.openid) or wechat.users.add(
        doing.openid, "微信用户", subscribed=doing.text("event") != "subscribe",
    )
    if not user.subscribed and doing.text("event") != "subscribe":
        raise BadRequest("this user does not follow the account")
    before = wechat.inbox.last_id(doing.openid)
    if doing.type == "event":
        await _event(wechat, doing)
    elif doing.type in MESSAGE_TYPES:
        await _message(wechat, doing)
    else:
        raise BadRequest(f"type must be event or one of {', '.join(MESSAGE_TYPES)}")
    return wechat.inbox.after(doing.openid, before)


async def _message(wechat: WeChat, doing: Doing) -> None:
    facts, rendered = _MAKERS[doing.type](wechat, doing)
    fields = _envelope(wechat, doing.openid, doing.type) | facts | {"MsgId": _message_id()}
    if doing.text("menu_id"):
        fields["bizmsgmenuid"] = doing.text("menu_id")
        wechat.quota.event_came(doing.openid)
    else:
        wechat.quota.message_came(doing.openid)
    wechat.users.spoke(doing.openid)
    await wechat.inbox.customer_said(doing.openid, doing.type, xml.build(fields), rendered)
    await _post(wechat, doing.openid, fields, visible=True)


async def _event(wechat: WeChat, doing: Doing) -> None:
    event = doing.text("event")
    if event not in EVENTS:
        raise BadRequest(f"event must be one of {', '.join(EVENTS)}")
    fields = _envelope(wechat, doing.openid, "event") | {"Event": event} | _event_facts(doing, event)
    if event in ("subscribe", "unsubscribe"):
        wechat.users.follow(doing.openid, event == "subscribe")
    if event == "unsubscribe":
        wechat.quota.close(doing.openid)
    if event in _QUOTA_EVENTS:
        wechat.quota.event_came(doing.openid)
    await _post(wechat, doing.openid, fields, visible=event in _VISIBLE_EVENTS)


def _event_facts(doing: Doing, event: str) -> dict[str, Any]:
    if event == "LOCATION":
        return {"Latitude": doing.number("latitude"), "Longitude": doing.number("longitude"), "Precision": 65.0}
    key, facts = doing.text("key"), {}
    if event in ("SCAN", "subscribe") and key:
        facts["Ticket"] = doing.text("ticket") or f"gQ{secrets.token_hex(24)}"
    if event == "subscribe":
        key = f"qrscene_{key}" if key else ""
    return {"EventKey": key} | facts


def _envelope(wechat: WeChat, openid: str, kind: str) -> dict[str, Any]:
    return {
        "ToUserName": wechat.callback.account.original_id, "FromUserName": openid,
        "CreateTime": int(wechat.clock.now().timestamp()), "MsgType": kind,
    }


def _message_id() -> int:
    return 24_000_000_000_000_000 + secrets.randbelow(10**15)


async def _post(wechat: WeChat, openid: str, fields: dict[str, Any], *, visible: bool) -> None:
    answer = await wechat.callback.post(openid, fields)
    if answer.fault and visible:
        rendered = render.notice(FAULT_TEXT, answer.fault)
        await wechat.inbox.account_said(openid, "system", "fault", answer.raw, rendered)
    if answer.reply is not None and not answer.fault:
        await _show(wechat, openid, answer, answer.reply)


async def _show(wechat: WeChat, openid: str, answer: Answer, reply: Element) -> None:
    try:
        rendered = _passive(wechat, answer.kind, reply)
    except ApiError as error:
        rendered = render.notice(FAULT_TEXT, error.errmsg)
        await wechat.inbox.account_said(openid, "system", "fault", answer.raw, rendered)
        return
    if rendered is not None:
        await wechat.inbox.account_said(openid, "passive", answer.kind, answer.raw, rendered)


def _passive(wechat: WeChat, kind: str, reply: Element) -> Rendered | None:
    if kind == "text":
        return render.text(xml.field(reply, "Content"))
    if kind in ("image", "voice", "video"):
        media = wechat.media.get(xml.field(reply, f"{kind.capitalize()}/MediaId"))
        return render.media(kind, media.media_id)
    if kind == "music":
        return render.link(*(xml.field(reply, f"Music/{name}") for name in ("Title", "Description", "MusicUrl")))
    if kind == "news":
        return render.articles([
            {"title": xml.field(item, "Title"), "description": xml.field(item, "Description"),
             "picurl": xml.field(item, "PicUrl"), "url": xml.field(item, "Url")} for item in reply.findall("Articles/item")
        ])
    return None


async def template_finished(wechat: WeChat, openid: str, message_id: int) -> None:
    """Tell the server that a template message arrived."""
    fields = _envelope(wechat, openid, "event") | {"Event": "TEMPLATESENDJOBFINISH", "MsgID": message_id, "Status": "success"}
    await wechat.callback.post(openid, fields)


Made = tuple[dict[str, Any], Rendered]


def _text(_wechat: WeChat, doing: Doing) -> Made:
    content = doing.text("content")
    if not content.strip():
        raise BadRequest("content must not be empty")
    return {"Content": content}, render.plain(content)


def _media(wechat: WeChat, doing: Doing) -> Made:
    try:
        media = wechat.media.put(_MEDIA_KINDS[doing.type], doing.media)
    except ApiError as error:
        raise BadRequest(error.errmsg) from error
    facts: dict[str, Any] = {"MediaId": media.media_id}
    recognition = doing.text("recognition") or None
    if doing.type == "image":
        facts = {"PicUrl": f"{wechat.settings.wechat_api_base_url}/sandbox/wechat/media/{media.media_id}"} | facts
    elif doing.type == "voice":
        facts |= {"Format": media.content_type.rpartition("/")[2]} | ({"Recognition": recognition} if recognition else {})
    else:
        facts["ThumbMediaId"] = media.media_id
    return facts, render.media(_MEDIA_KINDS[doing.type], media.media_id, recognition)


def _location(_wechat: WeChat, doing: Doing) -> Made:
    latitude, longitude, label = doing.number("latitude"), doing.number("longitude"), doing.text("label")
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise BadRequest("latitude or longitude is out of range")
    facts = {"Location_X": latitude, "Location_Y": longitude, "Scale": 15, "Label": label}
    return facts, render.location(latitude, longitude, label)


def _link(_wechat: WeChat, doing: Doing) -> Made:
    title, description, url = doing.text("title"), doing.text("description"), doing.text("url")
    return {"Title": title, "Description": description, "Url": url}, render.link(title, description, url)


_MAKERS: dict[str, Callable[[WeChat, Doing], Made]] = {
    "text": _text, "location": _location, "link": _link, **dict.fromkeys(_MEDIA_KINDS, _media),
}
