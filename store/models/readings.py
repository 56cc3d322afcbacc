"""What customers asked of the meter desk: readings, disputes, visits, checks. Ours, written before CSMS hears of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from store.crypto import EncryptedText
from store.db import Moment
from store.models.base import ACCOUNT_NO, OPENID, Base


class MeterRequestRecord(Base):
    """One request. ``state``: ``filing`` until CSMS has answered, then as CSMS says."""

    __tablename__ = "meter_request"
    __table_args__ = (Index(None, "openid", "created_at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    request_id: Mapped[str] = mapped_column(String(32), unique=True)
    openid: Mapped[str] = mapped_column(OPENID)
    kind: Mapped[str] = mapped_column(String(16))
    account_no: Mapped[str] = mapped_column(ACCOUNT_NO)
    facts: Mapped[str] = mapped_column(EncryptedText("meter_request.facts"))  # JSON of what was asked
    request_no: Mapped[str | None] = mapped_column(String(32), index=True)
    state: Mapped[str] = mapped_column(String(20))
    sequence: Mapped[int] = mapped_column(BigInteger, default=0)  # of the newest change known here
    created_at: Mapped[datetime] = mapped_column(Moment)
    changed_at: Mapped[datetime] = mapped_column(Moment)  # while filing: when it was last tried
