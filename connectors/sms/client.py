"""The client of the text-message provider."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from connectors.signed import CONNECT_SECONDS, READ_SECONDS, SignedClient
from runxia.clock import clock_from
from runxia.settings import Settings

SYSTEM = "sms"
KEY_ID = "runxia"


class SmsClient:
    """:class:`services.ports.Sms` over HTTP. Open with :meth:`open`."""

    def __init__(self, client: SignedClient) -> None:
        self._client = client

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncIterator[SmsClient]:
        """Open the connections; close them at the end."""
        timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        clock = clock_from(settings.clock_file)
        async with httpx.AsyncClient(base_url=settings.sms_base_url, timeout=timeout, trust_env=False) as http:
            yield cls(SignedClient(http, SYSTEM, KEY_ID, settings.sms_key.get_secret_value(), clock))

    async def send_code(self, phone: str, code: str, minutes: int) -> None:
        """See :class:`services.ports.Sms`. Not repeated here: a second message may be on its way to the customer."""
        body = {"phone": phone, "code": code, "minutes": minutes}
        answer = await self._client.send("POST", "sms", "codes", json_body=body)
        if not answer.ok:
            raise self._client.nonsense(f"refused with {answer.status} {answer.code[:40]}")
