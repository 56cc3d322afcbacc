"""Customers who want to be forgotten."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Integer
from sqlalchemy.orm import Mapped, mapped_column

from store.db import Moment
from store.models.base import OPENID, Base


class Erasure(Base):
    """A request to be forgotten whose last part, the dialogue's memory, is still to be done; then the row goes too."""

    __tablename__ = "erasure"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    openid: Mapped[str] = mapped_column(OPENID, unique=True)
    asked_at: Mapped[datetime] = mapped_column(Moment, index=True)
