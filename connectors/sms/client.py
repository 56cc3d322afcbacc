"""The client of the text-message provider."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Self

from connectors.signed import SystemClient
from runxia.clock import clock_from
from runxia.settings import Settings

SYSTEM = "sms"
KEY_ID = "runxia"


class SmsClient(SystemClient):
    """:class:`services.ports.Sms` over HTTP. Open with :meth:`open`."""

    @classmethod
    def open(cls, settings: Settings) -> AbstractAsyncContextManager[Self]:
        """Open the connections; close them at the end."""
        return cls._open(SYSTEM, settings.sms_base_url, KEY_ID, settings.sms_key, clock_from(settings.clock_file))

    async def send_code(self, phone: str, code: str, minutes: int) -> None:
        """See :class:`services.ports.Sms`. Not repeated here: a second message may be on its way to the customer."""
        body = {"phone": phone, "code": code, "minutes": minutes}
        answer = await self._client.send("POST", "sms", "codes", json_body=body)
        self._accept(answer)
