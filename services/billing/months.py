"""Billing months as CSMS writes them: ``2026-08``. They sort as text."""

from __future__ import annotations

from services.ports import Bill

DAYS_PER_MONTH = 30.44  # mean length: 365.25 / 12


def shift(month: str, by: int) -> str:
    """The month ``by`` months later: ``shift("2026-11", 3)`` is ``2027-02``."""
    year, number = (int(part) for part in month.split("-"))
    years, index = divmod(year * 12 + number - 1 + by, 12)
    return f"{years:04d}-{index + 1:02d}"


def months_in(bill: Bill) -> int:
    """How many billing months a bill covers, at least one."""
    return max(round(bill.days / DAYS_PER_MONTH), 1)


def first_month(bill: Bill) -> str:
    """The first of the months that a bill covers; ``bill.period`` is the last."""
    return shift(bill.period, 1 - months_in(bill))
