"""The embedded broker keeps every message until it is taken, and no longer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kombu import Connection
from sqlalchemy import create_engine, text

from worker.broker import embedded_url


def _left(folder: Path) -> int:
    engine = create_engine(f"sqlite:///{folder / 'broker.db'}")
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM kombu_message")) or 0)


def test_messages_come_in_order_and_are_gone_once_taken(tmp_path: Path) -> None:
    with Connection(embedded_url(tmp_path)) as connection, connection.SimpleQueue("q") as queue:
        for number in range(5):
            queue.put({"n": number})
        got = []
        for _ in range(5):
            message = queue.get(timeout=5)
            got.append(message.payload["n"])
            message.ack()
    assert got == [0, 1, 2, 3, 4]
    assert _left(tmp_path) == 0


def test_messages_wait_for_the_next_start(tmp_path: Path) -> None:
    with Connection(embedded_url(tmp_path)) as connection, connection.SimpleQueue("q") as queue:
        queue.put("kept")
    with Connection(embedded_url(tmp_path)) as connection, connection.SimpleQueue("q") as queue:
        assert queue.get(timeout=5).payload == "kept"


def test_queues_do_not_mix(tmp_path: Path) -> None:
    url = embedded_url(tmp_path)
    with Connection(url) as connection, connection.SimpleQueue("a") as a, connection.SimpleQueue("b") as b:
        a.put("for a")
        b.put("for b")
        assert b.get(timeout=5).payload == "for b"
        assert a.get(timeout=5).payload == "for a"


def test_of_several_consumers_each_message_has_one(tmp_path: Path) -> None:
    url = embedded_url(tmp_path)
    with Connection(url) as connection, connection.SimpleQueue("q") as queue:
        for number in range(30):
            queue.put(number)

    def consume(_consumer: int) -> list[int]:
        with Connection(url) as mine, mine.SimpleQueue("q") as queue:
            return [queue.get(timeout=5).payload for _ in range(10)]

    with ThreadPoolExecutor(3) as threads:
        taken = [number for part in threads.map(consume, range(3)) for number in part]
    assert sorted(taken) == list(range(30))
