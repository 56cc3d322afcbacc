"""The sandbox's web application: WeChat, WeChat Pay, text messages, controls and the phone page."""

from __future__ import annotations

from contextlib import AsyncExitStack

from sanic import Sanic

from runxia.settings import Settings
from sandbox import controls, pay, phone, sms, wechat
from sandbox.wechat.settings import SandboxSettings
from sandbox.wechat.state import open_wechat

REQUEST_MAX_BYTES = 16 << 20  # a base64 picture of 10 MiB and its envelope
RESPONSE_TIMEOUT_SECONDS = 90  # three posts of five seconds, and long polls


def create_app(settings: Settings, sandbox: SandboxSettings) -> Sanic:
    """Make the application over the given settings."""
    app = Sanic("sandbox")
    app.config.REQUEST_MAX_SIZE = REQUEST_MAX_BYTES
    app.config.RESPONSE_TIMEOUT = RESPONSE_TIMEOUT_SECONDS
    app.config.FALLBACK_ERROR_FORMAT = "json"
    app.ctx.stack = AsyncExitStack()

    @app.before_server_start
    async def open_all(app: Sanic) -> None:
        app.ctx.wechat = await app.ctx.stack.enter_async_context(open_wechat(settings, sandbox))

    @app.after_server_stop
    async def close_all(app: Sanic) -> None:
        await app.ctx.stack.aclose()

    app.blueprint([*wechat.blueprints, phone.bp, pay.bp, sms.bp, controls.bp])
    return app
