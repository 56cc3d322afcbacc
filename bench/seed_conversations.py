"""Fills an empty database with conversations: ``python -m bench.seed_conversations URL [conversations]``, 100 000 by default.

Each has twenty messages, ten of them understood, so that the default is two million messages. Their words are the training
sentences with made-up numbers and streets. The same count gives the same database, but for the encryption's nonces.
"""

from __future__ import annotations

import json
import random
import re
import sqlite3
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import psycopg
import yaml
from psycopg import sql

from runxia.devenv import ROOT
from services.desk.model import Done, Outcome, State, Understood
from services.desk.search import Hashes
from store import crypto
from store.db import sync_url
from store.migrate import upgrade

CONVERSATIONS = 100_000
EACH = 20  # messages
BATCH = 2_000  # conversations
KEY = crypto.KeyRing({"bench": bytes(range(32))})
SEARCH_KEY = bytes(32)
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC).replace(tzinfo=None)
STATES = ([State.BOT] * 88 + [State.RESOLVED] * 9 + [State.SNOOZED] + [State.TAKEN] + [State.WAITING])
AGENTS = [f"agent{number}" for number in range(20)]
TABLES = {
    "conversation": (
        "id openid state owner trigger waiting_since last_at last_by last_intent last_confidence lowest_confidence fallbacks "
        "fell_back angry has_photo has_voice outcome rating created_at"
    ),
    "message": "id key openid direction kind grant cause content state attempts created_at done_at",
    "understanding": "message_id intent confidence runner_up runner_up_confidence fell_back detail",
    "conversation_facet": "kind value conversation_id",
    "conversation_gram": "gram conversation_id month",
    "conversation_tag": "tag_id conversation_id by at",
    "assignment": "conversation_id at step by owner",
    "customer": "openid subscribed created_at last_seen_at",
    "binding": "openid account_no owner address is_default created_at",
}
type Rows = dict[str, list[tuple[Any, ...]]]


