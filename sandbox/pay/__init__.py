"""WeChat Pay v3, the platform's side: orders, refunds, statements, callbacks, and the cashier on the customer's phone."""

from sanic import Blueprint

from sandbox.pay import cashier, contracts, merchant

bp = Blueprint.group(merchant.bp, cashier.bp, contracts.bp)

__all__ = ["bp"]
