"""The billing system's database: SQLite, one writer, statements that take microseconds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from sandbox import sqlite
from sandbox.csms.ledger import Debt
from sandbox.csms.records import BillRecord, Books, PaymentRecord
from sandbox.csms.tariff import Line

VERSION = 3  # of the schema and of the seed: another one in the file means that it is made anew
_SCHEMA = """
CREATE TABLE account (
    account_no TEXT PRIMARY KEY, owner TEXT NOT NULL, phone TEXT, email TEXT, address TEXT NOT NULL, state TEXT NOT NULL,
    kind TEXT NOT NULL, people INTEGER NOT NULL, meter_no TEXT NOT NULL, bill_type TEXT NOT NULL,
    cycle_months INTEGER NOT NULL, credit_fen INTEGER NOT NULL, password_hash TEXT);
CREATE TABLE bill (
    bill_no TEXT PRIMARY KEY, account_no TEXT NOT NULL REFERENCES account, period TEXT NOT NULL, start_on TEXT NOT NULL,
    end_on TEXT NOT NULL, previous_reading TEXT NOT NULL, current_reading TEXT NOT NULL, reading_kind TEXT NOT NULL,
    lines TEXT NOT NULL, issued_on TEXT NOT NULL, charge_fen INTEGER NOT NULL, late_fee_fen INTEGER NOT NULL,
    late_fee_to TEXT, paid_fen INTEGER NOT NULL, status TEXT NOT NULL, due_on TEXT NOT NULL);
CREATE INDEX bill_account ON bill (account_no, period);
CREATE TABLE payment (
    payment_no TEXT PRIMARY KEY, account_no TEXT NOT NULL REFERENCES account, bill_no TEXT REFERENCES bill, period TEXT,
    amount_fen INTEGER NOT NULL, channel TEXT NOT NULL, paid_at TEXT NOT NULL);
