"""Web pages that customers open inside WeChat, and the address that WeChat Pay posts to: blueprints of the gateway.

They find the services at ``request.app.ctx.services`` and WeChat's API client at ``request.app.ctx.wechat``.
"""

from sanic import Blueprint

from pages.assets import assets
from pages.auto_pay import auto_pay, contract_notify
from pages.invoice import invoice
from pages.notify import notify
from pages.payment import payment
from pages.privacy import data

blueprints: list[Blueprint] = [payment, data, invoice, auto_pay, contract_notify, notify, assets]

__all__ = ["blueprints"]
