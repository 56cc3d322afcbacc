"""The payment page: ``/p/pay/<token>``, opened from the link in the chat."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sanic import Blueprint, HTTPResponse, Request
from sanic.response import html, json, redirect

from connectors.wechat.api import ApiError, CodeInvalid
from pages.identity import COOKIE, COOKIE_LIFE, Identity
from runxia.bootstrap import Services
from runxia.masking import mask_account_no
from runxia.money import yuan
from services.errors import (
    AmountChanged,
    BillDisputed,
    LinkInvalid,
    NothingToPay,
    PaymentInProgress,
    ServiceError,
    SystemUnavailable,
)
from services.payments import OrderLine, OrderState, OrderView

log = logging.getLogger(__name__)

FORBIDDEN, NOT_FOUND, CONFLICT, GONE, UNAVAILABLE = 403, 404, 409, 410, 503
# A header that a page of another origin cannot send without being allowed to: with SameSite, the guard against CSRF.
OWN_HEADER, OWN_VALUE = "x-requested-with", "runxia"

payment = Blueprint("payment", url_prefix="/p/pay")


@dataclass(frozen=True, slots=True)
class Notice:
    """A page that only says something. ``icon`` is one of WeUI's: success, info, warn, waiting."""

    status: int
    icon: str
    title: str
    text: str


NOTICES = {
    "forged": Notice(NOT_FOUND, "warn", "链接无效", "请从聊天里重新打开缴费链接，不要使用他人转发的地址。"),
    "foreign": Notice(
        FORBIDDEN, "warn", "这不是您的缴费链接", "这笔订单属于另一位微信用户。要缴自己的水费，请在聊天里说“我要缴费”。",
    ),
    "expired": Notice(GONE, "info", "链接已失效", "没有扣款。请回到聊天，重新说一声“缴费”，马上给您新的链接。"),
    "used": Notice(CONFLICT, "success", "这笔订单已经付过了", "不用再付。到账结果会在聊天里告诉您。"),
    "code": Notice(FORBIDDEN, "info", "请在微信里打开", "没能确认您的微信身份。请回到聊天，重新点一次缴费链接。"),
    "unavailable": Notice(UNAVAILABLE, "waiting", "系统正忙", "没有扣款。请过一两分钟再打开这个链接。"),
    "changed": Notice(CONFLICT, "info", "账单金额有变化", "没有扣款。请回到聊天，重新确认金额后再付。"),
    "paid_elsewhere": Notice(CONFLICT, "success", "账单已经结清", "没有扣款，这些账单已通过其他方式付清，不用再付。"),
    "disputed": Notice(CONFLICT, "info", "账单正在复核", "没有扣款。复核结束前，这笔账单暂时不用付。"),
    "in_progress": Notice(CONFLICT, "waiting", "款项正在入账", "这些账单已收到一笔付款，正在入账，请不要重复支付。"),
}


@payment.get("/<token:str>")
async def show(request: Request, token: str) -> HTTPResponse:
    """The page; first, once, by way of WeChat's authorisation."""
    services = _services(request)
    identity, now = Identity.of(services.settings), services.clock.now()
    try:
        openid = _openid(request, token) or await _authorized(request, token)
        if openid is None:
            return redirect(identity.authorize_url(token, now), headers={"Cache-Control": "no-store"})
        order = await services.payments.open_link(token, openid)
    except CodeInvalid:
        return _say(request, "code")
    except ApiError as error:
        log.error("WeChat refuses to tell who opened a page: %s", error)
        return _say(request, "unavailable")
    except (LinkInvalid, SystemUnavailable) as error:
        return _say(request, _reason(error))
    response = _order_page(request, order)
    response.add_cookie(
        COOKIE, identity.cookie(token, openid, now), path=f"/p/pay/{token}", max_age=int(COOKIE_LIFE.total_seconds()),
        httponly=True, samesite="Lax", secure=identity.secure,
    )
    return response


@payment.post("/<token:str>/prepay")
async def prepay(request: Request, token: str) -> HTTPResponse:
    """Begin the payment: what the page hands to WeixinJSBridge."""
    openid = _openid(request, token)
    if openid is None or not _is_own(request):
        return _refuse("code")
    try:
        return json({"parameters": await _services(request).payments.prepay(token, openid)})
    except ServiceError as error:
        return _refuse(_reason(error))


