"""The department that takes applications: its API, and the switches by which a demonstration moves them on.

An application that is done really changes its account: people, kind, or whether it takes water.
"""

from __future__ import annotations

import json
import sqlite3
import time
from datetime import date
from typing import Any, Literal

from pydantic import Field, model_validator
from sanic import Request, Sanic
from sanic.response import HTTPResponse, empty
from sanic.response import json as answer

from runxia.clock import Clock
from sandbox.csms.books import BillingSystem
from sandbox.csms.database import Database
from sandbox.web import Body, Problem, read_body, read_query, unknown

SCHEMA = """
CREATE TABLE application (
    application_no TEXT PRIMARY KEY, request_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, account_no TEXT,
    facts TEXT NOT NULL, state TEXT NOT NULL, missing TEXT NOT NULL, quote_fen INTEGER, note TEXT, filed_at TEXT NOT NULL,
    changed_at TEXT NOT NULL, sequence INTEGER NOT NULL UNIQUE);
CREATE TABLE application_document (
    document_id TEXT PRIMARY KEY, application_no TEXT NOT NULL REFERENCES application, document TEXT NOT NULL,
    content_type TEXT NOT NULL, content BLOB NOT NULL);
"""
CLOSED = ("done", "rejected", "withdrawn")
STATES = Literal[
    "received", "reviewing", "documents_missing", "surveying", "quoted", "awaiting_payment", "constructing", "done",
    "rejected", "withdrawn",
]
PAGE = 50
_ACCOUNT_KINDS = ("stop", "restore", "household", "nature")


class _Filing(Body):
    request_id: str = Field(pattern=r"^[0-9A-Za-z_-]{8,32}$")
    kind: Literal["install", "stop", "restore", "household", "nature"]
    account_no: str | None = Field(default=None, max_length=32)
    name: str | None = Field(default=None, min_length=1, max_length=60)
    phone: str | None = Field(default=None, pattern=r"^1[3-9]\d{9}$")
    address: str | None = Field(default=None, min_length=2, max_length=200)
    use: str | None = Field(default=None, max_length=20)
    people: int | None = Field(default=None, ge=1, le=99)
    nature: Literal["residential", "commercial", "special"] | None = None
    start: date | None = None
    end: date | None = None

    @model_validator(mode="after")
    def _complete(self) -> _Filing:
        needed = {
            "install": (self.name, self.phone, self.address, self.use), "stop": (self.account_no, self.start),
            "restore": (self.account_no,), "household": (self.account_no, self.people),
            "nature": (self.account_no, self.nature),
        }
        if None in needed[self.kind]:
            raise ValueError(f"{self.kind}: a fact is missing")
        return self


class _After(Body):
    after: int = Field(default=0, ge=0)


class _Move(Body):
    state: STATES
    missing: list[str] = Field(default=[], max_length=20)
    quote_fen: int | None = Field(default=None, ge=0)
    note: str | None = Field(default=None, max_length=500)


