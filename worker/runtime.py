"""The bridge from Celery's threads to the asynchronous services: one event loop per process, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from typing import Any

JOB_SECONDS = 300.0  # every job can be broken off and taken up again; one that hangs must not block the next for ever


class Runtime[T]:
    """Opens a resource on its own event loop at the first job, and runs jobs with it until :meth:`stop`.

    The loop starts late because a pool that forks must not have started it before.
    """

    def __init__(self, open_resource: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._open = open_resource
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._resource: T
        self._stopping: asyncio.Event
        self._running: dict[str, asyncio.Task[int]] = {}

    def run(self, name: str, job: Callable[[T], Coroutine[Any, Any, int]]) -> int:
        """Run the job called ``name`` to its end; its count.

        A job that is still running from before is left alone, and the count is 0: it sees what is new, or the next does.
        """
        self.start()
        return asyncio.run_coroutine_threadsafe(self._guarded(name, job), self._loop).result()

    def start(self) -> None:
        """Start the loop and open the resource, if that has not been done.

        Raises:
            Exception: what opening the resource raised.
        """
        with self._lock:
            if self._thread is not None:
                return
            opened: Future[None] = Future()
            thread = threading.Thread(target=lambda: asyncio.run(self._live(opened)), name="services", daemon=True)
            thread.start()
            opened.result()
            self._thread = thread

    def stop(self) -> None:
        """Let running jobs end, close the resource, end the loop."""
        with self._lock:
            if self._thread is None:
                return
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
            self._thread = None

    async def _live(self, opened: Future[None]) -> None:
        try:
            async with self._open() as resource:
                self._loop, self._resource = asyncio.get_running_loop(), resource
                self._stopping = asyncio.Event()
                opened.set_result(None)
                await self._stopping.wait()
                await asyncio.gather(*self._running.values(), return_exceptions=True)
        except Exception as error:
            if opened.done():
                raise
            opened.set_exception(error)

    async def _guarded(self, name: str, job: Callable[[T], Coroutine[Any, Any, int]]) -> int:
        if name in self._running:
            return 0
        self._running[name] = asyncio.ensure_future(self._limited(job))
        try:
            return await self._running[name]
        finally:
            del self._running[name]

    async def _limited(self, job: Callable[[T], Coroutine[Any, Any, int]]) -> int:
        async with asyncio.timeout(JOB_SECONDS):
            return await job(self._resource)