CREATE INDEX payment_account ON payment (account_no, paid_at);
CREATE TABLE receipt (out_trade_no TEXT PRIMARY KEY, facts TEXT NOT NULL, results TEXT NOT NULL);
CREATE TABLE reconciliation (day TEXT PRIMARY KEY, content BLOB NOT NULL, received_at TEXT NOT NULL);
CREATE TABLE demonstration (account_no TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT);
"""
# OWASP's smallest Argon2id parameters: a reset hashes some forty passwords while a test waits.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


@lru_cache(maxsize=256)
def _seed_hash(password: str) -> str:
    return _HASHER.hash(password)


class Database:
    """Accounts, bills and payments by key; rules are in :mod:`sandbox.csms.ledger` and the API."""

    def __init__(self, path: Path, *more_tables: str) -> None:
        self._connection = sqlite.connect(path, "synchronous=NORMAL", "foreign_keys=ON")
        self._schema = ";".join((_SCHEMA, *more_tables))

    @property
    def is_current(self) -> bool:
        """Whether the file has books of this version."""
        return bool(self._connection.execute("PRAGMA user_version").fetchone()[0] == VERSION)

    def fill(self, books: Books) -> None:
        """Replace everything by ``books``, in one transaction."""
        with self.transaction():
            self._drop_all()
            for statement in filter(str.strip, self._schema.split(";")):
                self._connection.execute(statement)
            for account in books.accounts:
                self._connection.execute(
                    "INSERT INTO account VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
                    (
                        account.account_no, account.owner, account.phone, account.email, account.address, account.state,
                        account.kind, account.people, account.meter_no, account.bill_type, account.cycle_months,
                        account.credit_fen, _seed_hash(account.password) if account.password else None,
                    ),
                )
                self._connection.execute(
                    "INSERT INTO demonstration VALUES (?,?,?)", (account.account_no, account.role, account.password),
                )
            self._connection.executemany(f"INSERT INTO bill VALUES ({','.join('?' * 16)})", map(_bill_row, books.bills))
            self._connection.executemany("INSERT INTO payment VALUES (?,?,?,?,?,?,?)", map(_payment_row, books.payments))
            self._connection.execute(f"PRAGMA user_version = {VERSION}")

    def _drop_all(self) -> None:
        names = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        self._connection.execute("PRAGMA defer_foreign_keys = ON")
        for (name,) in names:
            self._connection.execute(f'DROP TABLE "{name}"')

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing."""
        return sqlite.transaction(self._connection)

    def roles(self) -> list[sqlite3.Row]:
        """Each account's number, role and password, in the order of seeding."""
        return self._connection.execute("SELECT * FROM demonstration ORDER BY rowid").fetchall()

    def account(self, account_no: str) -> sqlite3.Row | None:
        """An account's row."""
        return self.one("SELECT * FROM account WHERE account_no = ?", account_no)

    def change_account(self, account_no: str, column: str, value: str | int | None) -> None:
        """Set one column of an account; ``column`` never comes from outside."""
        self._connection.execute(f"UPDATE account SET {column} = ? WHERE account_no = ?", (value, account_no))

    def set_password(self, account_no: str, password: str) -> None:
        """Keep a password's hash, and tell the demonstration the new one."""
        hashed = _HASHER.hash(password)
        with self.transaction():
            self.change_account(account_no, "password_hash", hashed)
            self._connection.execute(
                "UPDATE demonstration SET password = ? WHERE account_no = ?", (password, account_no),
            )

    def bill(self, bill_no: str) -> BillRecord | None:
        """One bill."""
        row = self.one("SELECT * FROM bill WHERE bill_no = ?", bill_no)
        return _bill(row) if row else None

    def bills(self, account_no: str, since: str, until: str) -> list[BillRecord]:
        """Bills of the months ``since`` to ``until``, newest first."""
        rows = self._connection.execute(
            "SELECT * FROM bill WHERE account_no = ? AND period BETWEEN ? AND ? ORDER BY period DESC",
            (account_no, since, until),
        )
        return [_bill(row) for row in rows]

    def save_debt(self, bill_no: str, debt: Debt) -> None:
        """Keep how a bill's debt stands."""
        self._connection.execute(
            "UPDATE bill SET late_fee_fen = ?, late_fee_to = ?, paid_fen = ?, status = ? WHERE bill_no = ?",
            (debt.late_fee_fen, _iso(debt.late_fee_to), debt.paid_fen, debt.status, bill_no),
        )

    def correct_bill(self, bill: BillRecord) -> None:
        """Put a bill's reading right, and what follows from it."""
        self._connection.execute(
            "UPDATE bill SET current_reading = ?, lines = ?, charge_fen = ?, paid_fen = ?, status = ? WHERE bill_no = ?",
            (
                str(bill.current_reading), json.dumps([_line_row(line) for line in bill.lines]), bill.debt.charge_fen,
                bill.debt.paid_fen, bill.debt.status, bill.bill_no,
            ),
        )

    def payments(self, account_no: str, since: str, until: str) -> list[PaymentRecord]:
        """Payments of the days ``since`` to ``until``, newest first."""
        rows = self._connection.execute(
            "SELECT * FROM payment WHERE account_no = ? AND substr(paid_at, 1, 10) BETWEEN ? AND ? "
            "ORDER BY paid_at DESC, rowid",
            (account_no, since, until),
        )
        return [PaymentRecord(**{**dict(row), "paid_at": datetime.fromisoformat(row["paid_at"])}) for row in rows]

    def add_payment(self, payment: PaymentRecord) -> None:
        """Book a payment."""
        self._connection.execute("INSERT INTO payment VALUES (?,?,?,?,?,?,?)", _payment_row(payment))

    def receipt(self, out_trade_no: str) -> sqlite3.Row | None:
        """What was done for a payment notified earlier: ``facts`` and ``results``, both JSON."""
        return self.one("SELECT * FROM receipt WHERE out_trade_no = ?", out_trade_no)

    def add_receipt(self, out_trade_no: str, facts: str, results: str) -> None:
        """Keep what was done, for the same notification again."""
        self._connection.execute("INSERT INTO receipt VALUES (?,?,?)", (out_trade_no, facts, results))

    def put_reconciliation(self, day: date, content: bytes, received_at: datetime) -> None:
        """Keep a day's reconciliation file in place of an earlier one."""
        self._connection.execute(
            "INSERT OR REPLACE INTO reconciliation VALUES (?,?,?)", (day.isoformat(), content, received_at.isoformat()),
        )

    def reconciliations(self) -> list[sqlite3.Row]:
        """The reconciliation files received, newest day first."""
        return self._connection.execute("SELECT * FROM reconciliation ORDER BY day DESC").fetchall()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    # --- for modules with tables of their own

    def one(self, query: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a query."""
        row: sqlite3.Row | None = self._connection.execute(query, values).fetchone()
        return row

    def all(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of a query."""
        return self._connection.execute(query, values).fetchall()

    def execute(self, statement: str, *values: Any) -> None:
        """Run a statement that writes."""
        self._connection.execute(statement, values)


def password_matches(password_hash: str, password: str) -> bool:
    """Whether a password is the hashed one; takes tens of milliseconds on purpose."""
    try:
        return _HASHER.verify(password_hash, password)
    except VerifyMismatchError:
        return False


def _bill_row(bill: BillRecord) -> Sequence[Any]:
    debt = bill.debt
    return (
        bill.bill_no, bill.account_no, bill.period, _iso(bill.start_on), _iso(bill.end_on), str(bill.previous_reading),
        str(bill.current_reading), bill.reading_kind, json.dumps([_line_row(line) for line in bill.lines]),
        _iso(bill.issued_on), debt.charge_fen, debt.late_fee_fen, _iso(debt.late_fee_to), debt.paid_fen, debt.status,
        _iso(debt.due_on),
    )


def _line_row(line: Line) -> list[Any]:
    numbers = (None if number is None else str(number) for number in (line.volume, line.price))
    return [line.kind, line.amount_fen, line.tier, *numbers]


def _bill(row: sqlite3.Row) -> BillRecord:
    lines = tuple(
        Line(kind, amount, tier, *(None if number is None else Decimal(number) for number in numbers))
        for kind, amount, tier, *numbers in json.loads(row["lines"])
    )
    late_fee_to = date.fromisoformat(row["late_fee_to"]) if row["late_fee_to"] else None
    return BillRecord(
        row["bill_no"], row["account_no"], row["period"],
        date.fromisoformat(row["start_on"]), date.fromisoformat(row["end_on"]),
        Decimal(row["previous_reading"]), Decimal(row["current_reading"]), row["reading_kind"], lines,
        date.fromisoformat(row["issued_on"]),
        Debt(
            row["charge_fen"], row["late_fee_fen"], late_fee_to, row["paid_fen"], row["status"],
            date.fromisoformat(row["due_on"]),
        ),
    )


def _payment_row(payment: PaymentRecord) -> Sequence[Any]:
    return (
        payment.payment_no, payment.account_no, payment.bill_no, payment.period, payment.amount_fen, payment.channel,
        payment.paid_at.isoformat(),
    )


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
