"""The client of the billing system's invoice desk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from connectors.csms.desk import NOT_FOUND, DeskClient, account_path, is_number
from services.errors import ReissueRefused
from services.invoices.ports import Filed, Invoice, InvoiceState, Title, TitleKind

RESULTS = ("accepted", "already_issued", "not_paid")
PDF_MAGIC = b"%PDF-"
_REISSUE_REFUSALS = {"reissue_late": "late", "reissued_before": "again", "not_issued": "issuing"}


@dataclass(frozen=True, slots=True)
class _Invoices:
    invoices: tuple[Invoice, ...]


@dataclass(frozen=True, slots=True)
class _Results:
    results: tuple[Filed, ...]


_INVOICE, _INVOICES, _RESULTS = TypeAdapter(Invoice), TypeAdapter(_Invoices), TypeAdapter(_Results)


class CsmsInvoices(DeskClient):
    """:class:`services.invoices.ports.InvoiceDesk` over HTTP."""

    async def invoices(self, account_no: str) -> Sequence[Invoice]:
        """See :class:`services.invoices.ports.InvoiceDesk`."""
        answer = await self._client.get("accounts", account_path(account_no), "invoices")
        invoices = self._parse(_INVOICES, answer).invoices
        for invoice in invoices:
            self._check_invoice(invoice)
            self._require(invoice.account_no == account_no, "another account's invoice")
        return sorted(invoices, key=lambda invoice: invoice.asked_at, reverse=True)

    async def invoice(self, invoice_no: str) -> Invoice | None:
        """See :class:`services.invoices.ports.InvoiceDesk`."""
        if not is_number(invoice_no):
            return None
        answer = await self._client.get("invoices", invoice_no)
        if answer.status == NOT_FOUND:
            return None
        invoice = self._parse(_INVOICE, answer)
        self._check_invoice(invoice)
        self._require(invoice.invoice_no == invoice_no, "another invoice")
        return invoice

    async def file(
        self, request_no: str, account_no: str, bill_nos: Sequence[str], title: Title, email: str | None,
    ) -> Sequence[Filed]:
        """See :class:`services.invoices.ports.InvoiceDesk`."""
        answer = await self._client.send("POST", "invoices", json_body={
            "request_no": request_no, "account_no": account_no, "bill_nos": list(bill_nos), **_facts(title, email),
        })
        results = self._parse(_RESULTS, answer).results
        self._require([each.bill_no for each in results] == list(bill_nos), "results for other bills")
        for each in results:
            self._require(each.result in RESULTS, "a result of no known kind")
            self._require((each.result == "not_paid") == (each.invoice is None), "an invoice too few or too many")
            if each.invoice is not None:
                self._check_invoice(each.invoice)
                self._require(each.invoice.account_no == account_no, "another account's invoice")
        return results

    async def reissue(self, request_no: str, invoice_no: str, title: Title, email: str | None) -> Invoice:
        """See :class:`services.invoices.ports.InvoiceDesk`."""
        self._require(is_number(invoice_no), "an invoice number that is none")
        answer = await self._client.send(
            "POST", "invoices", invoice_no, "reissue", json_body={"request_no": request_no, **_facts(title, email)},
        )
        if answer.code in _REISSUE_REFUSALS:
            raise ReissueRefused(_REISSUE_REFUSALS[answer.code])
        new = self._parse(_INVOICE, answer)
        self._check_invoice(new)
        self._require(new.replaces == invoice_no, "an invoice in place of another one")
        return new

    async def send(self, invoice_no: str, email: str) -> None:
        """See :class:`services.invoices.ports.InvoiceDesk`."""
        self._require(is_number(invoice_no), "an invoice number that is none")
        self._accept(await self._client.send("POST", "invoices", invoice_no, "deliveries", json_body={"email": email}))

    async def document(self, invoice_no: str) -> bytes | None:
        """See :class:`services.invoices.ports.InvoiceDesk`."""
        self._require(is_number(invoice_no), "an invoice number that is none")
        answer = await self._client.get("invoices", invoice_no, "document")
        if answer.status == NOT_FOUND:
            return None
        self._accept(answer)
        self._require(answer.body.startswith(PDF_MAGIC), "a document that is no PDF")
        return answer.body

    def _check_invoice(self, invoice: Invoice) -> None:
        moments = (invoice.asked_at, invoice.issued_at or invoice.asked_at)
        self._require(all(moment.tzinfo is not None for moment in moments), "a time without a zone")
        self._require(invoice.amount_fen >= 0, "a negative amount")
        self._require((invoice.title.kind is TitleKind.COMPANY) == (invoice.title.tax_number is not None), "a title of no kind")
        if invoice.state is InvoiceState.ISSUED:
            self._require(invoice.issued_at is not None, "an issued invoice without its day")


def _facts(title: Title, email: str | None) -> dict[str, Any]:
    return {"title": {"kind": title.kind.value, "name": title.name, "tax_number": title.tax_number}, "email": email}