@payment.post("/<token:str>/returned")
async def returned(request: Request, token: str) -> HTTPResponse:
    """The cashier has closed with success: have WeChat Pay asked whether that is true."""
    openid = _openid(request, token)
    if openid is None or not _is_own(request):
        return _refuse("code")
    try:
        await _services(request).payments.returned(token, openid)
    except ServiceError as error:
        return _refuse(_reason(error))
    return json({})


@payment.get("/<token:str>/status")
async def status(request: Request, token: str) -> HTTPResponse:
    """Whether the money has arrived, for the page that waits for it."""
    openid = _openid(request, token)
    if openid is None:
        return _refuse("code")
    try:
        order = await _services(request).payments.open_link(token, openid)
    except ServiceError as error:
        return _refuse(_reason(error))
    return json({"state": order.state})


async def protect(request: Request, response: HTTPResponse) -> None:
    """Nothing is kept, framed, sniffed, referred to, or run that is not ours."""
    settings = _services(request).settings
    sdk = urlsplit(settings.wechat_jssdk_url)
    response.headers.update({
        "Content-Security-Policy": "; ".join((
            "default-src 'none'", f"script-src 'self' {sdk.scheme}://{sdk.netloc}", "style-src 'self'",
            "img-src 'self' data:", "font-src 'self' data:", "connect-src 'self'", "base-uri 'none'", "form-action 'none'",
            f"frame-ancestors {settings.pages_frame_ancestors}",
        )),
        "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
    })


payment.middleware(protect, "response")


def _services(request: Request) -> Services:
    services: Services = request.app.ctx.services
    return services


def _is_own(request: Request) -> bool:
    return bool(request.headers.get(OWN_HEADER) == OWN_VALUE)


def _openid(request: Request, token: str) -> str | None:
    services = _services(request)
    cookie = request.cookies.get(COOKIE)
    return Identity.of(services.settings).openid(token, cookie, services.clock.now()) if cookie else None


async def _authorized(request: Request, token: str) -> str | None:
    """The customer, where the browser comes back from WeChat's authorisation."""
    services = _services(request)
    code, state = request.args.get("code"), request.args.get("state")
    if not code or not state or not Identity.of(services.settings).state_fits(token, state, services.clock.now()):
        return None
    openid: str = await request.app.ctx.wechat.openid_from_code(code)
    return openid


def _reason(error: ServiceError) -> str:
    match error:
        case LinkInvalid():
            return error.why
        case NothingToPay():
            return "paid_elsewhere"
        case BillDisputed():
            return "disputed"
        case PaymentInProgress():
            return "in_progress"
        case AmountChanged():
            return "changed"
        case SystemUnavailable():
            return "unavailable"
    raise error


def _refuse(reason: str) -> HTTPResponse:
    notice = NOTICES[reason]
    return json({"reason": reason, "title": notice.title, "text": notice.text}, status=notice.status)


def _say(request: Request, reason: str) -> HTTPResponse:
    notice = NOTICES[reason]
    return html(_render(request, "notice.html", notice=notice), status=notice.status)


def _order_page(request: Request, order: OrderView) -> HTTPResponse:
    """The page that fits where the order stands."""
    if order.state in (OrderState.PAID, OrderState.SETTLED):
        return html(_render(request, "paid.html", order=order, accounts=_by_account(order)))
    is_open = order.state in (OrderState.CREATED, OrderState.BEGUN, OrderState.PREPAID)
    if not is_open or order.expires_at <= _services(request).clock.now():
        return _say(request, "expired")
    return html(_render(request, "pay.html", order=order, accounts=_by_account(order)))


def _by_account(order: OrderView) -> list[tuple[str, list[OrderLine]]]:
    lines = sorted(order.lines, key=lambda line: (line.account_no, line.period, line.bill_no))
    return [(mask_account_no(number), list(group)) for number, group in groupby(lines, key=lambda line: line.account_no)]


def _render(request: Request, template: str, **facts: Any) -> str:
    services = _services(request)
    return _templates().get_template(template).render(
        utility=services.utility, jssdk_url=services.settings.wechat_jssdk_url, OrderState=OrderState, **facts,
    )


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )
    environment.filters |= {"yuan": yuan, "month": _month}
    return environment


def _month(period: str) -> str:
    """``2026-08`` → ``2026年8月``."""
    year, _, month = period.partition("-")
    return f"{year}年{int(month)}月"
