"""What customers ask the billing system about their accounts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from runxia.clock import Clock, today
from runxia.utility import Utility
from services.billing.explanation import USUAL_MONTHS, Explanation, explain, fen_of
from services.billing.months import first_month, shift
from services.billing.tariff import PriceList, price_list
from services.errors import UnknownAccount
from services.ports import Account, Bill, BillStatus, Csms, Payment, TierUsage

ALL_TIME = "1990-01"  # before any bill that a billing system still holds: debts do not lapse with the usual 36 months


@dataclass(frozen=True, slots=True)
class Current:
    """An account's newest bill, if it ever had one, and what earlier bills still owe."""

    account: Account
    bill: Bill | None
    earlier_unpaid: tuple[Bill, ...] = ()

    @property
    def earlier_unpaid_fen(self) -> int:
        """The sum of what earlier bills still owe."""
        return sum(bill.outstanding_fen for bill in self.earlier_unpaid)


@dataclass(frozen=True, slots=True)
class History:
    """Bills of some months, newest first."""

    account: Account
    bills: tuple[Bill, ...]

    @property
    def volume(self) -> Decimal:
        """Use of all of them in m³."""
        return sum((bill.volume for bill in self.bills), Decimal(0))

    @property
    def amount_fen(self) -> int:
        """Amounts of all of them."""
        return sum(bill.amount_fen for bill in self.bills)


@dataclass(frozen=True, slots=True)
class Arrears:
    """What an account owes: its unpaid bills, oldest first, and those in dispute, which are not asked for."""

    account_no: str
    bills: tuple[Bill, ...]
    disputed: tuple[Bill, ...]
    as_of: date

    @property
    def owed_fen(self) -> int:
        """All that is still to be paid."""
        return sum(bill.outstanding_fen for bill in self.bills)

    @property
    def late_fee_fen(self) -> int:
        """Late fees on those bills."""
        return sum(fen_of(bill, "late_fee") for bill in self.bills)

    @property
    def overdue(self) -> int:
        """How many of the bills should have been paid by now."""
        return sum(bill.due_on < self.as_of for bill in self.bills)


class Billing:
    """Reads the billing system; changes nothing."""

    def __init__(self, csms: Csms, clock: Clock, utility: Utility) -> None:
        self._csms = csms
        self._clock = clock
        self._utility = utility

    async def current(self, account_no: str) -> Current:
        """The newest bill and what is still open from earlier ones.

        Raises:
            UnknownAccount: CSMS knows no such account.
            SystemUnavailable: CSMS does not answer.
        """
        account, bills = await asyncio.gather(self._account(account_no), self._bills(account_no, ALL_TIME))
        if not bills:
            return Current(account, None)
        return Current(account, bills[0], tuple(bill for bill in bills[1:] if bill.outstanding_fen))

    async def history(self, account_no: str, first: str, last: str) -> History:
        """The bills that cover any of the months ``first`` to ``last`` (``2026-08``, both included).

        A bill of several months counts for each: the bill of July and August is found when asked for July.

        Raises:
            UnknownAccount: CSMS knows no such account.
            SystemUnavailable: CSMS does not answer.
        """
        account = await self._account(account_no)
        bills = await self._bills(account_no, first, shift(last, account.cycle_months - 1))
        return History(account, tuple(bill for bill in bills if first_month(bill) <= last))

    async def earlier(self, account_no: str, back: int) -> Bill | None:
        """The bill that came ``back`` bills before the newest; none where the account is not that old.

        Raises:
            SystemUnavailable: CSMS does not answer.
        """
        bills = await self._bills(account_no)
        return bills[back] if back < len(bills) else None

    async def arrears(self, account_nos: Sequence[str]) -> tuple[Arrears, ...]:
        """What each of the accounts owes, in the order given; an account without debts has none.

        Raises:
            SystemUnavailable: CSMS does not answer for one of them: no total is better than one that is too low.
        """
        found = await asyncio.gather(*(self._bills(account_no, ALL_TIME) for account_no in account_nos))
        return tuple(self._arrears(account_no, bills) for account_no, bills in zip(account_nos, found, strict=True))

    async def tier_usage(self, account_no: str) -> TierUsage | None:
        """Use of the tariff year so far; none for accounts without tiers.

        Raises:
            SystemUnavailable: CSMS does not answer.
        """
        return await self._csms.tier_usage(account_no)

    async def explain(self, account_no: str, period: tuple[str, str] | None = None) -> Explanation | None:
        """Explain the newest bill, or the dearest that covers any of the months ``period``; none where there is no bill.

        Raises:
            UnknownAccount: CSMS knows no such account.
            SystemUnavailable: CSMS does not answer.
        """
        bills: Sequence[Bill]
        if period is None:
            bills = await self._bills(account_no)
            bill = bills[0] if bills else None
        else:
            first, last = period
            account = await self._account(account_no)
            bills = await self._bills(account_no, shift(first, -USUAL_MONTHS), shift(last, account.cycle_months - 1))
            asked = [bill for bill in bills if bill.period >= first and first_month(bill) <= last]
            bill = max(asked, key=lambda one: one.amount_fen, default=None)
        if bill is None:
            return None
        return explain(bill, bills, self._utility.tariff.residential.tiers[0].water)

    async def payments(self, account_no: str, since: date, until: date) -> list[Payment]:
        """Payments made from ``since`` to ``until``, both included, and those for bills of these months; newest first.

        Asked whether September is paid, a customer means September's bill, which is paid in October.

        Raises:
            SystemUnavailable: CSMS does not answer.
        """
        first, last = since.strftime("%Y-%m"), until.strftime("%Y-%m")
        booked = await self._csms.payments(account_no, since=since)
        return [
            payment for payment in booked
            if payment.paid_at.date() <= until or (payment.period is not None and first <= payment.period <= last)
        ]

    def price(self, kind: str = "residential", people: int | None = None) -> PriceList:
        """Prices in force; see :func:`services.billing.tariff.price_list`."""
        return price_list(self._utility.tariff, kind, people)

    async def _account(self, account_no: str) -> Account:
        account = await self._csms.account(account_no)
        if account is None:
            raise UnknownAccount
        return account

    async def _bills(self, account_no: str, first: str | None = None, last: str | None = None) -> list[Bill]:
        """Newest first, without void ones."""
        bills = await self._csms.bills(account_no, since=first, until=last)
        return [bill for bill in bills if bill.status is not BillStatus.VOID]

    def _arrears(self, account_no: str, bills: Sequence[Bill]) -> Arrears:
        oldest_first = bills[::-1]
        return Arrears(
            account_no,
            tuple(bill for bill in oldest_first if bill.outstanding_fen),
            tuple(bill for bill in oldest_first if bill.status is BillStatus.DISPUTED),
            today(self._clock),
        )
