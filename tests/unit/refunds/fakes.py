"""A billing system that takes refund requests, in memory."""

from __future__ import annotations

from datetime import date, datetime

from runxia.clock import SHANGHAI
from services.refunds import RefundFiling


class FakeRefundDesk:
    """One request for one payment."""

    def __init__(self) -> None:
        self.filed: dict[str, RefundFiling] = {}

    async def file(self, out_trade_no: str, account_no: str, amount_fen: int, reason: str) -> RefundFiling:
        """See :class:`services.refunds.RefundDesk`."""
        number = f"TK{len(self.filed) + 1:08d}"
        new = RefundFiling(number, "accepted", datetime(2026, 11, 10, tzinfo=SHANGHAI), date(2026, 11, 17), amount_fen)
        return self.filed.setdefault(out_trade_no, new)

    async def request(self, request_no: str) -> RefundFiling | None:
        """See :class:`services.refunds.RefundDesk`."""
        return next((each for each in self.filed.values() if each.request_no == request_no), None)
