"""The part of https://api.weixin.qq.com that the official account's server calls."""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import Any

from sanic import Blueprint, HTTPResponse, Request
from sanic import json as json_response
from sanic.response import file, text

from sandbox import faults
from sandbox.wechat import exchange, render, templates
from sandbox.wechat.errors import ApiError
from sandbox.wechat.limits import LINK_BYTES, NEWS_ARTICLES, TEXT_BYTES, TYPING_AFTER_SECONDS
from sandbox.wechat.render import Rendered
from sandbox.wechat.state import WeChat
from sandbox.wechat.users import User

bp = Blueprint("wechat_api", url_prefix="/cgi-bin")

_MEDIA_ID = re.compile(r"[\w-]{1,128}")


def _ok(**more: Any) -> HTTPResponse:
    return json_response({"errcode": 0, "errmsg": "ok", **more})


def _wechat(request: Request) -> WeChat:
    wechat: WeChat = request.app.ctx.wechat
    return wechat


@bp.on_request
async def misbehave(request: Request) -> HTTPResponse | None:
    """Note the time for the journal, and be as slow, absent or confused as the tester wants WeChat to be."""
    request.ctx.started = time.monotonic()
    fault = faults.get("wechat", *faults.API_MODES)
    if fault.mode == "slow":
        await asyncio.sleep(fault.seconds)
    if fault.mode == "down":
        return text("Service Unavailable", status=503)
    if fault.mode == "garbage":
        return text(faults.GARBAGE, content_type="text/html")
    return None


@bp.on_response  # type: ignore[untyped-decorator]
async def note(request: Request, response: HTTPResponse) -> None:
    """Keep the call for the engineers' view."""
    is_text = not (request.content_type or "").startswith("multipart/")
    sent = request.body.decode(errors="replace") if is_text else f"({len(request.body)} bytes)"
    answered = response.body.decode(errors="replace") if response.content_type == "application/json" and response.body else ""
    await _wechat(request).journal.note(
        "api", f"{request.method} {request.path}?{request.query_string}", sent,
        answered or f"({response.content_type})", _outcome(answered), time.monotonic() - request.ctx.started,
    )


def _outcome(answer: str) -> str:
    errcode = json.loads(answer).get("errcode", 0) if answer else 0
    return "ok" if errcode == 0 else str(errcode)


@bp.exception(ApiError)  # type: ignore[untyped-decorator]
async def refuse(_request: Request, error: ApiError) -> HTTPResponse:
    """Answer as WeChat does: HTTP 200 with an errcode."""
    return json_response({"errcode": error.errcode, "errmsg": error.errmsg})


def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body.decode())
    except ValueError as error:
        raise ApiError(47001) from error
    if not isinstance(body, dict):
        raise ApiError(47001)
    return body


def _authorized(request: Request) -> WeChat:
    wechat = _wechat(request)
    wechat.tokens.check(request.args.get("access_token"))
    return wechat


def _user(wechat: WeChat, openid: Any) -> User:
    user = wechat.users.find(openid) if isinstance(openid, str) else None
    if user is None:
        raise ApiError(40003)
    return user


@bp.post("/stable_token")
async def stable_token(request: Request) -> HTTPResponse:
    """``{grant_type, appid, secret, force_refresh}`` → ``{access_token, expires_in}``."""
    wechat, body = _wechat(request), _body(request)
    if body.get("grant_type") != "client_credential":
        raise ApiError(40002)
    check_app(wechat, body.get("appid"), body.get("secret"))
    token, seconds = wechat.tokens.issue(body.get("force_refresh") is True)
    return json_response({"access_token": token, "expires_in": seconds})


def check_app(wechat: WeChat, app_id: Any, secret: Any) -> None:
    """Check the account's credentials.

    Raises:
        ApiError: 41002, 41004 missing; 40013, 40125 wrong.
    """
    if not app_id:
        raise ApiError(41002)
    if not secret:
        raise ApiError(41004)
    if app_id != wechat.settings.wechat_app_id:
        raise ApiError(40013)
    if secret != wechat.settings.wechat_app_secret.get_secret_value():
        raise ApiError(40125)


@bp.post("/message/custom/send")
async def custom_send(request: Request) -> HTTPResponse:
    """A customer-service message to one user, within their quota."""
    wechat, body = _authorized(request), _body(request)
    user = _user(wechat, body.get("touser"))
    kind, rendered = _custom(wechat, body)
    if not user.subscribed:
        raise ApiError(45015)
    wechat.quota.spend(user.openid)
    await wechat.inbox.account_said(user.openid, "custom", kind, request.body.decode(), rendered)
    return _ok()


def _custom(wechat: WeChat, body: dict[str, Any]) -> tuple[str, Rendered]:
    kind = body.get("msgtype")
    content = body.get(kind) if isinstance(kind, str) else None
    if kind not in ("text", "image", "voice", "video", "news", "msgmenu"):
        raise ApiError(40008)
    if not isinstance(content, dict):
        raise ApiError(47001)
    if kind == "text":
        return kind, render.text(_text(content.get("content")))
    if kind == "news":
        return kind, _news(content)
    if kind == "msgmenu":
        return kind, _msgmenu(content)
    media = wechat.media.get(str(content.get("media_id", "")))
    if media.kind != kind:
        raise ApiError(40007)
    return kind, render.media(kind, media.media_id)


def _text(content: Any) -> str:
    if not isinstance(content, str) or not content.strip():
        raise ApiError(44004)
    if len(content.encode()) > TEXT_BYTES:
        raise ApiError(45002)
    return content


