"""What staff add to conversations: notes, tags, canned replies, saved views, reviews, and the daily sample."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from sqlalchemy import delete, func, or_, select, update

from runxia.clock import SHANGHAI, Clock
from runxia.utility import Utility
from services.audit import record
from services.desk.inbox import Filters
from services.errors import UnknownConversation
from store.db import Database, insert_for
from store.live import Change, Live
from store.models import (
    CannedReply,
    ConversationRecord,
    ConversationTag,
    DailySample,
    Message,
    Note,
    NoteMention,
    Review,
    SavedView,
    Tag,
    TrainerItem,
)

NOTE_CHARACTERS: Final = 1000
SCORES: Final = range(1, 6)
_MENTION: Final = re.compile(r"@([A-Za-z0-9][\w.-]{0,63})", re.ASCII)


@dataclass(frozen=True, slots=True)
class View:
    """A saved view. ``own``: it is this member's and can be changed; else a colleague shares it."""

    id: int
    name: str
    filters: Filters
    shared: bool
    own: bool


class Reviews:
    """Notes, tags, replies, views and reviews."""

    def __init__(self, db: Database, clock: Clock, utility: Utility, live: Live) -> None:
        self._db = db
        self._clock = clock
        self._utility = utility
        self._live = live

    # --- notes

    async def add_note(self, conversation_id: int, login: str, text: str) -> tuple[int, list[str]]:
        """Add a note; its id, and the colleagues that it names with ``@login``.

        Raises:
            UnknownConversation: there is none.
            ValueError: it is empty, or longer than :data:`NOTE_CHARACTERS`.
        """
        words = text.strip()
        if not 0 < len(words) <= NOTE_CHARACTERS:
            raise ValueError(f"{len(words)} characters")
        named = list(dict.fromkeys(name.rstrip(".-") for name in _MENTION.findall(words)))
        async with self._db.begin() as session:
            if await session.get(ConversationRecord, conversation_id) is None:
                raise UnknownConversation
            note = Note(conversation_id=conversation_id, by=login, at=self._clock.now(), text=words)
            session.add(note)
            await session.flush()
            session.add_all(NoteMention(note_id=note.id, login=name) for name in named)
        for name in named:
            await self._live.publish(Change("note", conversation_id, name))
        await self._live.publish(Change("note", conversation_id))
        return note.id, named

    async def notes(self, conversation_id: int) -> Sequence[Note]:
        """The notes of a conversation, oldest first."""
        async with self._db.read() as session:
            return (await session.scalars(select(Note).where(Note.conversation_id == conversation_id).order_by(Note.id))).all()

    async def mentions(self, login: str) -> Sequence[Note]:
        """Notes that name this member and have not been seen, newest first."""
        unseen = select(Note).join(NoteMention, NoteMention.note_id == Note.id).where(
            NoteMention.login == login, NoteMention.seen_at.is_(None),
        )
        async with self._db.read() as session:
            return (await session.scalars(unseen.order_by(Note.id.desc()))).all()

    async def see_mentions(self, login: str, conversation_id: int) -> None:
        """This member has seen the notes of a conversation."""
        notes = select(Note.id).where(Note.conversation_id == conversation_id)
        mine = update(NoteMention).where(
            NoteMention.login == login, NoteMention.seen_at.is_(None), NoteMention.note_id.in_(notes),
        )
        async with self._db.begin() as session:
            await session.execute(mine.values(seen_at=self._clock.now()))

    # --- tags

    async def tags(self) -> Sequence[Tag]:
        """All tags, by name."""
        async with self._db.read() as session:
            return (await session.scalars(select(Tag).order_by(Tag.name))).all()

    async def tag(self, conversation_id: int, login: str, name: str) -> int:
        """Put a tag on a conversation, made where there is none of that name; its id. Twice is once.

        Raises:
            ValueError: the name is empty or longer than 24 characters.
            UnknownConversation: there is none.
        """
        words = name.strip()
        if not 0 < len(words) <= 24:
            raise ValueError(name)
        async with self._db.begin() as session:
            if await session.get(ConversationRecord, conversation_id) is None:
                raise UnknownConversation
            await session.execute(insert_for(session, Tag).values(name=words).on_conflict_do_nothing(index_elements=["name"]))
            tag_id = (await session.scalars(select(Tag.id).where(Tag.name == words))).one()
            put = insert_for(session, ConversationTag).values(
                tag_id=tag_id, conversation_id=conversation_id, by=login, at=self._clock.now(),
            )
            await session.execute(put.on_conflict_do_nothing())
        await self._live.publish(Change("state", conversation_id))
        return tag_id

    async def untag(self, conversation_id: int, tag_id: int) -> None:
        """Take a tag off."""
        async with self._db.begin() as session:
            await session.execute(delete(ConversationTag).where(
                ConversationTag.conversation_id == conversation_id, ConversationTag.tag_id == tag_id,
            ))
        await self._live.publish(Change("state", conversation_id))

    # --- canned replies

    async def replies(self, start: str = "") -> Sequence[CannedReply]:
        """Canned replies whose short name begins with ``start`` or whose words hold it, by short name."""
        wanted = or_(
            CannedReply.shortcut.startswith(start, autoescape=True), CannedReply.text.contains(start, autoescape=True),
        )
        async with self._db.read() as session:
            return (await session.scalars(select(CannedReply).where(wanted).order_by(CannedReply.shortcut))).all()

    async def save_reply(self, login: str, shortcut: str, text: str) -> None:
        """Keep a canned reply; one of the same short name is replaced.

        Raises:
            ValueError: no short name (without spaces, at most 24 characters), or no words (at most 600).
        """
        name, words = shortcut.strip().lstrip("/"), text.strip()
        if not re.fullmatch(r"\S{1,24}", name) or not 0 < len(words) <= 600:
            raise ValueError(shortcut)
        new = {"text": words, "by": login, "changed_at": self._clock.now()}
        async with self._db.begin() as session:
            row = insert_for(session, CannedReply).values({"shortcut": name, **new})
            await session.execute(row.on_conflict_do_update(index_elements=["shortcut"], set_=new))
            record(session, self._clock, login, "canned_reply_saved", detail=name)

    async def delete_reply(self, login: str, shortcut: str) -> None:
        """Remove a canned reply."""
        async with self._db.begin() as session:
            await session.execute(delete(CannedReply).where(CannedReply.shortcut == shortcut))
            record(session, self._clock, login, "canned_reply_deleted", detail=shortcut)

    # --- saved views

    async def views(self, login: str) -> list[View]:
        """This member's views, and those that colleagues share."""
        seen = select(SavedView).where(or_(SavedView.login == login, SavedView.shared)).order_by(SavedView.name, SavedView.id)
        async with self._db.read() as session:
            rows = (await session.scalars(seen)).all()
        return [View(row.id, row.name, Filters.load(row.filters), row.shared, row.login == login) for row in rows]

    async def save_view(self, login: str, name: str, filters: Filters, *, shared: bool = False) -> None:
        """Keep filters under a name; this member's view of the same name is replaced.

        Raises:
            ValueError: the name is empty or longer than 40 characters.
        """
        words = name.strip()
        if not 0 < len(words) <= 40:
            raise ValueError(name)
        async with self._db.begin() as session:
            same = select(SavedView).where(SavedView.login == login, SavedView.name == words)
            row = await session.scalar(same) or SavedView(login=login, name=words)
            row.filters, row.shared = filters.dump(), shared
            session.add(row)

    async def delete_view(self, login: str, view_id: int) -> None:
        """Remove one of this member's views."""
        async with self._db.begin() as session:
            await session.execute(delete(SavedView).where(SavedView.id == view_id, SavedView.login == login))

    # --- reviews

    async def reviewed(self, conversation_id: int, login: str) -> None:
        """Mark a conversation as reviewed."""
        await self._review(conversation_id, login, "reviewed")

    async def score(self, conversation_id: int, login: str, score: int, note: str = "") -> None:
        """Score a conversation.

        Raises:
            ValueError: not one of :data:`SCORES`.
        """
        if score not in SCORES:
            raise ValueError(score)
        await self._review(conversation_id, login, "score", score=score, note=note)

    async def flag(self, conversation_id: int, message_id: int, login: str, note: str) -> None:
        """Flag a message, with a note.

        Raises:
            UnknownConversation: it is not a message of this conversation.
        """
        await self._review(conversation_id, login, "flag", message_id=message_id, note=note)

    async def wrong(self, conversation_id: int, message_id: int, login: str, note: str = "") -> None:
        """The answer was wrong: the message goes to the trainers' inbox, once.

        Where the bot's answer is marked, the customer's message that it answers goes there.

        Raises:
            UnknownConversation: it is not a message of this conversation, or answers none.
        """
        await self._review(conversation_id, login, "wrong", message_id=message_id, note=note)

    async def reviews(self, conversation_id: int) -> Sequence[Review]:
        """The reviews of a conversation and its messages, oldest first."""
        mine = select(Review).where(Review.conversation_id == conversation_id).order_by(Review.id)
        async with self._db.read() as session:
            return (await session.scalars(mine)).all()

    async def trainer_items(self, limit: int = 100) -> Sequence[TrainerItem]:
        """What trainers have still to look at, oldest first."""
        waiting = select(TrainerItem).where(TrainerItem.state == "open").order_by(TrainerItem.id).limit(limit)
        async with self._db.read() as session:
            return (await session.scalars(waiting)).all()

    async def sample(self, day: date) -> list[int]:
        """The conversations drawn at random for the quality check of a day; the same however often it is asked.

        Drawn from those with messages on that day, which must be over.
        """
        drawn = select(DailySample.conversation_id).where(DailySample.day == day).order_by(DailySample.conversation_id)
        start = datetime.combine(day, time.min, SHANGHAI)
        spoken = select(ConversationRecord.id).where(select(Message.id).where(
            Message.openid == ConversationRecord.openid, Message.direction == "in",
            Message.created_at >= start, Message.created_at < start + timedelta(days=1),
        ).exists(), ConversationRecord.last_at >= start).order_by(func.random()).limit(self._utility.desk.sample_per_day)
        async with self._db.begin() as session:
            if await session.scalar(drawn.limit(1)) is None and self._clock.now() >= start + timedelta(days=1):
                chosen = (await session.scalars(spoken)).all()
                if chosen:
                    rows = [{"day": day, "conversation_id": each} for each in chosen]
                    await session.execute(insert_for(session, DailySample).values(rows).on_conflict_do_nothing())
            return list((await session.scalars(drawn)).all())

    async def _review(
        self, conversation_id: int, login: str, kind: str, *, message_id: int | None = None, score: int | None = None,
        note: str = "",
    ) -> None:
        now = self._clock.now()
        async with self._db.begin() as session:
            conversation = await session.get(ConversationRecord, conversation_id)
            message = await session.get(Message, message_id) if message_id is not None else None
            if conversation is None or (message_id is not None and (message is None or message.openid != conversation.openid)):
                raise UnknownConversation
            session.add(Review(
                conversation_id=conversation_id, message_id=message_id, kind=kind, score=score, by=login, at=now,
                note=note.strip()[:NOTE_CHARACTERS] or None,
            ))
            if kind == "wrong" and message is not None:
                asked = _question_of(message)
                if asked is None or await session.get(Message, asked) is None:
                    raise UnknownConversation
                item = insert_for(session, TrainerItem).values(
                    message_id=asked, note=note.strip()[:NOTE_CHARACTERS] or None, by=login, at=now, state="open",
                )
                await session.execute(item.on_conflict_do_nothing(index_elements=["message_id"]))
        await self._live.publish(Change("note", conversation_id))


def _question_of(message: Message) -> int | None:
    """The customer's message that a message is, or answers."""
    if message.direction == "in":
        return message.id
    kind, _, number = (message.cause or "").partition(":")
    return int(number) if kind == "answers" and number.isdigit() else None
