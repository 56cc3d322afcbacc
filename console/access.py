"""Who may use a route. Every route declares it with ``ctx_needs=...``; one that does not keeps the console from starting."""

from __future__ import annotations

from enum import Enum
from typing import Any

from sanic import Sanic
from sanic_routing import Route

from services.staff import Right


class Needs(Enum):
    """What a route needs of a visitor, where that is not a right of their role."""

    NOTHING = "nothing"  # anybody: sign-in, forgotten password, health
    SECOND_STEP = "second_step"  # the password was right, the code is owed
    SIGNED_IN = "signed_in"  # also with a first password that must be changed
    STAFF = "staff"  # any member of staff whose password is their own


type Access = Needs | Right


class UndeclaredRoute(Exception):
    """A route without a declared right."""


def access_of(route: Route) -> Access | None:
    """What the route declares; files that everybody may have declare nothing."""
    if route.extra.static:
        return Needs.NOTHING
    declared = getattr(route.ctx, "needs", None)
    return declared if isinstance(declared, (Needs, Right)) else None


def check_declared(app: Sanic[Any, Any]) -> None:
    """Refuse to start with a route that does not say who may use it.

    Raises:
        UndeclaredRoute: with the names of all such routes.
    """
    missing = sorted(str(route.name) for route in app.router.routes if access_of(route) is None)
    if missing:
        raise UndeclaredRoute(f"routes without ctx_needs: {', '.join(missing)}")
