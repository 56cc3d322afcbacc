"""The money of one bill: late fee, what a payment does to it. Amounts are fen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from runxia.utility import LateFee

FROZEN = ("disputed", "void")


@dataclass(frozen=True, slots=True)
class Debt:
    """What decides how much a bill owes.

    ``late_fee_fen`` is the late fee charged up to and including ``late_fee_to``, the day of the last payment, if any.
    Payments go to the charge first and to the late fee after it, so that a late fee never bears a late fee.
    """

    charge_fen: int
    late_fee_fen: int
    late_fee_to: date | None
    paid_fen: int
    status: str
    due_on: date


def late_fee(debt: Debt, rule: LateFee, day: date) -> int:
    """The late fee on ``day``: a share of the unpaid charge for each day after the due date, and never above the cap."""
    if debt.status in FROZEN or debt.status == "paid":
        return debt.late_fee_fen
    start = debt.due_on + timedelta(days=rule.grace_days)
    if debt.late_fee_to:
        start = max(start, debt.late_fee_to)
    days = max((day - start).days, 0)
    owed = max(debt.charge_fen - debt.paid_fen, 0)
    added = (owed * rule.per_day * days).quantize(Decimal(1), ROUND_HALF_UP)
    return min(debt.late_fee_fen + int(added), int(debt.charge_fen * rule.cap))


def amount(debt: Debt, rule: LateFee, day: date) -> int:
    """Charge and late fee on ``day``."""
    return debt.charge_fen + late_fee(debt, rule, day)


def pay(debt: Debt, rule: LateFee, day: date, offered_fen: int) -> tuple[Debt, int]:
    """Put a payment on a bill; the bill after it, and how much was taken.

    A payment that covers what was due the day before settles the bill: an order made before midnight may be paid after it.
    """
    if debt.status in FROZEN or debt.status == "paid":
        return debt, 0
    if offered_fen < amount(debt, rule, day) - debt.paid_fen <= offered_fen + _last_day(debt, rule, day):
        day -= timedelta(days=1)
    fee = late_fee(debt, rule, day)
    taken = min(offered_fen, debt.charge_fen + fee - debt.paid_fen)
    paid = debt.paid_fen + taken
    status = "paid" if paid >= debt.charge_fen + fee else "partly_paid" if paid else debt.status
    return replace(debt, late_fee_fen=fee, late_fee_to=day, paid_fen=paid, status=status), taken


def _last_day(debt: Debt, rule: LateFee, day: date) -> int:
    return late_fee(debt, rule, day) - late_fee(debt, rule, day - timedelta(days=1))
