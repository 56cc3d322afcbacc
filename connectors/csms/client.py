"""The client of the billing system."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pydantic import TypeAdapter

from connectors.csms.desk import CONFLICT, NOT_FOUND, CsmsSystem
from connectors.signed import Answer
from services.errors import ClosedAccount, ServiceError, UnknownAccount
from services.ports import Account, Bill, BillType, LineResult, Payment, Prepaid, TierUsage

# What can be a number of CSMS at all. Anything else is unknown without asking, and never part of a path.
_NUMBER = re.compile(r"[0-9A-Za-z_-]{1,32}")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class _Correct:
    correct: bool


@dataclass(frozen=True, slots=True)
class _Bills:
    bills: tuple[Bill, ...]


@dataclass(frozen=True, slots=True)
class _Payments:
    payments: tuple[Payment, ...]


@dataclass(frozen=True, slots=True)
class _Results:
    lines: tuple[LineResult, ...]


_ACCOUNT, _BILL, _TIER_USAGE = TypeAdapter(Account), TypeAdapter(Bill), TypeAdapter(TierUsage)
_CORRECT, _BILLS = TypeAdapter(_Correct), TypeAdapter(_Bills)
_PAYMENTS, _RESULTS, _PREPAID = TypeAdapter(_Payments), TypeAdapter(_Results), TypeAdapter(Prepaid)


class CsmsClient(CsmsSystem):
    """:class:`services.ports.Csms` over HTTP. Open with :meth:`open`.

    Besides ``SystemUnavailable("csms")``, what is asked about a certain account raises ``UnknownAccount`` where CSMS has no
    such account, and what would change one raises ``ClosedAccount`` where it was closed.
    """

    async def account(self, account_no: str) -> Account | None:
        """See :class:`services.ports.Csms`."""
        if not _NUMBER.fullmatch(account_no):
            return None
        answer = await self._client.get("accounts", account_no)
        if answer.status == NOT_FOUND:
            return None
        account = self._parse(_ACCOUNT, answer)
        self._require(account.account_no == account_no, "another account")
        return account

    async def check_password(self, account_no: str, password: str) -> bool:
        """See :class:`services.ports.Csms`."""
        answer = await self._send("POST", account_no, "query-password", "verify", json_body={"password": password})
        return self._parse(_CORRECT, answer).correct

    async def set_password(self, account_no: str, password: str) -> None:
        """See :class:`services.ports.Csms`."""
        await self._send("PUT", account_no, "query-password", json_body={"password": password})

    async def set_contact(self, account_no: str, *, phone: str | None = None, email: str | None = None) -> None:
        """See :class:`services.ports.Csms`."""
        given = {name: value for name, value in (("phone", phone), ("email", email)) if value is not None}
        await self._send("PATCH", account_no, "contact", json_body=given)

    async def set_bill_type(self, account_no: str, bill_type: BillType) -> None:
        """See :class:`services.ports.Csms`."""
        await self._send("PUT", account_no, "bill-type", json_body={"bill_type": bill_type.value})

    async def bills(self, account_no: str, *, since: str | None = None, until: str | None = None) -> Sequence[Bill]:
        """See :class:`services.ports.Csms`."""
        bills = self._parse(_BILLS, await self._read(account_no, "bills", since=since, until=until)).bills
        for bill in bills:
            self._check_bill(bill)
            self._require(bill.account_no == account_no, "another account's bill")
        return sorted(bills, key=lambda bill: bill.period, reverse=True)

    async def bill(self, bill_no: str) -> Bill | None:
        """See :class:`services.ports.Csms`."""
        if not _NUMBER.fullmatch(bill_no):
            return None
        answer = await self._client.get("bills", bill_no)
        if answer.status == NOT_FOUND:
            return None
        bill = self._parse(_BILL, answer)
        self._check_bill(bill)
        self._require(bill.bill_no == bill_no, "another bill")
        return bill

    async def payments(self, account_no: str, *, since: date | None = None, until: date | None = None) -> Sequence[Payment]:
        """See :class:`services.ports.Csms`."""
        answer = await self._read(
            account_no, "payments",
            since=since.isoformat() if since else None, until=until.isoformat() if until else None,
        )
        payments = self._parse(_PAYMENTS, answer).payments
        for payment in payments:
            self._require(payment.account_no == account_no, "another account's payment")
            self._require(payment.paid_at.tzinfo is not None, "a time without a zone")
        return sorted(payments, key=lambda payment: payment.paid_at, reverse=True)

    async def tier_usage(self, account_no: str) -> TierUsage | None:
        """See :class:`services.ports.Csms`."""
        number = _known_shape(account_no)
        answer = await self._client.get("accounts", number, "tier-usage")
        if answer.status == NOT_FOUND and answer.code == "no_tiers":
            return None
        usage = self._parse(_TIER_USAGE, answer)
        self._require(usage.total == sum(tier.used for tier in usage.tiers), "tiers that do not add up")
        return usage

    async def record_payment(
        self, out_trade_no: str, transaction_id: str, paid_at: datetime, lines: Sequence[tuple[str, int]],
        *, keep_excess: bool,
    ) -> Sequence[LineResult]:
        """See :class:`services.ports.Csms`."""
        answer = await self._client.send("POST", "payments", json_body={
            "out_trade_no": out_trade_no, "transaction_id": transaction_id, "paid_at": paid_at.isoformat(),
            "lines": [{"bill_no": bill_no, "amount_fen": fen} for bill_no, fen in lines], "keep_excess": keep_excess,
        })
        results = self._parse(_RESULTS, answer).lines
        self._require([result.bill_no for result in results] == [bill_no for bill_no, _ in lines], "results of other bills")
        for result, (_, fen) in zip(results, lines, strict=True):
            self._require(result.result in ("applied", "already_paid", "rejected"), "a result of no known kind")
            self._require(0 <= result.applied_fen <= fen, "more applied than paid")
        return results

    async def record_prepayment(
        self, out_trade_no: str, transaction_id: str, paid_at: datetime, account_no: str, amount_fen: int,
    ) -> Prepaid:
        """See :class:`services.ports.Csms`."""
        answer = await self._client.send("POST", "prepayments", json_body={
            "out_trade_no": out_trade_no, "transaction_id": transaction_id, "paid_at": paid_at.isoformat(),
            "account_no": account_no, "amount_fen": amount_fen,
        })
        prepaid = self._parse(_PREPAID, answer)
        self._require(prepaid.result in ("applied", "rejected"), "a result of no known kind")
        return prepaid

    async def hand_over_reconciliation(self, day: date, content: bytes) -> None:
        """See :class:`services.ports.Csms`."""
        answer = await self._client.upload(
            "PUT", "reconciliations", day.isoformat(), content=content, content_type="text/csv; charset=utf-8",
        )
        self._require(answer.ok, f"reconciliation refused with {answer.status}")

    async def _read(self, account_no: str, what: str, *, since: str | None, until: str | None) -> Answer:
        query = {name: value for name, value in (("from", since), ("to", until)) if value}
        return await self._client.get("accounts", _known_shape(account_no), what, query=query)

    async def _send(self, method: str, account_no: str, *path: str, json_body: dict[str, str]) -> Answer:
        answer = await self._client.send(method, "accounts", _known_shape(account_no), *path, json_body=json_body)
        self._accept(answer)
        return answer

    def _refusal(self, answer: Answer) -> ServiceError:
        if answer.status == NOT_FOUND and answer.code == "unknown_account":
            return UnknownAccount()
        if answer.status == CONFLICT and answer.code == "account_closed":
            return ClosedAccount()
        return super()._refusal(answer)

    def _check_bill(self, bill: Bill) -> None:
        self._require(_MONTH.fullmatch(bill.period) is not None, "a period that is no month")
        self._require(bill.amount_fen == sum(line.amount_fen for line in bill.lines), "lines that do not add up")
        self._require(bill.amount_fen >= 0 and bill.paid_fen >= 0 and bill.volume >= 0, "negative amounts")
        self._require(bill.start < bill.end, "a period that ends before it starts")


def _known_shape(account_no: str) -> str:
    if not _NUMBER.fullmatch(account_no):
        raise UnknownAccount()
    return account_no
