"""The invoice page: ``/p/invoice/<token>``, opened from the link in the chat, and the PDF below it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

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
    identified,
    protect,
    render,
    services,
)
from pages.identity import COOKIE, COOKIE_LIFE, Identity
from runxia.masking import mask_account_no
from services.errors import LinkInvalid, SystemUnavailable
from services.invoices import Invoice, InvoiceState

log = logging.getLogger(__name__)

FOLDER = "/p/invoice"
invoice = Blueprint("invoice", url_prefix=FOLDER)
invoice.middleware(protect, "response")

NOTICES = {
    "forged": Notice(NOT_FOUND, "warn", "链接无效", "请从聊天里重新打开发票链接。"),
    "foreign": Notice(FORBIDDEN, "warn", "这不是您的发票", "这张发票的户号没有绑定在您的微信上。"),
    "expired": Notice(GONE, "info", "链接已过期", "请回到聊天，说一声“重发发票”，马上给您新的链接。"),
    "code": Notice(FORBIDDEN, "info", "请在微信里打开", "没能确认您的微信身份。请回到聊天，重新点一次发票链接。"),
    "unavailable": Notice(UNAVAILABLE, "waiting", "系统正忙", "请过一两分钟再打开这个链接。"),
    "not_ready": Notice(CONFLICT, "waiting", "发票还在开具", "一般几分钟内开好，开好后会在聊天里告诉您。"),
}


@dataclass(frozen=True, slots=True)
class _Opened:
    """An invoice and who looks at it; or what to answer instead."""

    openid: str = ""
    invoice: Invoice | None = None
    instead: HTTPResponse | None = None


@invoice.get("/<token:str>")
async def show(request: Request, token: str) -> HTTPResponse:
    """The page; first, once, by way of WeChat's authorisation."""
    opened = await _open(request, token)
    if opened.invoice is None:
        return opened.instead or _say(request, "forged")
    shown = opened.invoice
    response = html(render(
        request, "invoice.html", invoice=shown, account_no=mask_account_no(shown.account_no), pdf=f"{FOLDER}/{token}/pdf",
        ready=shown.state is not InvoiceState.ISSUING, cancelled=shown.state is InvoiceState.CANCELLED,
    ))
    here = services(request)
    identity = Identity.of(here.settings, FOLDER)
    response.add_cookie(
        COOKIE, identity.cookie(token, opened.openid, here.clock.now()), path=f"{FOLDER}/{token}",
        max_age=int(COOKIE_LIFE.total_seconds()), httponly=True, samesite="Lax", secure=identity.secure,
    )
    return response


@invoice.get("/<token:str>/pdf")
async def pdf(request: Request, token: str) -> HTTPResponse:
    """The document itself."""
    opened = await _open(request, token)
    if opened.invoice is None:
        return opened.instead or _say(request, "forged")
    try:
        document = await services(request).invoices.document(opened.invoice)
    except SystemUnavailable:
        return _say(request, "unavailable")
    if document is None:
        return _say(request, "not_ready")
    name = f"invoice-{opened.invoice.invoice_no}.pdf"
    return raw(document, content_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'})


async def _open(request: Request, token: str) -> _Opened:
    here = services(request)
    try:
        openid = identified(request, FOLDER, token) or await authorized(request, FOLDER, token)
        if openid is None:
            url = Identity.of(here.settings, FOLDER).authorize_url(token, here.clock.now())
            return _Opened(instead=redirect(url, headers={"Cache-Control": "no-store"}))
        return _Opened(openid, await here.invoices.open_link(token, openid))
    except CodeInvalid:
        return _Opened(instead=_say(request, "code"))
    except LinkInvalid as error:
        return _Opened(instead=_say(request, error.why))
    except ApiError as error:
        log.error("WeChat refuses to tell who opened a page: %s", error)
        return _Opened(instead=_say(request, "unavailable"))
    except SystemUnavailable:
        return _Opened(instead=_say(request, "unavailable"))


def _say(request: Request, reason: str) -> HTTPResponse:
    notice = NOTICES[reason]
    return html(render(request, "notice.html", notice=notice), status=notice.status)
