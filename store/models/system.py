"""Tables that no capability owns: small shared state, the outbox, the audit log."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from store.crypto import EncryptedText
from store.db import Moment
from store.models.base import OPENID, Base


class Entry(Base):
    """A key of :class:`store.kv.SqlStore`."""

    __tablename__ = "kv"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    ends_at: Mapped[datetime] = mapped_column(Moment, index=True)


class Outbox(Base):
    """Something to be sent, written in the same transaction as its cause."""

    __tablename__ = "outbox"
    __table_args__ = (Index(None, "state", "not_before"), Index(None, "openid", "state", "id"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    dedupe_key: Mapped[str] = mapped_column(String(160), unique=True)
    openid: Mapped[str] = mapped_column(OPENID)
    kind: Mapped[str] = mapped_column(String(12))  # answers | trigger | template
    payload: Mapped[str] = mapped_column(EncryptedText("outbox.payload"))  # JSON
    state: Mapped[str] = mapped_column(String(12))  # waiting | sent | failed | dropped
    tries: Mapped[int] = mapped_column(Integer, default=0)
    not_before: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    lease_until: Mapped[datetime | None] = mapped_column(Moment)
    last_error: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(Moment)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)


class AuditEntry(Base):
    """Who did what to which account or thing, how it ended, and why. Never holds personal data or secrets."""

    __tablename__ = "audit"
    __table_args__ = (
        Index(None, "account_no", "at"), Index(None, "actor", "at"), Index(None, "action", "at"), Index(None, "target", "at"),
        Index(None, "at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[str] = mapped_column(String(64))  # an openid, a staff login, or system
    action: Mapped[str] = mapped_column(String(40))  # such as bind, unbind, verify, pay
    account_no: Mapped[str | None] = mapped_column(String(20))
    outcome: Mapped[str] = mapped_column(String(24))  # ok, wrong_code, locked, ...
    detail: Mapped[str | None] = mapped_column(String(200))
    target: Mapped[str | None] = mapped_column(String(64))  # what else it was done to, such as staff:lin
    reason: Mapped[str | None] = mapped_column(String(200))  # what a member of staff gave as reason
