"""What customers think of answers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from store.crypto import EncryptedText
from store.db import Moment
from store.models.base import OPENID, Base


class AnswerRating(Base):
    """One customer's opinion of one answer."""

    __tablename__ = "answer_rating"
    __table_args__ = (UniqueConstraint("openid", "entry", "message_id"), Index(None, "created_at"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    openid: Mapped[str] = mapped_column(OPENID)
    entry: Mapped[str] = mapped_column(String(64))  # an entry of data/faq, or the action that answered
    message_id: Mapped[int] = mapped_column(Integer)  # the customer's message that was answered; 0 where it is not known
    score: Mapped[int] = mapped_column(Integer)  # 1 to 5
    comment: Mapped[str] = mapped_column(EncryptedText("answer_rating.comment"))
    created_at: Mapped[datetime] = mapped_column(Moment)
