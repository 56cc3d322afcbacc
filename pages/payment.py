"""The payment page: ``/p/pay/<token>``, opened from the link in the chat."""

from __future__ import annotations

import logging
from itertools import groupby

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import html, json, redirect

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
from services.errors import (
    AmountChanged,
    BillDisputed,
    ClosedAccount,
    LinkInvalid,
    NothingToPay,
    PaymentInProgress,
    PrepayOutOfRange,
    ServiceError,
    SystemUnavailable,
    UnknownAccount,
)
from services.payments import OrderLine, OrderState, OrderView

log = logging.getLogger(__name__)

# A header that a page of another origin cannot send without being allowed to: with SameSite, the guard against CSRF.
OWN_HEADER, OWN_VALUE = "x-requested-with", "runxia"
FOLDER = "/p/pay"
payment = Blueprint("payment", url_prefix=FOLDER)

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
    "closed_account": Notice(CONFLICT, "info", "这个户号不能再存钱", "没有扣款。这一户已经销户，请回到聊天换一户。"),
    "prepay_rule": Notice(CONFLICT, "info", "金额超出范围", "没有扣款。请回到聊天，重新说一个预存金额。"),
    "in_progress": Notice(CONFLICT, "waiting", "款项正在入账", "这些账单已收到一笔付款，正在入账，请不要重复支付。"),
}


@payment.get("/<token:str>")
async def show(request: Request, token: str) -> HTTPResponse:
    """The page; first, once, by way of WeChat's authorisation."""
    now, identity = services(request).clock.now(), Identity.of(services(request).settings, FOLDER)
    try:
        openid = identified(request, FOLDER, token) or await authorized(request, FOLDER, token)
        if openid is None:
            return redirect(identity.authorize_url(token, now), headers={"Cache-Control": "no-store"})
        order = await services(request).payments.open_link(token, openid)
    except CodeInvalid:
        return _say(request, "code")
    except ApiError as error:
        log.error("WeChat refuses to tell who opened a page: %s", error)
        return _say(request, "unavailable")
    except (LinkInvalid, SystemUnavailable) as error:
        return _say(request, _reason(error))
    response = _order_page(request, order)
    response.add_cookie(
        COOKIE, identity.cookie(token, openid, now), path=f"{FOLDER}/{token}", max_age=int(COOKIE_LIFE.total_seconds()),
        httponly=True, samesite="Lax", secure=identity.secure,
    )
    return response


@payment.post("/<token:str>/prepay")
async def prepay(request: Request, token: str) -> HTTPResponse:
    """Begin the payment: what the page hands to WeixinJSBridge."""
    openid = identified(request, FOLDER, token)
    if openid is None or not _is_own(request):
        return _refuse("code")
    try:
        return json({"parameters": await services(request).payments.prepay(token, openid)})
    except ServiceError as error:
        return _refuse(_reason(error))


@payment.post("/<token:str>/returned")
async def returned(request: Request, token: str) -> HTTPResponse:
    """The cashier has closed with success: have WeChat Pay asked whether that is true."""
    openid = identified(request, FOLDER, token)
    if openid is None or not _is_own(request):
        return _refuse("code")
    try:
        await services(request).payments.returned(token, openid)
    except ServiceError as error:
        return _refuse(_reason(error))
    return json({})


@payment.get("/<token:str>/status")
async def status(request: Request, token: str) -> HTTPResponse:
    """Whether the money has arrived, for the page that waits for it."""
    openid = identified(request, FOLDER, token)
    if openid is None:
        return _refuse("code")
    try:
        order = await services(request).payments.open_link(token, openid)
    except ServiceError as error:
        return _refuse(_reason(error))
    return json({"state": order.state})


payment.middleware(protect, "response")


def _is_own(request: Request) -> bool:
    return bool(request.headers.get(OWN_HEADER) == OWN_VALUE)


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
        case ClosedAccount() | UnknownAccount():
            return "closed_account"
        case PrepayOutOfRange():
            return "prepay_rule"
        case SystemUnavailable():
            return "unavailable"
    raise error


def _refuse(reason: str) -> HTTPResponse:
    notice = NOTICES[reason]
    return json({"reason": reason, "title": notice.title, "text": notice.text}, status=notice.status)


def _say(request: Request, reason: str) -> HTTPResponse:
    notice = NOTICES[reason]
    return html(render(request, "notice.html", notice=notice), status=notice.status)


def _order_page(request: Request, order: OrderView) -> HTTPResponse:
    """The page that fits where the order stands."""
    if order.state in (OrderState.PAID, OrderState.SETTLED):
        return html(render(request, "paid.html", order=order, accounts=_by_account(order)))
    is_open = order.state in (OrderState.CREATED, OrderState.BEGUN, OrderState.PREPAID)
    if not is_open or order.expires_at <= services(request).clock.now():
        return _say(request, "expired")
    return html(render(request, "pay.html", order=order, accounts=_by_account(order)))


def _by_account(order: OrderView) -> list[tuple[str, list[OrderLine]]]:
    lines = sorted(order.lines, key=lambda line: (line.account_no, line.period, line.bill_no))
    return [(mask_account_no(number), list(group)) for number, group in groupby(lines, key=lambda line: line.account_no)]
