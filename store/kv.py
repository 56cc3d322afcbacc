"""Small shared state with an end: tokens, de-duplication, quotas, pending choices. One interface, three stores."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from redis.asyncio import Redis
from sqlalchemy import Integer, Text, case, cast, delete, literal, select

from runxia.clock import Clock
from store.db import Database, Moment, insert_for
from store.models import Entry


class Store(Protocol):
    """Keys with text values, each with a time to live in seconds. Every method is atomic."""

    async def get(self, key: str) -> str | None:
        """The value, or none where there is none or it has ended."""
        ...

    async def set(self, key: str, value: str, ttl: int) -> None:
        """Write, whatever was there."""
        ...

    async def add(self, key: str, value: str, ttl: int) -> bool:
        """Write only where there is nothing; whether it was written."""
        ...

    async def incr(self, key: str, ttl: int) -> int:
        """Count up from 0 and return the count. The time to live runs from the first count."""
        ...

    async def delete(self, key: str) -> bool:
        """Remove; whether there was something."""
        ...


class MemoryStore:
    """For tests and single processes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[str, tuple[str, datetime]] = {}

    async def get(self, key: str) -> str | None:
        """See :class:`Store`."""
        value, end = self._entries.get(key, ("", self._clock.now()))
        return value if end > self._clock.now() else None

    async def set(self, key: str, value: str, ttl: int) -> None:
        """See :class:`Store`."""
        self._entries[key] = (value, self._clock.now() + timedelta(seconds=ttl))

    async def add(self, key: str, value: str, ttl: int) -> bool:
        """See :class:`Store`."""
        if await self.get(key) is not None:
            return False
        await self.set(key, value, ttl)
        return True

    async def incr(self, key: str, ttl: int) -> int:
        """See :class:`Store`."""
        held = await self.get(key)
        if held is None:
            await self.set(key, "1", ttl)
            return 1
        self._entries[key] = (str(int(held) + 1), self._entries[key][1])
        return int(held) + 1

    async def delete(self, key: str) -> bool:
        """See :class:`Store`."""
        held = await self.get(key)
        self._entries.pop(key, None)
        return held is not None


class SqlStore:
    """The embedded default: a table of the application's database."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def get(self, key: str) -> str | None:
        """See :class:`Store`."""
        async with self._db.read() as session:
            live = select(Entry.value).where(Entry.key == key, Entry.ends_at > self._clock.now())
            return (await session.execute(live)).scalar_one_or_none()

    async def set(self, key: str, value: str, ttl: int) -> None:
        """See :class:`Store`."""
        new = {"value": value, "ends_at": self._end(ttl)}
        async with self._db.begin() as session:
            row = insert_for(session, Entry).values(key=key, **new)
            await session.execute(row.on_conflict_do_update(index_elements=["key"], set_=new))

    async def add(self, key: str, value: str, ttl: int) -> bool:
        """See :class:`Store`."""
        now = self._clock.now()
        new = {"value": value, "ends_at": self._end(ttl)}
        async with self._db.begin() as session:
            row = insert_for(session, Entry).values(key=key, **new)
            row = row.on_conflict_do_update(index_elements=["key"], set_=new, where=Entry.ends_at <= now)
            return (await session.execute(row.returning(Entry.key))).scalar_one_or_none() is not None

    async def incr(self, key: str, ttl: int) -> int:
        """See :class:`Store`."""
        over = Entry.ends_at <= self._clock.now()
        counted = {
            "value": case((over, "1"), else_=cast(cast(Entry.value, Integer) + 1, Text)),
            "ends_at": case((over, literal(self._end(ttl), Moment)), else_=Entry.ends_at),
        }
        async with self._db.begin() as session:
            row = insert_for(session, Entry).values(key=key, value="1", ends_at=self._end(ttl))
            row = row.on_conflict_do_update(index_elements=["key"], set_=counted)
            return int((await session.execute(row.returning(Entry.value))).scalar_one())

    async def delete(self, key: str) -> bool:
        """See :class:`Store`."""
        async with self._db.begin() as session:
            live = (await session.execute(delete(Entry).where(Entry.key == key).returning(Entry.ends_at))).scalar()
            return live is not None and live > self._clock.now()

    async def prune(self) -> int:
        """Drop what has ended; how many."""
        async with self._db.begin() as session:
            gone = await session.execute(
                delete(Entry).where(Entry.ends_at <= self._clock.now()).returning(Entry.key),
            )
            return len(gone.all())

    def _end(self, ttl: int) -> datetime:
        return self._clock.now() + timedelta(seconds=ttl)


class RedisStore:
    """For several gateways behind one address."""

    def __init__(self, redis: Redis, prefix: str = "runxia:") -> None:
        self.redis = redis
        self._prefix = prefix

    async def get(self, key: str) -> str | None:
        """See :class:`Store`."""
        value = await self.redis.get(self._prefix + key)
        return value.decode() if isinstance(value, bytes) else value

    async def set(self, key: str, value: str, ttl: int) -> None:
        """See :class:`Store`."""
        await self.redis.set(self._prefix + key, value, ex=ttl)

    async def add(self, key: str, value: str, ttl: int) -> bool:
        """See :class:`Store`."""
        return bool(await self.redis.set(self._prefix + key, value, ex=ttl, nx=True))

    async def incr(self, key: str, ttl: int) -> int:
        """See :class:`Store`."""
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.set(self._prefix + key, 0, ex=ttl, nx=True)
            pipe.incr(self._prefix + key)
            return int((await pipe.execute())[1])

    async def delete(self, key: str) -> bool:
        """See :class:`Store`."""
        return bool(await self.redis.delete(self._prefix + key))
