"""What the phone page and the tests drive: users, what they do, and what they see. DESIGN.md calls it the sandbox contract."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from dataclasses import asdict
from typing import Any

from sanic import Blueprint, HTTPResponse, Request
from sanic import json as json_response
from sanic.response import empty, file, raw

from sandbox.wechat import media
from sandbox.wechat.errors import ApiError
from sandbox.wechat.exchange import BadRequest, Doing, perform
from sandbox.wechat.state import WeChat

bp = Blueprint("wechat_customer", url_prefix="/sandbox/wechat")

LONGEST_WAIT_SECONDS = 60.0
STREAM_BEAT_SECONDS = 15.0


def _wechat(request: Request) -> WeChat:
    wechat: WeChat = request.app.ctx.wechat
    return wechat


@bp.exception(BadRequest)  # type: ignore[untyped-decorator]
async def refuse(_request: Request, error: BadRequest) -> HTTPResponse:
    """The tester's mistake."""
    return json_response({"error": str(error)}, status=400)


@bp.post("/send")
async def send(request: Request) -> HTTPResponse:
    """Do as a WeChat user does; answers when WeChat is done with it (after retries up to 15 s): ``{"messages": [...]}``.

    JSON or a form with ``openid`` and ``type``, and, by type:

    - text: ``content``; ``menu_id`` when it is the tap on a line of a menu message
    - image, voice, video, shortvideo: ``media`` (base64, or a file of the form) or ``sample`` (a name of
      ``GET /sandbox/wechat/samples``; for a voice ``silence``); voice: ``recognition``
    - location: ``latitude``, ``longitude``, ``label``
    - link: ``title``, ``description``, ``url``
    - event: ``event`` (subscribe, unsubscribe, SCAN, LOCATION, CLICK, VIEW) with ``key`` or ``latitude``, ``longitude``
    """
    doing = _doing(request)
    return json_response({"messages": await perform(_wechat(request), doing)})


def _doing(request: Request) -> Doing:
    facts: dict[str, Any]
    facts = {name: values[0] for name, values in request.form.items()} if request.form else _json(request)
    openid, kind = facts.get("openid"), facts.get("type")
    if not isinstance(openid, str) or not 1 <= len(openid) <= 64 or not isinstance(kind, str):
        raise BadRequest("openid and type are needed")
    return Doing(openid, kind, facts, _media_bytes(request, facts, kind))


def _json(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError as error:
        raise BadRequest("the body is not JSON") from error
    if not isinstance(body, dict):
        raise BadRequest("the body is not a JSON object")
    return body


def _media_bytes(request: Request, facts: dict[str, Any], kind: str) -> bytes:
    if request.files and (upload := request.files.get("media")):
        return bytes(upload.body)
    if name := facts.get("sample"):
        content = media.SILENCE if kind == "voice" else media.sample(str(name))
        if content is None:
            raise BadRequest(f"no sample {name}")
        return content
    try:
        return base64.b64decode(str(facts.get("media", "")), validate=True)
    except binascii.Error as error:
        raise BadRequest("media is not base64") from error


@bp.get("/messages")
async def messages(request: Request) -> HTTPResponse:
    """``?openid=&after=&wait=``: the user's messages after an id; with ``wait`` (seconds) at least one, or time is over."""
    wechat, openid = _wechat(request), request.args.get("openid", "")
    after, deadline = _number(request, "after"), asyncio.get_running_loop().time() + _wait(request)
    while True:
        seen = wechat.signal.version
        found = wechat.inbox.after(openid, after)
        left = deadline - asyncio.get_running_loop().time()
        if found or left <= 0 or not await wechat.signal.wait(seen, left):
            return json_response({"messages": found or wechat.inbox.after(openid, after)})


def _number(request: Request, name: str) -> int:
    value = request.args.get(name) or "0"
    if not value.isdecimal():
        raise BadRequest(f"{name} must be a number")
    return int(value)


def _wait(request: Request) -> float:
    try:
        return min(max(float(request.args.get("wait", "0")), 0.0), LONGEST_WAIT_SECONDS)
    except ValueError as error:
        raise BadRequest("wait must be a number of seconds") from error


@bp.get("/stream")
async def stream(request: Request) -> None:
    """``?openid=&after=&traffic=``: server-sent events ``message``, ``state`` and, with ``traffic=<id>``, ``traffic``."""
    wechat, openid = _wechat(request), request.args.get("openid", "")
    last, traffic = _number(request, "after"), _number(request, "traffic")
    response = await request.respond(content_type="text/event-stream", headers={"Cache-Control": "no-store"})
    state = ""
    while True:
        seen = wechat.signal.version
        for message in wechat.inbox.after(openid, last):
            last = message["id"]
            await response.send(_event("message", message))
        if "traffic" in request.args:
            for entry in wechat.journal.after(traffic):
                traffic = entry["id"]
                await response.send(_event("traffic", entry))
        if (now := _state(wechat, openid)) != state:
            state = now
            await response.send(f"event: state\ndata: {state}\n\n")
        if not await wechat.signal.wait(seen, STREAM_BEAT_SECONDS if not wechat.inbox.is_typing(openid) else 1.0):
            await response.send(": still here\n\n")


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\nid: {data['id']}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _state(wechat: WeChat, openid: str) -> str:
    user = wechat.users.find(openid)
    return json.dumps({
        "typing": wechat.inbox.is_typing(openid), "subscribed": bool(user and user.subscribed), "menu": wechat.menu.get(),
    }, ensure_ascii=False)


@bp.get("/traffic")
async def traffic(request: Request) -> HTTPResponse:
    """``?after=``: posts to the server and calls of the API, oldest first."""
    return json_response({"traffic": _wechat(request).journal.after(_number(request, "after"))})


@bp.get("/users")
async def users(request: Request) -> HTTPResponse:
    """Everybody who is known to the account."""
    return json_response({"users": [asdict(user) for user in _wechat(request).users.all()]})


@bp.post("/users")
async def new_user(request: Request) -> HTTPResponse:
    """``{nickname}``: somebody who does not follow the account yet."""
    nickname = str(_json(request).get("nickname") or "新客户")[:20]
    return json_response(asdict(_wechat(request).users.add_stranger(nickname)), status=201)


@bp.get("/samples")
async def samples(_request: Request) -> HTTPResponse:
    """Names of the photos that can be sent without a file."""
    return json_response({"samples": sorted(media.SAMPLES)})


@bp.get("/samples/<name:str>")
async def sample(_request: Request, name: str) -> HTTPResponse:
    """A sample photo."""
    content = media.sample(name.removesuffix(".jpg"))
    return raw(content, content_type="image/jpeg") if content else empty(status=404)


@bp.get("/media/<media_id:str>")
async def media_file(request: Request, media_id: str) -> HTTPResponse:
    """A file as the user's phone shows it."""
    try:
        found = _wechat(request).media.get(media_id, expired=True)
    except ApiError:
        return empty(status=404)
    return await file(found.path, mime_type=found.content_type)
