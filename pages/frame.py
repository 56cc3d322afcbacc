"""What every page has: who looks at it, headers that keep it safe, templates, and pages that only say something."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sanic import HTTPResponse, Request

from pages.identity import COOKIE, Identity
from runxia.bootstrap import Services
from runxia.money import yuan
from services.payments import OrderPurpose, OrderState

FORBIDDEN, NOT_FOUND, CONFLICT, GONE, UNAVAILABLE = 403, 404, 409, 410, 503


@dataclass(frozen=True, slots=True)
class Notice:
    """A page that only says something. ``icon`` is one of WeUI's: success, info, warn, waiting."""

    status: int
    icon: str
    title: str
    text: str


def services(request: Request) -> Services:
    """The services of this process."""
    opened: Services = request.app.ctx.services
    return opened


def identified(request: Request, folder: str, token: str) -> str | None:
    """The customer that the page's cookie names, if it is good."""
    cookie = request.cookies.get(COOKIE)
    identity = Identity.of(services(request).settings, folder)
    return identity.openid(token, cookie, services(request).clock.now()) if cookie else None


async def authorized(request: Request, folder: str, token: str) -> str | None:
    """The customer, where the browser comes back from WeChat's authorisation."""
    code, state = request.args.get("code"), request.args.get("state")
    identity = Identity.of(services(request).settings, folder)
    if not code or not state or not identity.state_fits(token, state, services(request).clock.now()):
        return None
    openid: str = await request.app.ctx.wechat.openid_from_code(code)
    return openid


async def protect(request: Request, response: HTTPResponse) -> None:
    """Nothing is kept, framed, sniffed, referred to, or run that is not ours."""
    settings = services(request).settings
    sdk = urlsplit(settings.wechat_jssdk_url)
    response.headers.update({
        "Content-Security-Policy": "; ".join((
            "default-src 'none'", f"script-src 'self' {sdk.scheme}://{sdk.netloc}", "style-src 'self'",
            "img-src 'self' data:", "font-src 'self' data:", "connect-src 'self'", "base-uri 'none'", "form-action 'none'",
            f"frame-ancestors {settings.pages_frame_ancestors}",
        )),
        "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
    })


def render(request: Request, template: str, **facts: Any) -> str:
    """A template of ``pages/templates``."""
    here = services(request)
    return _templates().get_template(template).render(
        utility=here.utility, jssdk_url=here.settings.wechat_jssdk_url, OrderState=OrderState, OrderPurpose=OrderPurpose,
        **facts,
    )


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )
    environment.filters |= {"yuan": yuan, "month": _month}
    return environment


def _month(period: str) -> str:
    """``2026-08`` → ``2026年8月``."""
    year, _, month = period.partition("-")
    return f"{year}年{int(month)}月"
