"""The billing system's register of direct debit contracts. The demonstration does not debit."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, Field
from sanic import Request, Sanic
from sanic.response import HTTPResponse, empty, json

from sandbox import sqlite
from sandbox.csms.database import Database
from sandbox.web import Body, Problem, read_body, unknown

_SCHEMA = """
CREATE TABLE IF NOT EXISTS debit_contract (
    contract_code TEXT PRIMARY KEY, account_no TEXT NOT NULL, contract_id TEXT NOT NULL, state TEXT NOT NULL,
    since TEXT NOT NULL);
"""


class _Contract(Body):
    contract_code: str = Field(pattern=r"^[0-9A-Za-z_-]{1,32}$")
    contract_id: str = Field(min_length=1, max_length=64)
    state: Literal["active", "ended"]
    since: AwareDatetime


class DebitDesk:
    """Contracts, in a file of their own beside the books."""

    def __init__(self, path: Path, books: Database) -> None:
        self._books = books
        self._connection = sqlite.connect(path, "synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def reset(self) -> None:
        """No contract was ever signed."""
        self._connection.execute("DELETE FROM debit_contract")

    def add_routes(self, app: Sanic[Any, Any]) -> None:
        """The calls of docs/csms.openapi.yaml, and what a demonstration may see."""
        app.add_route(self.put, "/accounts/<account_no:str>/auto-pay", methods=["PUT"], name="debits_put")
        app.add_route(self.everything, "/sandbox/debit-contracts", name="debits_everything")

    async def put(self, request: Request, account_no: str) -> HTTPResponse:
        """PUT /accounts/{account_no}/auto-pay."""
        given = read_body(_Contract, request)
        account = self._books.account(account_no)
        if account is None:
            raise unknown("account")
        if account["state"] == "closed" and given.state == "active":
            raise Problem(409, "account_closed")
        self._connection.execute("INSERT OR REPLACE INTO debit_contract VALUES (?,?,?,?,?)", (
            given.contract_code, account_no, given.contract_id, given.state, given.since.isoformat(),
        ))
        return empty()

    async def everything(self, _request: Request) -> HTTPResponse:
        """GET /sandbox/debit-contracts."""
        rows = self._connection.execute("SELECT * FROM debit_contract ORDER BY rowid").fetchall()
        return json({"contracts": [dict(row) for row in rows]})
