"""Customers of the official account, the utility accounts they have bound, and how they proved who they are."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from store.crypto import EncryptedText
from store.db import Moment
from store.models.base import ACCOUNT_NO, OPENID, Base


class Customer(Base):
    """A WeChat user who has written to or followed the official account."""

    __tablename__ = "customer"

    openid: Mapped[str] = mapped_column(OPENID, primary_key=True)
    subscribed: Mapped[bool] = mapped_column(Boolean, default=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    last_seen_at: Mapped[datetime] = mapped_column(Moment)


class Binding(Base):
    """One customer's hold on one utility account. Owner and address are copies to show (masked) without CSMS."""

    __tablename__ = "binding"
    __table_args__ = (UniqueConstraint("openid", "account_no"), Index(None, "account_no"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    openid: Mapped[str] = mapped_column(OPENID, ForeignKey("customer.openid"))
    account_no: Mapped[str] = mapped_column(ACCOUNT_NO)
    alias: Mapped[str | None] = mapped_column(EncryptedText("binding.alias"))
    owner: Mapped[str] = mapped_column(EncryptedText("binding.owner"))
    address: Mapped[str] = mapped_column(EncryptedText("binding.address"))
    is_default: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(Moment)


class VerifiedSession(Base):
    """Until when a customer may see an account's sensitive data without proving themselves again."""

    __tablename__ = "verified_session"

    openid: Mapped[str] = mapped_column(OPENID, primary_key=True)
    account_no: Mapped[str] = mapped_column(ACCOUNT_NO, primary_key=True)
    until: Mapped[datetime] = mapped_column(Moment)


class SmsChallenge(Base):
    """A code that was sent. Only its hash is kept."""

    __tablename__ = "sms_challenge"
    __table_args__ = (Index(None, "openid", "purpose"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    openid: Mapped[str] = mapped_column(OPENID)
    purpose: Mapped[str] = mapped_column(String(64))  # such as verify:1002003004 or phone:1002003004
    phone: Mapped[str] = mapped_column(EncryptedText("sms_challenge.phone"))
    code_hash: Mapped[str] = mapped_column(String(128))
    sent_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used: Mapped[bool] = mapped_column(Boolean, default=False)


class Lockout(Base):
    """Wrong tries of one customer on one account, by code and password together."""

    __tablename__ = "lockout"

    openid: Mapped[str] = mapped_column(OPENID, primary_key=True)
    account_no: Mapped[str] = mapped_column(ACCOUNT_NO, primary_key=True)
    wrong: Mapped[int] = mapped_column(Integer, default=0)
    last_try_at: Mapped[datetime] = mapped_column(Moment)
    locked_until: Mapped[datetime | None] = mapped_column(Moment)
