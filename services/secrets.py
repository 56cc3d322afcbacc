"""Secrets on their way from the customer's keyboard to the service that checks them.

The dialogue engine keeps every message for ever, so a password never reaches it: the gateway puts it here and passes on
a handle, which the service takes once.
"""

from __future__ import annotations

import secrets

from store import crypto
from store.kv import Store

SECRET_SECONDS = 300
_CONTEXT = "secret"


class Secrets:
    """Encrypted, read once, gone after five minutes."""

    def __init__(self, kv: Store) -> None:
        self._kv = kv

    async def put(self, openid: str, secret: str) -> str:
        """Keep ``secret`` for this customer; the handle to it."""
        handle = secrets.token_urlsafe(16)
        sealed = crypto.ring().encrypt(secret.encode(), f"{_CONTEXT}:{openid}")
        await self._kv.set(f"{_CONTEXT}:{handle}", sealed, SECRET_SECONDS)
        return handle

    async def take(self, openid: str, handle: str) -> str | None:
        """The secret, once; none where it is gone or somebody else's."""
        key = f"{_CONTEXT}:{handle}"
        sealed = await self._kv.get(key)
        if sealed is None or not await self._kv.delete(key):
            return None
        try:
            return crypto.ring().decrypt(sealed, f"{_CONTEXT}:{openid}").decode()
        except crypto.CryptoError:
            return None
