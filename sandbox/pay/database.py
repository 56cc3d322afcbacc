"""Orders, refunds and callbacks, in ``DATA_DIR/pay.db``. Times are ISO with Shanghai's offset, so they sort as text."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

from runxia.clock import SHANGHAI
from sandbox import sqlite

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    out_trade_no TEXT PRIMARY KEY, prepay_id TEXT NOT NULL UNIQUE, trade_type TEXT NOT NULL, facts TEXT NOT NULL,
    description TEXT NOT NULL, amount_fen INTEGER NOT NULL, openid TEXT, attach TEXT NOT NULL, notify_url TEXT NOT NULL,
    created_at TEXT NOT NULL, expires_at TEXT NOT NULL, state TEXT NOT NULL, transaction_id TEXT UNIQUE, paid_at TEXT);
CREATE INDEX IF NOT EXISTS orders_paid ON orders (paid_at);
CREATE TABLE IF NOT EXISTS refunds (
    out_refund_no TEXT PRIMARY KEY, refund_id TEXT NOT NULL, out_trade_no TEXT NOT NULL REFERENCES orders,
    amount_fen INTEGER NOT NULL, reason TEXT NOT NULL, notify_url TEXT NOT NULL, created_at TEXT NOT NULL,
    succeeds_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS refunds_order ON refunds (out_trade_no);
CREATE TABLE IF NOT EXISTS callbacks (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, number TEXT NOT NULL, url TEXT NOT NULL, tries INTEGER NOT NULL,
    next_at TEXT, outcome TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS callbacks_due ON callbacks (next_at);
CREATE TABLE IF NOT EXISTS statements (token TEXT PRIMARY KEY, content BLOB NOT NULL, expires_at TEXT NOT NULL);
"""


def iso(moment: datetime) -> str:
    """A time as it is kept, and told to merchants."""
    return moment.astimezone(SHANGHAI).isoformat(timespec="seconds")


class Database:
    """A thin layer over SQLite; statements take microseconds."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite.connect(path, "synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing."""
        return sqlite.transaction(self._connection)

    def run(self, statement: str, *values: Any) -> int:
        """Run a statement that changes rows; how many it changed."""
        return self._connection.execute(statement, values).rowcount

    def add(self, table: str, row: dict[str, Any]) -> None:
        """Insert a row; ``table`` and the names never come from outside."""
        marks = ",".join("?" * len(row))
        self._connection.execute(f"INSERT INTO {table} ({','.join(row)}) VALUES ({marks})", tuple(row.values()))

    def one(self, query: str, *values: Any) -> sqlite3.Row | None:
        """The first row, or none."""
        row: sqlite3.Row | None = self._connection.execute(query, values).fetchone()
        return row

    def all(self, query: str, *values: Any) -> Sequence[sqlite3.Row]:
        """Every row."""
        return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
