"""Asks CSMS for invoices, remembers titles, tells customers when their invoices are ready, and lets them open the document."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from runxia.utility import Utility
from services.audit import record
from services.errors import LinkInvalid, SystemUnavailable, UnknownAccount
from services.invoices.ports import Filed, Invoice, InvoiceDesk, InvoiceState, Title, TitleKind
from services.outbox import enqueue
from services.ports import Bill, BillStatus, Csms
from store.db import Database, insert_for
from store.models import Binding
from store.models.invoices import InvoiceRequest, InvoiceTitle

log = logging.getLogger(__name__)

type Months = tuple[str, str]  # first and last month, both included

BATCH = 20
FIRST_LOOK = timedelta(seconds=5)
LAST_LOOK = timedelta(minutes=30)
MAC_CHARACTERS = 22  # of base64: 132 of HMAC-SHA256's 256 bits
VALID = (InvoiceState.ISSUING, InvoiceState.ISSUED)


@dataclass(frozen=True, slots=True)
class InvoiceOffer:
    """Bills that can be invoiced now, newest first; those that have an invoice, with it; those that are not paid."""

    bills: tuple[Bill, ...]
    invoiced: tuple[Invoice, ...]
    unpaid: tuple[Bill, ...]


@dataclass(frozen=True, slots=True)
class Remembered:
    """The title and the address of the customer's last request."""

    title: Title
    email: str | None


@dataclass(frozen=True, slots=True)
class Filing:
    """What became of a request: invoices under way, invoices that were there before, bills that cannot have one."""

    accepted: tuple[Invoice, ...]
    already: tuple[Invoice, ...]
    rejected: tuple[str, ...]


