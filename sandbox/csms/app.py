"""The billing system's HTTP API, as docs/csms.openapi.yaml describes it, and the switches of the demonstration."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sanic import Request, Sanic
from sanic.response import HTTPResponse, empty, json

from runxia.clock import Clock, clock_from, today
from runxia.settings import Settings
from runxia.utility import Utility, load_utility
from sandbox.csms import applications
from sandbox.csms.books import BillingSystem, Conflict, Notice, PrepaymentNotice, fixture
from sandbox.csms.database import Database, password_matches
from sandbox.csms.debits import DebitDesk
from sandbox.csms.invoices import InvoiceDesk
from sandbox.csms.readings import MeterDesk
from sandbox.csms.records import Books
from sandbox.csms.refunds import RefundDesk
from sandbox.csms.seed import build_books
from sandbox.signing import Signing
from sandbox.web import Body, Problem, read_body, read_query, signed_app, unknown

HISTORY_MONTHS = 36
_FIRST, _LAST = "0000-00-00", "9999-99-99"
Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]


class CsmsSettings(BaseSettings):
    """Where the billing system listens."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore")

    csms_host: str = "127.0.0.1"
    csms_port: int = 9100


class _Password(Body):
    password: str = Field(min_length=1, max_length=128)


class _Contact(Body):
    phone: str | None = Field(default=None, pattern=r"^1[3-9]\d{9}$")
    email: str | None = Field(default=None, pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$")


class _BillType(Body):
    bill_type: Literal["electronic", "both", "paper"]


class _PaymentLine(Body):
    bill_no: str = Field(min_length=1, max_length=32)
    amount_fen: int = Field(gt=0)


class _Payment(Body):
    out_trade_no: str = Field(pattern=r"^[A-Za-z0-9_\-|*]{6,32}$")
    transaction_id: str = Field(min_length=1, max_length=32)
    paid_at: AwareDatetime
    lines: list[_PaymentLine] = Field(min_length=1, max_length=100)
    keep_excess: bool

    def notice(self) -> Notice:
        """The payment as the books take it."""
        lines = tuple((line.bill_no, line.amount_fen) for line in self.lines)
        return Notice(self.out_trade_no, self.transaction_id, self.paid_at, lines, self.keep_excess)


class _Prepayment(Body):
    out_trade_no: str = Field(pattern=r"^[A-Za-z0-9_\-|*]{6,32}$")
    transaction_id: str = Field(min_length=1, max_length=32)
    paid_at: AwareDatetime
    account_no: str = Field(min_length=1, max_length=32)
    amount_fen: int = Field(gt=0)


class _Months(Body):
    since: Month | None = Field(default=None, alias="from")
    until: Month | None = Field(default=None, alias="to")


class _Days(Body):
    since: date | None = Field(default=None, alias="from")
    until: date | None = Field(default=None, alias="to")


class Csms:
    """The API over one set of books."""

    def __init__(self, settings: Settings, utility: Utility, clock: Clock) -> None:
        self._utility = utility
        self._clock = clock
        self.signing = Signing(settings.csms_key_id, settings.csms_key.get_secret_value(), clock)
        self._db = Database(settings.data_dir / "csms.db", applications.SCHEMA)
        self._system = BillingSystem(self._db, utility, clock)
        self.department = applications.Department(self._db, self._system, clock)
        self.desks = (
            InvoiceDesk(settings.data_dir / "csms-invoices.db", self._db, utility, clock),
            DebitDesk(settings.data_dir / "csms-debits.db", self._db),
            RefundDesk(settings.data_dir / "csms-refunds.db", self._db, clock),
            MeterDesk(settings.data_dir / "csms-meters.db", self._db, utility, clock),
        )
        self._seeded: tuple[date, Books] | None = None
        if not self._db.is_current:
            self._seed()

    def close(self) -> None:
        """Close the database."""
        self._db.close()
        for desk in self.desks:
            desk.close()

    def _seed(self) -> None:
        day = today(self._clock)
        if self._seeded is None or self._seeded[0] != day:
            self._seeded = day, build_books(self._utility, day)
        self._db.fill(self._seeded[1])
        for desk in self.desks:
            desk.reset()

    # --- what docs/csms.openapi.yaml describes

    async def account(self, _request: Request, account_no: str) -> HTTPResponse:
        """GET /accounts/{account_no}."""
        return json(self._account(account_no))

    async def verify_password(self, request: Request, account_no: str) -> HTTPResponse:
        """POST /accounts/{account_no}/query-password/verify."""
        given = read_body(_Password, request)
        row = self._db.account(account_no)
        if row is None:
            raise unknown("account")
        known = row["password_hash"]
        correct = known is not None and await asyncio.to_thread(password_matches, known, given.password)
        return json({"correct": correct})

    async def set_password(self, request: Request, account_no: str) -> HTTPResponse:
        """PUT /accounts/{account_no}/query-password."""
        given = read_body(_Password, request)
        self._open_account(account_no)
        rule = self._utility.security.password
        if not rule.min_length <= len(given.password) <= rule.max_length:
            raise Problem(422, "weak_password")
        self._db.set_password(account_no, given.password)
        return empty()

    async def set_contact(self, request: Request, account_no: str) -> HTTPResponse:
        """PATCH /accounts/{account_no}/contact."""
        given = read_body(_Contact, request).model_dump(exclude_none=True)
        self._open_account(account_no)
        if not given:
            raise Problem(422, "invalid", "phone or email is needed")
        with self._db.transaction():
            for column, value in given.items():
                self._db.change_account(account_no, column, value)
        return empty()

    async def set_bill_type(self, request: Request, account_no: str) -> HTTPResponse:
        """PUT /accounts/{account_no}/bill-type."""
        given = read_body(_BillType, request)
        self._open_account(account_no)
        self._db.change_account(account_no, "bill_type", given.bill_type)
        return empty()

    async def bills(self, request: Request, account_no: str) -> HTTPResponse:
        """GET /accounts/{account_no}/bills."""
        asked = read_query(_Months, request)
        self._account(account_no)
        since = asked.since or ("" if asked.until else self._history_starts())
        return json({"bills": self._system.bills(account_no, since, asked.until or _LAST)})

    async def bill(self, _request: Request, bill_no: str) -> HTTPResponse:
        """GET /bills/{bill_no}."""
        bill = self._system.bill(bill_no)
        if bill is None:
            raise unknown("bill")
        return json(bill)

    async def payments(self, request: Request, account_no: str) -> HTTPResponse:
        """GET /accounts/{account_no}/payments."""
        asked = read_query(_Days, request)
        self._account(account_no)
        since = asked.since.isoformat() if asked.since else _FIRST
        until = asked.until.isoformat() if asked.until else _LAST
        return json({"payments": self._system.payments(account_no, since, until)})

    async def tier_usage(self, _request: Request, account_no: str) -> HTTPResponse:
        """GET /accounts/{account_no}/tier-usage."""
        self._account(account_no)
        usage = self._system.tier_usage(account_no)
        if usage is None:
            raise Problem(404, "no_tiers")
        return json(usage)

    async def book_payment(self, request: Request) -> HTTPResponse:
        """POST /payments."""
        given = read_body(_Payment, request)
        if len({line.bill_no for line in given.lines}) < len(given.lines):
            raise Problem(422, "invalid", "a bill twice in one payment")
        try:
            return json({"lines": self._system.book(given.notice())})
        except Conflict as error:
            raise Problem(409, "out_trade_no_used") from error

    async def book_prepayment(self, request: Request) -> HTTPResponse:
        """POST /prepayments."""
        given = read_body(_Prepayment, request)
        notice = PrepaymentNotice(
            given.out_trade_no, given.transaction_id, given.paid_at, given.account_no, given.amount_fen,
        )
        try:
            return json(self._system.prepay(notice))
        except Conflict as error:
            raise Problem(409, "out_trade_no_used") from error

    async def put_reconciliation(self, request: Request, day: date) -> HTTPResponse:
        """PUT /reconciliations/{day}."""
        self._db.put_reconciliation(day, request.body, self._clock.now())
        return empty()

    # --- switches of the demonstration: for this machine only, not part of the API

    async def fixture(self, _request: Request) -> HTTPResponse:
        """GET /sandbox/fixture."""
        return json({"accounts": fixture(self._db, self._system)})

    async def reset(self, _request: Request) -> HTTPResponse:
        """POST /sandbox/reset."""
        self._seed()
        return empty()

    async def pay(self, request: Request) -> HTTPResponse:
        """POST /sandbox/pay: somebody pays a bill at the counter."""
        bill_no = (request.json or {}).get("bill_no", "")
        return json({"paid": self._system.pay_at_counter(str(bill_no))})

    async def reconciliations(self, _request: Request) -> HTTPResponse:
        """GET /sandbox/reconciliations: the files handed over."""
        return json({"reconciliations": [
            {"day": row["day"], "content": row["content"].decode("utf-8", "replace"), "received_at": row["received_at"]}
            for row in self._db.reconciliations()
        ]})

    def _history_starts(self) -> str:
        day = today(self._clock)
        index = day.year * 12 + day.month - 1 - HISTORY_MONTHS
        return f"{index // 12:04d}-{index % 12 + 1:02d}"

    def _account(self, account_no: str) -> dict[str, Any]:
        account = self._system.account(account_no)
        if account is None:
            raise unknown("account")
        return account

    def _open_account(self, account_no: str) -> None:
        if self._account(account_no)["state"] == "closed":
            raise Problem(409, "account_closed")


def create_app(settings: Settings) -> Sanic[Any, Any]:
    """The application; books are made at start where there are none."""
    clock = clock_from(settings.clock_file)
    csms = Csms(settings, load_utility(settings.utility_file), clock)
    app = signed_app("csms", csms.signing)
    _add_routes(app, csms)
    for desk in csms.desks:
        desk.add_routes(app)

    @app.after_server_stop
    async def stop(_app: Sanic[Any, Any]) -> None:
        csms.close()

    return app


def _add_routes(app: Sanic[Any, Any], csms: Csms) -> None:
    account = "/accounts/<account_no:str>"
    app.add_route(csms.account, account)
    app.add_route(csms.verify_password, f"{account}/query-password/verify", methods=["POST"])
    app.add_route(csms.set_password, f"{account}/query-password", methods=["PUT"])
    app.add_route(csms.set_contact, f"{account}/contact", methods=["PATCH"])
    app.add_route(csms.set_bill_type, f"{account}/bill-type", methods=["PUT"])
    app.add_route(csms.bills, f"{account}/bills")
    app.add_route(csms.payments, f"{account}/payments")
    app.add_route(csms.tier_usage, f"{account}/tier-usage")
    app.add_route(csms.bill, "/bills/<bill_no:str>")
    app.add_route(csms.book_payment, "/payments", methods=["POST"])
    app.add_route(csms.book_prepayment, "/prepayments", methods=["POST"])
    app.add_route(csms.put_reconciliation, "/reconciliations/<day:ymd>", methods=["PUT"])
    csms.department.add_routes(app)
    app.add_route(csms.fixture, "/sandbox/fixture")
    app.add_route(csms.reset, "/sandbox/reset", methods=["POST"])
    app.add_route(csms.pay, "/sandbox/pay", methods=["POST"])
    app.add_route(csms.reconciliations, "/sandbox/reconciliations")
    app.add_route(_health, "/health")


async def _health(_request: Request) -> HTTPResponse:
    return json({"status": "ok"})
