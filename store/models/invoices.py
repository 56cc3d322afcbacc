"""Invoices: the titles that customers used last, and the requests whose outcome they are still to hear."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from store.crypto import EncryptedText
from store.db import Moment
from store.models.base import ACCOUNT_NO, OPENID, Base


class InvoiceTitle(Base):
    """To whom a customer's last invoice was made out, so that they need not say it again."""

    __tablename__ = "invoice_title"

    openid: Mapped[str] = mapped_column(OPENID, primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))  # TitleKind
    name: Mapped[str] = mapped_column(EncryptedText("invoice_title.name"))
    tax_number: Mapped[str | None] = mapped_column(String(20))
    email: Mapped[str | None] = mapped_column(EncryptedText("invoice_title.email"))
    used_at: Mapped[datetime] = mapped_column(Moment)


class InvoiceRequest(Base):
    """Invoices that CSMS has taken on. The invoices themselves are in CSMS."""

    __tablename__ = "invoice_request"
    __table_args__ = (Index(None, "next_try_at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    request_no: Mapped[str] = mapped_column(String(32), unique=True)
    openid: Mapped[str] = mapped_column(OPENID)
    account_no: Mapped[str] = mapped_column(ACCOUNT_NO)
    invoice_nos: Mapped[str] = mapped_column(Text)  # JSON: a list
    created_at: Mapped[datetime] = mapped_column(Moment)
    # When to look again whether they are issued; none once the customer has been told.
    next_try_at: Mapped[datetime | None] = mapped_column(Moment)
    tries: Mapped[int] = mapped_column(Integer)
