"""Work orders at the hotline that customers filed here, what is still to be sent to it, and how far its changes were read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from store.crypto import EncryptedText
from store.db import Moment
from store.models.base import ACCOUNT_NO, OPENID, Base


class WorkOrder(Base):
    """A repair, complaint or suggestion. Without ``order_no`` it is not known that the hotline has it."""

    __tablename__ = "work_order"
    __table_args__ = (Index(None, "openid", "created_at"), Index(None, "rating_state"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    request_key: Mapped[str] = mapped_column(String(64), unique=True)
    openid: Mapped[str] = mapped_column(OPENID)
    account_no: Mapped[str | None] = mapped_column(ACCOUNT_NO)
    kind: Mapped[str] = mapped_column(String(12))
    category: Mapped[str | None] = mapped_column(String(16))
    urgency: Mapped[str] = mapped_column(String(12))
    address: Mapped[str | None] = mapped_column(EncryptedText("work_order.address"))
    order_no: Mapped[str | None] = mapped_column(String(32), unique=True)
    state: Mapped[str] = mapped_column(String(12))  # services.repairs.ports.OrderState
    version: Mapped[int] = mapped_column(Integer, default=0)  # the hotline's, of the newest change seen
    result: Mapped[str | None] = mapped_column(EncryptedText("work_order.result"))
    crew: Mapped[str | None] = mapped_column(EncryptedText("work_order.crew"))
    promised_at: Mapped[datetime] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)
    closed_at: Mapped[datetime | None] = mapped_column(Moment)
    withdrawn: Mapped[bool] = mapped_column(default=False)  # the customer cancelled it: no news to them
    reminders: Mapped[int] = mapped_column(Integer, default=0)
    reminded_at: Mapped[datetime | None] = mapped_column(Moment)
    rating: Mapped[int | None] = mapped_column(Integer)
    rating_comment: Mapped[str | None] = mapped_column(EncryptedText("work_order.rating_comment"))
    rating_state: Mapped[str | None] = mapped_column(String(8))  # waiting | sent | refused


class WorkOrderFile(Base):
    """A photo or video of a work order, on its way to the hotline."""

    __tablename__ = "work_order_file"
    __table_args__ = (UniqueConstraint("work_order_id", "media_id"), Index(None, "state"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    work_order_id: Mapped[int] = mapped_column(ForeignKey("work_order.id"))
    media_id: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(8))  # waiting | sent | refused
    created_at: Mapped[datetime] = mapped_column(Moment)


class HotlineFeed(Base):
    """How far the hotline's changes have been read; one row."""

    __tablename__ = "hotline_feed"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
