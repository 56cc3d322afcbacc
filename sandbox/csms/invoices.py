"""The billing system's invoice desk: one valid e-invoice for each paid bill, as a PDF; and exchange for another title."""

from __future__ import annotations

import json as json_text
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from sanic import Request, Sanic
from sanic.response import HTTPResponse, empty, json, raw

from runxia.clock import Clock
from runxia.utility import Utility
from sandbox import sqlite
from sandbox.csms.database import Database
from sandbox.csms.pdf import one_page
from sandbox.csms.records import BillRecord
from sandbox.web import Body, Problem, read_body, unknown

ISSUING_SECONDS = 2  # how long the tax platform takes here
_SCHEMA = """
CREATE TABLE IF NOT EXISTS invoice (
    invoice_no TEXT PRIMARY KEY, account_no TEXT NOT NULL, bill_no TEXT NOT NULL, period TEXT NOT NULL,
    amount_fen INTEGER NOT NULL, cancelled INTEGER NOT NULL, title TEXT NOT NULL, asked_at TEXT NOT NULL,
    issued_at TEXT NOT NULL, replaces TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS invoice_of_bill ON invoice (bill_no) WHERE cancelled = 0;
CREATE TABLE IF NOT EXISTS invoice_request (request_no TEXT PRIMARY KEY, facts TEXT NOT NULL, answer TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS invoice_mail (invoice_no TEXT NOT NULL, email TEXT NOT NULL, at TEXT NOT NULL);
"""
RequestNo = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{8,32}$")]
Email = Annotated[str, Field(pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$")]


class _Title(Body):
    kind: Literal["person", "company"]
    name: str = Field(min_length=2, max_length=100)
    tax_number: str | None = Field(pattern=r"^[0-9A-Z]{15,18}$")


class _Request(Body):
    request_no: RequestNo
    account_no: str = Field(max_length=32)
    bill_nos: list[str] = Field(min_length=1, max_length=36)
    title: _Title
    email: Email | None


class _Reissue(Body):
    request_no: RequestNo
    title: _Title
    email: Email | None


class _Delivery(Body):
    email: Email


class InvoiceDesk:
    """Invoices, in a file of their own beside the books."""

    def __init__(self, path: Path, books: Database, utility: Utility, clock: Clock) -> None:
        self._books = books
        self._utility = utility
        self._clock = clock
        self._connection = sqlite.connect(path, "synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def reset(self) -> None:
        """No invoice was ever issued."""
        with sqlite.transaction(self._connection):
            for table in ("invoice", "invoice_request", "invoice_mail"):
                self._connection.execute(f"DELETE FROM {table}")

    def add_routes(self, app: Sanic[Any, Any]) -> None:
        """The calls of docs/csms.openapi.yaml, and what a demonstration may see."""
        app.add_route(self.of_account, "/accounts/<account_no:str>/invoices", name="invoices_of_account")
        app.add_route(self.file, "/invoices", methods=["POST"], name="invoices_file")
        app.add_route(self.one, "/invoices/<invoice_no:str>", name="invoices_one")
        app.add_route(self.reissue, "/invoices/<invoice_no:str>/reissue", methods=["POST"], name="invoices_reissue")
        app.add_route(self.deliver, "/invoices/<invoice_no:str>/deliveries", methods=["POST"], name="invoices_deliver")
        app.add_route(self.document, "/invoices/<invoice_no:str>/document", name="invoices_document")
        app.add_route(self.everything, "/sandbox/invoices", name="invoices_everything")

    async def of_account(self, _request: Request, account_no: str) -> HTTPResponse:
        """GET /accounts/{account_no}/invoices."""
        if self._books.account(account_no) is None:
            raise unknown("account")
        rows = self._all("SELECT * FROM invoice WHERE account_no = ? ORDER BY asked_at DESC, rowid DESC", account_no)
        return json({"invoices": [self._show(row) for row in rows]})

    async def file(self, request: Request) -> HTTPResponse:
        """POST /invoices."""
        given = read_body(_Request, request)
        if self._books.account(given.account_no) is None:
            raise unknown("account")
        with sqlite.transaction(self._connection):
            known = self._known(given.request_no, given.model_dump_json())
            if known is None:
                known = json_text.dumps({"results": [self._file(given, bill_no) for bill_no in given.bill_nos]})
                self._keep(given.request_no, given.model_dump_json(), known)
        return self._json(known)

    async def one(self, _request: Request, invoice_no: str) -> HTTPResponse:
        """GET /invoices/{invoice_no}."""
        return json(self._show(self._get(invoice_no)))

    async def reissue(self, request: Request, invoice_no: str) -> HTTPResponse:
        """POST /invoices/{invoice_no}/reissue."""
        given = read_body(_Reissue, request)
        facts = json_text.dumps([invoice_no, given.model_dump()])
        with sqlite.transaction(self._connection):
            known = self._known(given.request_no, facts)
            if known is None:
                known = json_text.dumps(self._reissue(given, self._get(invoice_no)))
                self._keep(given.request_no, facts, known)
        return self._json(known)

    async def deliver(self, request: Request, invoice_no: str) -> HTTPResponse:
        """POST /invoices/{invoice_no}/deliveries."""
        given = read_body(_Delivery, request)
        self._issued(invoice_no)
        self._mail(invoice_no, given.email)
        return empty()

    async def document(self, _request: Request, invoice_no: str) -> HTTPResponse:
        """GET /invoices/{invoice_no}/document."""
        row = self._issued(invoice_no)
        title = json_text.loads(row["title"])
        return raw(one_page("电子发票（普通发票）", [
            f"发票号码：{row['invoice_no']}", f"开票日期：{row['issued_at'][:10]}",
            f"购买方：{title['name']}", f"统一社会信用代码/纳税人识别号：{title['tax_number'] or '—'}",
            f"项目名称：*水冰雪*自来水费 {row['period']}", f"户号：{row['account_no']}",
            f"价税合计（小写）：¥{row['amount_fen'] / 100:.2f}", f"销售方：{self._utility.name}",
            *(["本发票已红冲，不得作为报销凭证"] if row["cancelled"] else []),
        ]), content_type="application/pdf")

    async def everything(self, _request: Request) -> HTTPResponse:
        """GET /sandbox/invoices: all invoices, the newest first, and what was sent by e-mail."""
        return json({
            "invoices": [self._show(row) for row in self._all("SELECT * FROM invoice ORDER BY rowid DESC")],
            "mails": [dict(row) for row in self._all("SELECT * FROM invoice_mail ORDER BY rowid")],
        })

    def _file(self, given: _Request, bill_no: str) -> dict[str, Any]:
        bill = self._books.bill(bill_no)
        if bill is None or bill.account_no != given.account_no or bill.debt.status != "paid":
            return {"bill_no": bill_no, "result": "not_paid", "invoice": None}
        earlier = self._one("SELECT * FROM invoice WHERE bill_no = ? AND cancelled = 0", bill_no)
        if earlier is not None:
            return {"bill_no": bill_no, "result": "already_issued", "invoice": self._show(earlier)}
        row = self._issue(bill, given.title, given.email, None)
        return {"bill_no": bill_no, "result": "accepted", "invoice": self._show(row)}

    def _reissue(self, given: _Reissue, old: sqlite3.Row) -> dict[str, Any]:
        now = self._clock.now()
        if old["cancelled"] or not self._is_issued(old):
            raise Problem(409, "not_issued")
        if old["replaces"] is not None and self._utility.invoices.reissues <= 1:
            raise Problem(409, "reissued_before")
        if now - datetime.fromisoformat(old["issued_at"]) > timedelta(days=self._utility.invoices.reissue_days):
            raise Problem(409, "reissue_late")
        bill = self._books.bill(old["bill_no"])
        if bill is None:
            raise unknown("bill")
        self._connection.execute("UPDATE invoice SET cancelled = 1 WHERE invoice_no = ?", (old["invoice_no"],))
        return self._show(self._issue(bill, given.title, given.email, old["invoice_no"]))

    def _issue(self, bill: BillRecord, title: _Title, email: str | None, replaces: str | None) -> sqlite3.Row:
        now = self._clock.now()
        (count,) = self._connection.execute("SELECT count(*) FROM invoice").fetchone()
        invoice_no = f"{now:%y}33{now:%m%d%H%M%S}{count + 1:06d}"
        self._connection.execute("INSERT INTO invoice VALUES (?,?,?,?,?,?,?,?,?,?)", (
            invoice_no, bill.account_no, bill.bill_no, bill.period, bill.debt.charge_fen + bill.debt.late_fee_fen, 0,
            title.model_dump_json(), now.isoformat(), (now + timedelta(seconds=ISSUING_SECONDS)).isoformat(), replaces,
        ))
        if email:
            self._mail(invoice_no, email)
        return self._get(invoice_no)

    def _mail(self, invoice_no: str, email: str) -> None:
        now = self._clock.now().isoformat()
        self._connection.execute("INSERT INTO invoice_mail VALUES (?,?,?)", (invoice_no, email, now))

    def _show(self, row: sqlite3.Row) -> dict[str, Any]:
        issued = self._is_issued(row)
        names = ("invoice_no", "account_no", "bill_no", "period", "amount_fen", "asked_at", "replaces")
        return {
            **{name: row[name] for name in names}, "title": json_text.loads(row["title"]),
            "state": "cancelled" if row["cancelled"] else "issued" if issued else "issuing",
            "issued_at": row["issued_at"] if issued else None,
        }

    def _is_issued(self, row: sqlite3.Row) -> bool:
        return datetime.fromisoformat(row["issued_at"]) <= self._clock.now()

    def _get(self, invoice_no: str) -> sqlite3.Row:
        row = self._one("SELECT * FROM invoice WHERE invoice_no = ?", invoice_no)
        if row is None:
            raise unknown("invoice")
        return row

    def _issued(self, invoice_no: str) -> sqlite3.Row:
        row = self._get(invoice_no)
        if not self._is_issued(row):
            raise Problem(404, "not_issued")
        return row

    def _known(self, request_no: str, facts: str) -> str | None:
        row = self._one("SELECT * FROM invoice_request WHERE request_no = ?", request_no)
        if row is None:
            return None
        if row["facts"] != facts:
            raise Problem(409, "request_no_used")
        return str(row["answer"])

    def _keep(self, request_no: str, facts: str, answer: str) -> None:
        self._connection.execute("INSERT INTO invoice_request VALUES (?,?,?)", (request_no, facts, answer))

    @staticmethod
    def _json(body: str) -> HTTPResponse:
        return raw(body.encode(), content_type="application/json")

    def _one(self, query: str, *values: Any) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._connection.execute(query, values).fetchone()
        return row

    def _all(self, query: str, *values: Any) -> list[sqlite3.Row]:
        return self._connection.execute(query, values).fetchall()