def _news(content: dict[str, Any]) -> Rendered:
    articles = content.get("articles")
    if not isinstance(articles, list) or not all(isinstance(item, dict) for item in articles):
        raise ApiError(47001)
    if not 1 <= len(articles) <= NEWS_ARTICLES:
        raise ApiError(45008)
    if any(len(str(item.get("url", "")).encode()) > LINK_BYTES for item in articles):
        raise ApiError(45002)
    return render.articles(articles)


def _msgmenu(content: dict[str, Any]) -> Rendered:
    head, tail, items = content.get("head_content", ""), content.get("tail_content", ""), content.get("list")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ApiError(47001)
    if not items or not all(item.get("id") and isinstance(item.get("content"), str) and item["content"] for item in items):
        raise ApiError(44004)
    if not isinstance(head, str) or not isinstance(tail, str):
        raise ApiError(47001)
    if len("".join([head, tail, *(item["content"] for item in items)]).encode()) > TEXT_BYTES:
        raise ApiError(45002)
    return render.msgmenu(head, items, tail)


@bp.post("/message/custom/typing")
async def typing(request: Request) -> HTTPResponse:
    """Show or end 对方正在输入."""
    wechat, body = _authorized(request), _body(request)
    user, command = _user(wechat, body.get("touser")), body.get("command")
    if command not in ("Typing", "CancelTyping"):
        raise ApiError(45072)
    if command == "Typing":
        if user.spoke_at is None or wechat.clock.now().timestamp() - user.spoke_at > TYPING_AFTER_SECONDS:
            raise ApiError(45080)
        if wechat.inbox.is_typing(user.openid):
            raise ApiError(45081)
    await wechat.inbox.type(user.openid, command == "Typing")
    return _ok()


@bp.post("/message/template/send")
async def template_send(request: Request) -> HTTPResponse:
    """A template message; afterwards WeChat posts TEMPLATESENDJOBFINISH."""
    wechat, body = _authorized(request), _body(request)
    user = _user(wechat, body.get("touser"))
    template, fields = templates.check(str(body.get("template_id", "")), body.get("data"))
    if not user.subscribed:
        raise ApiError(43004)
    rendered = render.template(template.title, str(body.get("url") or ""), fields)
    message_id = await wechat.inbox.account_said(user.openid, "template", "template", request.body.decode(), rendered)
    wechat.start(exchange.template_finished(wechat, user.openid, message_id))
    return _ok(msgid=message_id)


@bp.get("/template/get_all_private_template")
async def all_templates(request: Request) -> HTTPResponse:
    """The templates that the account may send."""
    _authorized(request)
    return json_response({"template_list": [
        {"template_id": template.template_id, "title": template.title,
         "content": "\n".join(f"{name}:{{{{{keyword}.DATA}}}}" for keyword, name in template.fields)}
        for template in templates.TEMPLATES.values()
    ]})


@bp.post("/menu/create")
async def menu_create(request: Request) -> HTTPResponse:
    """Publish the menu."""
    wechat = _authorized(request)
    wechat.menu.create(_body(request))
    await wechat.signal.notify()
    return _ok()


@bp.get("/menu/get")
async def menu_get(request: Request) -> HTTPResponse:
    """The menu in force."""
    menu = _authorized(request).menu.get()
    if menu is None:
        raise ApiError(46003)
    return json_response({"menu": menu})


@bp.get("/menu/delete")
async def menu_delete(request: Request) -> HTTPResponse:
    """Take the menu away."""
    wechat = _authorized(request)
    wechat.menu.delete()
    await wechat.signal.notify()
    return _ok()


@bp.post("/media/upload")
async def media_upload(request: Request) -> HTTPResponse:
    """``?type=`` and a form file ``media`` → ``{type, media_id, created_at}``."""
    wechat = _authorized(request)
    upload = request.files.get("media") if request.files else None
    media = wechat.media.put(str(request.args.get("type", "")), upload.body if upload else b"")
    return json_response({
        "type": media.kind, "media_id": media.media_id, "created_at": int(wechat.clock.now().timestamp()),
    })


@bp.get("/media/get")
async def media_get(request: Request) -> HTTPResponse:
    """The file; for a video, JSON with the address to fetch it from."""
    wechat, media_id = _authorized(request), request.args.get("media_id")
    if not media_id:
        raise ApiError(41006)
    if not _MEDIA_ID.fullmatch(media_id):
        raise ApiError(40007)
    media = wechat.media.get(media_id)
    if media.kind == "video":
        return json_response({"video_url": f"{request.scheme}://{request.host}/sandbox/wechat/media/{media_id}"})
    extension = media.content_type.rpartition("/")[2].replace("jpeg", "jpg")
    return await file(media.path, mime_type=media.content_type, filename=f"{media_id}.{extension}")


@bp.get("/user/info")
async def user_info(request: Request) -> HTTPResponse:
    """What WeChat tells of a follower; of anybody else only that they do not follow."""
    wechat = _authorized(request)
    user = _user(wechat, request.args.get("openid"))
    if not user.subscribed:
        return json_response({"subscribe": 0, "openid": user.openid})
    return json_response({
        "subscribe": 1, "openid": user.openid, "language": "zh_CN", "subscribe_time": int(user.subscribed_at or 0),
        "remark": "", "groupid": 0, "tagid_list": [], "subscribe_scene": "ADD_SCENE_SEARCH", "qr_scene": 0, "qr_scene_str": "",
    })
