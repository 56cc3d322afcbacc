"""Whether the console can do its work: for the supervisor and for load balancers."""

from __future__ import annotations

import asyncio

from sanic import Blueprint, Request
from sanic.response import JSONResponse, json
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from console import guard
from console.access import Needs

bp = Blueprint("health")
PROBE_SECONDS = 2.0


@bp.get("/health", ctx_needs=Needs.NOTHING)
async def health(request: Request) -> JSONResponse:
    """``{"status": "ok"}``, or ``down`` with 503 without the database."""
    try:
        async with asyncio.timeout(PROBE_SECONDS), guard.services(request).db.read() as session:
            await session.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError, TimeoutError):
        return json({"status": "down"}, status=503)
    return json({"status": "ok"})
