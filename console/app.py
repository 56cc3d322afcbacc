"""Puts the console together."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from sanic import Sanic

from console import account, audit, errors, guard, health, home, login, recovery, roles, staff, unmask
from console.access import check_declared
from runxia.bootstrap import Services, open_services
from runxia.log import configuration
from runxia.settings import Settings
from services.staff import Newcomer, Profile, Role
from store.migrate import upgrade

log = logging.getLogger(__name__)

REQUEST_BYTES = 12 << 20  # a photo of ten megabytes that an agent sends
STOP_SECONDS = 10.0
STATIC = Path(__file__).parent / "static"
BLUEPRINTS = (
    health.bp, login.bp, recovery.bp, home.bp, account.bp, staff.bp, roles.bp, audit.bp, unmask.bp,
)

type App = Sanic[Any, Any]


def create_app(settings: Settings, name: str = "console") -> App:
    """The application; services open when its server starts, as ``app.ctx.services``.

    Raises:
        UndeclaredRoute: a route does not say who may use it.
    """
    app: App = Sanic(name, log_config=configuration(settings.log_level))
    app.config.REQUEST_MAX_SIZE = REQUEST_BYTES
    app.config.REQUEST_TIMEOUT = 30
    app.config.RESPONSE_TIMEOUT = 30
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = STOP_SECONDS
    app.config.ACCESS_LOG = False
    app.config.MOTD = False
    app.config.OAS = False
    app.config.CORS = False
    app.config.TOUCHUP = False  # it rewrites Sanic's own code, once in a process only, and tests start several
    if settings.console_proxies:
        app.config.PROXIES_COUNT = settings.console_proxies
    app.blueprint(BLUEPRINTS)
    app.static("/static", STATIC, name="static")
    guard.install(app)
    errors.install(app)
    check_declared(app)
    _manage(app, settings)
    return app


def _manage(app: App, settings: Settings) -> None:
    """Open everything before the first request, close it after the last."""
    stack = AsyncExitStack()

    @app.before_server_start
    async def start(app: App) -> None:
        await asyncio.to_thread(upgrade, settings.database_url)
        services = await stack.enter_async_context(open_services(settings))
        if settings.console_staff_file:
            await seed(services, settings.console_staff_file)
        app.ctx.services = services

    @app.after_server_stop
    async def stop(_app: App) -> None:
        await stack.aclose()


async def seed(services: Services, file: Path) -> None:
    """Make the demonstration's staff that do not exist yet."""
    given = await asyncio.to_thread(file.read_bytes)
    newcomers = [
        Newcomer(
            each["login"], each["password"], Role(each["role"]),
            Profile(each["name"], each.get("email", ""), each.get("phone", "")), each.get("must_change", False),
        )
        for each in json.loads(given)
    ]
    if made := await services.staff.roster.seed(newcomers):
        log.warning("made %d demonstration accounts of staff", made)
