"""Wakes those who wait for something new."""

from __future__ import annotations

import asyncio


class Signal:
    """Everybody who waits is woken when something happens; nobody misses what happened since ``version``."""

    def __init__(self) -> None:
        self._condition = asyncio.Condition()
        self.version = 0

    async def notify(self) -> None:
        """Something happened."""
        async with self._condition:
            self.version += 1
            self._condition.notify_all()

    async def wait(self, seen: int, seconds: float) -> bool:
        """Wait until something has happened since ``seen``, at most ``seconds``; whether it has."""
        try:
            async with asyncio.timeout(seconds), self._condition:
                await self._condition.wait_for(lambda: self.version > seen)
            return True
        except TimeoutError:
            return False
