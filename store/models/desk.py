"""The desk of customer service: where each conversation stands, what its messages were understood as, and what staff add.

There is one conversation for each customer. Staff are named by their login, also after they have left.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, Date, Float, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from store.crypto import EncryptedText
from store.db import Moment
from store.models.base import OPENID, Base

LOGIN = String(64)


def _conversation() -> Mapped[int]:
    return mapped_column(Integer, ForeignKey("conversation.id", ondelete="CASCADE"))


class ConversationRecord(Base):
    """Where a customer's conversation stands now; kept up to date with every message.

    ``bot`` ⇄ ``waiting`` for a person → ``taken`` by one → ``bot``, ``snoozed`` or ``resolved``. Only ``taken`` silences the
    bot. In ``waiting`` an ``owner`` is the agent to whom it was given and who has not begun yet.
    """

    __tablename__ = "conversation"
    __table_args__ = (
        Index(None, "state", "waiting_since", "id"),
        Index(None, "state", "last_at", "id"),
        Index(None, "owner", "state", "last_at"),
        Index(None, "last_at", "id"),
        Index(None, "lowest_confidence", "last_at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    openid: Mapped[str] = mapped_column(OPENID, unique=True)
    state: Mapped[str] = mapped_column(String(12))
    owner: Mapped[str | None] = mapped_column(LOGIN)
    trigger: Mapped[str | None] = mapped_column(String(24))  # what brought it to the desk: asked, fallback, anger, or a rule
    reason: Mapped[str | None] = mapped_column(EncryptedText("conversation.reason"))  # the customer's words that did
    waiting_since: Mapped[datetime | None] = mapped_column(Moment)  # for a person: to begin, or to answer
    escalated_at: Mapped[datetime | None] = mapped_column(Moment)
    snoozed_until: Mapped[datetime | None] = mapped_column(Moment)
    told_closed_at: Mapped[datetime | None] = mapped_column(Moment)  # that nobody is there at this hour
    last_at: Mapped[datetime] = mapped_column(Moment)
    last_by: Mapped[str] = mapped_column(String(8))  # customer | bot | staff
    last_intent: Mapped[str | None] = mapped_column(String(64))
    last_confidence: Mapped[float | None] = mapped_column(Float)
    lowest_confidence: Mapped[float | None] = mapped_column(Float)
    fallbacks: Mapped[int] = mapped_column(Integer, default=0)  # messages in a row that were not understood
    fell_back: Mapped[bool] = mapped_column(Boolean, default=False)  # ever
    angry: Mapped[bool] = mapped_column(Boolean, default=False)
    has_photo: Mapped[bool] = mapped_column(Boolean, default=False)
    has_voice: Mapped[bool] = mapped_column(Boolean, default=False)
    outcome: Mapped[str | None] = mapped_column(String(16))  # of the last task: services.desk.model.Outcome
    rating: Mapped[int | None] = mapped_column(Integer)  # 1 to 3, of the last service by a person
    created_at: Mapped[datetime] = mapped_column(Moment)


class Understanding(Base):
    """What an incoming message was understood as, and what the dialogue did for it."""

    __tablename__ = "understanding"

    message_id: Mapped[int] = mapped_column(Integer, ForeignKey("message.id", ondelete="CASCADE"), primary_key=True)
    intent: Mapped[str] = mapped_column(String(64))
    confidence: Mapped[float] = mapped_column(Float)
    runner_up: Mapped[str | None] = mapped_column(String(64))
    runner_up_confidence: Mapped[float | None] = mapped_column(Float)
    fell_back: Mapped[bool] = mapped_column(Boolean)
    # JSON: entities, slots and form after the turn, actions with their policies
    detail: Mapped[str] = mapped_column(EncryptedText("understanding.detail"))


class ConversationFacet(Base):
    """That a conversation has had an intent, an entity of a kind, or a task: what the inbox filters by."""

    __tablename__ = "conversation_facet"
    __table_args__ = (Index(None, "conversation_id"),)

    kind: Mapped[str] = mapped_column(String(8), primary_key=True)  # intent | entity | task
    value: Mapped[str] = mapped_column(String(64), primary_key=True)
    conversation_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("conversation.id", ondelete="CASCADE"), primary_key=True,
    )


class SearchKey(Base):
    """The key of the hashes that words are searched by; its own encryption is renewed with ``FIELD_KEY``."""

    __tablename__ = "search_key"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    secret: Mapped[str] = mapped_column(EncryptedText("search_key.secret"))


class ConversationGram(Base):
    """A keyed hash of two characters in a row that were written in a conversation, and the last month they were."""

    __tablename__ = "conversation_gram"
    __table_args__ = (Index(None, "conversation_id"), {"sqlite_with_rowid": False})

    gram: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    conversation_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("conversation.id", ondelete="CASCADE"), primary_key=True, autoincrement=False,
    )
    month: Mapped[int] = mapped_column(Integer)  # 202611


class Assignment(Base):
    """What happened to a conversation at the desk: its history, one row for each step."""

    __tablename__ = "assignment"
    __table_args__ = (Index(None, "conversation_id", "id"), Index(None, "at"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    conversation_id: Mapped[int] = _conversation()
    at: Mapped[datetime] = mapped_column(Moment)
    step: Mapped[str] = mapped_column(String(12))  # services.desk.model.Step
    by: Mapped[str] = mapped_column(LOGIN)  # a login, customer, or system
    owner: Mapped[str | None] = mapped_column(LOGIN)  # afterwards
    note: Mapped[str | None] = mapped_column(EncryptedText("assignment.note"))


class ConversationTag(Base):
    """A tag on a conversation."""

    __tablename__ = "conversation_tag"
    __table_args__ = (Index(None, "conversation_id"),)

    tag_id: Mapped[int] = mapped_column(Integer, ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True)
    conversation_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("conversation.id", ondelete="CASCADE"), primary_key=True,
    )
    by: Mapped[str] = mapped_column(LOGIN)
    at: Mapped[datetime] = mapped_column(Moment)


class Tag(Base):
    """A tag that staff may put on conversations."""

    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(24), unique=True)


class Note(Base):
    """A remark of staff among staff."""

    __tablename__ = "note"
    __table_args__ = (Index(None, "conversation_id", "id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    conversation_id: Mapped[int] = _conversation()
    by: Mapped[str] = mapped_column(LOGIN)
    at: Mapped[datetime] = mapped_column(Moment)
    text: Mapped[str] = mapped_column(EncryptedText("note.text"))


class NoteMention(Base):
    """A colleague whom a note names."""

    __tablename__ = "note_mention"
    __table_args__ = (Index(None, "login", "seen_at"),)

    note_id: Mapped[int] = mapped_column(Integer, ForeignKey("note.id", ondelete="CASCADE"), primary_key=True)
    login: Mapped[str] = mapped_column(LOGIN, primary_key=True)
    seen_at: Mapped[datetime | None] = mapped_column(Moment)


class CannedReply(Base):
    """An answer that staff send often, by its short name."""

    __tablename__ = "canned_reply"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    shortcut: Mapped[str] = mapped_column(String(24), unique=True)
    text: Mapped[str] = mapped_column(String(600))
    by: Mapped[str] = mapped_column(LOGIN)
    changed_at: Mapped[datetime] = mapped_column(Moment)


class SavedView(Base):
    """Filters of the inbox under a name."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("login", "name"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    login: Mapped[str] = mapped_column(LOGIN)
    name: Mapped[str] = mapped_column(String(40))
    filters: Mapped[str] = mapped_column(EncryptedText("saved_view.filters"))  # JSON; a search may name a person
    shared: Mapped[bool] = mapped_column(Boolean, default=False)


