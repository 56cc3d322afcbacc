"""The client of the part of the billing system that debits by contract."""

from __future__ import annotations

from datetime import datetime

from connectors.csms.desk import DeskClient, account_path


class CsmsDebits(DeskClient):
    """:class:`services.auto_pay.ports.DebitDesk` over HTTP."""

    async def set_contract(
        self, account_no: str, contract_code: str, contract_id: str, *, active: bool, since: datetime,
    ) -> None:
        """See :class:`services.auto_pay.ports.DebitDesk`."""
        self._accept(await self._client.send("PUT", "accounts", account_path(account_no), "auto-pay", json_body={
            "contract_code": contract_code, "contract_id": contract_id, "state": "active" if active else "ended",
            "since": since.isoformat(),
        }))
