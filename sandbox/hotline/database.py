"""The hotline's database: SQLite, one writer."""

from __future__ import annotations

import json
import sqlite3
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox import sqlite

# Orders outlive a reset of the demonstration: customers of Runxia still know their numbers.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS work_order (
    order_no TEXT PRIMARY KEY, request_key TEXT UNIQUE, facts TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,
    created_at TEXT NOT NULL, promised_at TEXT NOT NULL, updated_at TEXT NOT NULL, crew TEXT, result TEXT,
    version INTEGER NOT NULL UNIQUE, filing TEXT);
CREATE TABLE IF NOT EXISTS entry (
    order_no TEXT NOT NULL REFERENCES work_order, kind TEXT NOT NULL, request_key TEXT NOT NULL, content TEXT NOT NULL,
    at TEXT NOT NULL, PRIMARY KEY (order_no, kind, request_key));
CREATE TABLE IF NOT EXISTS attachment (
    order_no TEXT NOT NULL REFERENCES work_order, file_id TEXT NOT NULL, content_type TEXT NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (order_no, file_id));
CREATE TABLE IF NOT EXISTS rating (
    order_no TEXT PRIMARY KEY REFERENCES work_order, score INTEGER NOT NULL, comment TEXT);
"""
# Orders that somebody else gave over the telephone: minutes ago, state, what.
_OF_OTHERS = (
    (2 * 24 * 60, "done", "leak", "西湖区翠苑路31号门前", "人行道渗水", "周师傅", "更换水管接头，已恢复路面"),
    (95, "on_site", "burst", "江东区双陵街77号路口", "施工挖断水管，水柱很高", "抢修二班", None),
    (20, "accepted", "cover", "滨江区明月路19号", "水井盖破损", None, None),
)


class Database:
    """All orders of the hotline."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite.connect(path, "synchronous=NORMAL", "foreign_keys=ON")
        self._connection.executescript(_SCHEMA)

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing."""
        return sqlite.transaction(self._connection)

    def seed(self, now: datetime) -> None:
        """The orders that other people gave by telephone, where there are none."""
        if self._one("SELECT 1 FROM work_order LIMIT 1"):
            return
        with self.transaction():
            for minutes, state, category, address, description, crew, result in _OF_OTHERS:
                at = now - timedelta(minutes=minutes)
                facts = {"category": category, "address": address, "description": description, "phone": "13900009900"}
                number = self.new_order(None, "repair", facts, at, at + timedelta(hours=4))
                self.change(number, at, state=state, crew=crew, result=result)

    def new_order(
        self, request_key: str | None, kind: str, facts: dict[str, Any], now: datetime, promised_at: datetime,
        filing: str | None = None,
    ) -> str:
        """Add an order; its number: the day and how many orders there were that day."""
        day = now.strftime("%Y%m%d")
        count = self._one("SELECT count(*) AS n FROM work_order WHERE order_no LIKE ?", f"GD{day}%")
        number = f"GD{day}{(count['n'] if count else 0) + 1:04d}"
        self._connection.execute(
            "INSERT INTO work_order VALUES (?,?,?,?,'accepted',?,?,?,NULL,NULL,?,?)",
            (
                number, request_key, json.dumps(facts, ensure_ascii=False), kind, now.isoformat(), promised_at.isoformat(),
                now.isoformat(), self._next_version(), filing,
            ),
        )
        return number

    def change(self, order_no: str, now: datetime, **columns: str | None) -> None:
        """Set columns of an order (never named from outside), with a new version."""
        names = ", ".join(f"{column} = ?" for column in columns)
        self._connection.execute(
            f"UPDATE work_order SET {names}{', ' if names else ''}updated_at = ?, version = ? WHERE order_no = ?",
            (*columns.values(), now.isoformat(), self._next_version(), order_no),
        )

    def amend_facts(self, order_no: str, **facts: str) -> None:
        """Correct what was filed."""
        row = self.order(order_no)
        kept = {**json.loads(row["facts"]), **facts} if row else facts
        self._connection.execute(
            "UPDATE work_order SET facts = ? WHERE order_no = ?", (json.dumps(kept, ensure_ascii=False), order_no),
        )

    def order(self, order_no: str) -> sqlite3.Row | None:
        """An order's row."""
        return self._one("SELECT * FROM work_order WHERE order_no = ?", order_no)

    def by_key(self, request_key: str) -> sqlite3.Row | None:
        """The order that was filed with a key."""
        return self._one("SELECT * FROM work_order WHERE request_key = ?", request_key)

    def changed(self, after: int, limit: int) -> list[sqlite3.Row]:
        """Orders changed since a version, in order."""
        return self._connection.execute(
            "SELECT * FROM work_order WHERE version > ? ORDER BY version LIMIT ?", (after, limit),
        ).fetchall()

    def all(self) -> list[sqlite3.Row]:
        """Every order, newest first."""
        return self._connection.execute("SELECT * FROM work_order ORDER BY created_at DESC, order_no DESC").fetchall()

    def add_entry(self, order_no: str, kind: str, request_key: str, content: dict[str, Any], now: datetime) -> bool:
        """Add a reminder or amendment, once for its key; whether it is new."""
        added = self._connection.execute(
            "INSERT OR IGNORE INTO entry VALUES (?,?,?,?,?)",
            (order_no, kind, request_key, json.dumps(content, ensure_ascii=False), now.isoformat()),
        )
        return added.rowcount > 0

    def entries(self, order_no: str, kind: str) -> list[dict[str, Any]]:
        """Reminders or amendments, oldest first."""
        rows = self._connection.execute(
            "SELECT content FROM entry WHERE order_no = ? AND kind = ? ORDER BY rowid", (order_no, kind),
        )
        return [json.loads(row["content"]) for row in rows]

    def put_attachment(self, order_no: str, file_id: str, content_type: str, content: bytes) -> None:
        """Keep a file."""
        self._connection.execute(
            "INSERT OR REPLACE INTO attachment VALUES (?,?,?,?)", (order_no, file_id, content_type, content),
        )

    def attachments(self, order_no: str) -> list[dict[str, Any]]:
        """The files' ids, types and sizes."""
        rows = self._connection.execute(
            "SELECT file_id, content_type, length(content) AS size FROM attachment WHERE order_no = ? ORDER BY rowid",
            (order_no,),
        )
        return [dict(row) for row in rows]

    def put_rating(self, order_no: str, score: int, comment: str | None) -> None:
        """Keep a rating."""
        self._connection.execute("INSERT OR REPLACE INTO rating VALUES (?,?,?)", (order_no, score, comment))

    def rating(self, order_no: str) -> dict[str, Any] | None:
        """The rating."""
        row = self._one("SELECT score, comment FROM rating WHERE order_no = ?", order_no)
        return dict(row) if row else None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _next_version(self) -> int:
        row = self._one("SELECT coalesce(max(version), 0) + 1 AS next FROM work_order")
        return int(row["next"]) if row else 1

    def _one(self, query: str, *values: Any) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._connection.execute(query, values).fetchone()
        return row
