"""The way to WeChat Pay's page for signing a direct debit contract, ``/p/autopay/<token>``; and its callback."""

from __future__ import annotations

import asyncio
import logging

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import html, raw, redirect

from connectors.wechat.api import ApiError, CodeInvalid
from pages.frame import (
    CONFLICT,
    FORBIDDEN,
    GONE,
    NOT_FOUND,
    UNAVAILABLE,
    Notice,
    authorized,
    protect,
    render,
    services,
)
from pages.identity import Identity
from services.errors import CallbackRefused, LinkInvalid

log = logging.getLogger(__name__)

FOLDER = "/p/autopay"
ANSWER_SECONDS = 4.0
TAKEN = b"<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>"
REFUSED = b"<xml><return_code><![CDATA[FAIL]]></return_code></xml>"

auto_pay = Blueprint("auto_pay", url_prefix=FOLDER)
auto_pay.middleware(protect, "response")
contract_notify = Blueprint("contract_notify")

NOTICES = {
    "forged": Notice(NOT_FOUND, "warn", "链接无效", "请从聊天里重新打开签约链接。"),
    "foreign": Notice(FORBIDDEN, "warn", "这不是您的签约链接", "要给自己的户号开通自动扣款，请在聊天里说“开通自动扣款”。"),
    "expired": Notice(GONE, "info", "链接已失效", "没有签约。请回到聊天，重新说一声“开通自动扣款”。"),
    "used": Notice(CONFLICT, "success", "已经开通", "这一户已经开通自动扣款，不用再签。"),
    "code": Notice(FORBIDDEN, "info", "请在微信里打开", "没能确认您的微信身份。请回到聊天，重新点一次签约链接。"),
    "unavailable": Notice(UNAVAILABLE, "waiting", "系统正忙", "请过一两分钟再打开这个链接。"),
}


@auto_pay.get("/<token:str>")
async def show(request: Request, token: str) -> HTTPResponse:
    """Find out who it is, and hand over to WeChat Pay. Asked anew each time: the way is open for minutes only."""
    here = services(request)
    try:
        openid = await authorized(request, FOLDER, token)
        if openid is None:
            url = Identity.of(here.settings, FOLDER).authorize_url(token, here.clock.now())
        else:
            url = await here.auto_pay.open_link(token, openid)
    except CodeInvalid:
        return _say(request, "code")
    except LinkInvalid as error:
        return _say(request, error.why)
    except ApiError as error:
        log.error("WeChat refuses to tell who opened a page: %s", error)
        return _say(request, "unavailable")
    return redirect(url, headers={"Cache-Control": "no-store"})


@contract_notify.post("/pay/contract")
async def told(request: Request) -> HTTPResponse:
    """Write down that a contract was signed or has ended; the worker does the rest."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await services(request).auto_pay.callback(request.body)
    except CallbackRefused as refused:
        log.warning("a contract callback was refused: %s", refused.why)
        return raw(REFUSED, content_type="text/xml", status=400)
    except TimeoutError:
        log.error("a contract callback could not be written down in time")
        return raw(REFUSED, content_type="text/xml", status=UNAVAILABLE)
    return raw(TAKEN, content_type="text/xml")


def _say(request: Request, reason: str) -> HTTPResponse:
    notice = NOTICES[reason]
    return html(render(request, "notice.html", notice=notice), status=notice.status)
