"""The table of roles and rights."""

from __future__ import annotations

from sanic import Blueprint, HTTPResponse, Request

from console.access import Needs
from console.frame import page
from services.staff import Right, Role, allowed

bp = Blueprint("roles")


@bp.get("/roles", ctx_needs=Needs.STAFF)
async def table(request: Request) -> HTTPResponse:
    """Which role may do what: everybody may know."""
    rows = [(right, [allowed(role, right) for role in Role]) for right in Right]
    return page(request, "roles.html", rows=rows)
