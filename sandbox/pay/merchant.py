"""The API that merchants call: https://pay.weixin.qq.com/doc/v3/merchant/."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ValidationError
from sanic import Blueprint, Request, Sanic
from sanic.exceptions import SanicException
from sanic.response import HTTPResponse, empty, json, raw

from runxia.clock import today
from runxia.settings import load_settings
from runxia.utility import load_utility
from sandbox import faults
from sandbox.clock import sandbox_clock
from sandbox.pay import statement
from sandbox.pay.callbacks import Callbacks
from sandbox.pay.database import Database, iso
from sandbox.pay.errors import PayError, invalid
from sandbox.pay.orders import OrderRequest, Orders, RefundRequest
from sandbox.pay.platform import Platform

log = logging.getLogger(__name__)

# https://pay.weixin.qq.com/doc/v3/merchant/4012791893: yesterday's statement from 10:00, for three months.
STATEMENT_HOUR, STATEMENT_DAYS, DOWNLOAD_MINUTES = 10, 90, 5

bp = Blueprint("pay_merchant", url_prefix="/v3")


@dataclass(frozen=True, slots=True)
class Pay:
    """WeChat Pay, open."""

    db: Database
    platform: Platform
    orders: Orders
    callbacks: Callbacks
    base_url: str
    payee: str
    loop: asyncio.Task[None]


@bp.before_server_start
async def _open(app: Sanic[Any, Any]) -> None:
    settings = load_settings()
    platform = Platform.load(settings, sandbox_clock())
    db = Database(settings.data_dir / "pay.db")
    orders = Orders(db, platform)
    callbacks = Callbacks(db, orders, platform)
    app.ctx.pay = Pay(
        db, platform, orders, callbacks, settings.wechatpay_base_url, load_utility(settings.utility_file).name,
        asyncio.create_task(callbacks.run()),
    )


@bp.after_server_stop
async def _close(app: Sanic[Any, Any]) -> None:
    pay: Pay = app.ctx.pay
    pay.loop.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await pay.loop
    pay.db.close()


@bp.on_request
async def _check(request: Request) -> HTTPResponse | None:
    if answer := await faults.misbehave("pay", {"code": "SYSTEM_ERROR", "message": "系统异常，请稍后重试"}):
        return answer
    _pay(request).platform.check_request(
        request.method, request.raw_url.decode(), request.headers.get("authorization", ""), request.body,
    )
    request.ctx.authentic = True
    return None


async def _sign(request: Request, response: HTTPResponse) -> None:
    if getattr(request.ctx, "authentic", False):
        response.headers.update(_pay(request).platform.signature_headers(response.body or b""))
        response.headers["Request-ID"] = secrets.token_hex(16)


async def _refuse(_request: Request, error: Exception) -> HTTPResponse:
    if isinstance(error, PayError):
        return json({"code": error.code, "message": error.message}, error.status, ensure_ascii=False)
    if isinstance(error, SanicException):
        return json({"code": "INVALID_REQUEST", "message": str(error)}, error.status_code)
    log.error("request failed", exc_info=error)
    return json({"code": "SYSTEM_ERROR", "message": "系统异常，请稍后重试"}, 500)


bp.middleware(_sign, "response")
bp.exception(Exception)(_refuse)


@bp.post("/pay/transactions/jsapi")
async def jsapi(request: Request) -> HTTPResponse:
    """JSAPI下单."""
    order = _pay(request).orders.prepay(_read(OrderRequest, request), "JSAPI")
    return json({"prepay_id": order["prepay_id"]})


@bp.post("/pay/transactions/native")
async def native(request: Request) -> HTTPResponse:
    """Native下单."""
    order = _pay(request).orders.prepay(_read(OrderRequest, request), "NATIVE")
    return json({"code_url": f"weixin://wxpay/bizpayurl?pr={order['prepay_id']}"})


@bp.get("/pay/transactions/out-trade-no/<out_trade_no:str>")
async def query(request: Request, out_trade_no: str) -> HTTPResponse:
    """商户订单号查询订单."""
    return _order(request, lambda orders: orders.show(orders.get(out_trade_no)))


@bp.get("/pay/transactions/id/<transaction_id:str>")
async def query_by_id(request: Request, transaction_id: str) -> HTTPResponse:
    """微信支付订单号查询订单."""
    return _order(request, lambda orders: orders.show(orders.get_by_transaction(transaction_id)))


@bp.post("/pay/transactions/out-trade-no/<out_trade_no:str>/close")
async def close(request: Request, out_trade_no: str) -> HTTPResponse:
    """关闭订单."""
    if (request.json or {}).get("mchid") != _pay(request).platform.mch_id:
        raise invalid("mchid")
    _pay(request).orders.close(out_trade_no)
    return empty()


@bp.post("/refund/domestic/refunds")
async def refund(request: Request) -> HTTPResponse:
    """退款申请."""
    orders = _pay(request).orders
    return json(orders.show_refund(orders.refund(_read(RefundRequest, request))), ensure_ascii=False)


@bp.get("/refund/domestic/refunds/<out_refund_no:str>")
async def query_refund(request: Request, out_refund_no: str) -> HTTPResponse:
    """查询单笔退款."""
    orders = _pay(request).orders
    return json(orders.show_refund(orders.get_refund(out_refund_no)), ensure_ascii=False)


@bp.get("/bill/tradebill")
async def trade_bill(request: Request) -> HTTPResponse:
    """申请交易账单."""
    pay = _pay(request)
    kind, packing = request.args.get("bill_type", "ALL"), request.args.get("tar_type", "")
    if kind not in ("ALL", "SUCCESS", "REFUND") or packing not in ("", "GZIP"):
        raise invalid("bill_type or tar_type")
    content = statement.build(pay.db, pay.platform, _statement_day(request), kind)
    if content is None:
        raise PayError(400, "NO_STATEMENT_EXIST", "账单文件不存在")
    token = _keep(pay, gzip.compress(content) if packing else content)
    return json({
        "hash_type": "SHA1", "hash_value": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        "download_url": f"{pay.base_url}/v3/billdownload/file?token={token}",
    })


def _statement_day(request: Request) -> date:
    clock = _pay(request).platform.clock
    try:
        day = date.fromisoformat(request.args.get("bill_date", ""))
    except ValueError as error:
        raise invalid("bill_date") from error
    age = (today(clock) - day).days
    if not 1 <= age <= STATEMENT_DAYS:
        raise PayError(400, "NO_STATEMENT_EXIST", "账单文件不存在")
    if age == 1 and clock.now().hour < STATEMENT_HOUR:
        raise PayError(400, "STATEMENT_CREATING", "账单生成中，请10点后再获取")
    return day


def _keep(pay: Pay, content: bytes) -> str:
    token = secrets.token_urlsafe(24)
    expires = pay.platform.clock.now() + timedelta(minutes=DOWNLOAD_MINUTES)
    pay.db.add("statements", {"token": token, "content": content, "expires_at": iso(expires)})
    return token


@bp.get("/billdownload/file")
async def download(request: Request) -> HTTPResponse:
    """下载账单."""
    pay = _pay(request)
    kept = pay.db.one("SELECT * FROM statements WHERE token = ?", request.args.get("token", ""))
    if kept is None or datetime.fromisoformat(kept["expires_at"]) < pay.platform.clock.now():
        raise PayError(400, "INVALID_REQUEST", "下载地址已失效")
    request.ctx.authentic = False  # a file's answer is not signed: its hash was told before
    return raw(kept["content"], content_type="application/octet-stream")


def _order(request: Request, show: Callable[[Orders], dict[str, Any]]) -> HTTPResponse:
    if request.args.get("mchid") != _pay(request).platform.mch_id:
        raise invalid("mchid")
    return json(show(_pay(request).orders), ensure_ascii=False)


def _read[Model: BaseModel](model: type[Model], request: Request) -> Model:
    try:
        return model.model_validate_json(request.body)
    except ValidationError as error:
        places = sorted({".".join(map(str, found["loc"])) for found in error.errors(include_input=False)})
        raise invalid(f"参数错误: {', '.join(places)}") from error


def _pay(request: Request) -> Pay:
    pay: Pay = request.app.ctx.pay
    return pay
