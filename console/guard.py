"""What stands before every page: who is it, may they, is the form ours; and headers that keep pages safe."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from sanic import HTTPResponse, Request, Sanic
from sanic.response import BaseHTTPResponse, redirect

from console.access import Access, Needs, access_of
from console.refusals import Denied, FormExpired, TooMany
from runxia.bootstrap import Services
from services.staff import Entered, Member, Right, Signed, Stage, Visit

SESSION, DEVICE, VISITOR = "runxia_staff", "runxia_device", "runxia_visitor"
DEVICE_LASTS = timedelta(days=365)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_FIELD, CSRF_HEADER = "csrf", "X-CSRF-Token"
MINUTE = 60
_BROWSERS = (
    ("Edge", "Edg/"), ("微信", "MicroMessenger"), ("Firefox", "Firefox/"), ("Chrome", "Chrome/"), ("Safari", "Safari/"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("macOS", "Mac OS X"),
    ("Linux", "Linux"),
)
_TOKEN = re.compile(r"[\w-]{20,64}")


def install(app: Sanic[Any, Any]) -> None:
    """Put the guard before every route of the application."""
    app.register_middleware(_enter, "request")
    app.register_middleware(_leave, "response")


def services(request: Request) -> Services:
    """The services of this process."""
    opened: Services = request.app.ctx.services
    return opened


def signed(request: Request) -> Signed:
    """Who is signed in; only for routes that need it."""
    found: Signed = request.ctx.signed
    return found


def member(request: Request) -> Member:
    """The member of staff who asks."""
    return signed(request).member


def visit(request: Request) -> Visit:
    """Where the request comes from."""
    agent = request.headers.get("User-Agent", "")
    browser = next((name for name, mark in _BROWSERS if mark in agent), "浏览器")
    system = next((name for name, mark in _SYSTEMS if mark in agent), "")
    return Visit(address_of(request), " · ".join(filter(None, (browser, system))), _cookie(request, DEVICE))


def address_of(request: Request) -> str:
    """The visitor's network address; that of the last trusted proxy's word where there are proxies."""
    return str(request.remote_addr or request.ip)[:45]


async def limit(request: Request, what: str) -> None:
    """Refuse an address that tries something too often.

    Raises:
        TooMany: more often than ``console.tries_per_minute``.
    """
    here = services(request)
    key = f"console:{what}:{hashlib.sha256(address_of(request).encode()).hexdigest()[:32]}"
    if await here.kv.incr(key, MINUTE) > here.utility.console.tries_per_minute:
        raise TooMany


def field(request: Request, name: str) -> str:
    """A field of the form, empty where it was not sent."""
    return str((request.form.get(name) if request.form else None) or "")


def csrf_token(request: Request) -> str:
    """What a form of this page must send back: bound to the browser, and to the session where there is one."""
    key = services(request).settings.link_key.get_secret_value().encode()
    whose = f"{request.ctx.visitor}|{_cookie(request, SESSION)}"
    return hmac.new(key, b"console-csrf|" + whose.encode(), hashlib.sha256).hexdigest()


def let_in(request: Request, response: HTTPResponse, entered: Entered) -> HTTPResponse:
    """Give the browser the cookies of a new session."""
    _set(request, response, SESSION, entered.token, entered.lasts)
    if entered.stage is Stage.OPEN:
        _set(request, response, DEVICE, entered.device_token, DEVICE_LASTS)
    return response


def let_out(request: Request, response: HTTPResponse) -> HTTPResponse:
    """Take the session's cookie back."""
    _set(request, response, SESSION, "", timedelta(0))
    return response


async def _enter(request: Request) -> HTTPResponse | None:
    needs = access_of(request.route) if request.route else None
    if request.route is not None and request.route.extra.static:
        return None
    request.ctx.visitor = _cookie(request, VISITOR) or secrets.token_urlsafe(24)
    token = _cookie(request, SESSION)
    request.ctx.signed = await services(request).staff.sessions.find(token) if token else None
    if needs is None:  # no such route: the error handler answers
        return None
    away = _permit(request, needs)
    if away is not None:
        return away
    if request.method not in SAFE_METHODS:
        _check_form(request)
    return None


def _permit(request: Request, needs: Access) -> HTTPResponse | None:
    """None where the visitor may go on; else where to go instead.

    Raises:
        Denied: the role lacks the right.
    """
    who: Signed | None = request.ctx.signed
    if needs is Needs.NOTHING:
        return None
    if who is None:
        return elsewhere(request, _login_address(request))
    if needs is Needs.SECOND_STEP or who.stage is Stage.TOTP:
        wants_step = needs is Needs.SECOND_STEP and who.stage is Stage.TOTP
        return None if wants_step else elsewhere(request, "/login/code" if who.stage is Stage.TOTP else "/")
    if needs is Needs.SIGNED_IN:
        return None
    if who.member.must_change:
        return elsewhere(request, "/me/password")
    if isinstance(needs, Right) and not who.member.may(needs):
        raise Denied(needs)
    return None


def elsewhere(request: Request, address: str) -> HTTPResponse:
    """Send the browser on; htmx follows no redirects, and is told in its own way."""
    if "HX-Request" in request.headers:
        return HTTPResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address, status=303)


def _login_address(request: Request) -> str:
    back = request.path if request.method == "GET" and "HX-Request" not in request.headers else ""
    return "/login" if back in ("", "/") else f"/login?next={quote(back)}"


def local_path(address: str | None) -> str:
    """Where to go after signing in, if that is a page of ours; else the first page."""
    if not address or not address.startswith("/") or address.startswith(("//", "/\\", "/login")):
        return "/"
    return address if not urlsplit(address).netloc and address.isprintable() and "\\" not in address else "/"


def _check_form(request: Request) -> None:
    given = request.headers.get(CSRF_HEADER) or field(request, CSRF_FIELD)
    if not hmac.compare_digest(given.encode(), csrf_token(request).encode()):
        raise FormExpired


async def _leave(request: Request, response: BaseHTTPResponse) -> None:
    """Nothing is framed, sniffed, referred to, or run that is not ours; pages are not kept, files are."""
    response.headers.setdefault("Content-Security-Policy", "; ".join((
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:", "font-src 'self'",
        "media-src 'self' blob:", "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
    )))
    response.headers.update({
        "Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin", "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    })
    is_file = request.route is not None and request.route.extra.static
    response.headers["Cache-Control"] = "public, max-age=3600" if is_file else "no-store"
    if _is_secure(request):
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    visitor = getattr(request.ctx, "visitor", None)
    if visitor and not _cookie(request, VISITOR):
        _set(request, response, VISITOR, visitor, None)


def _is_secure(request: Request) -> bool:
    """Cookies go over TLS only, except where the console's own address is without (a demonstration on this machine)."""
    return not services(request).settings.console_base_url.startswith("http://")


def _name(request: Request, name: str) -> str:
    return f"__Host-{name}" if _is_secure(request) else name


def _cookie(request: Request, name: str) -> str:
    value = request.cookies.get(_name(request, name)) or ""
    return value if _TOKEN.fullmatch(value) else ""


def _set(request: Request, response: BaseHTTPResponse, name: str, value: str, lasts: timedelta | None) -> None:
    secure = _is_secure(request)
    response.add_cookie(
        name, value, httponly=True, samesite="Lax", secure=secure, host_prefix=secure,
        max_age=int(lasts.total_seconds()) if lasts is not None else None,
    )