class Review(Base):
    """A reviewer's word on a conversation, or on one message of it."""

    __tablename__ = "review"
    __table_args__ = (Index(None, "conversation_id", "id"), Index(None, "message_id"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    conversation_id: Mapped[int] = _conversation()
    message_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("message.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(12))  # reviewed | flag | score | wrong
    score: Mapped[int | None] = mapped_column(Integer)  # 1 to 5
    note: Mapped[str | None] = mapped_column(EncryptedText("review.note"))
    by: Mapped[str] = mapped_column(LOGIN)
    at: Mapped[datetime] = mapped_column(Moment)


class TrainerItem(Base):
    """A message that trainers should look at, because its answer was wrong."""

    __tablename__ = "trainer_item"
    __table_args__ = (Index(None, "state", "id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    message_id: Mapped[int] = mapped_column(Integer, ForeignKey("message.id", ondelete="CASCADE"), unique=True)
    note: Mapped[str | None] = mapped_column(EncryptedText("trainer_item.note"))
    by: Mapped[str] = mapped_column(LOGIN)
    at: Mapped[datetime] = mapped_column(Moment)
    state: Mapped[str] = mapped_column(String(8))  # open | done


class DailySample(Base):
    """A conversation drawn for the quality check of a day."""

    __tablename__ = "daily_sample"
    __table_args__ = (Index(None, "conversation_id"),)

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("conversation.id", ondelete="CASCADE"), primary_key=True,
    )


class Presence(Base):
    """Whether a member of staff takes conversations now, and how many."""

    __tablename__ = "presence"

    login: Mapped[str] = mapped_column(LOGIN, primary_key=True)
    online: Mapped[bool] = mapped_column(Boolean)
    capacity: Mapped[int] = mapped_column(Integer)
    seen_at: Mapped[datetime] = mapped_column(Moment)  # the console says so again and again while it is open
    given_at: Mapped[datetime | None] = mapped_column(Moment)  # when the last conversation was: whose turn it is


class LiveChange(Base):
    """A change to be shown at once, where there is no Redis to carry it; kept for a minute."""

    __tablename__ = "live_change"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    body: Mapped[str] = mapped_column(String(500))
    at: Mapped[datetime] = mapped_column(Moment, index=True)
