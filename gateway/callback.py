"""WeChat's callback: checks the call, takes the message in, replies."""

from __future__ import annotations

import logging

from sanic import Blueprint, Request
from sanic.exceptions import PayloadTooLarge
from sanic.response import HTTPResponse, text

from connectors.wechat.protocol import Malformed, Protocol, Refused
from gateway.conversation import Conversation

log = logging.getLogger(__name__)
bp = Blueprint("wechat", url_prefix="/wechat")
ACKNOWLEDGED = "success"  # WeChat's word for: received, nothing to say now


@bp.get("/")
async def verify(request: Request) -> HTTPResponse:
    """WeChat's check that the address is ours."""
    return text(_protocol(request).echo(_query(request)))


@bp.post("/")
async def receive(request: Request) -> HTTPResponse:
    """A message or event."""
    protocol = _protocol(request)
    callback = protocol.read(_query(request), request.body)
    conversation: Conversation = request.app.ctx.conversation
    reply = await conversation.receive(callback.message)
    if reply is None:
        return text(ACKNOWLEDGED)
    return text(protocol.write(callback, reply), content_type="application/xml; charset=utf-8")


@bp.exception(Refused)
async def refuse(_request: Request, error: Refused) -> HTTPResponse:
    """Not from WeChat, or not fresh."""
    log.warning("a call to the callback is refused: %s", error)
    return text("forbidden", status=403)


@bp.exception(Malformed)
async def reject(_request: Request, error: Malformed) -> HTTPResponse:
    """Not a message for us."""
    log.warning("a call to the callback is malformed: %s", error)
    return text("bad request", status=400)


@bp.exception(PayloadTooLarge)
async def reject_size(_request: Request, _error: PayloadTooLarge) -> HTTPResponse:
    """Far larger than any message."""
    return text("bad request", status=400)


def _protocol(request: Request) -> Protocol:
    protocol: Protocol = request.app.ctx.protocol
    return protocol


def _query(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in request.args.items()}
