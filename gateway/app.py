"""Puts the gateway together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from sanic import Sanic

from connectors.wechat.protocol import Protocol
from gateway import callback, health
from gateway.conversation import RECOVER_SECONDS, RENEW_SECONDS, Conversation
from pages import blueprints as pages
from runxia.bootstrap import open_services
from runxia.log import configuration
from runxia.messaging import open_messaging
from runxia.settings import Settings
from store.migrate import upgrade

log = logging.getLogger(__name__)

REQUEST_BYTES = 1024 * 1024  # far above any callback or form of ours
STOP_SECONDS = 10.0

type App = Sanic[Any, Any]


def create_app(settings: Settings, name: str = "gateway") -> App:
    """The application; services open when its server starts.

    In ``app.ctx``: ``services``, ``messaging``, ``wechat`` (the API client), ``protocol``, ``conversation``.
    """
    app: App = Sanic(name, log_config=configuration(settings.log_level))
    app.config.REQUEST_MAX_SIZE = REQUEST_BYTES
    app.config.REQUEST_TIMEOUT = 30
    app.config.RESPONSE_TIMEOUT = 30
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = STOP_SECONDS
    app.config.FALLBACK_ERROR_FORMAT = "text"
    app.config.ACCESS_LOG = False
    app.config.MOTD = False
    app.config.OAS = False  # sanic-ext would publish a description of every route
    app.config.CORS = False  # no other site calls us from a browser
    app.blueprint([callback.bp, health.bp, *pages])
    _manage(app, settings)
    return app


def _manage(app: App, settings: Settings) -> None:
    """Open everything before the first request, close it after the last."""
    stack = AsyncExitStack()

    @app.before_server_start
    async def start(app: App) -> None:
        await asyncio.to_thread(upgrade, settings.database_url)
        services = await stack.enter_async_context(open_services(settings))
        messaging = await stack.enter_async_context(open_messaging(settings, services))
        conversation = Conversation(services, messaging)
        app.ctx.services, app.ctx.messaging, app.ctx.wechat = services, messaging, messaging.wechat
        app.ctx.protocol = Protocol(settings, services.clock)
        app.ctx.conversation = conversation
        for work, pause in ((conversation.recover, RECOVER_SECONDS), (conversation.renew_leases, RENEW_SECONDS)):
            stack.callback(asyncio.create_task(_for_ever(work, pause)).cancel)
        stack.push_async_callback(conversation.close, STOP_SECONDS)

    @app.after_server_stop
    async def stop(_app: App) -> None:
        await stack.aclose()


async def _for_ever(work: Callable[[], Awaitable[object]], pause: float) -> None:
    """Do ``work`` now and again; a failure is told and tried again."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("background work failed, and is tried again")
        await asyncio.sleep(pause)
