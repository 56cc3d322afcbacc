"""The sandbox's web application: WeChat, WeChat Pay, text messages, controls and the phone page."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from sanic import HTTPResponse, Request, Sanic, response

from runxia.settings import Settings
from sandbox import controls, mail, pay, phone, sms, website, wechat
from sandbox.wechat.settings import SandboxSettings
from sandbox.wechat.state import open_wechat

REQUEST_MAX_BYTES = 16 << 20  # a base64 picture of 10 MiB and its envelope
RESPONSE_TIMEOUT_SECONDS = 90  # three posts of five seconds, and long polls
SHUTDOWN_SECONDS = 1.0  # the phone page keeps a stream open for ever


App = Sanic[Any, Any]


def create_app(settings: Settings, sandbox: SandboxSettings) -> App:
    """Make the application over the given settings."""
    app = Sanic("sandbox", dumps=partial(json.dumps, ensure_ascii=False))
    app.config.REQUEST_MAX_SIZE = REQUEST_MAX_BYTES
    app.config.RESPONSE_TIMEOUT = RESPONSE_TIMEOUT_SECONDS
    app.config.FALLBACK_ERROR_FORMAT = "json"
    app.config.AUTO_EXTEND = False
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = SHUTDOWN_SECONDS
    app.ctx.stack = AsyncExitStack()

    @app.before_server_start
    async def open_all(app: App) -> None:
        app.ctx.wechat = await app.ctx.stack.enter_async_context(open_wechat(settings, sandbox))

    @app.after_server_stop
    async def close_all(app: App) -> None:
        await app.ctx.stack.aclose()

    @app.get("/health")
    async def health(_request: Request) -> HTTPResponse:
        return response.json({"status": "ok"})

    app.blueprint([*wechat.blueprints, phone.bp, sms.bp, mail.bp])
    app.blueprint(pay.bp)
    app.blueprint([website.bp, website.controls, controls.bp, controls.hotline.bp])
    return app
