"""E-invoices for paid bills: which bills can have one, asking for it once, the finished document, and another title."""

from services.invoices.invoices import Filing, InvoiceOffer, Invoices, Remembered
from services.invoices.ports import Filed, Invoice, InvoiceDesk, InvoiceState, Title, TitleKind

__all__ = [
    "Filed", "Filing", "Invoice", "InvoiceDesk", "InvoiceOffer", "InvoiceState", "Invoices", "Remembered", "Title", "TitleKind",
]
