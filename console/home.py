"""The first page: what there is to do for this person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sanic import Blueprint, HTTPResponse, Request

from console import guard
from console.access import Needs
from console.frame import page
from runxia.bootstrap import Services
from services.staff import Member, Right, rights_of

bp = Blueprint("home")


@dataclass(frozen=True, slots=True)
class Todo:
    """A pile of work that those with ``right`` are told of. ``count`` says how much there is for this person now."""

    title: str
    icon: str
    url: str
    right: Right
    count: Callable[[Services, Member], Awaitable[int]]


async def _locked(services: Services, _who: Member) -> int:
    now = services.clock.now()
    return sum(1 for each in await services.staff.roster.everybody() if each.locked_until and each.locked_until > now)


async def _newcomers(services: Services, _who: Member) -> int:
    return sum(1 for each in await services.staff.roster.everybody() if each.active and each.must_change)


async def _unprotected(services: Services, _who: Member) -> int:
    return sum(1 for each in await services.staff.roster.everybody() if each.active and not each.has_totp)


# A new part of the console adds its piles here.
TODOS: list[Todo] = [
    Todo("账号被锁定", "lock", "/staff?state=active", Right.STAFF_MANAGE, _locked),
    Todo("还没改首次密码", "user-question", "/staff?state=active", Right.STAFF_MANAGE, _newcomers),
    Todo("没开两步验证", "shield-lock", "/staff?state=active", Right.STAFF_MANAGE, _unprotected),
]


@bp.get("/", ctx_needs=Needs.STAFF)
async def home(request: Request) -> HTTPResponse:
    """The piles of work, and what this person may do."""
    who, here = guard.member(request), guard.services(request)
    piles = [(todo, await todo.count(here, who)) for todo in TODOS if who.may(todo.right)]
    sessions = await here.staff.sessions.of(who.id)
    return page(request, "home.html", piles=piles, rights=rights_of(who.role), sessions=sessions)
