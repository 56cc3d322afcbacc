"""``POST /pay/notify``: what WeChat Pay tells on its own.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012791861. A status of 200 or 204 within five seconds means taken; anything
else makes WeChat Pay send it again, up to fifteen times within a day.
"""

from __future__ import annotations

import asyncio
import logging

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import empty, json

from runxia.bootstrap import Services
from services.errors import CallbackRefused, PaymentMismatch

log = logging.getLogger(__name__)

ANSWER_SECONDS = 4.0  # WeChat Pay waits five
UNAUTHORIZED, BAD_REQUEST, CONFLICT, UNAVAILABLE = 401, 400, 409, 503

notify = Blueprint("pay_notify")


@notify.post("/pay/notify")
async def pay_notify(request: Request) -> HTTPResponse:
    """Write down a payment or the end of a refund; the worker does the rest."""
    services: Services = request.app.ctx.services
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await services.payments.callback(dict(request.headers), request.body)
    except CallbackRefused as refused:
        log.warning("a payment callback was refused: %s", refused.why)
        status = UNAUTHORIZED if refused.why in ("signature", "stale") else BAD_REQUEST
        return _failure(status, "签名或内容不正确")
    except PaymentMismatch:
        return _failure(CONFLICT, "与商户订单不一致")
    except TimeoutError:
        log.error("a payment callback could not be written down in time")
        return _failure(UNAVAILABLE, "商户系统繁忙")
    return empty()


def _failure(status: int, message: str) -> HTTPResponse:
    return json({"code": "FAIL", "message": message}, status=status)
