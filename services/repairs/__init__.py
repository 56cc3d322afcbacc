"""Repairs, complaints and suggestions: work orders at the utility's hotline, from the report to the rating.

``triage`` reads what is wrong, ``orders`` is what the customer does, ``following`` what happens afterwards.
"""

from services.repairs.following import Following
from services.repairs.model import Amendment, Order, Report
from services.repairs.ports import Hotline, OrderKind, OrderState
from services.repairs.triage import Fault, Spot


class Repairs(Following):
    """The whole of it: for the dialogue the methods of ``Orders``, for the worker ``follow`` and ``send_waiting``."""


__all__ = ["Amendment", "Fault", "Hotline", "Order", "OrderKind", "OrderState", "Repairs", "Report", "Spot"]
