"""Personal data in full: for who has the right and gives a reason, which goes to the audit log.

Pages show data masked, with ``masked(kind, key, text)`` of ``parts.html``. A part of the console that has such data adds to
``SOURCES`` how its kind is read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sanic import Blueprint, HTTPResponse, Request

from console import guard
from console.frame import page
from console.guard import field
from console.refusals import BadInput, Denied, Missing
from runxia.bootstrap import Services
from services.errors import UnknownStaff
from services.staff import Right, target

bp = Blueprint("unmask", url_prefix="/unmask")
SHORTEST_REASON = 4


@dataclass(frozen=True, slots=True)
class Clear:
    """A value in full. ``target`` and ``account_no``: whose it is, for the audit log."""

    text: str
    target: str | None = None
    account_no: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """How a kind of personal data is read. ``right``: what somebody needs beside :attr:`Right.UNMASK` to see it at all."""

    right: Right
    read: Callable[[Services, str], Awaitable[Clear | None]]


async def _staff_phone(services: Services, key: str) -> Clear | None:
    return await _of_staff(services, key, "phone")


async def _staff_email(services: Services, key: str) -> Clear | None:
    return await _of_staff(services, key, "email")


async def _of_staff(services: Services, key: str, what: str) -> Clear | None:
    if not key.isdecimal():
        return None
    try:
        who = await services.staff.roster.get(int(key))
    except UnknownStaff:
        return None
    text = who.phone if what == "phone" else who.email
    return Clear(text, target(who.login)) if text else None


SOURCES: dict[str, Source] = {
    "staff-phone": Source(Right.STAFF_MANAGE, _staff_phone),
    "staff-email": Source(Right.STAFF_MANAGE, _staff_email),
}


@bp.get("/<kind:str>/<key:str>", ctx_needs=Right.UNMASK)
async def ask(request: Request, kind: str, key: str) -> HTTPResponse:
    """The fragment that asks for the reason."""
    _source(request, kind)
    return page(request, "unmask_ask.html", kind=kind, key=key)


@bp.post("/<kind:str>/<key:str>", ctx_needs=Right.UNMASK)
async def show(request: Request, kind: str, key: str) -> HTTPResponse:
    """The fragment with the value in full; written down before it is shown."""
    source, reason = _source(request, kind), field(request, "reason").strip()
    if len(reason) < SHORTEST_REASON:
        raise BadInput(f"请写清为什么要看，至少 {SHORTEST_REASON} 个字。")
    here = guard.services(request)
    clear = await source.read(here, key)
    if clear is None:
        raise Missing("这条信息已经没有了。")
    await here.staff.audit.record(
        guard.member(request).login, "unmask", target=clear.target or f"{kind}:{key}"[:64], account_no=clear.account_no,
        detail=kind, reason=reason,
    )
    return page(request, "unmask_shown.html", text=clear.text)


def _source(request: Request, kind: str) -> Source:
    source = SOURCES.get(kind)
    if source is None:
        raise Missing
    if not guard.member(request).may(source.right):
        raise Denied(source.right)
    return source
