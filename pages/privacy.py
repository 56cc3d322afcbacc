"""A customer's own data: ``/p/data/<token>``, opened from the link in the chat, and the same as a file."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import html, raw, redirect

from connectors.wechat.api import ApiError, CodeInvalid
from pages.frame import (
    FORBIDDEN,
    GONE,
    NOT_FOUND,
    UNAVAILABLE,
    Notice,
    authorized,
    identified,
    protect,
    render,
    services,
)
from pages.holdings import sections
from pages.identity import COOKIE, COOKIE_LIFE, Identity
from services.errors import LinkInvalid, SystemUnavailable
from services.privacy import Holding

log = logging.getLogger(__name__)

FOLDER = "/p/data"
NOTICES = {
    "forged": Notice(NOT_FOUND, "warn", "链接无效", "请从聊天里重新要一次，不要使用他人转发的地址。"),
    "foreign": Notice(FORBIDDEN, "warn", "这不是您的链接", "要看自己的数据，请在聊天里说“导出我的数据”。"),
    "expired": Notice(GONE, "info", "链接已失效", "请回到聊天，重新说一声“导出我的数据”。"),
    "code": Notice(FORBIDDEN, "info", "请在微信里打开", "没能确认您的微信身份。请回到聊天，重新点一次链接。"),
    "unavailable": Notice(UNAVAILABLE, "waiting", "系统正忙", "请过一两分钟再打开这个链接。"),
}
data = Blueprint("data", url_prefix=FOLDER)
data.middleware(protect, "response")


@data.get("/<token:str>")
async def show(request: Request, token: str) -> HTTPResponse:
    """The page; first, once, by way of WeChat's authorisation."""
    here = services(request)
    identity, now = Identity.of(here.settings, FOLDER), here.clock.now()
    try:
        openid = identified(request, FOLDER, token) or await authorized(request, FOLDER, token)
        if openid is None:
            return redirect(identity.authorize_url(token, now), headers={"Cache-Control": "no-store"})
        holdings = await here.privacy.export(token, openid)
    except CodeInvalid:
        return _say(request, "code")
    except ApiError as error:
        log.error("WeChat refuses to tell who opened a page: %s", error)
        return _say(request, "unavailable")
    except LinkInvalid as error:
        return _say(request, error.why)
    except SystemUnavailable:
        return _say(request, "unavailable")
    page = render(
        request, "data.html", sections=sections(holdings), file_url=f"{FOLDER}/{token}/file",
    )
    response = html(page)
    response.add_cookie(
        COOKIE, identity.cookie(token, openid, now), path=f"{FOLDER}/{token}", max_age=int(COOKIE_LIFE.total_seconds()),
        httponly=True, samesite="Lax", secure=identity.secure,
    )
    return response


@data.get("/<token:str>/file")
async def download(request: Request, token: str) -> HTTPResponse:
    """All of it as JSON."""
    openid = identified(request, FOLDER, token)
    if openid is None:
        return _say(request, "code")
    try:
        holdings = await services(request).privacy.export(token, openid)
    except LinkInvalid as error:
        return _say(request, error.why)
    return raw(
        _file(holdings), content_type="application/json; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="my-data.json"'},
    )


def _file(holdings: list[Holding]) -> bytes:
    return json.dumps([asdict(holding) for holding in holdings], ensure_ascii=False, indent=1).encode()


def _say(request: Request, reason: str) -> HTTPResponse:
    notice = NOTICES[reason]
    return html(render(request, "notice.html", notice=notice), status=notice.status)
