"""Signing in and out."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import redirect

from console import guard
from console.access import Needs
from console.frame import done, page
from console.guard import field
from services.errors import LoginRefused, UnknownStaff, WrongCode
from services.staff import Signed, Stage

bp = Blueprint("login")


@bp.get("/login", ctx_needs=Needs.NOTHING)
async def form(request: Request) -> HTTPResponse:
    """The sign-in form; whoever is signed in goes on."""
    if request.ctx.signed is not None and request.ctx.signed.stage is Stage.OPEN:
        return redirect("/", status=303)
    return page(request, "login.html", login="", next=guard.local_path(request.args.get("next")), error=None)


@bp.post("/login", ctx_needs=Needs.NOTHING)
async def enter(request: Request) -> HTTPResponse:
    """Check login and password."""
    await guard.limit(request, "login")
    login, onward = field(request, "login"), guard.local_path(field(request, "next"))
    logins = guard.services(request).staff.logins
    try:
        entered = await logins.enter(
            login, field(request, "password"), guard.visit(request), remember=bool(field(request, "remember")),
        )
    except LoginRefused:
        return page(request, "login.html", 401, login=login, next=onward, error="refused")
    where = onward if entered.stage is Stage.OPEN else f"/login/code?next={quote(onward)}"
    return guard.let_in(request, redirect(where, status=303), entered)


@bp.get("/login/code", ctx_needs=Needs.SECOND_STEP)
async def code_form(request: Request) -> HTTPResponse:
    """The form of the second step."""
    return page(request, "login_code.html", next=guard.local_path(request.args.get("next")), error=None)


@bp.post("/login/code", ctx_needs=Needs.SECOND_STEP)
async def second_step(request: Request) -> HTTPResponse:
    """Check the code of the authenticator app."""
    await guard.limit(request, "code")
    onward = guard.local_path(field(request, "next"))
    try:
        entered = await guard.services(request).staff.logins.second_step(
            guard.signed(request), field(request, "code"), guard.visit(request), trust=bool(field(request, "trust")),
        )
    except WrongCode:
        return page(request, "login_code.html", 401, next=onward, error="refused")
    return guard.let_in(request, redirect(onward, status=303), entered)


@bp.post("/logout", ctx_needs=Needs.NOTHING)
async def leave(request: Request) -> HTTPResponse:
    """Sign out here."""
    found: Signed | None = request.ctx.signed
    if found is not None:
        with suppress(UnknownStaff):  # it was ended elsewhere meanwhile
            await guard.services(request).staff.sessions.end(found.member, found.session_id)
    return guard.let_out(request, done("/login", "out"))
