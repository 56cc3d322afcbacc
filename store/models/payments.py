"""Payment orders: ours, made before WeChat Pay hears of them. Amounts are integer fen."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Date, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from store.db import Moment
from store.models.base import ACCOUNT_NO, OPENID, Base


class OrderPurpose(StrEnum):
    """What is paid for."""

    BILLS = "bills"
    PREPAY = "prepay"  # money in advance: one line without a bill, which CSMS keeps as the account's credit


class OrderState(StrEnum):
    """Where an order stands. The usual way is created → begun → prepaid → paid → settled."""

    CREATED = "created"  # only we know of it
    BEGUN = "begun"      # WeChat Pay may know of it: it is being asked
    PREPAID = "prepaid"  # WeChat Pay knows of it, and the customer can pay
    CLOSING = "closing"  # given up by us; WeChat Pay must still be told
    CLOSED = "closed"    # can no longer be paid
    PAID = "paid"        # the money has arrived; CSMS must still book it
    SETTLED = "settled"  # booked in CSMS, the excess refunded or credited, the customer told


class RefundKind(StrEnum):
    """What becomes of money that no bill needed."""

    REFUND = "refund"  # goes back the way it came
    CREDIT = "credit"  # CSMS keeps it for the account's next bill


class RefundState(StrEnum):
    """Where a refund stands. A credit is done at once: CSMS makes it with the payment."""

    CREATED = "created"
    SENT = "sent"      # WeChat Pay is at it
    DONE = "done"
    FAILED = "failed"  # WeChat Pay could not; a person must see to it


class PayOrder(Base):
    """One payment of one or more bills, or of money in advance."""

    __tablename__ = "pay_order"
    __table_args__ = (Index(None, "state", "next_try_at"), Index(None, "openid", "created_at"), Index(None, "paid_at"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    out_trade_no: Mapped[str] = mapped_column(String(32), unique=True)
    openid: Mapped[str] = mapped_column(OPENID)
    amount_fen: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(12))
    purpose: Mapped[str] = mapped_column(String(8), default=OrderPurpose.BILLS, server_default=OrderPurpose.BILLS)
    excess: Mapped[str] = mapped_column(String(8))  # RefundKind: the rule in force when the order was made
    link_nonce: Mapped[str] = mapped_column(String(32))
    prepay_id: Mapped[str | None] = mapped_column(String(64))
    transaction_id: Mapped[str | None] = mapped_column(String(32), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    # Until when the link, and once payment has begun the order at WeChat Pay, is good.
    expires_at: Mapped[datetime] = mapped_column(Moment)
    paid_at: Mapped[datetime | None] = mapped_column(Moment)
    settled_at: Mapped[datetime | None] = mapped_column(Moment)
    # When a job should look at the order next, and how often one has since the state last changed.
    next_try_at: Mapped[datetime | None] = mapped_column(Moment)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    lines: Mapped[list[PayLine]] = relationship(back_populates="order", lazy="selectin", order_by="PayLine.id")
    refunds: Mapped[list[Refund]] = relationship(back_populates="order", lazy="selectin", order_by="Refund.id")


class PayLine(Base):
    """One bill within an order; ``bill_no`` and ``period`` are empty where no bill is paid but money in advance."""

    __tablename__ = "pay_line"
    __table_args__ = (UniqueConstraint("order_id", "bill_no"), Index(None, "bill_no"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("pay_order.id"))
    account_no: Mapped[str] = mapped_column(ACCOUNT_NO)
    bill_no: Mapped[str] = mapped_column(String(32))
    period: Mapped[str] = mapped_column(String(7))  # 2026-08
    amount_fen: Mapped[int] = mapped_column(Integer)
    result: Mapped[str | None] = mapped_column(String(16))  # what CSMS did: applied | already_paid | rejected
    applied_fen: Mapped[int | None] = mapped_column(Integer)
    order: Mapped[PayOrder] = relationship(back_populates="lines")


class Refund(Base):
    """Money that no bill needed: going back, or kept as credit. At most one of each kind for an order."""

    __tablename__ = "refund"
    __table_args__ = (Index(None, "state", "next_try_at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("pay_order.id"), index=True)
    out_refund_no: Mapped[str] = mapped_column(String(64), unique=True)
    amount_fen: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(8))  # RefundKind
    state: Mapped[str] = mapped_column(String(12))  # RefundState
    created_at: Mapped[datetime] = mapped_column(Moment)
    done_at: Mapped[datetime | None] = mapped_column(Moment)
    next_try_at: Mapped[datetime | None] = mapped_column(Moment)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    order: Mapped[PayOrder] = relationship(back_populates="refunds", lazy="selectin")


class Reconciliation(Base):
    """One day's comparison of WeChat Pay's statement with our orders."""

    __tablename__ = "reconciliation"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    state: Mapped[str] = mapped_column(String(12))  # compared | handed_over
    statement_sha1: Mapped[str | None] = mapped_column(String(40))  # none: a day without trade has no statement
    payments: Mapped[int] = mapped_column(Integer)
    paid_fen: Mapped[int] = mapped_column(Integer)
    refunded_fen: Mapped[int] = mapped_column(Integer)
    compared_at: Mapped[datetime] = mapped_column(Moment)
    handed_over_at: Mapped[datetime | None] = mapped_column(Moment)


class ReconciliationDifference(Base):
    """One thing on which statement and orders disagree."""

    __tablename__ = "reconciliation_difference"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    day: Mapped[date] = mapped_column(ForeignKey("reconciliation.day"), index=True)
    kind: Mapped[str] = mapped_column(String(24))  # missing_here | missing_there | amount | unbooked | refund
    transaction_id: Mapped[str | None] = mapped_column(String(32))
    out_trade_no: Mapped[str | None] = mapped_column(String(64))  # theirs may be another system's; a refund's is longer
    ours_fen: Mapped[int | None] = mapped_column(Integer)
    theirs_fen: Mapped[int | None] = mapped_column(Integer)
