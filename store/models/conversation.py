"""What was said, by whom."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from store.crypto import EncryptedText
from store.db import Moment
from store.models.base import OPENID, Base


class Message(Base):
    """One message, in or out. An incoming one is here before WeChat's call is acknowledged.

    In: ``received`` → ``answered``, or ``held`` for the person who owns the conversation, or ``noted`` where there is nothing
    to answer. ``answers`` is set when the dialogue has answered but the answer is not yet on its way.
    Out: ``queued`` → ``sent``, or ``failed``; or ``held`` until the customer's next message, when WeChat's quota is used up; or
    ``withheld``, when a person took the conversation before the bot had said it.
    """

    __tablename__ = "message"
    __table_args__ = (Index(None, "openid", "id"), Index(None, "state", "openid"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)  # in: WeChat's identity of the message; out: cause#number
    openid: Mapped[str] = mapped_column(OPENID)
    direction: Mapped[str] = mapped_column(String(3))  # in | out
    kind: Mapped[str] = mapped_column(String(24))  # in: as in connectors.wechat.messages; out: reply, text, menu, image
    grant: Mapped[str | None] = mapped_column(String(8))  # in: the quota that WeChat gives for it: message | event
    cause: Mapped[str | None] = mapped_column(String(160), index=True)  # out: what it answers or tells
    content: Mapped[str] = mapped_column(EncryptedText("message.content"))  # JSON; secrets are never in it
    state: Mapped[str] = mapped_column(String(12))
    answers: Mapped[str | None] = mapped_column(EncryptedText("message.answers"))  # in: JSON, Rasa's answers
    lease_until: Mapped[datetime | None] = mapped_column(Moment)  # in: who works on it holds it until then
    attempts: Mapped[int] = mapped_column(Integer, default=0)  # in: how often it was taken up again after a crash
    created_at: Mapped[datetime] = mapped_column(Moment)
    done_at: Mapped[datetime | None] = mapped_column(Moment)


class Media(Base):
    """A photo or recording that a customer sent, encrypted on disk."""

    __tablename__ = "media"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    openid: Mapped[str] = mapped_column(OPENID, index=True)
    kind: Mapped[str] = mapped_column(String(12))
    content_type: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(Integer)
    path: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(Moment)
