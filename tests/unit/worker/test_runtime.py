"""The event loop behind Celery's threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from worker import runtime as module
from worker.runtime import Runtime


class Resource:
    """Notes on which loop it was opened, and whether it was closed."""

    opened = 0

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.closed = False


@pytest.fixture
def made() -> list[Resource]:
    """The resources opened."""
    return []


@pytest.fixture
def runtime(made: list[Resource]) -> Iterator[Runtime[Resource]]:
    """A runtime that has not started."""

    @asynccontextmanager
    async def open_resource() -> AsyncIterator[Resource]:
        resource = Resource()
        made.append(resource)
        yield resource
        resource.closed = True

    started = Runtime(open_resource)
    yield started
    started.stop()


async def _one(_resource: Resource) -> int:
    return 1


def test_nothing_opens_before_the_first_job(runtime: Runtime[Resource], made: list[Resource]) -> None:
    assert made == []
    assert runtime.run("a", _one) == 1
    assert len(made) == 1


def test_all_jobs_of_all_threads_share_one_loop_and_one_resource(runtime: Runtime[Resource], made: list[Resource]) -> None:
    loops: set[asyncio.AbstractEventLoop] = set()

    async def note(resource: Resource) -> int:
        loops.add(asyncio.get_running_loop())
        return 1

    with ThreadPoolExecutor(6) as threads:
        counts = list(threads.map(lambda number: runtime.run(str(number), note), range(24)))
    assert sum(counts) == 24
    assert loops == {made[0].loop}
    assert len(made) == 1


def test_a_job_that_still_runs_is_not_started_again(runtime: Runtime[Resource]) -> None:
    entered, leave = threading.Event(), threading.Event()

    async def slow(_resource: Resource) -> int:
        entered.set()
        await asyncio.to_thread(leave.wait, 10)
        return 7

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(runtime.run, "slow", slow)
        assert entered.wait(10)
        assert runtime.run("slow", slow) == 0
        assert runtime.run("other", _one) == 1
        leave.set()
        assert first.result(10) == 7


def test_an_error_reaches_the_task_and_the_next_run_is_fine(runtime: Runtime[Resource]) -> None:
    async def fail(_resource: Resource) -> int:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        runtime.run("a", fail)
    assert runtime.run("a", _one) == 1


def test_a_job_that_hangs_is_broken_off(runtime: Runtime[Resource], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "JOB_SECONDS", 0.05)

    async def hang(_resource: Resource) -> int:
        await asyncio.Event().wait()
        return 1

    with pytest.raises(TimeoutError):
        runtime.run("a", hang)


def test_stopping_lets_the_running_job_end_and_closes_the_resource(runtime: Runtime[Resource], made: list[Resource]) -> None:
    entered = threading.Event()
    ended: list[bool] = []

    async def slow(resource: Resource) -> int:
        entered.set()
        await asyncio.sleep(0.1)
        ended.append(resource.closed)
        return 1

    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(runtime.run, "slow", slow)
        assert entered.wait(10)
        runtime.stop()
        assert running.result(10) == 1
    assert ended == [False]
    assert made[0].closed


def test_it_can_start_again_after_a_stop(runtime: Runtime[Resource], made: list[Resource]) -> None:
    runtime.run("a", _one)
    runtime.stop()
    runtime.stop()
    assert runtime.run("a", _one) == 1
    assert len(made) == 2


def test_what_cannot_be_opened_is_told_to_the_caller_every_time() -> None:
    @asynccontextmanager
    async def broken() -> AsyncIterator[Resource]:
        raise OSError("no database")
        yield Resource()

    runtime = Runtime(broken)
    for _ in range(2):
        with pytest.raises(OSError, match="no database"):
            runtime.run("a", _one)
