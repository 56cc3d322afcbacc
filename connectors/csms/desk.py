"""What the clients of the billing system's counters (invoices, refund requests, direct debit) share."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import httpx
from pydantic import TypeAdapter, ValidationError

from connectors.signed import CONNECT_SECONDS, READ_SECONDS, Answer, SignedClient
from runxia.clock import Clock
from runxia.settings import Settings
from services.errors import ClosedAccount, ServiceError, UnknownAccount

SYSTEM = "csms"
NOT_FOUND = 404
_NUMBER = re.compile(r"[0-9A-Za-z_-]{1,64}")
_REFUSALS: dict[str, type[ServiceError]] = {"unknown_account": UnknownAccount, "account_closed": ClosedAccount}


class DeskClient:
    """A client over signed HTTP. Open with :meth:`open`."""

    def __init__(self, client: SignedClient) -> None:
        self._client = client

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, clock: Clock) -> AsyncIterator[Self]:
        """Open the connections; close them at the end."""
        timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        async with httpx.AsyncClient(base_url=settings.csms_base_url, timeout=timeout, trust_env=False) as http:
            yield cls(SignedClient(http, SYSTEM, settings.csms_key_id, settings.csms_key.get_secret_value(), clock))

    def _parse[Thing](self, adapter: TypeAdapter[Thing], answer: Answer) -> Thing:
        self._check(answer)
        try:
            return adapter.validate_json(answer.body, strict=True)
        except ValidationError as error:
            places = {".".join(map(str, found["loc"])) for found in error.errors(include_input=False, include_url=False)}
            raise self._client.nonsense(f"answer does not parse at {sorted(places)[:5]}") from None

    def _check(self, answer: Answer) -> None:
        """Nothing where CSMS did what it was asked.

        Raises:
            ServiceError: why it did not.
        """
        if answer.ok:
            return
        refusal = _REFUSALS.get(answer.code)
        if refusal is not None:
            raise refusal()
        raise self._client.nonsense(f"refused with {answer.status} {answer.code[:40]}")

    def _require(self, condition: bool, otherwise: str) -> None:
        if not condition:
            raise self._client.nonsense(otherwise)


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
