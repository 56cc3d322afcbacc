"""Applications of customers: ours, written before CSMS hears of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from store.crypto import EncryptedText
from store.db import Moment
from store.models.base import ACCOUNT_NO, OPENID, Base


class ApplicationRecord(Base):
    """One application. ``state``: ``filing`` until CSMS has answered, then as CSMS says."""

    __tablename__ = "application"
    __table_args__ = (Index(None, "openid", "created_at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    request_id: Mapped[str] = mapped_column(String(32), unique=True)
    openid: Mapped[str] = mapped_column(OPENID)
    kind: Mapped[str] = mapped_column(String(16))
    account_no: Mapped[str | None] = mapped_column(ACCOUNT_NO)
    facts: Mapped[str] = mapped_column(EncryptedText("application.facts"))  # JSON of what was applied for
    application_no: Mapped[str | None] = mapped_column(String(32), index=True)
    state: Mapped[str] = mapped_column(String(20))
    detail: Mapped[str | None] = mapped_column(EncryptedText("application.detail"))  # JSON: missing, quote_fen, note
    sequence: Mapped[int] = mapped_column(BigInteger, default=0)  # of the newest change known here
    created_at: Mapped[datetime] = mapped_column(Moment)
    changed_at: Mapped[datetime] = mapped_column(Moment)  # while filing: when it was last tried


class ApplicationDocument(Base):
    """A photo that goes with an application; a job hands it over."""

    __tablename__ = "application_document"
    __table_args__ = (UniqueConstraint("application_id", "media_id"), Index(None, "state", "next_try_at"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    media_id: Mapped[str] = mapped_column(String(32))
    document: Mapped[str] = mapped_column(String(32))  # which document it shows, as in utility.yml
    state: Mapped[str] = mapped_column(String(12))  # waiting | handed_over | failed
    tries: Mapped[int] = mapped_column(Integer, default=0)
    next_try_at: Mapped[datetime] = mapped_column(Moment)


class ApplicationFeed(Base):
    """How far CSMS's changes have been read."""

    __tablename__ = "application_feed"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    after: Mapped[int] = mapped_column(BigInteger)
