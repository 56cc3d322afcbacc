"""Administering staff."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sanic import Blueprint, HTTPResponse, Request

from console import guard
from console.frame import done, page
from console.guard import field
from console.refusals import BadInput
from services.errors import LoginTaken, StaffRefused
from services.staff import Member, Profile, Right, Role, Roster

bp = Blueprint("staff", url_prefix="/staff")

REFUSALS = {
    "own_account": "不能对自己的账号这样做，请找另一位管理员。",
    "last_admin": "这是最后一位管理员，先给别人管理员的角色，再改他的。",
    "bad_login": "登录名要用小写字母开头，只含小写字母、数字、点、横线，2 到 32 个字符。",
    "bad_name": "姓名不能为空，最多 40 个字。",
    "bad_email": "邮箱的格式不对。",
    "bad_phone": "手机号要是 11 位的大陆手机号。",
    "no_reason": "请写原因，会记入操作日志。",
}
TAKEN = "这个登录名已经有人用了（包括停用的账号），请换一个。"


def _roster(request: Request) -> Roster:
    return guard.services(request).staff.roster


@bp.get("", ctx_needs=Right.STAFF_MANAGE)
async def listing(request: Request) -> HTTPResponse:
    """All staff; the table alone where htmx asks."""
    asked = {name: str(request.args.get(name, "")).strip() for name in ("q", "role", "state")}
    found = [each for each in await _roster(request).everybody() if _fits(each, **asked)]
    template = "staff_rows.html" if request.headers.get("HX-Target") == "staff-rows" else "staff.html"
    return page(request, template, staff=found, asked=asked)


def _fits(each: Member, q: str, role: str, state: str) -> bool:
    return (
        (not q or q.lower() in each.login or q in each.name) and (not role or each.role == role)
        and (not state or each.active == (state == "active"))
    )


@bp.get("/new", ctx_needs=Right.STAFF_MANAGE)
async def blank(request: Request) -> HTTPResponse:
    """The form for a new account."""
    return page(request, "staff_new.html", given={"login": "", "role": "", "name": "", "email": "", "phone": ""}, error=None)


@bp.post("", ctx_needs=Right.STAFF_MANAGE)
async def create(request: Request) -> HTTPResponse:
    """Make an account; its first password is shown this once."""
    given = {name: field(request, name) for name in ("login", "role", "name", "email", "phone")}
    role = _role(given["role"])
    try:
        password = await _roster(request).create(guard.member(request).login, given["login"], role, _profile(request))
    except StaffRefused as error:
        return page(request, "staff_new.html", 422, given=given, error=REFUSALS[error.why])
    except LoginTaken:
        return page(request, "staff_new.html", 422, given=given, error=TAKEN)
    return page(request, "staff_password.html", login=given["login"].strip().lower(), password=password, back="/staff")


@bp.get("/<staff_id:int>", ctx_needs=Right.STAFF_MANAGE)
async def one(request: Request, staff_id: int) -> HTTPResponse:
    """One member of staff, and what can be done about the account."""
    return await _one(request, staff_id)


async def _one(request: Request, staff_id: int, error: str | None = None) -> HTTPResponse:
    services = guard.services(request).staff
    who = await services.roster.get(staff_id)
    return page(
        request, "staff_one.html", 422 if error else 200, who=who, sessions=await services.sessions.of(staff_id), error=error,
    )


@bp.post("/<staff_id:int>", ctx_needs=Right.STAFF_MANAGE)
async def describe(request: Request, staff_id: int) -> HTTPResponse:
    """Change name and addresses; an address that was left empty stays as it is unless it is to go."""
    who = await _roster(request).get(staff_id)
    given = _profile(request)
    kept = Profile(
        given.name, given.email or ("" if field(request, "drop_email") else who.email or ""),
        given.phone or ("" if field(request, "drop_phone") else who.phone or ""),
    )
    return await _change(
        request, staff_id, "staff_saved", lambda: _roster(request).describe(guard.member(request).login, staff_id, kept),
    )


@bp.post("/<staff_id:int>/role", ctx_needs=Right.STAFF_MANAGE)
async def change_role(request: Request, staff_id: int) -> HTTPResponse:
    """Give another role."""
    role = _role(field(request, "role"))
    by, reason = _by(request)
    return await _change(request, staff_id, "staff_role", lambda: _roster(request).change_role(by, staff_id, role, reason))


@bp.post("/<staff_id:int>/disable", ctx_needs=Right.STAFF_MANAGE)
async def disable(request: Request, staff_id: int) -> HTTPResponse:
    """Shut the account."""
    by, reason = _by(request)
    return await _change(request, staff_id, "staff_disable", lambda: _roster(request).disable(by, staff_id, reason))


@bp.post("/<staff_id:int>/enable", ctx_needs=Right.STAFF_MANAGE)
async def enable(request: Request, staff_id: int) -> HTTPResponse:
    """Open the account again."""
    by, reason = _by(request)
    return await _change(request, staff_id, "staff_enable", lambda: _roster(request).enable(by, staff_id, reason))


@bp.post("/<staff_id:int>/unlock", ctx_needs=Right.STAFF_MANAGE)
async def unlock(request: Request, staff_id: int) -> HTTPResponse:
    """Lift a lock."""
    by, reason = _by(request)
    return await _change(request, staff_id, "staff_unlock", lambda: _roster(request).unlock(by, staff_id, reason))


@bp.post("/<staff_id:int>/totp", ctx_needs=Right.STAFF_MANAGE)
async def reset_totp(request: Request, staff_id: int) -> HTTPResponse:
    """Take away the second step."""
    by, reason = _by(request)
    return await _change(request, staff_id, "staff_totp", lambda: _roster(request).reset_totp(by, staff_id, reason))


@bp.post("/<staff_id:int>/password", ctx_needs=Right.STAFF_MANAGE)
async def reset_password(request: Request, staff_id: int) -> HTTPResponse:
    """Give a new first password, shown this once."""
    by, reason = _by(request)
    who = await _roster(request).get(staff_id)
    try:
        password = await _roster(request).reset_password(by, staff_id, reason)
    except StaffRefused as error:
        return await _one(request, staff_id, REFUSALS[error.why])
    return page(request, "staff_password.html", login=who.login, password=password, back=f"/staff/{staff_id}")


async def _change(request: Request, staff_id: int, key: str, change: Callable[[], Awaitable[None]]) -> HTTPResponse:
    try:
        await change()
    except StaffRefused as error:
        return await _one(request, staff_id, REFUSALS[error.why])
    return done(f"/staff/{staff_id}", key)


def _by(request: Request) -> tuple[str, str]:
    return guard.member(request).login, field(request, "reason")


def _profile(request: Request) -> Profile:
    return Profile(field(request, "name"), field(request, "email"), field(request, "phone"))


def _role(name: str) -> Role:
    try:
        return Role(name)
    except ValueError as error:
        raise BadInput("请选一个角色。") from error
