"""The billing system's meter desk: readings on file, requests about them, and the switches by which a demonstration decides.

A dispute freezes its bill until it is decided; a corrected reading reckons the bill anew.
"""

from __future__ import annotations

import json as json_text
import sqlite3
import time
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any, Literal

from pydantic import Field, model_validator
from sanic import Request, Sanic
from sanic.response import HTTPResponse, empty, json

from runxia.clock import SHANGHAI, Clock, today
from runxia.utility import Utility
from sandbox import sqlite
from sandbox.csms.database import Database
from sandbox.csms.records import BillRecord
from sandbox.csms.tariff import price_lines, tariff_year
from sandbox.web import Body, Problem, read_body, read_query, unknown

DIGITS = 5
READING_DAY = 20
CAPACITY = 4  # visits in half a day
SHOWN_READINGS = 24
RECENT = 6  # bills that tell usual use
PAGE = 50
OPEN = ("received", "reviewing", "booked", "scheduled")
PARTS = ("morning", "afternoon")
_ALL_TIME = ("0000-00", "9999-12")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meter_request (
    request_no TEXT PRIMARY KEY, request_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, account_no TEXT NOT NULL,
    facts TEXT NOT NULL, state TEXT NOT NULL, note TEXT, filed_at TEXT NOT NULL, changed_at TEXT NOT NULL,
    sequence INTEGER NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS meter (account_no TEXT PRIMARY KEY, facts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS capacity (day TEXT NOT NULL, part TEXT NOT NULL, visits INTEGER NOT NULL, PRIMARY KEY (day, part));
"""
_EVERY_DAY = "*"
State = Literal[
    "received", "reviewing", "accepted", "rejected", "corrected", "upheld", "booked", "scheduled", "done", "qualified",
    "unqualified", "cancelled",
]
_PREFIXES = {"reading": "DS", "dispute": "FH", "visit": "SM", "check": "JB"}


class _Filing(Body):
    request_id: str = Field(pattern=r"^[0-9A-Za-z_-]{8,32}$")
    kind: Literal["reading", "dispute", "visit", "check"]
    account_no: str = Field(min_length=1, max_length=32)
    value: int | None = Field(default=None, ge=0, lt=10**9)
    bill_no: str | None = Field(default=None, max_length=32)
    since: str | None = Field(default=None, pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    day: date | None = None
    part: Literal["morning", "afternoon"] | None = None
    phone: str | None = Field(default=None, pattern=r"^1[3-9]\d{9}$")

    @model_validator(mode="after")
    def _complete(self) -> _Filing:
        needed = {
            "reading": (self.value,), "dispute": (self.value, self.bill_no), "visit": (self.day, self.part, self.phone),
            "check": (self.phone,),
        }
        if None in needed[self.kind]:
            raise ValueError(f"{self.kind}: a fact is missing")
        return self


class _Visit(Body):
    day: date
    part: Literal["morning", "afternoon"]
    phone: str = Field(pattern=r"^1[3-9]\d{9}$")


class _Days(Body):
    first: date = Field(alias="from")
    last: date = Field(alias="to")


class _After(Body):
    after: int = Field(default=0, ge=0)


class _Decision(Body):
    state: State
    note: str | None = Field(default=None, max_length=500)
    value: int | None = Field(default=None, ge=0)


class _MeterFacts(Body):
    account_no: str
    digits: int | None = None
    installed_days_ago: int | None = None
    start: int | None = None
    next_in_days: int | None = None
    last_value: int | None = None


class _Capacity(Body):
    part: Literal["morning", "afternoon"]
    visits: int = Field(ge=0)
    day: date | None = None


class MeterDesk:
    """Requests about meters, in a file of their own beside the books."""

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
        """As on the first day: the disputed account's dispute is under way, nothing else."""
        for table in ("meter_request", "meter", "capacity"):
            self._connection.execute(f"DELETE FROM {table}")
        for known in self._books.roles():
            if known["role"] == "disputed":
                self._add_first_dispute(known["account_no"])

    def add_routes(self, app: Sanic[Any, Any]) -> None:
        """The calls of docs/csms.openapi.yaml, and the switches of the demonstration."""
        app.add_route(self.meter, "/accounts/<account_no:str>/meter", name="readings_meter")
        app.add_route(self.of_account, "/accounts/<account_no:str>/meter-requests", name="readings_of_account")
        app.add_route(self.slots, "/visit-slots", name="readings_slots")
        app.add_route(self.file, "/meter-requests", methods=["POST"], name="readings_file")
        app.add_route(self.changes, "/meter-requests", name="readings_changes")
        one = "/meter-requests/<request_no:str>"
        app.add_route(self.one, one, name="readings_one")
        app.add_route(self.move, f"{one}/visit", methods=["PUT"], name="readings_move")
        app.add_route(self.cancel, f"{one}/cancellation", methods=["POST"], name="readings_cancel")
        app.add_route(self.everything, "/sandbox/meter-requests", name="readings_everything")
        app.add_route(self.decide, f"/sandbox{one}", methods=["POST"], name="readings_decide")
        app.add_route(self.set_meter, "/sandbox/meters", methods=["POST"], name="readings_set_meter")
        app.add_route(self.set_capacity, "/sandbox/visit-slots", methods=["POST"], name="readings_set_capacity")

    # --- what docs/csms.openapi.yaml describes

    async def meter(self, _request: Request, account_no: str) -> HTTPResponse:
        """GET /accounts/{account_no}/meter."""
        return json(self._meter(self._account(account_no)))

    async def of_account(self, _request: Request, account_no: str) -> HTTPResponse:
        """GET /accounts/{account_no}/meter-requests."""
        self._account(account_no)
        rows = self._all("SELECT * FROM meter_request WHERE account_no = ? ORDER BY rowid DESC LIMIT ?", account_no, PAGE)
        return json({"requests": [_shown(row) for row in rows]})

    async def slots(self, request: Request) -> HTTPResponse:
        """GET /visit-slots?from=&to=."""
        asked, rules = read_query(_Days, request), self._utility.readings.visits
        span = max((asked.last - asked.first).days + 1, 0)
        days = [asked.first + timedelta(days=each) for each in range(min(span, 62))]
        served = [day for day in days if day.isoweekday() in rules.weekdays and day not in rules.holidays]
        return json({"slots": [
            {"day": day.isoformat(), "part": part, "free": self._free(day, part)} for day in served for part in PARTS
        ]})

    async def file(self, request: Request) -> HTTPResponse:
        """POST /meter-requests."""
        filing = read_body(_Filing, request)
        facts = filing.model_dump(mode="json", exclude={"request_id", "kind", "account_no"}, exclude_none=True)
        with sqlite.transaction(self._connection):
            known = self._one("SELECT * FROM meter_request WHERE request_id = ?", filing.request_id)
            if known is None:
                self._refuse_unfit(filing)
                known = self._add(filing, facts)
                self._freeze(filing.bill_no)
            elif known["account_no"] != filing.account_no or known["kind"] != filing.kind:
                raise Problem(409, "request_id_used")
        return json(_shown(known))

    async def changes(self, request: Request) -> HTTPResponse:
        """GET /meter-requests?after=."""
        after = read_query(_After, request).after
        rows = self._all("SELECT * FROM meter_request WHERE sequence > ? ORDER BY sequence LIMIT ?", after, PAGE)
        return json({"requests": [_shown(row) for row in rows]})

    async def one(self, _request: Request, request_no: str) -> HTTPResponse:
        """GET /meter-requests/{request_no}."""
        return json(_shown(self._known(request_no)))

    async def move(self, request: Request, request_no: str) -> HTTPResponse:
        """PUT /meter-requests/{request_no}/visit."""
        visit = read_body(_Visit, request)
        row = self._known(request_no)
        facts = json_text.loads(row["facts"])
        if row["kind"] != "visit" or row["state"] != "booked":
            raise Problem(409, "too_late")
        is_same = (facts["day"], facts["part"]) == (visit.day.isoformat(), visit.part)
        if not is_same and self._free(visit.day, visit.part) < 1:
            raise Problem(409, "full")
        moved = {**facts, **visit.model_dump(mode="json")}
        if moved != facts:
            self._change(request_no, facts=json_text.dumps(moved))
        return json(_shown(self._known(request_no)))

    async def cancel(self, _request: Request, request_no: str) -> HTTPResponse:
        """POST /meter-requests/{request_no}/cancellation."""
        row = self._known(request_no)
        if row["state"] not in (*OPEN, "cancelled") or row["kind"] == "reading":
            raise Problem(409, "too_late")
        if row["state"] != "cancelled":
            self._change(request_no, state="cancelled")
            self._thaw(json_text.loads(row["facts"]).get("bill_no"))
        return json(_shown(self._known(request_no)))

    # --- switches of the demonstration

    async def everything(self, _request: Request) -> HTTPResponse:
        """GET /sandbox/meter-requests: all, the newest first, with what was asked."""
        rows = self._all("SELECT * FROM meter_request ORDER BY rowid DESC")
        return json({"requests": [{**_shown(row), "facts": json_text.loads(row["facts"])} for row in rows]})

    async def decide(self, request: Request, request_no: str) -> HTTPResponse:
        """POST /sandbox/meter-requests/{request_no}: the desk decides; ``value``: the reading that a correction puts right."""
        decision = read_body(_Decision, request)
        bill_no = json_text.loads(self._known(request_no)["facts"]).get("bill_no")
        if decision.state not in OPEN:
            self._thaw(bill_no)
        if decision.state == "corrected" and bill_no and decision.value is not None:
            self._correct(bill_no, Decimal(decision.value))
        self._change(request_no, state=decision.state, note=decision.note)
        return json(_shown(self._known(request_no)))

    async def set_meter(self, request: Request) -> HTTPResponse:
        """POST /sandbox/meters: another meter, or another day for its reading, than the books would have."""
        given = read_body(_MeterFacts, request)
        self._connection.execute(
            "INSERT OR REPLACE INTO meter VALUES (?,?)", (given.account_no, given.model_dump_json(exclude_none=True)),
        )
        return empty()

    async def set_capacity(self, request: Request) -> HTTPResponse:
        """POST /sandbox/visit-slots: for how many visits there is time on a day, or on every day."""
        given = read_body(_Capacity, request)
        day = given.day.isoformat() if given.day else _EVERY_DAY
        self._connection.execute("INSERT OR REPLACE INTO capacity VALUES (?,?,?)", (day, given.part, given.visits))
        return empty()

    # --- the meter

    def _meter(self, account: sqlite3.Row) -> dict[str, Any]:
        account_no = account["account_no"]
        bills = self._books.bills(account_no, *_ALL_TIME)[:SHOWN_READINGS]
        switched = self._switched(account_no)
        readings = [_reading(bill) for bill in bills]
        if readings and "last_value" in switched:
            readings[0]["value"] = str(switched["last_value"])
        return {
            "account_no": account_no, "meter_no": account["meter_no"], "digits": switched.get("digits", DIGITS),
            "installed_on": self._installed(account, switched).isoformat(), "start": str(switched.get("start", 0)),
            "next_on": self._next_on(account, bills, switched), "readings": readings,
        }

    def _installed(self, account: sqlite3.Row, switched: dict[str, Any]) -> date:
        """The year is in the meter's number."""
        if "installed_days_ago" in switched:
            return today(self._clock) - timedelta(days=switched["installed_days_ago"])
        return date(2000 + int(account["meter_no"][2:4]), 6, 1)

    def _next_on(self, account: sqlite3.Row, bills: list[BillRecord], switched: dict[str, Any]) -> str | None:
        if account["state"] != "active":
            return None
        day = today(self._clock)
        if "next_in_days" in switched:
            return (day + timedelta(days=switched["next_in_days"])).isoformat()
        due = _months_later(bills[0].end_on, account["cycle_months"]) if bills else day.replace(day=READING_DAY)
        while due < day and not bills:
            due = _months_later(due, 1)
        return due.isoformat()

    def _switched(self, account_no: str) -> dict[str, Any]:
        row = self._one("SELECT facts FROM meter WHERE account_no = ?", account_no)
        return dict(json_text.loads(row["facts"])) if row else {}

    # --- requests

    def _refuse_unfit(self, filing: _Filing) -> None:
        account = self._account(filing.account_no)
        if account["state"] != "active" and filing.kind != "dispute":
            raise Problem(409, f"account_{account['state']}")
        if filing.kind == "reading" and self._is_taken(account):
            raise Problem(409, "reading_taken")
        if filing.kind != "reading" and self._is_open(filing):
            raise Problem(409, "request_open")
        if filing.bill_no and self._books.bill(filing.bill_no) is None:
            raise unknown("bill")
        if filing.day and filing.part and self._free(filing.day, filing.part) < 1:
            raise Problem(409, "full")

    def _is_taken(self, account: sqlite3.Row) -> bool:
        bills = self._books.bills(account["account_no"], *_ALL_TIME)
        since = bills[0].end_on.isoformat() if bills else ""
        return self._one(
            "SELECT 1 FROM meter_request WHERE account_no = ? AND kind = 'reading' AND state IN ('accepted', 'reviewing') "
            "AND substr(filed_at, 1, 10) > ?", account["account_no"], since,
        ) is not None

    def _is_open(self, filing: _Filing) -> bool:
        return self._one(
            "SELECT 1 FROM meter_request WHERE account_no = ? AND kind = ? AND state IN (?,?,?,?)",
            filing.account_no, filing.kind, *OPEN,
        ) is not None

    def _add(self, filing: _Filing, facts: dict[str, Any]) -> sqlite3.Row:
        return self._insert(
            filing.request_id, filing.kind, filing.account_no, facts, self._first_state(filing), self._clock.now(),
        )

    def _insert(
        self, request_id: str, kind: str, account_no: str, facts: dict[str, Any], state: str, moment: datetime,
    ) -> sqlite3.Row:
        local = moment.astimezone(SHANGHAI)
        (count,) = self._connection.execute("SELECT count(*) FROM meter_request").fetchone()
        number = f"{_PREFIXES[kind]}{local:%Y%m%d}{count + 1:04d}"
        self._connection.execute("INSERT INTO meter_request VALUES (?,?,?,?,?,?,?,?,?,?)", (
            number, request_id, kind, account_no, json_text.dumps(facts), state, None, local.isoformat(), local.isoformat(),
            self._next_sequence(),
        ))
        return self._known(number)

    def _first_state(self, filing: _Filing) -> str:
        if filing.kind == "visit":
            return "booked"
        return self._state_of_reading(filing) if filing.kind == "reading" else "received"

    def _state_of_reading(self, filing: _Filing) -> str:
        """Somebody looks at a reading that is far from usual."""
        meter, rules = self._meter(self._account(filing.account_no)), self._utility.readings.self_reading
        bills = self._books.bills(filing.account_no, *_ALL_TIME)[:RECENT]
        is_new = not meter["readings"] or meter["installed_on"] > meter["readings"][0]["read_on"]
        previous = Decimal(meter["start"] if is_new else meter["readings"][0]["value"])
        use = ((filing.value or 0) - previous) % 10 ** meter["digits"]
        usual = median(bill.volume for bill in bills) if bills else Decimal(0)
        return "reviewing" if use > max(usual * rules.high_times, Decimal(rules.high_volume)) else "accepted"

    def _add_first_dispute(self, account_no: str) -> None:
        bills = self._books.bills(account_no, *_ALL_TIME)
        facts = {"value": int(bills[0].previous_reading), "bill_no": bills[0].bill_no}
        filed = self._clock.now() - timedelta(days=1)
        self._insert(f"counter-{account_no}", "dispute", account_no, facts, "reviewing", filed)

    def _change(self, request_no: str, **columns: Any) -> None:
        columns |= {"changed_at": self._clock.now().isoformat(), "sequence": self._next_sequence()}
        assignments = ", ".join(f"{column} = ?" for column in columns)
        self._connection.execute(
            f"UPDATE meter_request SET {assignments} WHERE request_no = ?", (*columns.values(), request_no),
        )

    def _next_sequence(self) -> int:
        """Ever larger, after a reset too: who follows the changes must not think that it has seen them."""
        (last,) = self._connection.execute("SELECT max(sequence) FROM meter_request").fetchone()
        return max((last or 0) + 1, time.time_ns() // 1000)

    # --- visits

    def _free(self, day: date, part: str) -> int:
        row = self._one(
            "SELECT visits FROM capacity WHERE part = ? AND day IN (?, ?) ORDER BY day DESC", part, day.isoformat(), _EVERY_DAY,
        )
        booked = sum(
            (facts["day"], facts["part"]) == (day.isoformat(), part)
            for facts in map(_facts, self._all("SELECT facts FROM meter_request WHERE kind = 'visit' AND state = 'booked'"))
        )
        return max((row["visits"] if row else CAPACITY) - booked, 0)

    # --- bills in dispute

    def _freeze(self, bill_no: str | None) -> None:
        bill = self._books.bill(bill_no) if bill_no else None
        if bill is not None and bill.debt.status in ("unpaid", "partly_paid"):
            self._books.save_debt(bill.bill_no, replace(bill.debt, status="disputed"))

    def _thaw(self, bill_no: str | None) -> None:
        bill = self._books.bill(bill_no) if bill_no else None
        if bill is not None and bill.debt.status == "disputed":
            self._books.save_debt(bill.bill_no, replace(bill.debt, status="partly_paid" if bill.debt.paid_fen else "unpaid"))

    def _correct(self, bill_no: str, value: Decimal) -> None:
        """Reckon a bill by another reading; what was paid too much becomes credit."""
        bill = self._books.bill(bill_no)
        if bill is None:
            raise unknown("bill")
        account, tariff = self._account(bill.account_no), self._utility.tariff
        year = tariff_year(tariff, bill.end_on)
        before = sum((
            other.volume for other in self._books.bills(bill.account_no, *_ALL_TIME)
            if other.end_on < bill.end_on and tariff_year(tariff, other.end_on) == year
        ), Decimal(0))
        volume = max(value - bill.previous_reading, Decimal(0))
        lines = tuple(price_lines(tariff, account["kind"], account["people"], before, volume))
        charge = sum(line.amount_fen for line in lines)
        excess = max(bill.debt.paid_fen - charge, 0)
        paid = bill.debt.paid_fen - excess
        status = "paid" if paid >= charge else "partly_paid" if paid else "unpaid"
        debt = replace(bill.debt, charge_fen=charge, paid_fen=paid, status=status)
        with self._books.transaction():
            self._books.correct_bill(replace(bill, current_reading=value, lines=lines, debt=debt))
            self._books.change_account(bill.account_no, "credit_fen", account["credit_fen"] + excess)

    # --- rows

    def _account(self, account_no: str) -> sqlite3.Row:
        account = self._books.account(account_no)
        if account is None:
            raise unknown("account")
        return account

    def _known(self, request_no: str) -> sqlite3.Row:
        row = self._one("SELECT * FROM meter_request WHERE request_no = ?", request_no)
        if row is None:
            raise unknown("request")
        return row

    def _one(self, query: str, *values: Any) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._connection.execute(query, values).fetchone()
        return row

    def _all(self, query: str, *values: Any) -> list[sqlite3.Row]:
        return self._connection.execute(query, values).fetchall()


def _reading(bill: BillRecord) -> dict[str, str]:
    return {"read_on": bill.end_on.isoformat(), "value": str(bill.current_reading), "kind": bill.reading_kind}


def _months_later(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, min(day.day, 28))


def _facts(row: sqlite3.Row) -> dict[str, Any]:
    return dict(json_text.loads(row["facts"]))


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    columns = ("request_no", "request_id", "kind", "state", "account_no", "filed_at", "changed_at", "sequence", "note")
    facts = _facts(row)
    return {**{column: row[column] for column in columns}, **{name: facts.get(name) for name in ("value", "day", "part")}}