class Writer(ABC):
    """Writes many rows at once."""

    @abstractmethod
    def write(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows."""

    @abstractmethod
    def finish(self) -> None:
        """Commit, and tell the planner what there is."""


class SqliteWriter(Writer):
    """One transaction, without waiting for the disk."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-400000")

    def write(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """See :class:`Writer`."""
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join("?" * len(columns))
        self._connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", [_plain(row) for row in rows])

    def finish(self) -> None:
        """See :class:`Writer`."""
        self._connection.commit()
        self._connection.execute("ANALYZE")
        self._connection.commit()


class PostgresWriter(Writer):
    """``COPY``."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def write(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """See :class:`Writer`."""
        into = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns)),
        )
        with self._connection.cursor() as cursor, cursor.copy(into) as copy:
            for row in rows:
                copy.write_row(row)

    def finish(self) -> None:
        """See :class:`Writer`."""
        for table in ("conversation", "message"):
            self._connection.execute(
                sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), (SELECT max(id) FROM {}))").format(
                    sql.Literal(table), sql.Identifier(table),
                ),
            )
        self._connection.commit()
        self._connection.autocommit = True
        self._connection.execute("VACUUM ANALYZE")


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(value.isoformat(" ", "microseconds") if isinstance(value, datetime) else value for value in row)


def sentences() -> list[tuple[str, str]]:
    """Training sentences with their intents, annotations taken off."""
    found: list[tuple[str, str]] = []
    for path in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        for each in yaml.safe_load(path.read_text(encoding="utf-8")).get("nlu") or []:
            lines = [line.removeprefix("- ") for line in (each.get("examples") or "").splitlines()]
            found += [(each["intent"], _bare(line)) for line in lines if "intent" in each and line.strip()]
    return found


def _bare(line: str) -> str:
    return re.sub(r"\[([^\]]+)\](?:\([^)]*\)|\{[^}]*\})", r"\1", line)


class Maker:
    """Makes conversations, one as good as another."""

    def __init__(self) -> None:
        self._random = random.Random(20261121)
        self._said = sentences()
        self._hashes = Hashes(SEARCH_KEY)

    def rows(self, number: int) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """All rows of conversation ``number``, each with its table."""
        draw = self._random
        openid = f"o{number:027}"
        start = NOW - timedelta(seconds=draw.uniform(60, 180 * 86400))
        facts: dict[str, Any] = {"lowest": 1.0, "fallbacks": 0, "intent": "", "confidence": 0.0, "photo": False, "voice": False}
        facets: set[tuple[str, str]] = set()
        grams: set[int] = set()
        moment = start
        yield "customer", (openid, True, start, start)
        yield "binding", (
            openid, f"{1_000_000_000 + number}", _sealed("林小满", "binding.owner"),
            _sealed("云栖路88号", "binding.address"), True, start,
        )
        for turn in range(EACH // 2):
            moment += timedelta(seconds=draw.uniform(10, 60))
            message_id = (number - 1) * EACH + 2 * turn + 1
            intent, text = draw.choice(self._said)
            text += f"，户号{1_000_000_000 + number}，云栖路{draw.randint(1, 999)}号" if turn == 0 else ""
            kind = draw.choices(("text", "image", "voice"), (96, 2, 2))[0]
            fell_back = draw.random() < 0.06
            confidence = draw.uniform(0.1, 0.4) if fell_back else draw.uniform(0.5, 1.0)
            intent = "nlu_fallback" if fell_back else intent
            what = Understood(
                intent, confidence, "help", confidence / 3, [{"entity": "period", "value": "8月"}] if turn % 3 == 0 else [],
                {"account_no": f"{1_000_000_000 + number}"}, [Done(f"action_{intent.partition('/')[0]}", "RulePolicy", 1.0)],
            )
            content = json.dumps({"shown": text, "message": text}, ensure_ascii=False)
            yield "message", (
                message_id, f"b{message_id}", openid, "in", kind, "message", None, _sealed(content, "message.content"),
                "answered", 0, moment, moment,
            )
            yield "understanding", (
                message_id, intent, confidence, "help", confidence / 3, fell_back, _sealed(what.dump(), "understanding.detail"),
            )
            answer = json.dumps({"text": "您2026年10月的水费是36.15元，请在11月15日前缴清。"}, ensure_ascii=False)
            yield "message", (
                message_id + 1, f"b{message_id + 1}", openid, "out", "reply", None, f"answers:{message_id}",
                _sealed(answer, "message.content"), "sent", 0, moment, moment,
            )
            facets |= {("intent", intent), ("task", what.task or ""), *(("entity", each["entity"]) for each in what.entities)}
            grams |= self._hashes.of(text)
            facts["photo"] |= kind == "image"
            facts["voice"] |= kind == "voice"
            facts |= {
                "lowest": min(facts["lowest"], confidence), "intent": intent, "confidence": confidence,
                "fallbacks": facts["fallbacks"] + fell_back,
            }
        yield from self._conversation(number, openid, start, moment, facts)
        for kind, value in facets:
            yield "conversation_facet", (kind, value, number)
        month = moment.year * 100 + moment.month
        for gram in grams:
            yield "conversation_gram", (gram, number, month)

    def _conversation(
        self, number: int, openid: str, start: datetime, moment: datetime, facts: dict[str, Any],
    ) -> Iterator[tuple[str, tuple[Any, ...]]]:
        draw = self._random
        state = draw.choice(STATES)
        owner = draw.choice(AGENTS) if state in (State.TAKEN, State.SNOOZED) else None
        waiting = moment if state in (State.WAITING, State.TAKEN) else None
        helped = state is not State.BOT
        yield "conversation", (
            number, openid, state.value, owner, "asked" if helped else None, waiting, moment, "bot", facts["intent"],
            facts["confidence"], facts["lowest"], 0, facts["fallbacks"] > 0, draw.random() < 0.01, facts["photo"],
            facts["voice"], draw.choice(list(Outcome)).value, draw.choice((1, 2, 3)) if state is State.RESOLVED else None,
            start,
        )
        if helped:
            yield "assignment", (number, moment, "queued", "customer", None)
            yield "assignment", (number, moment, "taken", owner or AGENTS[0], owner or draw.choice(AGENTS))
        if draw.random() < 0.05:
            yield "conversation_tag", (draw.randint(1, 8), number, AGENTS[0], moment)


def _sealed(text: str, context: str) -> str:
    return KEY.encrypt(text.encode(), context)


@contextmanager
def open_writer(url: str) -> Iterator[Writer]:
    """A writer for a database of either kind."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.partition("///")[2])) as connection:
            yield SqliteWriter(connection)
        return
    with psycopg.connect(url) as connection:
        yield PostgresWriter(connection)


def _numbers(count: int) -> Iterable[range]:
    return (range(first, min(first + BATCH, count + 1)) for first in range(1, count + 1, BATCH))


def seed(url: str, count: int) -> None:
    """Fill the database at ``url``, which must be empty."""
    upgrade(url)
    crypto.use(KEY)
    maker, began = Maker(), time.monotonic()
    plain_url = url if url.startswith("sqlite") else sync_url(url).replace("postgresql+psycopg", "postgresql")
    with open_writer(plain_url) as writer:
        writer.write("tag", ["id", "name"], [(number, f"标签{number}") for number in range(1, 9)])
        secret = _sealed("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "search_key.secret")
        writer.write("search_key", ["id", "secret"], [(1, secret)])
        for batch in _numbers(count):
            rows: Rows = {table: [] for table in TABLES}
            for number in batch:
                for table, row in maker.rows(number):
                    rows[table].append(row)
            rows["conversation_gram"].sort()
            for table in ("customer", "binding", "conversation", *islice(TABLES, 1, 7)):
                writer.write(table, TABLES[table].split(), rows[table])
            print(f"{batch.stop - 1} conversations, {time.monotonic() - began:.0f} s", flush=True)
        writer.finish()


if __name__ == "__main__":
    seed(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else CONVERSATIONS)
