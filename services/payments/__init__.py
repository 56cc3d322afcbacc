"""Payment of bills, and of money in advance, by WeChat Pay: from the offer to the last fen.

``orders`` is what the customer does, ``settlement`` what happens afterwards, ``reconciliation`` the daily comparison with
WeChat Pay's books. :class:`Payments` is all of them.
"""

from services.payments.base import Offer, OfferLine, OrderLine, OrderView, PayLink
from services.payments.reconciliation import Reconciler
from store.models.payments import OrderPurpose, OrderState


class Payments(Reconciler):
    """Offers, orders, settlement and reconciliation.

    For the dialogue: ``offer``, ``create_order``, ``create_prepayment``, ``recent``, ``since``, ``ask_again``. For the payment
    page: ``open_link``, ``prepay``, ``returned``, ``callback``. For the worker, all to be called every second or two:
    ``query_due``, ``close_expired``, ``settle_paid``, ``send_refunds``; and every few minutes ``reconcile_due``.
    """


__all__ = ["Offer", "OfferLine", "OrderLine", "OrderPurpose", "OrderState", "OrderView", "PayLink", "Payments"]
