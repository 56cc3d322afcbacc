"""Whether the gateway can do its work: for the supervisor and for load balancers."""

from __future__ import annotations

import asyncio
import logging

from sanic import Blueprint, Request
from sanic.response import JSONResponse, json
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from runxia.bootstrap import Services
from runxia.messaging import Messaging

log = logging.getLogger(__name__)
bp = Blueprint("health")
PROBE_SECONDS = 2.0


@bp.get("/health")
async def health(request: Request) -> JSONResponse:
    """Tell how the gateway is.

    ``status`` is ``ok``; or ``degraded`` without the dialogue engine, when messages are still stored and pages work (200); or
    ``down`` without the database (503).
    """
    services: Services = request.app.ctx.services
    messaging: Messaging = request.app.ctx.messaging
    database, rasa = await asyncio.gather(_database_answers(services), messaging.rasa.is_ready())
    status = ("ok" if rasa else "degraded") if database else "down"
    parts = {"database": _word(database), "rasa": _word(rasa)}
    return json({"status": status, **parts}, status=200 if database else 503)


async def _database_answers(services: Services) -> bool:
    try:
        async with asyncio.timeout(PROBE_SECONDS), services.db.read() as session:
            await session.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.error("the database does not answer: %s", type(error).__name__)
        return False
    return True


def _word(answers: bool) -> str:
    return "ok" if answers else "down"
