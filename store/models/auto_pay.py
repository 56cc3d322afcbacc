"""Direct debit: the contracts that customers sign with WeChat Pay for their accounts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Boolean, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from store.db import Moment
from store.models.base import ACCOUNT_NO, OPENID, Base


class ContractState(StrEnum):
    """Where a contract stands."""

    OFFERED = "offered"  # the customer has the link; WeChat Pay may know of it
    ACTIVE = "active"
    ENDED = "ended"      # terminated, or never signed in time


class AutoPayContract(Base):
    """One customer's contract for one account."""

    __tablename__ = "auto_pay_contract"
    __table_args__ = (Index(None, "state", "next_try_at"), Index(None, "account_no"), Index(None, "openid"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    contract_code: Mapped[str] = mapped_column(String(32), unique=True)  # ours
    contract_id: Mapped[str | None] = mapped_column(String(64))  # WeChat Pay's
    openid: Mapped[str] = mapped_column(OPENID)
    account_no: Mapped[str] = mapped_column(ACCOUNT_NO)
    state: Mapped[str] = mapped_column(String(12))
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)  # of the offer
    signed_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    # Whether CSMS has yet to be told how it stands, and when a job should look at it next.
    untold: Mapped[bool] = mapped_column(Boolean, default=False)
    next_try_at: Mapped[datetime | None] = mapped_column(Moment)
    tries: Mapped[int] = mapped_column(Integer, default=0)
