"""An invoice desk in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.errors import SystemUnavailable
from services.invoices import Filed, Invoice, InvoiceState, Title
from tests.fakes import FakeCsms


class FakeInvoiceDesk:
    """One valid invoice for a paid bill; ``issue`` is the tax platform, ``lost_answer`` a time-out after the fact."""

    def __init__(self, csms: FakeCsms, now: datetime) -> None:
        self._csms = csms
        self._now = now
        self.all: list[Invoice] = []
        self.answers: dict[str, Sequence[Filed]] = {}
        self.mails: list[tuple[str, str]] = []
        self.lost_answer = False

    async def invoices(self, account_no: str) -> Sequence[Invoice]:
        """See :class:`services.invoices.ports.InvoiceDesk`."""
        return [each for each in reversed(self.all) if each.account_no == account_no]

    async def invoice(self, invoice_no: str) -> Invoice | None:
        """See :class:`services.invoices.ports.InvoiceDesk`."""
        return next((each for each in self.all if each.invoice_no == invoice_no), None)

    async def file(
        self, request_no: str, account_no: str, bill_nos: Sequence[str], title: Title, email: str | None,
    ) -> Sequence[Filed]:
        """See :class:`services.invoices.ports.InvoiceDesk`."""
        if request_no not in self.answers:
            self.answers[request_no] = [self._file(bill_no, title) for bill_no in bill_nos]
        if self.lost_answer:
            self.lost_answer = False
            raise SystemUnavailable("csms")
        return self.answers[request_no]

    async def reissue(self, request_no: str, invoice_no: str, title: Title, email: str | None) -> Invoice:
        """See :class:`services.invoices.ports.InvoiceDesk`."""
        old = next(each for each in self.all if each.invoice_no == invoice_no)
        self._replace(replace(old, state=InvoiceState.CANCELLED))
        return self._add(old.bill_no, title, replaces=invoice_no)

    async def send(self, invoice_no: str, email: str) -> None:
        """See :class:`services.invoices.ports.InvoiceDesk`."""
        self.mails.append((invoice_no, email))

    async def document(self, invoice_no: str) -> bytes | None:
        """See :class:`services.invoices.ports.InvoiceDesk`."""
        return b"%PDF-1.4"

    def issue(self, state: InvoiceState = InvoiceState.ISSUED) -> None:
        """The tax platform is done with everything."""
        for each in list(self.all):
            if each.state is InvoiceState.ISSUING:
                self._replace(replace(each, state=state, issued_at=self._now))

    def _file(self, bill_no: str, title: Title) -> Filed:
        bill = self._csms.all_bills[bill_no]
        if bill.outstanding_fen:
            return Filed(bill_no, "not_paid", None)
        valid = (InvoiceState.ISSUING, InvoiceState.ISSUED)
        earlier = next((each for each in self.all if each.bill_no == bill_no and each.state in valid), None)
        if earlier is not None:
            return Filed(bill_no, "already_issued", earlier)
        return Filed(bill_no, "accepted", self._add(bill_no, title))

    def _add(self, bill_no: str, title: Title, replaces: str | None = None) -> Invoice:
        bill = self._csms.all_bills[bill_no]
        new = Invoice(
            f"26{len(self.all) + 1:06d}", bill.account_no, bill_no, bill.period, bill.amount_fen, InvoiceState.ISSUING, title,
            self._now, replaces=replaces,
        )
        self.all.append(new)
        return new

    def _replace(self, new: Invoice) -> None:
        self.all = [new if each.invoice_no == new.invoice_no else each for each in self.all]
