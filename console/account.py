"""One's own account: password, second step, where one is signed in."""

from __future__ import annotations

import segno
from sanic import Blueprint, HTTPResponse, Request
from sanic.response import redirect

from console import guard
from console.access import Needs
from console.frame import done, page
from console.guard import field
from console.passwords import rules_in_words, weakness
from services.errors import WeakStaffPassword, WrongCode, WrongPassword
from services.staff import StaffServices, TotpDraft, rights_of

bp = Blueprint("account", url_prefix="/me")
QR_SCALE = 5
WRONG = "密码不对。连续输错会锁定账号。"


def _staff(request: Request) -> StaffServices:
    return guard.services(request).staff


@bp.get("", ctx_needs=Needs.STAFF)
async def overview(request: Request) -> HTTPResponse:
    """Who I am, my second step, my sessions."""
    return await _overview(request)


async def _overview(request: Request, status: int = 200, error: str | None = None) -> HTTPResponse:
    me = guard.signed(request)
    sessions = await _staff(request).sessions.of(me.member.id)
    return page(
        request, "me.html", status, sessions=sessions, here=me.session_id, rights=rights_of(me.member.role), error=error,
    )


@bp.get("/password", ctx_needs=Needs.SIGNED_IN)
async def password_form(request: Request) -> HTTPResponse:
    """The form for a new password."""
    return _password_page(request)


@bp.post("/password", ctx_needs=Needs.SIGNED_IN)
async def change_password(request: Request) -> HTTPResponse:
    """Set a new password."""
    await guard.limit(request, "password")
    me, new = guard.signed(request), field(request, "new")
    if new != field(request, "again"):
        return _password_page(request, "两次输入的新密码不一样。")
    try:
        await _staff(request).own.change_password(me.member, me.session_id, field(request, "current"), new)
    except WeakStaffPassword as weak:
        return _password_page(request, weakness(request, weak))
    except WrongPassword:
        return _password_page(request, WRONG)
    return done("/" if me.member.must_change else "/me", "password")


def _password_page(request: Request, error: str | None = None) -> HTTPResponse:
    rules = rules_in_words(guard.services(request).utility.console.password)
    forced = guard.member(request).must_change
    return page(request, "password.html", 422 if error else 200, rules=rules, error=error, forced=forced)


@bp.post("/sessions/<session_id:int>/end", ctx_needs=Needs.STAFF)
async def end_session(request: Request, session_id: int) -> HTTPResponse:
    """Sign out in one other place."""
    await _staff(request).sessions.end(guard.member(request), session_id)
    return done("/me", "session")


@bp.post("/sessions/end-others", ctx_needs=Needs.STAFF)
async def end_others(request: Request) -> HTTPResponse:
    """Sign out everywhere but here."""
    me = guard.signed(request)
    await _staff(request).sessions.end_others(me.member, me.session_id)
    return done("/me", "others")


@bp.post("/totp/start", ctx_needs=Needs.STAFF)
async def start_totp(request: Request) -> HTTPResponse:
    """Make a secret for an authenticator app."""
    await guard.limit(request, "password")
    try:
        await _staff(request).own.start_totp(guard.member(request), field(request, "password"))
    except WrongPassword:
        return await _overview(request, 422, WRONG)
    return redirect("/me/totp", status=303)


@bp.get("/totp", ctx_needs=Needs.STAFF)
async def totp_form(request: Request) -> HTTPResponse:
    """The QR code to scan, and the form for the first code."""
    draft = await _staff(request).own.totp_draft(guard.member(request))
    return _totp_page(request, draft) if draft else redirect("/me", status=303)


@bp.post("/totp", ctx_needs=Needs.STAFF)
async def confirm_totp(request: Request) -> HTTPResponse:
    """The app works: ask for its codes from now on."""
    await guard.limit(request, "code")
    me = guard.signed(request)
    draft = await _staff(request).own.totp_draft(me.member)
    if draft is None:
        return redirect("/me", status=303)
    try:
        await _staff(request).own.confirm_totp(me.member, me.session_id, field(request, "code"))
    except WrongCode:
        return _totp_page(request, draft, "这个验证码不对。请看验证器上现在的 6 位数字，手机时间要准。")
    return done("/me", "totp_on")


@bp.post("/totp/off", ctx_needs=Needs.STAFF)
async def stop_totp(request: Request) -> HTTPResponse:
    """Do without the second step."""
    await guard.limit(request, "password")
    try:
        await _staff(request).own.stop_totp(guard.member(request), field(request, "password"))
    except WrongPassword:
        return await _overview(request, 422, WRONG)
    return done("/me", "totp_off")


def _totp_page(request: Request, draft: TotpDraft, error: str | None = None) -> HTTPResponse:
    drawing = segno.make(draft.address, error="m").svg_data_uri(scale=QR_SCALE, border=2, light="white")
    grouped = " ".join(draft.secret[start:start + 4] for start in range(0, len(draft.secret), 4))
    return page(request, "totp.html", 422 if error else 200, drawing=drawing, secret=grouped, error=error)
