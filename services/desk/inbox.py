"""What the desk's pages show: queues, lists by filters, transcripts. Only reads."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import SHANGHAI, Clock
from runxia.masking import mask_text
from runxia.utility import DeskSla, Utility
from services.desk.model import HELD_BY_STAFF, State, Understood
from services.desk.search import SHORTEST, Search, plain, shown
from services.desk.sending import sender_of
from services.errors import SearchTooShort, UnknownConversation
from store.db import Database
from store.models import (
    Assignment,
    Binding,
    ConversationFacet,
    ConversationRecord,
    ConversationTag,
    Message,
    Review,
    Tag,
    Understanding,
)

QUEUES: Final = ("waiting", "mine", "bot", "snoozed", "resolved", "all")
PAGE: Final = 50
EXPORT_PAGE: Final = 500
SEARCHED_AT_ONCE: Final = 50  # conversations whose messages are read for words
SEARCHED_MOST: Final = 200  # for one page; the page then says where to go on
PREVIEW_CHARACTERS: Final = 60
TRANSCRIPT: Final = 60  # messages


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list shows. ``since`` and ``until``: days of the last message, both included. None and empty: whatever."""

    queue: str = "all"
    since: date | None = None
    until: date | None = None
    intent: str | None = None
    entity: str | None = None
    task: str | None = None
    confidence_below: float | None = None
    outcome: str | None = None
    tag: int | None = None
    rating: int | None = None
    account_no: str | None = None
    agent: str | None = None  # who has had it at any time
    has_photo: bool = False
    has_voice: bool = False
    fell_back: bool = False
    angry: bool = False
    text: str = ""

    def dump(self) -> str:
        """As JSON, for saved views."""
        kept = {name: value for name, value in asdict(self).items() if value not in (None, "", False)}
        return json.dumps(kept, ensure_ascii=False, default=str)

    @classmethod
    def load(cls, kept: str) -> Filters:
        """From JSON; names that are not known any more are left out."""
        known = {each.name for each in fields(cls)}
        values: dict[str, Any] = {name: value for name, value in json.loads(kept).items() if name in known}
        for name in ("since", "until"):
            if values.get(name):
                values[name] = date.fromisoformat(values[name])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation in a list. ``colour``: ok, warn or late by the SLA, none where nobody waits for a person."""

    id: int
    openid: str
    state: State
    owner: str | None
    trigger: str | None
    waiting_since: datetime | None
    waited_seconds: int | None
    colour: str | None
    last_at: datetime
    last_by: str
    last_intent: str | None
    last_confidence: float | None
    outcome: str | None
    rating: int | None
    fell_back: bool
    angry: bool
    has_photo: bool
    has_voice: bool
    escalated: bool
    tags: tuple[str, ...] = ()
    preview: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list; ``next`` is where it goes on, none at its end. A page of a search may be short, or empty, and go on."""

    rows: tuple[Row, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """A message in a transcript. ``by``: customer, bot or staff; ``sender``: the login of staff; ``buttons``: titles."""

    id: int
    at: datetime
    by: str
    sender: str | None
    kind: str
    text: str
    media_id: str | None
    buttons: tuple[str, ...]
    state: str
    understood: Understood | None
    reviews: tuple[str, ...]


class Inbox:
    """Reads conversations."""

    def __init__(self, db: Database, clock: Clock, utility: Utility, search: Search) -> None:
        self._db = db
        self._clock = clock
        self._sla = utility.desk.sla
        self._search = search

    async def counts(self, login: str) -> dict[str, int]:
        """How many conversations each of :data:`QUEUES` has."""
        record = ConversationRecord
        async with self._db.read() as session:
            by_state = dict((await session.execute(
                select(record.state, func.count()).group_by(record.state),
            )).tuples().all())
            mine = await session.scalar(select(func.count()).select_from(record).where(*_queue("mine", login)))
        counts = {queue: by_state.get(queue, 0) for queue in ("waiting", "bot", "snoozed", "resolved")}
        return {"waiting": counts.pop("waiting"), "mine": mine or 0, **counts, "all": sum(by_state.values())}

    async def page(self, filters: Filters, login: str, after: str | None = None, size: int = PAGE) -> Page:
        """A page of a list. The queues of those who wait begin with the oldest, all others with the newest.

        Raises:
            SearchTooShort: ``filters.text`` has fewer than two characters.
            ValueError: ``after`` is no place in this list, or the queue is unknown.
        """
        wanted = await self._wanted(filters, login)
        order = _Order(filters.queue)
        async with self._db.read() as session:
            if filters.text:
                found, more = await self._searched(session, wanted, order, filters.text, after, size)
            else:
                ordered = order.apply(wanted, after).limit(size + 1)
                found = list((await session.scalars(ordered)).all())
                more = order.place(found[size - 1]) if len(found) > size else None
            rows = await self._rows(session, found[:size])
        return Page(tuple(rows), more)

    async def export(self, filters: Filters, login: str) -> AsyncIterator[Row]:
        """All conversations of a list, one after the other."""
        after: str | None = None
        while True:
            page = await self.page(filters, login, after, EXPORT_PAGE)
            for row in page.rows:
                yield row
            if page.next is None:
                return
            after = page.next

    async def conversation(self, conversation_id: int) -> Row:
        """One conversation.

        Raises:
            UnknownConversation: there is none.
        """
        async with self._db.read() as session:
            found = await session.get(ConversationRecord, conversation_id)
            if found is None:
                raise UnknownConversation
            return (await self._rows(session, [found]))[0]

    async def transcript(
        self, conversation_id: int, before: int | None = None, *, masked: bool = True, size: int = TRANSCRIPT,
    ) -> list[Said]:
        """The newest messages, or those before message ``before``, in the order they were said.

        Raises:
            UnknownConversation: there is none.
        """
        openid = (await self.conversation(conversation_id)).openid
        newest = select(Message, Understanding).outerjoin(Understanding, Understanding.message_id == Message.id).where(
            Message.openid == openid, *([Message.id < before] if before else []),
        ).order_by(Message.id.desc()).limit(size)
        async with self._db.read() as session:
            found = (await session.execute(newest)).tuples().all()
            reviews = await _reviews(session, [message.id for message, _ in found])
        return [_said(message, what, reviews.get(message.id, ()), masked) for message, what in reversed(found)]

    async def history(self, conversation_id: int) -> Sequence[Assignment]:
        """What happened to a conversation at the desk, oldest first."""
        async with self._db.read() as session:
            mine = select(Assignment).where(Assignment.conversation_id == conversation_id)
            return (await session.scalars(mine.order_by(Assignment.id))).all()

    # ---

    async def _wanted(self, filters: Filters, login: str) -> Select[ConversationRecord]:
        record = ConversationRecord
        conditions = [*_queue(filters.queue, login), *_columns(filters)]
        for kind in ("intent", "entity", "task"):
            if value := getattr(filters, kind):
                facet = select(ConversationFacet.conversation_id)
                conditions.append(record.id.in_(facet.where(ConversationFacet.kind == kind, ConversationFacet.value == value)))
        if filters.tag is not None:
            tagged = select(ConversationTag.conversation_id).where(ConversationTag.tag_id == filters.tag)
            conditions.append(record.id.in_(tagged))
        if filters.account_no:
            bound = select(Binding.openid).where(Binding.account_no == filters.account_no)
            conditions.append(record.openid.in_(bound))
        if filters.agent:
            had = select(Assignment.conversation_id).where(Assignment.owner == filters.agent)
            conditions.append(or_(record.owner == filters.agent, record.id.in_(had)))
        if filters.text:
            if len(plain(filters.text)) < SHORTEST:
                raise SearchTooShort
            conditions.append(record.id.in_(await self._search.candidates(filters.text)))
        return select(record).where(*conditions)

    async def _searched(
        self, session: AsyncSession, wanted: Select[ConversationRecord], order: _Order, text: str, after: str | None,
        size: int,
    ) -> tuple[list[ConversationRecord], str | None]:
        """Candidates are looked through in the list's order until the page is full or enough has been read."""
        found: list[ConversationRecord] = []
        for _ in range(SEARCHED_MOST // SEARCHED_AT_ONCE):
            batch = (await session.scalars(order.apply(wanted, after).limit(SEARCHED_AT_ONCE))).all()
            real = await self._search.verified([each.id for each in batch], text)
            for each in batch:
                after = order.place(each)
                if each.id in real:
                    found.append(each)
                if len(found) == size:
                    return found, after
            if len(batch) < SEARCHED_AT_ONCE:
                return found, None
        return found, after

    async def _rows(self, session: AsyncSession, found: Sequence[ConversationRecord]) -> list[Row]:
        now = self._clock.now()
        tags = await _tags(session, [each.id for each in found])
        previews = await _previews(session, [each.openid for each in found])
        return [
            replace(_row(each, now, self._sla), tags=tuple(tags.get(each.id, ())), preview=previews.get(each.openid, ""))
            for each in found
        ]


class _Order:
    """The order of a queue, and places in it: ``<moment>_<id>``."""

    def __init__(self, queue: str) -> None:
        self._waits = queue in ("waiting", "mine")
        record = ConversationRecord
        # In one's own queue, those whose customer waits come first.
        far = datetime(9999, 1, 1, tzinfo=SHANGHAI)
        own = func.coalesce(record.waiting_since, far, type_=record.waiting_since.type)
        moments: dict[str, SQLColumnExpression[Any]] = {"waiting": record.waiting_since, "mine": own}
        self._moment = moments.get(queue, record.last_at)
        self._far = far

    def apply(self, wanted: Select[ConversationRecord], after: str | None) -> Select[ConversationRecord]:
        """In order, from behind a place."""
        key = tuple_(self._moment, ConversationRecord.id)
        if after is not None:
            moment, _, number = after.rpartition("_")
            types = [ConversationRecord.last_at.type, ConversationRecord.id.type]
            place = tuple_(datetime.fromisoformat(moment), int(number), types=types)
            wanted = wanted.where(key > place if self._waits else key < place)
        if self._waits:
            return wanted.order_by(self._moment, ConversationRecord.id)
        return wanted.order_by(self._moment.desc(), ConversationRecord.id.desc())

    def place(self, row: ConversationRecord) -> str:
        """Where a row stands."""
        moment = (row.waiting_since or self._far) if self._waits else row.last_at
        return f"{moment.isoformat()}_{row.id}"


def _queue(queue: str, login: str) -> list[ColumnElement[bool]]:
    record = ConversationRecord
    match queue:
        case "all":
            return []
        case "mine":
            return [record.owner == login, record.state.in_(HELD_BY_STAFF)]
        case "waiting" | "bot" | "snoozed" | "resolved":
            return [record.state == queue]
    raise ValueError(queue)


def _columns(filters: Filters) -> list[ColumnElement[bool]]:
    record = ConversationRecord
    found: list[ColumnElement[bool]] = []
    if filters.since:
        found.append(record.last_at >= datetime.combine(filters.since, time.min, SHANGHAI))
    if filters.until:
        found.append(record.last_at < datetime.combine(filters.until + timedelta(days=1), time.min, SHANGHAI))
    if filters.confidence_below is not None:
        found.append(record.lowest_confidence < filters.confidence_below)
    if filters.outcome:
        found.append(record.outcome == filters.outcome)
    if filters.rating is not None:
        found.append(record.rating == filters.rating)
    for name in ("has_photo", "has_voice", "fell_back", "angry"):
        if getattr(filters, name):
            found.append(getattr(record, name).is_(True))
    return found


def colour(waited: timedelta, sla: DeskSla) -> str:
    """How a waiting time is shown: ok, warn or late."""
    minutes = waited.total_seconds() / 60
    return "late" if minutes >= sla.late_minutes else "warn" if minutes >= sla.warn_minutes else "ok"


def _row(record: ConversationRecord, now: datetime, sla: DeskSla) -> Row:
    waited = now - record.waiting_since if record.waiting_since else None
    return Row(
        id=record.id, openid=record.openid, state=State(record.state), owner=record.owner, trigger=record.trigger,
        waiting_since=record.waiting_since, waited_seconds=int(waited.total_seconds()) if waited is not None else None,
        colour=colour(waited, sla) if waited is not None else None, last_at=record.last_at, last_by=record.last_by,
        last_intent=record.last_intent, last_confidence=record.last_confidence, outcome=record.outcome, rating=record.rating,
        fell_back=record.fell_back, angry=record.angry, has_photo=record.has_photo, has_voice=record.has_voice,
        escalated=record.escalated_at is not None,
    )


async def _tags(session: AsyncSession, ids: Sequence[int]) -> Mapping[int, list[str]]:
    rows = await session.execute(
        select(ConversationTag.conversation_id, Tag.name).join(Tag, Tag.id == ConversationTag.tag_id)
        .where(ConversationTag.conversation_id.in_(ids)).order_by(Tag.name),
    )
    tags: dict[int, list[str]] = {}
    for conversation_id, name in rows.tuples():
        tags.setdefault(conversation_id, []).append(name)
    return tags


async def _previews(session: AsyncSession, openids: Sequence[str]) -> Mapping[str, str]:
    """The newest words of each conversation, masked."""
    newest = select(func.max(Message.id)).where(Message.openid.in_(openids)).group_by(Message.openid)
    rows = await session.execute(select(Message.openid, Message.content).where(Message.id.in_(newest)))
    return {openid: mask_text(shown(content))[:PREVIEW_CHARACTERS] for openid, content in rows.tuples()}


async def _reviews(session: AsyncSession, ids: Sequence[int]) -> Mapping[int, tuple[str, ...]]:
    rows = await session.execute(select(Review.message_id, Review.kind).where(Review.message_id.in_(ids)).order_by(Review.id))
    found: dict[int, tuple[str, ...]] = {}
    for message_id, kind in rows.tuples():
        if message_id is not None:
            found[message_id] = (*found.get(message_id, ()), kind)
    return found


def _said(message: Message, what: Understanding | None, reviews: tuple[str, ...], masked: bool) -> Said:
    content = json.loads(message.content)
    text = shown(message.content)
    sender = sender_of(message.cause)
    return Said(
        id=message.id, at=message.created_at, sender=sender, kind=message.kind, state=message.state, reviews=reviews,
        by="customer" if message.direction == "in" else "staff" if sender else "bot",
        text=mask_text(text) if masked else text, media_id=content.get("media") or content.get("image"),
        buttons=tuple(button["title"] for button in content.get("buttons") or ()), understood=understood(what),
    )


def understood(row: Understanding | None) -> Understood | None:
    """From its row."""
    if row is None:
        return None
    return Understood.load(row.intent, row.confidence, row.runner_up, row.runner_up_confidence, row.detail)
