"""What the clients of the billing system share: opening, and what its counters (invoices, refund requests, ...) refuse."""

from __future__ import annotations

import re
from contextlib import AbstractAsyncContextManager
from typing import Self

from connectors.signed import Answer, SystemClient
from runxia.clock import Clock
from runxia.settings import Settings
from services.errors import ClosedAccount, ServiceError, UnknownAccount

NOT_FOUND, CONFLICT = 404, 409
_NUMBER = re.compile(r"[0-9A-Za-z_-]{1,64}")
_REFUSALS: dict[str, type[ServiceError]] = {"unknown_account": UnknownAccount, "account_closed": ClosedAccount}


class CsmsSystem(SystemClient):
    """A client of some part of CSMS. Open with :meth:`open`."""

    @classmethod
    def open(cls, settings: Settings, clock: Clock) -> AbstractAsyncContextManager[Self]:
        """Open the connections; close them at the end."""
        return cls._open("csms", settings.csms_base_url, settings.csms_key_id, settings.csms_key, clock)


class DeskClient(CsmsSystem):
    """A client of one of CSMS's counters."""

    def _refusal(self, answer: Answer) -> ServiceError:
        refusal = _REFUSALS.get(answer.code)
        return refusal() if refusal is not None else super()._refusal(answer)


def is_number(text: str) -> bool:
    """Whether this can be a number of CSMS at all, and so part of a path."""
    return bool(_NUMBER.fullmatch(text))


def account_path(account_no: str) -> str:
    """An account number for a path.

    Raises:
        UnknownAccount: it cannot be one.
    """
    if not is_number(account_no):
        raise UnknownAccount()
    return account_no
