"""What a customer does about readings: look them up, send one in, doubt one, have somebody come, have the meter checked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, select

from runxia.clock import Clock, today
from runxia.utility import Utility
from services.accounts import Accounts
from services.audit import record
from services.billing.tariff import cost_fen, price_list
from services.errors import NotVerified, ReadingRefused, UnknownAccount, UnknownMeterRequest
from services.ports import Account, AccountState, Bill, BillStatus, Csms
from services.readings import rules
from services.readings.ports import DayPart, Filing, Kind, Meter, MeterDesk, MeterRequest, Slot
from services.readings.rules import Judgement
from store.db import Database
from store.models import MeterRequestRecord

FILING = "filing"  # the state of a record that CSMS has not confirmed


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a reading would mean: how it compares, and what the use since the last one costs; none where unknown."""

    judgement: Judgement
    amount_fen: int | None


class ReadingDesk:
    """Readings of customers. What CSMS says is the truth; a copy is kept so that nothing is filed twice or lost."""

    def __init__(
        self, db: Database, desk: MeterDesk, csms: Csms, accounts: Accounts, clock: Clock, utility: Utility,
    ) -> None:
        self._db = db
        self._desk = desk
        self._csms = csms
        self._accounts = accounts
        self._clock = clock
        self._rules = utility.readings
        self._tariff = utility.tariff

    async def meter(self, account_no: str) -> Meter:
        """The meter and its readings.

        Raises:
            UnknownAccount: CSMS knows no such account.
        """
        return await self._desk.meter(account_no)

    async def may_send(self, account_no: str) -> Meter:
        """The meter, where a reading of its customer is taken now.

        Raises:
            ReadingRefused: ``closed``, ``stopped``, ``window``, or ``taken`` with the number of the reading.
            UnknownAccount: CSMS knows no such account.
        """
        account, meter, requests = await asyncio.gather(
            self._account(account_no), self._desk.meter(account_no), self._desk.of_account(account_no),
        )
        _refuse_unread(account)
        own = rules.taken(requests, meter)
        if own is not None:
            raise ReadingRefused("taken", number=own.request_no)
        window = rules.window(meter, self._rules.self_reading)
        if window is None or not window.holds(today(self._clock)):
            raise ReadingRefused("window")
        return meter

    async def assess(self, account_no: str, value: int) -> Assessment:
        """Hold a reading against the last one and against usual use, and price what was used.

        Raises:
            UnknownAccount: CSMS knows no such account.
        """
        account, meter, bills, usage = await asyncio.gather(
            self._account(account_no), self._desk.meter(account_no), self._csms.bills(account_no),
            self._csms.tier_usage(account_no),
        )
        daily = rules.usual_a_day(bills)
        judgement = rules.judge(meter, value, today(self._clock), daily, self._rules.self_reading)
        prices = price_list(self._tariff, account.kind, account.people)
        used = usage.total if usage else Decimal(0)
        amount = cost_fen(prices, used, Decimal(judgement.use)) if judgement.use >= 0 else None
        return Assessment(judgement, amount)

    async def disputable(self, account_no: str) -> list[Bill]:
        """Bills whose readings can be doubted, newest first.

        Raises:
            ReadingRefused: ``open``, with the number of the dispute that is under way.
            UnknownAccount: CSMS knows no such account.
        """
        bills, under_way = await asyncio.gather(self._csms.bills(account_no), self.under_way(account_no, Kind.DISPUTE))
        if under_way:
            raise ReadingRefused("open", number=under_way[0].request_no)
        return [bill for bill in bills if bill.status is not BillStatus.VOID][:self._rules.dispute.bills]

    async def may_come(self, account_no: str, kind: Kind) -> Account:
        """The account, where somebody may come for a visit or a check.

        Raises:
            ReadingRefused: ``closed``, ``stopped``, or ``open`` with the number of the one under way.
            UnknownAccount: CSMS knows no such account.
        """
        account, under_way = await asyncio.gather(self._account(account_no), self.under_way(account_no, kind))
        _refuse_unread(account)
        if under_way:
            raise ReadingRefused("open", number=under_way[0].request_no)
        return account

    async def visit_times(self) -> list[Slot]:
        """When somebody can come to read a meter."""
        day = today(self._clock)
        return rules.open_slots(self._rules.visits, day, await self._desk.slots(*rules.visit_days(self._rules.visits, day)))

    async def requests(self, account_no: str, kind: Kind | None = None) -> list[MeterRequest]:
        """Requests about an account, of one kind or all, newest first.

        Raises:
            UnknownAccount: CSMS knows no such account.
        """
        return [each for each in await self._desk.of_account(account_no) if kind in (None, each.kind)]

    async def under_way(self, account_no: str, kind: Kind) -> list[MeterRequest]:
        """Those that have not ended."""
        return [each for each in await self.requests(account_no, kind) if each.state in rules.OPEN]

    async def find(self, openid: str, number: str) -> MeterRequest:
        """A request about one of the customer's accounts.

        Raises:
            UnknownMeterRequest: there is none, or it is about an account that is not theirs.
        """
        found = await self._desk.request(number.upper())
        if found is None or not await self._is_own(openid, found.account_no):
            raise UnknownMeterRequest
        return found

    async def file(self, openid: str, request_id: str, filing: Filing) -> MeterRequest:
        """File what the customer confirmed, once: the same ``request_id`` again gives the same request.

        Raises:
            NotVerified: the account is not the customer's, or they proved themselves too long ago.
            ReadingRefused: CSMS does not take it.
            UnknownAccount: CSMS knows no such account.
        """
        await self._require_own(openid, filing.account_no)
        await self._draft(openid, request_id, filing)
        try:
            request = await self._desk.file(request_id, filing)
        except (ReadingRefused, UnknownAccount) as error:
            await self._drop(openid, request_id, filing, str(error) or "unknown")
            raise
        await self._keep(openid, request, f"meter_{filing.kind}")
        return request

    async def move(self, openid: str, number: str, day: date, part: DayPart, phone: str) -> MeterRequest:
        """Put a visit to another time.

        Raises:
            UnknownMeterRequest: see :meth:`find`.
            NotVerified: the customer proved themselves too long ago.
            ReadingRefused: ``full`` or ``too_late``.
        """
        found = await self.find(openid, number)
        await self._require_own(openid, found.account_no)
        moved = await self._desk.move(found.request_no, day, part, phone)
        await self._keep(openid, moved, "move_meter_visit")
        return moved

    async def cancel(self, openid: str, number: str) -> MeterRequest:
        """Take a request back.

        Raises:
            UnknownMeterRequest: see :meth:`find`.
            NotVerified: the customer proved themselves too long ago.
            ReadingRefused: ``too_late``.
        """
        found = await self.find(openid, number)
        await self._require_own(openid, found.account_no)
        cancelled = await self._desk.cancel(found.request_no)
        await self._keep(openid, cancelled, "cancel_meter_request")
        return cancelled

    async def _account(self, account_no: str) -> Account:
        account = await self._csms.account(account_no)
        if account is None:
            raise UnknownAccount
        return account

    async def _is_own(self, openid: str, account_no: str) -> bool:
        return account_no in {account.account_no for account in await self._accounts.bindings(openid)}

    async def _require_own(self, openid: str, account_no: str) -> None:
        if not (await self._is_own(openid, account_no) and await self._accounts.is_verified(openid, account_no)):
            raise NotVerified

    async def _draft(self, openid: str, request_id: str, filing: Filing) -> None:
        """Write the request down before CSMS hears of it."""
        now, facts = self._clock.now(), json.dumps(filing_facts(filing), ensure_ascii=False)
        async with self._db.begin() as session:
            kept = await session.scalar(_by_id(request_id).with_for_update())
            if kept is None:
                session.add(MeterRequestRecord(
                    request_id=request_id, openid=openid, kind=filing.kind, account_no=filing.account_no, facts=facts,
                    state=FILING, created_at=now, changed_at=now,
                ))
            elif kept.request_no is None:
                kept.facts, kept.changed_at = facts, now

    async def _drop(self, openid: str, request_id: str, filing: Filing, why: str) -> None:
        async with self._db.begin() as session:
            refused = await session.scalar(_by_id(request_id))
            if refused is not None and refused.request_no is None:
                await session.delete(refused)
            record(session, self._clock, openid, f"meter_{filing.kind}", filing.account_no, outcome=why)

    async def _keep(self, openid: str, request: MeterRequest, action: str) -> None:
        async with self._db.begin() as session:
            kept = await session.scalar(_by_id(request.request_id).with_for_update())
            if kept is not None:
                update_record(kept, request)
            record(session, self._clock, openid, action, request.account_no, detail=request.request_no)


def update_record(kept: MeterRequestRecord, request: MeterRequest) -> None:
    """Write down how CSMS says that a request stands, unless something newer is known."""
    if kept.request_no is not None and kept.sequence >= request.sequence:
        return
    kept.request_no, kept.state = request.request_no, request.state
    kept.sequence, kept.changed_at = request.sequence, request.changed_at


def filing_facts(filing: Filing) -> dict[str, Any]:
    """A filing as JSON; what is not given is left out."""
    given: Mapping[str, Any] = asdict(filing)
    return {
        name: value.isoformat() if isinstance(value, date) else value for name, value in given.items() if value is not None
    }


def _refuse_unread(account: Account) -> None:
    if account.state is AccountState.CLOSED:
        raise ReadingRefused("closed")
    if account.state is AccountState.STOPPED:
        raise ReadingRefused("stopped")


def _by_id(request_id: str) -> Select[MeterRequestRecord]:
    return select(MeterRequestRecord).where(MeterRequestRecord.request_id == request_id)
