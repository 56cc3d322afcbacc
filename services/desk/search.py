"""Finding words in messages that are stored encrypted.

Of every two characters in a row, a keyed hash is kept with the conversation (``conversation_gram``). A search asks for the
conversations that have all hashes of what is looked for, and then reads the messages of those, newest first, to see whether
the words really stand there. Without the key, which is itself stored encrypted, the table tells nobody a word; how often a
hash occurs can be seen by who has the database, and that is the price of the search. What customers and staff write is
searched, the bot's words are not: they are few, and the same everywhere.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from sqlalchemy import ColumnElement, Select, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.model import STAFF_CAUSE
from store.db import Database, insert_for
from store.models import ConversationGram, Message, SearchKey
from store.models.desk import ConversationRecord

SHORTEST: Final = 2  # characters that can be searched for
LONGEST: Final = 40
REMEMBERED: Final = 100_000  # pairs
_KEY_BYTES: Final = 32
_ONLY: Final = 1  # the id of the one key
_GRAM_BYTES: Final = 6  # of the hash: collisions among some ten thousand pairs are rare, and only cost a look
_READ_AT_ONCE: Final = 400  # messages


def plain(text: str) -> str:
    """Text as it is compared: one form of width and case, letters and digits only."""
    return "".join(each for each in unicodedata.normalize("NFKC", text).casefold() if each.isalnum())


def shown(content: str) -> str:
    """The words of a stored message, in or out."""
    fields = json.loads(content)
    return str(fields.get("shown") or fields.get("text") or "")


def by_people() -> ColumnElement[bool]:
    """Messages that customers or staff have written."""
    return or_(Message.direction == "in", Message.cause.startswith(STAFF_CAUSE))


class Hashes:
    """The keyed hashes of pairs of characters. Language uses few pairs again and again: these are remembered."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[str, int] = {}

    def of(self, text: str) -> set[int]:
        """The hashes of a text."""
        words = plain(text)
        return {self._of_pair(words[place : place + 2]) for place in range(len(words) - 1)}

    def _of_pair(self, pair: str) -> int:
        if pair not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            digest = hmac.digest(self._key, pair.encode(), hashlib.sha256)
            self._known[pair] = int.from_bytes(digest[:_GRAM_BYTES])
        return self._known[pair]


class Search:
    """Keeps the hashes, and searches by them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._hashes: Hashes | None = None

    async def open_key(self) -> Hashes:
        """Read the key, made at first use; two processes that make one at once end up with the same."""
        if self._hashes is None:
            self._hashes = Hashes(await self._read_key() or await self._make_key())
        return self._hashes

    async def note(self, session: AsyncSession, conversation_id: int, texts: Iterable[str], day: date) -> None:
        """Keep the hashes of what was said, within its transaction; :meth:`open_key` must have been called."""
        if self._hashes is None:
            raise RuntimeError("the search key is not open")
        found = set().union(*(self._hashes.of(text) for text in texts))
        if not found:
            return
        month = day.year * 100 + day.month
        rows = [{"gram": gram, "conversation_id": conversation_id, "month": month} for gram in sorted(found)]
        new = insert_for(session, ConversationGram).values(rows)
        await session.execute(
            new.on_conflict_do_update(
                index_elements=["gram", "conversation_id"], set_={"month": month}, where=ConversationGram.month < month,
            ),
        )

    async def prune(self, before: date) -> int:
        """Forget pairs that were last written in a month before that of ``before``; how many."""
        async with self._db.begin() as session:
            old = delete(ConversationGram).where(ConversationGram.month < before.year * 100 + before.month)
            return len((await session.execute(old.returning(ConversationGram.gram))).all())

    async def candidates(self, words: str) -> Select[int]:
        """Conversations that have all pairs of ``words``: a superset of those that have the words.

        The rarest pairs first, which keeps the work small.

        Raises:
            ValueError: fewer than :data:`SHORTEST` characters.
        """
        wanted = (await self.open_key()).of(words[:LONGEST])
        if not wanted:
            raise ValueError(words)
        async with self._db.read() as session:
            counts = dict((await session.execute(
                select(ConversationGram.gram, func.count()).where(ConversationGram.gram.in_(wanted))
                .group_by(ConversationGram.gram),
            )).tuples().all())
        first, *others = sorted(wanted, key=lambda gram: counts.get(gram, 0))
        chosen = select(ConversationGram.conversation_id).where(ConversationGram.gram == first)
        for gram in others:
            also = select(ConversationGram.conversation_id).where(ConversationGram.gram == gram)
            chosen = chosen.where(ConversationGram.conversation_id.in_(also))
        return chosen

    async def verified(self, ids: Sequence[int], words: str) -> set[int]:
        """Those of the conversations in which ``words`` really were written."""
        wanted = plain(words[:LONGEST])
        async with self._db.read() as session:
            rows = (await session.execute(
                select(ConversationRecord.id, Message.content)
                .join(Message, Message.openid == ConversationRecord.openid)
                .where(ConversationRecord.id.in_(ids), by_people()),
            )).tuples()
            found: set[int] = set()
            for number, (conversation_id, content) in enumerate(rows, start=1):
                if conversation_id not in found and wanted in plain(shown(content)):
                    found.add(conversation_id)
                if number % _READ_AT_ONCE == 0:
                    await asyncio.sleep(0)  # decrypting holds up the event loop; others go on in between
            return found

    async def _read_key(self) -> bytes | None:
        async with self._db.read() as session:
            kept = await session.get(SearchKey, _ONLY)
            return base64.b64decode(kept.secret) if kept else None

    async def _make_key(self) -> bytes:
        secret = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
        async with self._db.begin() as session:
            row = insert_for(session, SearchKey).values(id=_ONLY, secret=secret)
            await session.execute(row.on_conflict_do_nothing(index_elements=["id"]))
        made = await self._read_key()
        if made is None:
            raise RuntimeError("the search key was not kept")
        return made
