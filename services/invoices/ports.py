"""What the invoice service needs of the billing system, which issues e-invoices through the tax authority's platform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class TitleKind(StrEnum):
    """Whose name an invoice bears."""

    PERSON = "person"
    COMPANY = "company"


@dataclass(frozen=True, slots=True)
class Title:
    """To whom an invoice is made out. A company has a tax number; a person has none."""

    kind: TitleKind
    name: str
    tax_number: str | None = None


class InvoiceState(StrEnum):
    """Where an invoice stands."""

    ISSUING = "issuing"
    ISSUED = "issued"
    CANCELLED = "cancelled"  # by a red invoice (红冲); another took its place
    FAILED = "failed"        # the tax platform refused it; a person must see to it


@dataclass(frozen=True, slots=True)
class Invoice:
    """One e-invoice, for one bill. ``replaces``: the invoice that was cancelled for it, if any."""

    invoice_no: str
    account_no: str
    bill_no: str
    period: str
    amount_fen: int
    state: InvoiceState
    title: Title
    asked_at: datetime
    issued_at: datetime | None = None
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of one bill of a request. ``result``: accepted | already_issued | not_paid; the invoice but for the last."""

    bill_no: str
    result: str
    invoice: Invoice | None


class InvoiceDesk(Protocol):
    """The part of the billing system that makes invoices. Every method may raise ``SystemUnavailable("csms")``."""

    async def invoices(self, account_no: str) -> Sequence[Invoice]:
        """All invoices of an account, newest first, also those that are cancelled.

        Raises:
            UnknownAccount: CSMS has no such account.
        """
        ...

    async def invoice(self, invoice_no: str) -> Invoice | None:
        """One invoice, or none."""
        ...

    async def file(
        self, request_no: str, account_no: str, bill_nos: Sequence[str], title: Title, email: str | None,
    ) -> Sequence[Filed]:
        """Ask for one invoice for each bill. A bill has one valid invoice at most, whoever asks; the same ``request_no``
        again changes nothing and gives the same result.
        """
        ...

    async def reissue(self, request_no: str, invoice_no: str, title: Title, email: str | None) -> Invoice:
        """Cancel an invoice and issue another; the new one. The same ``request_no`` again gives the same.

        Raises:
            ReissueRefused: the rules do not allow it.
        """
        ...

    async def send(self, invoice_no: str, email: str) -> None:
        """Have an issued invoice sent by e-mail."""
        ...

    async def document(self, invoice_no: str) -> bytes | None:
        """The invoice as PDF; none while it is not issued."""
        ...
