"""The client of the billing system's refund desk."""

from __future__ import annotations

from pydantic import TypeAdapter

from connectors.csms.desk import NOT_FOUND, DeskClient, is_number
from services.refunds import RefundFiling

STATES = ("accepted", "approved", "refunded", "rejected")
LONGEST_NOTE = 200

_FILING = TypeAdapter(RefundFiling)


class CsmsRefunds(DeskClient):
    """:class:`services.refunds.RefundDesk` over HTTP."""

    async def file(self, out_trade_no: str, account_no: str, amount_fen: int, reason: str) -> RefundFiling:
        """See :class:`services.refunds.RefundDesk`."""
        answer = await self._client.send("POST", "refund-requests", json_body={
            "out_trade_no": out_trade_no, "account_no": account_no, "amount_fen": amount_fen, "reason": reason,
        })
        filing = self._checked(self._parse(_FILING, answer))
        self._require(filing.amount_fen == amount_fen, "another amount")
        return filing

    async def request(self, request_no: str) -> RefundFiling | None:
        """See :class:`services.refunds.RefundDesk`."""
        if not is_number(request_no):
            return None
        answer = await self._client.get("refund-requests", request_no)
        if answer.status == NOT_FOUND:
            return None
        filing = self._checked(self._parse(_FILING, answer))
        self._require(filing.request_no == request_no, "another request")
        return filing

    def _checked(self, filing: RefundFiling) -> RefundFiling:
        self._require(is_number(filing.request_no), "a request number that is none")
        self._require(filing.state in STATES, "a state of no known kind")
        self._require(len(filing.note) <= LONGEST_NOTE, "a note too long to show")
        self._require(filing.filed_at.tzinfo is not None, "a time without a zone")
        return filing
