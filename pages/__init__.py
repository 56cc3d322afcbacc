"""Web pages that customers open inside WeChat, and the address that WeChat Pay posts to: blueprints of the gateway.

They find the services at ``request.app.ctx.services`` and WeChat's API client at ``request.app.ctx.wechat``.
"""

from sanic import Blueprint

from pages.assets import assets
from pages.notify import notify
from pages.payment import payment

blueprints: list[Blueprint] = [payment, notify, assets]

__all__ = ["blueprints"]
