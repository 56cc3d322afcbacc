"""How many messages WeChat still takes."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest

from runxia.clock import SHANGHAI, FixedClock
from services.quota import PERSON_RESERVE, Quota
from store import crypto
from store.db import Database
from store.migrate import upgrade
from store.models import Message

ANNA, BELLA = "oAnna", "oBella"
_numbers = count()


class Book:
    """Messages as they came and went."""

    def __init__(self, db: Database, clock: FixedClock) -> None:
        self.db = db
        self.clock = clock
        self.quota = Quota(db, clock)

    async def came(self, grant: str | None, openid: str = ANNA) -> None:
        await self._add(openid=openid, direction="in", kind="text", grant=grant, state="answered")

    async def went(self, kind: str = "text", state: str = "sent", times: int = 1) -> None:
        for _ in range(times):
            await self._add(openid=ANNA, direction="out", kind=kind, state=state)

    async def left(self) -> int:
        """What WeChat would take, the person's share included."""
        return await self.quota.left(ANNA) + PERSON_RESERVE

    async def _add(self, **facts: str | None) -> None:
        async with self.db.begin() as session:
            session.add(Message(key=f"k{next(_numbers)}", content="{}", created_at=self.clock.now(), **facts))


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[Book]:
    crypto.use(crypto.KeyRing.parse(f"k1:{base64.b64encode(bytes(32)).decode()}"))
    url = f"sqlite:///{tmp_path / 'book.db'}"
    upgrade(url)
    db = Database(url)
    yield Book(db, FixedClock(datetime(2026, 8, 20, tzinfo=SHANGHAI)))
    await db.close()


async def test_a_message_allows_five_for_48_hours(book: Book) -> None:
    assert await book.quota.left(ANNA) == 0
    await book.came("message")
    assert await book.left() == 5
    await book.went(times=2)
    assert await book.left() == 3
    book.clock.advance(hours=47)
    assert await book.left() == 3
    book.clock.advance(hours=1)
    assert await book.quota.left(ANNA) == 0


async def test_each_message_begins_anew(book: Book) -> None:
    await book.came("message")
    await book.went(times=5)
    assert await book.quota.left(ANNA) == 0
    await book.came("message")
    assert await book.left() == 5


async def test_one_is_kept_for_a_person(book: Book) -> None:
    await book.came("message")
    await book.went(times=4)
    assert await book.quota.left(ANNA) == 0
    assert await book.left() == 1


async def test_an_event_allows_three_for_a_minute_and_they_are_used_first(book: Book) -> None:
    await book.came("event")
    assert await book.left() == 3
    book.clock.advance(seconds=60)
    assert await book.quota.left(ANNA) == 0
    await book.came("message")
    await book.came("event")
    assert await book.left() == 8
    await book.went(times=3)
    book.clock.advance(seconds=60)
    assert await book.left() == 5
    await book.went(times=1)
    assert await book.left() == 4


async def test_replies_and_what_was_not_sent_count_for_nothing(book: Book) -> None:
    await book.came("message")
    await book.went(kind="reply", times=3)
    await book.went(state="queued")
    await book.went(state="failed")
    assert await book.left() == 5


async def test_others_and_views_allow_nothing(book: Book) -> None:
    await book.came("message", BELLA)
    await book.came(None)
    assert await book.quota.left(ANNA) == 0
