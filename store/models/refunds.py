"""Requests to give back money that was paid for the wrong account."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from store.db import Moment
from store.models.base import ACCOUNT_NO, OPENID, Base


class RefundRequest(Base):
    """A request that CSMS has taken on; how it stands is in CSMS."""

    __tablename__ = "refund_request"
    __table_args__ = (Index(None, "openid", "created_at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    request_no: Mapped[str] = mapped_column(String(32), unique=True)  # CSMS's
    openid: Mapped[str] = mapped_column(OPENID)
    account_no: Mapped[str] = mapped_column(ACCOUNT_NO)
    out_trade_no: Mapped[str] = mapped_column(String(32))
    amount_fen: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(Moment)
