"""The sandbox's own state of WeChat: users, messages, allowances, tokens, media, traffic."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sandbox import sqlite

_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    openid TEXT PRIMARY KEY, nickname TEXT NOT NULL, subscribed INTEGER NOT NULL, subscribed_at REAL, spoke_at REAL,
    typing_until REAL);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, openid TEXT NOT NULL, at TEXT NOT NULL, direction TEXT NOT NULL, via TEXT NOT NULL,
    kind TEXT NOT NULL, raw TEXT NOT NULL, rendered TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS messages_openid ON messages (openid, id);
CREATE TABLE IF NOT EXISTS allowances (
    openid TEXT NOT NULL, source TEXT NOT NULL, left_over INTEGER NOT NULL, ends_at REAL NOT NULL,
    PRIMARY KEY (openid, source));
CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY, issued_at REAL NOT NULL, expires_at REAL NOT NULL, forced INTEGER NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS media (
    media_id TEXT PRIMARY KEY, kind TEXT NOT NULL, content_type TEXT NOT NULL, created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS oauth_codes (
    code TEXT PRIMARY KEY, openid TEXT NOT NULL, scope TEXT NOT NULL, created_at REAL NOT NULL,
    used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS menu (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS traffic (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, side TEXT NOT NULL, name TEXT NOT NULL, request TEXT NOT NULL,
    response TEXT NOT NULL, outcome TEXT NOT NULL, milliseconds INTEGER NOT NULL);
"""


class Database:
    """A thin layer over SQLite. Statements take microseconds, so they run on the event loop's own thread."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite.connect(path, "synchronous=OFF")  # a demonstration's state may be lost with the machine
        self._connection.executescript(_SCHEMA)

    def write(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run a statement that changes something; the id of the row that it added."""
        return self._connection.execute(statement, values).lastrowid or 0

    def change(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run a statement that changes rows; how many it changed."""
        return self._connection.execute(statement, values).rowcount

    def one(self, query: str, values: Sequence[Any] = ()) -> sqlite3.Row | None:
        """The first row, or none."""
        row: sqlite3.Row | None = self._connection.execute(query, values).fetchone()
        return row

    def all(self, query: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Every row."""
        return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