class Department:
    """Applications in the billing system's own books."""

    def __init__(self, database: Database, system: BillingSystem, clock: Clock) -> None:
        self._db = database
        self._system = system
        self._clock = clock

    def add_routes(self, app: Sanic[Any, Any]) -> None:
        """The API of docs/csms.openapi.yaml, and the switches."""
        app.add_route(self.file, "/applications", methods=["POST"])
        app.add_route(self.changes, "/applications", methods=["GET"])
        one = "/applications/<application_no:str>"
        app.add_route(self.application, one)
        app.add_route(self.withdraw, f"{one}/withdrawal", methods=["POST"])
        app.add_route(self.add_document, f"{one}/documents/<document:str>/<document_id:str>", methods=["PUT"])
        app.add_route(self.everything, "/sandbox/applications")
        app.add_route(self.move, "/sandbox/applications/<application_no:str>", methods=["POST"])

    async def file(self, request: Request) -> HTTPResponse:
        """POST /applications."""
        filing = read_body(_Filing, request)
        facts = filing.model_dump(mode="json", exclude={"request_id"}, exclude_none=True)
        with self._db.transaction():
            known = self._db.one("SELECT * FROM application WHERE request_id = ?", filing.request_id)
            if known is None:
                self._refuse_unfit(filing)
                known = self._add(filing, facts)
            elif json.loads(known["facts"]) != facts:
                raise Problem(409, "request_id_used")
        return answer(_shown(known))

    async def application(self, _request: Request, application_no: str) -> HTTPResponse:
        """GET /applications/{application_no}."""
        return answer(_shown(self._known(application_no)))

    async def changes(self, request: Request) -> HTTPResponse:
        """GET /applications?after=."""
        after = read_query(_After, request).after
        rows = self._db.all("SELECT * FROM application WHERE sequence > ? ORDER BY sequence LIMIT ?", after, PAGE)
        return answer({"applications": [_shown(row) for row in rows]})

    async def withdraw(self, _request: Request, application_no: str) -> HTTPResponse:
        """POST /applications/{application_no}/withdrawal."""
        row = self._known(application_no)
        if row["state"] in ("constructing", "done", "rejected"):
            raise Problem(409, "too_late")
        if row["state"] != "withdrawn":
            self._change(application_no, state="withdrawn", missing="[]")
        return answer(_shown(self._known(application_no)))

    async def add_document(self, request: Request, application_no: str, document: str, document_id: str) -> HTTPResponse:
        """PUT /applications/{application_no}/documents/{document}/{document_id}."""
        row = self._known(application_no)
        content_type = request.headers.get("content-type", "")
        if not (request.body and content_type.startswith("image/")):
            raise Problem(422, "no_picture")
        if row["state"] in CLOSED:
            raise Problem(409, "too_late")
        with self._db.transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO application_document VALUES (?,?,?,?,?)",
                document_id, application_no, document, content_type, request.body,
            )
            missing = [each for each in json.loads(row["missing"]) if each != document]
            if row["state"] == "documents_missing":
                self._change(application_no, missing=json.dumps(missing), state=row["state"] if missing else "reviewing")
        return empty()

    # --- switches of the demonstration

    async def everything(self, _request: Request) -> HTTPResponse:
        """GET /sandbox/applications: all, the newest first, with what was applied for and the documents that came."""
        return answer({"applications": [
            {
                **_shown(row), "facts": json.loads(row["facts"]),
                "documents": [
                    found["document"] for found in
                    self._db.all("SELECT document FROM application_document WHERE application_no = ?", row["application_no"])
                ],
            }
            for row in self._db.all("SELECT * FROM application ORDER BY rowid DESC")
        ]})

    async def move(self, request: Request, application_no: str) -> HTTPResponse:
        """POST /sandbox/applications/{application_no}: the department decides."""
        move = read_body(_Move, request)
        row = self._known(application_no)
        with self._db.transaction():
            if move.state == "done" and row["state"] != "done":
                self._carry_out(row)
            self._change(
                application_no, state=move.state, missing=json.dumps(move.missing), note=move.note,
                quote_fen=row["quote_fen"] if move.quote_fen is None else move.quote_fen,
            )
        return answer(_shown(self._known(application_no)))

    def _refuse_unfit(self, filing: _Filing) -> None:
        if filing.kind not in _ACCOUNT_KINDS:
            return
        account = self._db.account(filing.account_no or "")
        if account is None:
            raise unknown("account")
        refusals = {
            "account_closed": account["state"] == "closed",
            "already_stopped": filing.kind == "stop" and account["state"] == "stopped",
            "not_stopped": filing.kind == "restore" and account["state"] == "active",
            "not_residential": filing.kind == "household" and account["kind"] != "residential",
            "same_nature": filing.kind == "nature" and account["kind"] == filing.nature,
            "application_open": self._is_open(filing),
            "arrears": filing.kind in ("stop", "restore") and self._owes(account["account_no"]),
        }
        for code, applies in refusals.items():
            if applies:
                raise Problem(409, code)

    def _is_open(self, filing: _Filing) -> bool:
        return self._db.one(
            "SELECT 1 FROM application WHERE account_no = ? AND kind = ? AND state NOT IN (?,?,?)",
            filing.account_no, filing.kind, *CLOSED,
        ) is not None

    def _owes(self, account_no: str) -> bool:
        bills = self._system.bills(account_no, "", "9999-12")
        return any(bill["status"] in ("unpaid", "partly_paid") for bill in bills)

    def _add(self, filing: _Filing, facts: dict[str, Any]) -> sqlite3.Row:
        now = self._clock.now()
        count = self._db.one("SELECT count(*) AS n FROM application")
        number = f"SQ{now:%Y%m%d}{(count['n'] if count else 0) + 1:04d}"
        self._db.execute(
            "INSERT INTO application VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            number, filing.request_id, filing.kind, filing.account_no, json.dumps(facts, ensure_ascii=False), "received", "[]",
            None, None, now.isoformat(), now.isoformat(), self._next_sequence(),
        )
        return self._known(number)

    def _carry_out(self, row: sqlite3.Row) -> None:
        """Change the account as was applied for."""
        facts = json.loads(row["facts"])
        change: dict[str, tuple[str, Any]] = {
            "stop": ("state", "stopped"), "restore": ("state", "active"),
            "household": ("people", facts.get("people")), "nature": ("kind", facts.get("nature")),
        }
        if row["kind"] in change:
            self._db.change_account(row["account_no"], *change[row["kind"]])

    def _change(self, application_no: str, **columns: Any) -> None:
        columns |= {"changed_at": self._clock.now().isoformat(), "sequence": self._next_sequence()}
        assignments = ", ".join(f"{column} = ?" for column in columns)
        self._db.execute(f"UPDATE application SET {assignments} WHERE application_no = ?", *columns.values(), application_no)

    def _next_sequence(self) -> int:
        """Ever larger, after a reset too: who follows the changes must not think that it has seen them."""
        last = self._db.one("SELECT max(sequence) AS last FROM application")
        return max((last["last"] or 0) + 1 if last else 1, time.time_ns() // 1000)

    def _known(self, application_no: str) -> sqlite3.Row:
        row = self._db.one("SELECT * FROM application WHERE application_no = ?", application_no)
        if row is None:
            raise unknown("application")
        return row


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    columns = (
        "application_no", "request_id", "kind", "state", "account_no", "filed_at", "changed_at", "sequence", "quote_fen",
        "note",
    )
    return {**{column: row[column] for column in columns}, "missing": json.loads(row["missing"])}
