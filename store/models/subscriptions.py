"""What customers want to be told of, and when they do not. Rows of an account go with its binding."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Integer, Numeric, String, Time
from sqlalchemy.orm import Mapped, mapped_column

from store.db import Moment
from store.models.base import ACCOUNT_NO, OPENID, Base


class Subscription(Base):
    """A customer's wish to hear of a topic where one of their accounts is."""

    __tablename__ = "subscription"
    __table_args__ = (
        ForeignKeyConstraint(["openid", "account_no"], ["binding.openid", "binding.account_no"], ondelete="CASCADE"),
        Index(None, "topic"),
    )

    openid: Mapped[str] = mapped_column(OPENID, primary_key=True)
    account_no: Mapped[str] = mapped_column(ACCOUNT_NO, primary_key=True)
    topic: Mapped[str] = mapped_column(String(12), primary_key=True)  # outage | quality
    created_at: Mapped[datetime] = mapped_column(Moment)


class NotifySetting(Base):
    """When a customer wants a word about one account; none: not wanted."""

    __tablename__ = "notify_setting"
    __table_args__ = (
        ForeignKeyConstraint(["openid", "account_no"], ["binding.openid", "binding.account_no"], ondelete="CASCADE"),
    )

    openid: Mapped[str] = mapped_column(OPENID, primary_key=True)
    account_no: Mapped[str] = mapped_column(ACCOUNT_NO, primary_key=True)
    overuse_volume: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))  # m³ in one billing period
    overuse_fen: Mapped[int | None] = mapped_column(Integer)
    pay_days: Mapped[int | None] = mapped_column(Integer)  # before the last day to pay
    balance_fen: Mapped[int | None] = mapped_column(Integer)
    changed_at: Mapped[datetime] = mapped_column(Moment)


class QuietTime(Base):
    """The hours in which a customer is not written to unasked; over midnight where the end is before the start."""

    __tablename__ = "quiet_time"

    openid: Mapped[str] = mapped_column(OPENID, ForeignKey("customer.openid"), primary_key=True)
    starts: Mapped[time] = mapped_column(Time)
    ends: Mapped[time] = mapped_column(Time)
    changed_at: Mapped[datetime] = mapped_column(Moment)
