"""Changes that open pages show at once: one interface, over Redis, or over a table that is looked at several times a second."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Final, Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import delete, func, select
from sqlalchemy.exc import SQLAlchemyError

from runxia.clock import Clock
from store.db import Database
from store.kv import RedisStore, Store
from store.models import LiveChange

log = logging.getLogger(__name__)

CHANNEL: Final = "runxia:live"
POLL_SECONDS: Final = 0.25  # a change shall be seen within a second
KEEP: Final = timedelta(seconds=60)
RETRY_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Change:
    """Something to show anew. It says where to look, never what was said.

    ``what``: message, state, note, presence, viewing, typing, escalated; ``conversation``: its id, none where it is no
    conversation's; ``who``: the login that it is about.
    """

    what: str
    conversation: int | None = None
    who: str | None = None

    def dump(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, body: str) -> Change:
        """From JSON."""
        return cls(**json.loads(body))


class Live(Protocol):
    """Carries changes to whoever listens in any process. A change may get lost; pages must not depend on it."""

    async def publish(self, change: Change) -> None:
        """Tell it. Never fails: what cannot be told is logged."""
        ...

    def listen(self) -> AsyncIterator[Change]:
        """Changes from now on, for as long as it is iterated."""
        ...


class RedisLive:
    """Redis publish and subscribe."""

    def __init__(self, redis: Redis, channel: str = CHANNEL) -> None:
        self._redis = redis
        self._channel = channel

    async def publish(self, change: Change) -> None:
        """See :class:`Live`."""
        try:
            await self._redis.publish(self._channel, change.dump())
        except RedisError:
            log.warning("a change could not be published", exc_info=True)

    async def listen(self) -> AsyncIterator[Change]:
        """See :class:`Live`. A lost connection is taken up again."""
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(self._channel)
                    async for message in pubsub.listen():
                        yield Change.load(message["data"])
            except RedisError:
                log.warning("the connection for changes is lost, and is made again", exc_info=True)
                await asyncio.sleep(RETRY_SECONDS)


class SqlLive:
    """The embedded default: a table. Processes share nothing else."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def publish(self, change: Change) -> None:
        """See :class:`Live`."""
        try:
            async with self._db.begin() as session:
                session.add(LiveChange(body=change.dump(), at=self._clock.now()))
        except SQLAlchemyError:
            log.warning("a change could not be published", exc_info=True)

    async def listen(self) -> AsyncIterator[Change]:
        """See :class:`Live`."""
        seen = await self._newest()
        while True:
            await asyncio.sleep(POLL_SECONDS)
            async with self._db.read() as session:
                rows = await session.execute(
                    select(LiveChange.id, LiveChange.body).where(LiveChange.id > seen).order_by(LiveChange.id),
                )
                found = rows.tuples().all()
            for number, body in found:
                seen = number
                yield Change.load(body)

    async def prune(self) -> int:
        """Drop what everybody has seen; how many. The newest stays, so that its number is not given again."""
        async with self._db.begin() as session:
            newest = select(func.max(LiveChange.id)).scalar_subquery()
            gone = delete(LiveChange).where(LiveChange.at < self._clock.now() - KEEP, LiveChange.id < newest)
            return len((await session.execute(gone.returning(LiveChange.id))).all())

    async def _newest(self) -> int:
        async with self._db.read() as session:
            return await session.scalar(select(func.max(LiveChange.id))) or 0


def live_over(kv: Store, db: Database, clock: Clock) -> RedisLive | SqlLive:
    """What carries changes where ``kv`` is the shared state."""
    return RedisLive(kv.redis) if isinstance(kv, RedisStore) else SqlLive(db, clock)
