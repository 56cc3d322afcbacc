"""What was said, by whom, and who answers now."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from store.crypto import EncryptedText
from store.db import Moment
from store.models.base import OPENID, Base


class Message(Base):
    """One message, in or out. An incoming one is here before WeChat's call is acknowledged."""

    __tablename__ = "message"
    __table_args__ = (Index(None, "openid", "id"), Index(None, "state", "id"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)  # in: WeChat's identity of the message; out: ours
    openid: Mapped[str] = mapped_column(OPENID)
    direction: Mapped[str] = mapped_column(String(3))  # in | out
    kind: Mapped[str] = mapped_column(String(24))  # text, image, voice, ..., event names; out: text, msgmenu, ...
    content: Mapped[str] = mapped_column(EncryptedText("message.content"))  # JSON; secrets are never in it
    state: Mapped[str] = mapped_column(String(12))  # in: received | answered | held; out: sent | queued | failed
    answers: Mapped[str | None] = mapped_column(EncryptedText("message.answers"))  # JSON: what the bot said, to repeat
    lease_until: Mapped[datetime | None] = mapped_column(Moment)  # who works on it holds it until then
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


class Handover(Base):
    """A customer's wish to speak to a person, and the person who took over."""

    __tablename__ = "handover"
    __table_args__ = (Index(None, "openid", "state"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    openid: Mapped[str] = mapped_column(OPENID)
    reason: Mapped[str] = mapped_column(EncryptedText("handover.reason"))
    state: Mapped[str] = mapped_column(String(12))  # waiting | taken | closed
    owner: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(Moment)
    closed_at: Mapped[datetime | None] = mapped_column(Moment)
