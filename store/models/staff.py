"""Staff of the utility who work in the console: who they are, where they are signed in, and codes to get back in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from store.crypto import EncryptedText
from store.db import Moment
from store.models.base import Base

STAFF_LOGIN = String(32)
SHA256_HEX = String(64)


class Staff(Base):
    """One person's account. ``login`` is in small letters; tokens and passwords are never stored as they are."""

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    login: Mapped[str] = mapped_column(STAFF_LOGIN, unique=True)
    name: Mapped[str] = mapped_column(String(40))
    role: Mapped[str] = mapped_column(String(16))  # services.staff.Role
    email: Mapped[str | None] = mapped_column(EncryptedText("staff.email"))
    phone: Mapped[str | None] = mapped_column(EncryptedText("staff.phone"))
    state: Mapped[str] = mapped_column(String(10), default="active")  # active | disabled
    password_hash: Mapped[str] = mapped_column(String(160))
    must_change: Mapped[bool] = mapped_column(Boolean, default=True)
    totp_secret: Mapped[str | None] = mapped_column(EncryptedText("staff.totp_secret"))
    totp_draft: Mapped[str | None] = mapped_column(EncryptedText("staff.totp_draft"))  # shown, not confirmed yet
    totp_step: Mapped[int] = mapped_column(BigInteger, default=0)  # of the last code used: a code is good once
    wrong_tries: Mapped[int] = mapped_column(Integer, default=0)
    last_try_at: Mapped[datetime | None] = mapped_column(Moment)
    locked_until: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)
    password_at: Mapped[datetime] = mapped_column(Moment)
    last_login_at: Mapped[datetime | None] = mapped_column(Moment)


class StaffSession(Base):
    """A browser that is signed in, or has the password right and owes the second step (``stage``)."""

    __tablename__ = "staff_session"
    __table_args__ = (Index(None, "staff_id", "last_seen_at"), Index(None, "expires_at"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    staff_id: Mapped[int] = mapped_column(Integer, ForeignKey("staff.id"))
    token_hash: Mapped[str] = mapped_column(SHA256_HEX, unique=True)
    stage: Mapped[str] = mapped_column(String(8))  # totp | open
    device: Mapped[str] = mapped_column(String(80))  # such as Chrome · Windows
    address: Mapped[str] = mapped_column(String(45))
    remembered: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(Moment)
    last_seen_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)


class StaffDevice(Base):
    """A browser that this person has signed in with before; the second step is not asked on it ``trusted_until`` then."""

    __tablename__ = "staff_device"
    __table_args__ = (UniqueConstraint("staff_id", "token_hash"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    staff_id: Mapped[int] = mapped_column(Integer, ForeignKey("staff.id"))
    token_hash: Mapped[str] = mapped_column(SHA256_HEX)
    device: Mapped[str] = mapped_column(String(80))
    address: Mapped[str] = mapped_column(String(45))
    first_seen_at: Mapped[datetime] = mapped_column(Moment)
    last_seen_at: Mapped[datetime] = mapped_column(Moment)
    trusted_until: Mapped[datetime | None] = mapped_column(Moment)


class StaffCode(Base):
    """A code by which a forgotten password is set anew, good once and for a few tries."""

    __tablename__ = "staff_code"
    __table_args__ = (Index(None, "staff_id", "sent_at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    staff_id: Mapped[int] = mapped_column(Integer, ForeignKey("staff.id"))
    channel: Mapped[str] = mapped_column(String(4))  # mail | sms
    code_hash: Mapped[str] = mapped_column(String(160))
    tries: Mapped[int] = mapped_column(Integer, default=0)
    used: Mapped[bool] = mapped_column(Boolean, default=False)
    sent_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
