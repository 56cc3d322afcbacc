"""The worker as a process of its own, over the embedded broker and over RabbitMQ."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from kombu import Connection
from kombu.exceptions import OperationalError

from runxia.clock import OffsetFileClock
from runxia.devenv import ROOT
from services.outbox import LEASE, enqueue
from store import crypto
from store.db import Database
from store.migrate import upgrade
from store.models import Message
from tests.integration.worker.fake_wechat import FakeWechat, fake_wechat
from tests.stack import stack_environment

RABBITMQ = os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//")
PATIENCE_SECONDS = 120.0


@dataclass
class Site:
    """A database, a broker, a WeChat; workers come and go."""

    env: dict[str, str]
    folder: Path
    wechat: FakeWechat

    @property
    def clock(self) -> OffsetFileClock:
        """The clock of the workers."""
        return OffsetFileClock(Path(self.env["CLOCK_FILE"]))

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        """A worker that takes tasks; it is told to stop at the end of the block."""
        ready = self.folder / "worker.ready"
        ready.unlink(missing_ok=True)
        with (self.folder / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "worker"], env=self.env, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT,
            )
            try:
                wait_for(lambda: ready.exists() or process.poll() is not None)
                assert process.poll() is None, (self.folder / "worker.log").read_text()[-2000:]
                yield process
            finally:
                process.terminate()
                process.wait(20)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """The workers' database."""
        crypto.use(crypto.KeyRing.parse(self.env["FIELD_KEY"]))
        db = Database(self.env["DATABASE_URL"])
        try:
            yield db
        finally:
            await db.close()

    async def write(self, texts: dict[str, list[str]]) -> None:
        """What each customer is to be told; all have just written, so that WeChat lets us."""
        async with self.database() as db, db.begin() as session:
            now = self.clock.now()
            for openid, told in texts.items():
                session.add(
                    Message(
                        key=f"in:{openid}", openid=openid, direction="in", kind="text", grant="message", content="{}",
                        state="answered", created_at=now,
                    ),
                )
                for text in told:
                    await enqueue(
                        session, self.clock, openid=openid, kind="answers", payload={"answers": [{"text": text}]},
                        dedupe_key=text,
                    )


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until it is so."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not come to pass in time"
        time.sleep(0.05)


@pytest.fixture(params=["embedded", "rabbitmq"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A site over each broker."""
    broker: dict[str, str] = {}
    if request.param == "rabbitmq":
        try:
            with Connection(RABBITMQ, connect_timeout=3) as connection:
                connection.ensure_connection(max_retries=1)
        except (OperationalError, OSError) as error:
            pytest.skip(f"no RabbitMQ at TEST_RABBITMQ_URL: {error}")
        broker = {"BROKER_URL": RABBITMQ}
    with fake_wechat() as wechat:
        env = stack_environment(tmp_path, WECHAT_API_BASE_URL=wechat.url, **broker)
        env["WECHAT_API_BASE_URL"] = wechat.url
        upgrade(env["DATABASE_URL"])
        yield Site(env, tmp_path, wechat)


def test_what_waits_is_sent_once_and_in_order(site: Site) -> None:
    told = {f"o{customer}": [f"{customer}-{number}" for number in range(3)] for customer in range(4)}
    asyncio.run(site.write(told))
    with site.worker() as process:
        wait_for(lambda: len(site.wechat.told) >= 12)
    assert process.returncode == 0
    assert {openid: [text for to, text in site.wechat.told if to == openid] for openid in told} == told
    assert not (site.folder / "worker.ready").exists()


def test_the_customer_hears_within_two_seconds(site: Site) -> None:
    with site.worker():
        asyncio.run(site.write({"warm": ["up"]}))
        wait_for(lambda: len(site.wechat.told) == 1)
        asyncio.run(site.write({"o1": ["收到您的付款"]}))
        started = time.monotonic()
        wait_for(lambda: len(site.wechat.told) == 2)
    # 2 s on a machine that is free; a busy one gets some more.
    assert time.monotonic() - started < 5


def test_a_worker_killed_while_it_sends_neither_loses_nor_repeats(site: Site) -> None:
    asyncio.run(site.write({"o1": ["一"]}))
    with site.worker() as process:
        wait_for(lambda: len(site.wechat.told) == 1)
        site.wechat.arrived.clear()
        site.wechat.stuck.set()
        asyncio.run(site.write({"o2": ["二", "三"]}))
        assert site.wechat.arrived.wait(PATIENCE_SECONDS)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    site.wechat.stuck.clear()
    with site.worker():
        # The dead worker's leases, and its hold on the conversation, run out with the clock.
        Path(site.env["CLOCK_FILE"]).write_text(str(LEASE.total_seconds() + 120))
        wait_for(lambda: len(site.wechat.told) >= 3)
        asyncio.run(site.write({"o3": ["四"]}))
        wait_for(lambda: len(site.wechat.told) >= 4)
    assert site.wechat.told == [("o1", "一"), ("o2", "二"), ("o2", "三"), ("o3", "四")]


def test_two_workers_share_the_work_without_doubling_it(site: Site) -> None:
    told = {f"o{customer}": [f"{customer}-{number}" for number in range(3)] for customer in range(6)}
    with site.worker(), site.worker():
        asyncio.run(site.write(told))
        wait_for(lambda: len(site.wechat.told) >= 18)
    assert {openid: [text for to, text in site.wechat.told if to == openid] for openid in told} == told
