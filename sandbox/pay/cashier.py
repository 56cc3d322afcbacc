"""The cashier on the customer's phone, and tools for tests of the merchant."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

import httpx
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, empty, json

from sandbox.pay.errors import PayError, invalid
from sandbox.pay.merchant import Pay

_LOCAL = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")
_SIGNED = ("appId", "timeStamp", "nonceStr", "package")
_PACKAGE = "prepay_id="

bp = Blueprint("pay_cashier", url_prefix="/sandbox/pay")


async def _allow_local_pages(request: Request, response: HTTPResponse) -> None:
    origin = request.headers.get("origin", "")
    if _LOCAL.fullmatch(origin):
        response.headers.update({
            "Access-Control-Allow-Origin": origin, "Access-Control-Allow-Headers": "content-type",
            "Access-Control-Allow-Methods": "GET, POST", "Vary": "Origin",
        })


async def _refuse(_request: Request, error: PayError) -> HTTPResponse:
    return json({"code": error.code, "message": error.message}, error.status, ensure_ascii=False)


bp.middleware(_allow_local_pages, "response")
bp.exception(PayError)(_refuse)


@bp.get("/cashier/<prepay_id:str>")
async def show(request: Request, prepay_id: str) -> HTTPResponse:
    """What the cashier shows: ``{prepay_id, description, amount_fen, payee, state, expires_at}``."""
    pay: Pay = request.app.ctx.pay
    return json(_show(pay, pay.orders.get_by_prepay(prepay_id)), ensure_ascii=False)


@bp.post("/cashier/<prepay_id:str>/pay")
async def confirm(request: Request, prepay_id: str) -> HTTPResponse:
    """The customer confirms, as ``{"openid"}`` where one is given."""
    pay: Pay = request.app.ctx.pay
    openid = (request.json or {}).get("openid") if request.body else None
    return json(_show(pay, pay.orders.pay(prepay_id, openid)), ensure_ascii=False)


@bp.post("/cashier/<prepay_id:str>/cancel")
async def cancel(request: Request, prepay_id: str) -> HTTPResponse:
    """The customer leaves; the order stays as it is."""
    pay: Pay = request.app.ctx.pay
    return json(_show(pay, pay.orders.get_by_prepay(prepay_id)), ensure_ascii=False)


@bp.post("/cashier/verify")
async def verify(request: Request) -> HTTPResponse:
    """Whether WeChat would open the cashier: ``{"ok", "reason"}`` for what the page handed to WeixinJSBridge."""
    pay: Pay = request.app.ctx.pay
    given = {name: str(value) for name, value in (request.json or {}).items()}
    try:
        reason = _why_not(pay, given)
    except PayError as error:
        reason = error.message
    return json({"ok": not reason, "reason": reason}, ensure_ascii=False)


@bp.post("/probe")
async def probe(request: Request) -> HTTPResponse:
    """Call ``{"url"}`` with a forged WECHATPAY/SIGNTEST signature; ``{"status"}`` of the merchant, which must be no success."""
    pay: Pay = request.app.ctx.pay
    url = str((request.json or {}).get("url", ""))
    if not _LOCAL.match(url):
        raise invalid("url must be local")
    try:
        return json({"status": await pay.callbacks.probe(url)})
    except httpx.HTTPError as error:
        raise PayError(502, "SYSTEM_ERROR", type(error).__name__) from error


@bp.options("/cashier/verify", name="preflight_verify")
@bp.options("/cashier/<prepay_id:str>/pay", name="preflight_pay")
@bp.options("/cashier/<prepay_id:str>/cancel", name="preflight_cancel")
async def preflight(_request: Request, **_path: str) -> HTTPResponse:
    """Answer a browser's question before it posts from another origin."""
    return empty()


def _show(pay: Pay, order: sqlite3.Row) -> dict[str, Any]:
    names = ("prepay_id", "description", "amount_fen", "state", "expires_at")
    return {**{name: order[name] for name in names}, "payee": pay.payee}


def _why_not(pay: Pay, given: dict[str, str]) -> str:
    missing = [name for name in (*_SIGNED, "signType", "paySign") if not given.get(name)]
    if missing:
        return f"缺少参数: {', '.join(missing)}"
    if given["signType"] != "RSA":
        return "signType 必须是 RSA"
    if given["appId"] != pay.platform.app_id:
        return "appId 与下单时不一致"
    if not given["package"].startswith(_PACKAGE):
        return "package 格式错误"
    signed = "".join(f"{given[name]}\n" for name in _SIGNED).encode()
    if not pay.platform.signed_by_merchant(signed, given["paySign"]):
        return "支付验证签名失败"
    pay.orders.get_by_prepay(given["package"].removeprefix(_PACKAGE))
    return ""
