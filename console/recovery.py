"""A forgotten password."""

from __future__ import annotations

from sanic import Blueprint, HTTPResponse, Request

from console import guard
from console.access import Needs
from console.frame import done, page
from console.guard import field
from console.passwords import weakness
from services.errors import WeakStaffPassword, WrongCode
from services.staff import Channel

bp = Blueprint("recovery")


@bp.get("/forgot", ctx_needs=Needs.NOTHING)
async def form(request: Request) -> HTTPResponse:
    """Whose password, and where the code shall go."""
    return page(request, "forgot.html")


@bp.post("/forgot", ctx_needs=Needs.NOTHING)
async def send(request: Request) -> HTTPResponse:
    """Send a code; the answer is the same whether there is such an account or not."""
    await guard.limit(request, "forgot")
    login = field(request, "login")
    channel: Channel = "sms" if field(request, "channel") == "sms" else "mail"
    guard.services(request).staff.recovery.ask(login, channel)
    return page(request, "forgot_code.html", login=login, channel=channel, error=None)


@bp.post("/forgot/code", ctx_needs=Needs.NOTHING)
async def reset(request: Request) -> HTTPResponse:
    """Set the new password."""
    await guard.limit(request, "forgot")
    login, new = field(request, "login"), field(request, "new")
    channel = field(request, "channel")
    error = None
    try:
        if new != field(request, "again"):
            error = "两次输入的新密码不一样。"
        else:
            await guard.services(request).staff.recovery.reset(login, field(request, "code"), new)
    except WeakStaffPassword as weak:
        error = weakness(request, weak)
    except WrongCode:
        error = "验证码不对，或者已经过期、用过。可以再要一个。"
    if error:
        return page(request, "forgot_code.html", 422, login=login, channel=channel, error=error)
    return done("/login", "reset")
