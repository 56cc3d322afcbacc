"""Controls of the hotline system: which orders it has, and its staff at work on them."""

from __future__ import annotations

from typing import Any

import httpx
from sanic import Blueprint, Request, Sanic
from sanic.exceptions import SanicException
from sanic.response import HTTPResponse, json

from runxia.settings import load_settings

SECONDS = 10.0

bp = Blueprint("controls_hotline", url_prefix="/sandbox/hotline")


@bp.before_server_start
async def _open(app: Sanic[Any, Any]) -> None:
    app.ctx.hotline_http = httpx.AsyncClient(base_url=load_settings().hotline_base_url, timeout=SECONDS, trust_env=False)


@bp.after_server_stop
async def _close(app: Sanic[Any, Any]) -> None:
    await app.ctx.hotline_http.aclose()


@bp.get("/orders")
async def orders(request: Request) -> HTTPResponse:
    """All work orders, newest first, with reminders, amendments, attachments and rating."""
    return json({"orders": await work_orders(request)})


@bp.post("/move")
async def move(request: Request) -> HTTPResponse:
    """Bring an order on: ``{"order_no", "state": assigned | on_site | done | cancelled, "crew", "result"}``."""
    return json(await _ask(request, "POST", "/sandbox/move", request.json))


async def work_orders(request: Request) -> list[dict[str, Any]]:
    """What ``GET /sandbox/hotline/orders`` gives; none where the hotline system does not run."""
    try:
        return list((await _ask(request, "GET", "/sandbox/orders"))["orders"])
    except SanicException:
        return []


async def _ask(request: Request, method: str, path: str, body: Any = None) -> dict[str, Any]:
    try:
        answer = await request.app.ctx.hotline_http.request(method, path, json=body)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise SanicException(f"the hotline system did not answer: {type(error).__name__}", status_code=502) from error
    return dict(answer.json())
