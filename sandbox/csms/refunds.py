"""The billing system's refund desk: requests to give back what was paid for a wrong account."""

from __future__ import annotations

import json as json_text
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from sanic import Request, Sanic
from sanic.response import HTTPResponse, empty, json

from runxia.clock import SHANGHAI, Clock
from sandbox import sqlite
from sandbox.csms.database import Database
from sandbox.web import Body, Problem, read_body, unknown

DECIDED_AFTER_DAYS = 7
_SCHEMA = """
CREATE TABLE IF NOT EXISTS refund_request (
    out_trade_no TEXT PRIMARY KEY, request_no TEXT NOT NULL UNIQUE, facts TEXT NOT NULL, amount_fen INTEGER NOT NULL,
    state TEXT NOT NULL, filed_at TEXT NOT NULL, decide_by TEXT NOT NULL, note TEXT NOT NULL);
"""


class _Request(Body):
    out_trade_no: str = Field(pattern=r"^[A-Za-z0-9_\-|*]{6,32}$")
    account_no: str = Field(min_length=1, max_length=32)
    amount_fen: int = Field(gt=0)
    reason: Literal["wrong_account"]


class _Decision(Body):
    request_no: str
    state: Literal["accepted", "approved", "refunded", "rejected"]
    note: str = Field(default="", max_length=200)


class RefundDesk:
    """Requests, in a file of their own beside the books."""

    def __init__(self, path: Path, books: Database, clock: Clock) -> None:
        self._books = books
        self._clock = clock
        self._connection = sqlite.connect(path, "synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def reset(self) -> None:
        """Nobody ever asked."""
        self._connection.execute("DELETE FROM refund_request")

    def add_routes(self, app: Sanic[Any, Any]) -> None:
        """The calls of docs/csms.openapi.yaml, and the switches of the demonstration."""
        app.add_route(self.file, "/refund-requests", methods=["POST"], name="refunds_file")
        app.add_route(self.one, "/refund-requests/<request_no:str>", name="refunds_one")
        app.add_route(self.everything, "/sandbox/refund-requests", name="refunds_everything")
        app.add_route(self.decide, "/sandbox/refund-requests", methods=["POST"], name="refunds_decide")

    async def file(self, request: Request) -> HTTPResponse:
        """POST /refund-requests."""
        given = read_body(_Request, request)
        if self._books.account(given.account_no) is None:
            raise unknown("account")
        facts = given.model_dump_json()
        with sqlite.transaction(self._connection):
            known = self._one("out_trade_no", given.out_trade_no)
            if known is None:
                known = self._add(given, facts)
        if json_text.loads(known["facts"])["account_no"] != given.account_no:
            raise Problem(409, "out_trade_no_used")
        return json(_show(known))

    async def one(self, _request: Request, request_no: str) -> HTTPResponse:
        """GET /refund-requests/{request_no}."""
        row = self._one("request_no", request_no)
        if row is None:
            raise unknown("request")
        return json(_show(row))

    async def everything(self, _request: Request) -> HTTPResponse:
        """GET /sandbox/refund-requests: all, the newest first."""
        rows = self._connection.execute("SELECT * FROM refund_request ORDER BY rowid DESC").fetchall()
        return json({"requests": [{**_show(row), **json_text.loads(row["facts"])} for row in rows]})

    async def decide(self, request: Request) -> HTTPResponse:
        """POST /sandbox/refund-requests: the clerk decides."""
        given = read_body(_Decision, request)
        self._connection.execute(
            "UPDATE refund_request SET state = ?, note = ? WHERE request_no = ?", (given.state, given.note, given.request_no),
        )
        return empty()

    def _add(self, given: _Request, facts: str) -> sqlite3.Row:
        now = self._clock.now().astimezone(SHANGHAI)
        (count,) = self._connection.execute("SELECT count(*) FROM refund_request").fetchone()
        self._connection.execute("INSERT INTO refund_request VALUES (?,?,?,?,?,?,?,?)", (
            given.out_trade_no, f"TK{now:%Y%m%d}{count + 1:04d}", facts, given.amount_fen, "accepted", now.isoformat(),
            (now + timedelta(days=DECIDED_AFTER_DAYS)).date().isoformat(), "",
        ))
        row = self._one("out_trade_no", given.out_trade_no)
        if row is None:
            raise LookupError(given.out_trade_no)
        return row

    def _one(self, column: Literal["out_trade_no", "request_no"], value: str) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._connection.execute(
            f"SELECT * FROM refund_request WHERE {column} = ?", (value,),
        ).fetchone()
        return row


def _show(row: sqlite3.Row) -> dict[str, Any]:
    return {name: row[name] for name in ("request_no", "state", "filed_at", "decide_by", "amount_fen", "note")}
