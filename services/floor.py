"""Whose turn it is in a conversation: one speaker at a time, in all processes together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from services.errors import SystemUnavailable
from store.kv import Store

LEASE_SECONDS: Final = 20  # renewed by the holder; after a crash the floor is soon free again
RENEW_SECONDS: Final = 5.0
WAIT_SECONDS: Final = 90.0  # longer than any turn can take
_POLL_SECONDS: Final = 0.05


class Floor:
    """Gives the floor of a conversation to one holder at a time; within a process, in the order asked for."""

    def __init__(self, kv: Store) -> None:
        self._kv = kv
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def hold(self, openid: str) -> AsyncIterator[None]:
        """Wait for the floor, and give it back at the end of the block.

        Raises:
            SystemUnavailable: nobody gave it back for :data:`WAIT_SECONDS`.
        """
        lock, waiting = self._locks.get(openid, (asyncio.Lock(), 0))
        self._locks[openid] = (lock, waiting + 1)
        try:
            async with lock:
                await self._take(openid)
                renewal = asyncio.create_task(self._renew(openid))
                try:
                    yield
                finally:
                    renewal.cancel()
                    await self._kv.delete(_key(openid))
        finally:
            lock, waiting = self._locks[openid]
            if waiting == 1:
                del self._locks[openid]
            else:
                self._locks[openid] = (lock, waiting - 1)

    async def _take(self, openid: str) -> None:
        end = time.monotonic() + WAIT_SECONDS
        while not await self._kv.add(_key(openid), "1", LEASE_SECONDS):
            if time.monotonic() > end:
                raise SystemUnavailable("floor")
            await asyncio.sleep(_POLL_SECONDS)

    async def _renew(self, openid: str) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await self._kv.set(_key(openid), "1", LEASE_SECONDS)


def _key(openid: str) -> str:
    return f"floor:{openid}"
