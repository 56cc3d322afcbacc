"""Work that nobody waits for, such as a mail about a sign-in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Background:
    """Runs coroutines beside the caller. A failure is logged, without what it was about."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, object], what: str) -> None:
        """Begin; ``what`` names the work in the log."""
        task = asyncio.create_task(_told(work, what))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def settle(self) -> None:
        """Wait until all that was begun has ended."""
        while self._running:
            await asyncio.gather(*self._running)


async def _told(work: Coroutine[Any, Any, object], what: str) -> None:
    try:
        await work
    except Exception as error:
        log.error("%s failed: %s", what, type(error).__name__)
