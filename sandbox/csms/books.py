"""What the billing system does when it is asked: reads its books, books payments."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from runxia.clock import SHANGHAI, Clock, today
from runxia.utility import Utility
from sandbox.csms import ledger
from sandbox.csms.database import Database
from sandbox.csms.records import BillRecord, PaymentRecord
from sandbox.csms.tariff import Line, tariff_year, tier_parts


class Conflict(Exception):
    """The same ``out_trade_no`` was notified before with other facts."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A payment that the utility's channel took: pairs of bill number and fen."""

    out_trade_no: str
    transaction_id: str
    paid_at: datetime
    lines: tuple[tuple[str, int], ...]
    keep_excess: bool

    @property
    def facts(self) -> str:
        """What must be the same when the notice comes again."""
        return json.dumps([self.transaction_id, self.lines, self.keep_excess])


@dataclass(frozen=True, slots=True)
class PrepaymentNotice:
    """Money that the utility's channel took in advance for an account."""

    out_trade_no: str
    transaction_id: str
    paid_at: datetime
    account_no: str
    amount_fen: int

    @property
    def facts(self) -> str:
        """What must be the same when the notice comes again."""
        return json.dumps([self.transaction_id, self.account_no, self.amount_fen])


class BillingSystem:
    """The books, the tariff and the time together. What it returns is JSON as docs/csms.openapi.yaml describes it."""

    def __init__(self, database: Database, utility: Utility, clock: Clock) -> None:
        self._db = database
        self._utility = utility
        self._clock = clock

    def account(self, account_no: str) -> dict[str, Any] | None:
        """An account."""
        row = self._db.account(account_no)
        if row is None:
            return None
        shown = {name: row[name] for name in row.keys() if name != "password_hash"}  # noqa: SIM118 - sqlite3.Row iterates values
        return {**shown, "has_password": row["password_hash"] is not None}

    def bills(self, account_no: str, since: str, until: str) -> list[dict[str, Any]]:
        """Bills of the months ``since`` to ``until``, newest first, with the late fee of today."""
        return [self._show_bill(bill) for bill in self._db.bills(account_no, since, until)]

    def bill(self, bill_no: str) -> dict[str, Any] | None:
        """One bill, with the late fee of today."""
        bill = self._db.bill(bill_no)
        return self._show_bill(bill) if bill else None

    def payments(self, account_no: str, since: str, until: str) -> list[dict[str, Any]]:
        """Payments of the days ``since`` to ``until``, newest first."""
        return [_show_payment(payment) for payment in self._db.payments(account_no, since, until)]

    def tier_usage(self, account_no: str) -> dict[str, Any] | None:
        """What an account has used of each tier in this tariff year, as far as bills tell; none where it has no tiers."""
        account = self._db.account(account_no)
        if account is None or account["kind"] != "residential":
            return None
        tariff, day = self._utility.tariff, today(self._clock)
        year = tariff_year(tariff, day)
        since = f"{year}-{tariff.year_starts[:2]}"
        bills = [bill for bill in self._db.bills(account_no, since, "9999-12") if tariff_year(tariff, bill.end_on) == year]
        total = sum((bill.volume for bill in bills), Decimal(0))
        parts = tier_parts(tariff.residential, account["people"], Decimal(0), total)
        return {
            "account_no": account_no, "year": year, "total": str(total),
            "as_of": (bills[0].end_on if bills else day).isoformat(),
            "tiers": [
                {"tier": part.tier, "used": str(part.used), "limit": _text(part.width), "price": str(part.price)}
                for part in parts
            ],
        }

    def book(self, notice: Notice) -> list[dict[str, Any]]:
        """Book a payment once; the same notice again gives the same results.

        Raises:
            Conflict: the number was used for another payment.
        """
        def lines() -> list[dict[str, Any]]:
            return [self._book_line(notice, number, *line) for number, line in enumerate(notice.lines, 1)]

        return self._once(notice, lines)

    def prepay(self, notice: PrepaymentNotice) -> dict[str, Any]:
        """Keep money paid in advance once; the same notice again gives the same result.

        Raises:
            Conflict: the number was used for another payment.
        """
        return self._once(notice, lambda: self._keep_prepayment(notice))

    def _once[Result](self, notice: Notice | PrepaymentNotice, book: Callable[[], Result]) -> Result:
        with self._db.transaction():
            earlier = self._db.receipt(notice.out_trade_no)
            if earlier is not None:
                if earlier["facts"] != notice.facts:
                    raise Conflict(notice.out_trade_no)
                known: Result = json.loads(earlier["results"])
                return known
            result = book()
            self._db.add_receipt(notice.out_trade_no, notice.facts, json.dumps(result))
        return result

    def _keep_prepayment(self, notice: PrepaymentNotice) -> dict[str, Any]:
        account = self._db.account(notice.account_no)
        if account is None or account["state"] == "closed":
            return {"result": "rejected", "credit_fen": 0}
        moment = notice.paid_at.astimezone(SHANGHAI)
        self._keep(f"W{notice.out_trade_no}", notice.account_no, notice.amount_fen, moment)
        return {"result": "applied", "credit_fen": account["credit_fen"] + notice.amount_fen}

    def pay_at_counter(self, bill_no: str) -> bool:
        """Somebody pays what is left of a bill at the counter; whether there was anything to pay."""
        with self._db.transaction():
            bill = self._db.bill(bill_no)
            if bill is None:
                return False
            moment = self._clock.now()
            owed = ledger.amount(bill.debt, self._utility.late_fee, moment.date()) - bill.debt.paid_fen
            taken = self._pay(bill, owed, moment)
            if taken:
                number = f"C{moment:%Y%m%d%H%M%S}{bill_no[-8:]}"
                self._add_payment(number, bill, taken, "counter", moment)
        return taken > 0

    def _book_line(self, notice: Notice, number: int, bill_no: str, offered_fen: int) -> dict[str, Any]:
        bill = self._db.bill(bill_no)
        if bill is None or bill.debt.status in ledger.FROZEN:
            return {"bill_no": bill_no, "result": "rejected", "applied_fen": 0}
        moment = notice.paid_at.astimezone(SHANGHAI)
        taken = self._pay(bill, offered_fen, moment)
        payment_no = f"W{notice.out_trade_no}-{number}"
        if taken:
            self._add_payment(payment_no, bill, taken, "wechat", moment)
        if notice.keep_excess and taken < offered_fen:
            self._keep(f"{payment_no}-C", bill.account_no, offered_fen - taken, moment)
        return {"bill_no": bill_no, "result": "applied" if taken else "already_paid", "applied_fen": taken}

    def _pay(self, bill: BillRecord, offered_fen: int, moment: datetime) -> int:
        debt, taken = ledger.pay(bill.debt, self._utility.late_fee, moment.date(), offered_fen)
        self._db.save_debt(bill.bill_no, debt)
        return taken

    def _add_payment(self, number: str, bill: BillRecord, amount_fen: int, channel: str, moment: datetime) -> None:
        self._db.add_payment(PaymentRecord(number, bill.account_no, bill.bill_no, bill.period, amount_fen, channel, moment))

    def _keep(self, number: str, account_no: str, amount_fen: int, moment: datetime) -> None:
        account = self._db.account(account_no)
        if account is None:
            raise LookupError(account_no)
        self._db.change_account(account_no, "credit_fen", account["credit_fen"] + amount_fen)
        self._db.add_payment(PaymentRecord(number, account_no, None, None, amount_fen, "wechat", moment))

    def _show_bill(self, bill: BillRecord) -> dict[str, Any]:
        fee = ledger.late_fee(bill.debt, self._utility.late_fee, today(self._clock))
        lines = [*bill.lines, Line("late_fee", fee)] if fee else bill.lines
        return {
            "bill_no": bill.bill_no, "account_no": bill.account_no, "period": bill.period,
            "start": bill.start_on.isoformat(), "end": bill.end_on.isoformat(),
            "previous_reading": str(bill.previous_reading), "current_reading": str(bill.current_reading),
            "volume": str(bill.volume), "reading_kind": bill.reading_kind, "lines": [_show_line(line) for line in lines],
            "amount_fen": bill.debt.charge_fen + fee, "paid_fen": bill.debt.paid_fen, "status": bill.debt.status,
            "issued_on": bill.issued_on.isoformat(), "due_on": bill.debt.due_on.isoformat(),
        }


def fixture(database: Database, system: BillingSystem) -> list[dict[str, Any]]:
    """Every account as the demonstration shows it: with its role, its password in clear, and its bills."""
    shown = []
    for known in database.roles():
        account = system.account(known["account_no"])
        if account is None:
            raise LookupError(known["account_no"])
        bills = system.bills(known["account_no"], "", "9999-12")
        account.update(
            role=known["role"], password=known["password"], cycle=account["cycle_months"], bills=bills,
            last_reading=bills[0]["current_reading"] if bills else None,
        )
        shown.append(account)
    return shown


def _show_line(line: Line) -> dict[str, Any]:
    return {
        "kind": line.kind, "amount_fen": line.amount_fen, "tier": line.tier, "volume": _text(line.volume),
        "price": _text(line.price),
    }


def _show_payment(payment: PaymentRecord) -> dict[str, Any]:
    return {
        "payment_no": payment.payment_no, "account_no": payment.account_no, "bill_no": payment.bill_no,
        "period": payment.period, "amount_fen": payment.amount_fen, "channel": payment.channel,
        "paid_at": payment.paid_at.isoformat(),
    }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)
