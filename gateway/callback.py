"""WeChat's callback: checks the call, takes the message in, replies."""

from __future__ import annotations

import logging

from sanic import Blueprint, Request
from sanic.exceptions import PayloadTooLarge
from sanic.response import HTTPResponse, text

from connectors.wechat.protocol import Malformed, Protocol, Refused
from gateway.conversation import Conversation
from services.errors import SystemUnavailable

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
    try:
        reply = await conversation.receive(callback.message)
    except SystemUnavailable as error:
        log.error("a message is not stored in time, and left for WeChat to post again: %s", error)
        return text("unavailable", status=503)
    if reply is None:
        return text(ACKNOWLEDGED)
    return text(protocol.write(callback, reply), content_type="application/xml; charset=utf-8")


@bp.exception(Refused, Malformed, PayloadTooLarge)  # type: ignore[untyped-decorator]
async def refuse(_request: Request, error: Exception) -> HTTPResponse:
    """403 for what WeChat did not send, or not just now; 400 for what is no message for us."""
    log.warning("a call to the callback is refused: %s", error)
    return text("forbidden", status=403) if isinstance(error, Refused) else text("bad request", status=400)


def _protocol(request: Request) -> Protocol:
    protocol: Protocol = request.app.ctx.protocol
    return protocol


def _query(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in request.args.items()}