class Invoices:
    """For the dialogue: ``offer``, ``file``, ``of_account``, ``reissue``, ``send``, ``link``. For the page:
    ``open_link``, ``document``. For the worker, every few seconds: ``tell_issued``.
    """

    def __init__(
        self, db: Database, csms: Csms, desk: InvoiceDesk, clock: Clock, utility: Utility, *, link_key: bytes,
        public_base_url: str,
    ) -> None:
        self._db = db
        self._csms = csms
        self._desk = desk
        self._clock = clock
        self._rules = utility.invoices
        self._link_key = link_key
        self._public_base_url = public_base_url.rstrip("/")

    # --- which bills

    async def offer(self, account_no: str, periods: Sequence[Months] = ()) -> InvoiceOffer:
        """What can be invoiced on an account, within ``periods`` where given, and as far back as the rules go.

        Raises:
            UnknownAccount: CSMS no longer knows the account.
        """
        since = self._oldest_month()
        bills, invoices = await asyncio.gather(
            self._csms.bills(account_no, since=since), self._desk.invoices(account_no),
        )
        chosen = [bill for bill in bills if not periods or any(first <= bill.period <= last for first, last in periods)]
        valid = {invoice.bill_no: invoice for invoice in invoices if invoice.state in VALID}
        return InvoiceOffer(
            bills=tuple(bill for bill in chosen if bill.status is BillStatus.PAID and bill.bill_no not in valid),
            invoiced=tuple(valid[bill.bill_no] for bill in chosen if bill.bill_no in valid),
            unpaid=tuple(bill for bill in chosen if bill.status in (BillStatus.UNPAID, BillStatus.PARTLY_PAID)),
        )

    def _oldest_month(self) -> str:
        now = self._clock.now()
        index = now.year * 12 + now.month - 1 - self._rules.months_back
        return f"{index // 12:04d}-{index % 12 + 1:02d}"

    async def of_account(self, account_no: str) -> tuple[Invoice, ...]:
        """The account's valid invoices, newest first."""
        return tuple(invoice for invoice in await self._desk.invoices(account_no) if invoice.state in VALID)

    # --- titles

    async def remembered(self, openid: str) -> Remembered | None:
        """What the customer's last request was made out to."""
        async with self._db.read() as session:
            row = await session.get(InvoiceTitle, openid)
        return Remembered(Title(TitleKind(row.kind), row.name, row.tax_number), row.email) if row else None

    # --- requests

    async def file(
        self, openid: str, request_no: str, account_no: str, bill_nos: Sequence[str], title: Title, email: str | None,
    ) -> Filing:
        """Ask for one invoice for each bill, remember the title, and see to it that the customer hears when they are ready.

        Safe to repeat with the same ``request_no``.

        Raises:
            SystemUnavailable: CSMS does not answer; it can be tried again with the same number.
        """
        results: Sequence[Filed] = await self._desk.file(request_no, account_no, bill_nos, title, email)
        accepted = tuple(each.invoice for each in results if each.result == "accepted" and each.invoice)
        await self._written(openid, request_no, account_no, accepted, title, email)
        return Filing(
            accepted, tuple(each.invoice for each in results if each.result == "already_issued" and each.invoice),
            tuple(each.bill_no for each in results if each.result == "not_paid"),
        )

    def why_not_reissue(self, invoice: Invoice) -> str | None:
        """Which rule forbids another title: ``late``, ``again``, ``issuing``; none where it is allowed."""
        if invoice.state is not InvoiceState.ISSUED or invoice.issued_at is None:
            return "issuing"
        if invoice.replaces is not None and self._rules.reissues <= 1:
            return "again"
        return "late" if self._clock.now() - invoice.issued_at > timedelta(days=self._rules.reissue_days) else None

    async def reissue(self, openid: str, request_no: str, invoice: Invoice, title: Title, email: str | None) -> Invoice:
        """Cancel an invoice and have another issued; the new one. Safe to repeat with the same ``request_no``.

        Raises:
            ReissueRefused: CSMS does not allow it.
            SystemUnavailable: CSMS does not answer.
        """
        new = await self._desk.reissue(request_no, invoice.invoice_no, title, email)
        await self._written(openid, request_no, invoice.account_no, (new,), title, email)
        return new

    async def find(self, account_no: str, invoice_no: str) -> Invoice | None:
        """A valid invoice of the account."""
        return next((each for each in await self.of_account(account_no) if each.invoice_no == invoice_no), None)

    async def send(self, openid: str, invoice: Invoice, email: str) -> None:
        """Have an issued invoice sent by e-mail."""
        await self._desk.send(invoice.invoice_no, email)
        async with self._db.begin() as session:
            record(session, self._clock, openid, "invoice_send", invoice.account_no, detail=invoice.invoice_no)

    async def _written(
        self, openid: str, request_no: str, account_no: str, invoices: Sequence[Invoice], title: Title, email: str | None,
    ) -> None:
        now = self._clock.now()
        async with self._db.begin() as session:
            await self._remember(session, openid, title, email)
            if not invoices:
                return
            row = insert_for(session, InvoiceRequest).values(
                request_no=request_no, openid=openid, account_no=account_no,
                invoice_nos=json.dumps([invoice.invoice_no for invoice in invoices]), created_at=now, tries=0,
                next_try_at=now + FIRST_LOOK,
            )
            written = await session.execute(
                row.on_conflict_do_nothing(index_elements=["request_no"]).returning(InvoiceRequest.id),
            )
            if written.scalar_one_or_none() is not None:
                record(session, self._clock, openid, "invoice", account_no, detail=request_no)

    async def _remember(self, session: AsyncSession, openid: str, title: Title, email: str | None) -> None:
        row = await session.get(InvoiceTitle, openid)
        if row is None:
            row = InvoiceTitle(openid=openid)
            session.add(row)
        row.kind, row.name, row.tax_number, row.email = title.kind, title.name, title.tax_number, email
        row.used_at = self._clock.now()

    # --- they are ready

    async def tell_issued(self) -> int:
        """Look after requests whose invoices were being issued, and tell customers of those that are ready; how many."""
        return sum([await self._look(request) for request in await self._due()])

    async def _due(self) -> list[InvoiceRequest]:
        now = self._clock.now()
        waiting = InvoiceRequest.next_try_at <= now
        async with self._db.read() as session:
            if await session.scalar(select(InvoiceRequest.id).where(waiting).limit(1)) is None:
                return []
        async with self._db.begin() as session:
            rows = select(InvoiceRequest).where(waiting).order_by(InvoiceRequest.next_try_at).limit(BATCH)
            found = list(await session.scalars(rows.with_for_update(skip_locked=True)))
            for request in found:
                request.tries += 1
                request.next_try_at = now + min(FIRST_LOOK * (1 << min(request.tries, 12)), LAST_LOOK)
        return found

    async def _look(self, request: InvoiceRequest) -> bool:
        numbers: list[str] = json.loads(request.invoice_nos)
        try:
            invoices = {each.invoice_no: each for each in await self._desk.invoices(request.account_no)}
        except (SystemUnavailable, UnknownAccount) as error:
            log.warning("invoices of request %s cannot be looked up yet: %s", request.request_no, error)
            return False
        ours = [invoices[number] for number in numbers if number in invoices]
        if any(invoice.state is InvoiceState.ISSUING for invoice in ours):
            return False
        async with self._db.begin() as session:
            held = await session.get_one(InvoiceRequest, request.id, with_for_update=True)
            if held.next_try_at is None:
                return False
            held.next_try_at = None
            await self._tell(session, request, ours)
        return True

    async def _tell(self, session: AsyncSession, request: InvoiceRequest, invoices: Sequence[Invoice]) -> None:
        ready = [invoice for invoice in invoices if invoice.state is InvoiceState.ISSUED]
        failed = [invoice for invoice in invoices if invoice.state is InvoiceState.FAILED]
        for invoice in failed:
            log.error("invoice %s was refused by the tax platform: a person must see to it", invoice.invoice_no)
        if not ready and not failed:  # cancelled meanwhile: the request that did that tells of the new one
            return
        await enqueue(
            session, self._clock, openid=request.openid, kind="trigger", dedupe_key=f"invoice:{request.request_no}",
            payload={"intent": "EXTERNAL_invoice_issued", "entities": {
                "accounts": [request.account_no], "invoices": [[each.invoice_no, each.period] for each in ready],
                "failed": [each.period for each in failed],
            }},
        )

    # --- the document

    def link(self, invoice_no: str) -> str:
        """Where customers who have bound the account can open an invoice, for as long as the rules say."""
        ends = int((self._clock.now() + timedelta(hours=self._rules.link_hours)).timestamp())
        return f"{self._public_base_url}/p/invoice/{invoice_no}.{ends}.{self._mac(invoice_no, ends)}"

    async def open_link(self, token: str, openid: str) -> Invoice:
        """The invoice behind a link.

        Raises:
            LinkInvalid: ``forged``, ``expired``, or ``foreign``: the customer has not bound the account.
            SystemUnavailable: CSMS does not answer.
        """
        invoice_no, _, rest = token.partition(".")
        end, _, mac = rest.partition(".")
        if not (end.isascii() and end.isdigit()) or not hmac.compare_digest(
            self._mac(invoice_no, int(end)).encode(), mac.encode(),
        ):
            raise LinkInvalid("forged")
        if datetime.fromtimestamp(int(end), self._clock.now().tzinfo) <= self._clock.now():
            raise LinkInvalid("expired")
        invoice = await self._desk.invoice(invoice_no)
        if invoice is None:
            raise LinkInvalid("forged")
        async with self._db.read() as session:
            bound = select(Binding.account_no).where(Binding.openid == openid, Binding.account_no == invoice.account_no)
            if await session.scalar(bound) is None:
                raise LinkInvalid("foreign")
        return invoice

    async def document(self, invoice: Invoice) -> bytes | None:
        """The PDF; none while it is not issued."""
        return await self._desk.document(invoice.invoice_no)

    def _mac(self, invoice_no: str, end: int) -> str:
        mac = hmac.digest(self._link_key, f"invoice-link\n{invoice_no}\n{end}".encode(), hashlib.sha256)
        return urlsafe_b64encode(mac).decode()[:MAC_CHARACTERS]
