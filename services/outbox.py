"""The transactional outbox: what is to be sent is written in the transaction of its cause.

The worker sends it afterwards: each entry by one sender at a time, a customer's entries in the order they were written, with
ever longer pauses while another system fails. The de-duplication key makes a repeated cause harmless.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, and_, delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from runxia.clock import Clock
from services.errors import SystemUnavailable, Undeliverable
from store.crypto import CryptoError
from store.db import Database, insert_for
from store.models import Outbox

log = logging.getLogger(__name__)

KEEP_TRYING = timedelta(hours=48)  # WeChat's window for customer-service messages: later ones cannot arrive
KEEP_SENT = timedelta(days=30)     # how long a de-duplication key is remembered
DELIVERY_SECONDS = 40.0            # a delivery that takes longer is broken off, and put off
LEASE = timedelta(seconds=60)      # so that nobody else takes up an entry while it is being delivered
FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 300.0
BATCH = 10

WAITING, SENT, FAILED, DROPPED = "waiting", "sent", "failed", "dropped"


async def enqueue(
    session: AsyncSession, clock: Clock, *, openid: str, kind: str, payload: Mapping[str, Any], dedupe_key: str,
    not_before: datetime | None = None, expires_at: datetime | None = None,
) -> bool:
    """Write one thing to send; whether it is new.

    ``kind`` and its ``payload``:
        ``answers``: ``{"answers": [...]}``, Rasa's REST answers, to be delivered as they are;
        ``trigger``: ``{"intent": "EXTERNAL_...", "entities": {...}}``, so that the dialogue says it and knows it was said;
        ``template``: ``{"template": name, "data": {...}, "url": ...}``, a template message.

    It is tried until ``expires_at``, by default for as long as WeChat lets us write after the customer did.
    """
    now = clock.now()
    start = not_before or now
    row = insert_for(session, Outbox).values(
        dedupe_key=dedupe_key, openid=openid, kind=kind, payload=json.dumps(payload, ensure_ascii=False),
        state=WAITING, tries=0, not_before=start, expires_at=expires_at or start + KEEP_TRYING, created_at=now,
    )
    written = await session.execute(row.on_conflict_do_nothing(index_elements=["dedupe_key"]).returning(Outbox.id))
    return written.scalar_one_or_none() is not None


async def hurry(session: AsyncSession, clock: Clock, openid: str) -> None:
    """Have what was put off after a failure tried again now: what stood in its way is gone."""
    now = clock.now()
    put_off = (Outbox.openid == openid, Outbox.state == WAITING, Outbox.tries > 0, Outbox.not_before > now)
    await session.execute(update(Outbox).where(*put_off).values(not_before=now))


class Sender(Protocol):
    """What carries an entry to the customer: :class:`services.delivery.Delivery`.

    Raises:
        SystemUnavailable: it can be tried again.
        Undeliverable: it never will arrive.
    """

    async def answers(self, openid: str, answers: Sequence[Mapping[str, Any]], message_key: str) -> None:
        """Deliver the bot's answers; the same ``message_key`` again delivers nothing."""
        ...

    async def trigger(self, openid: str, intent: str, entities: Mapping[str, Any], message_key: str) -> None:
        """Have the dialogue say it; the same ``message_key`` again neither says nor delivers it twice."""
        ...

    async def template(self, openid: str, payload: Mapping[str, Any]) -> None:
        """Send a template message."""
        ...


@dataclass(frozen=True, slots=True)
class _Claim:
    """An entry that this sender alone holds until ``lease``."""

    id: int
    lease: datetime


class Dispatcher:
    """Sends what waits in the outbox. Several may run, in one process or many."""

    def __init__(
        self, db: Database, clock: Clock, sender: Sender, spread: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._db = db
        self._clock = clock
        self._sender = sender
        self._spread = spread

    async def send_due(self) -> int:
        """Send all that is due now; how many were sent."""
        sent = 0
        while claims := await self._claim():
            sent += sum(await asyncio.gather(*map(self._handle, claims)))
        return sent

    async def prune(self) -> int:
        """Forget what was finished long ago; how many entries."""
        finished = and_(Outbox.state != WAITING, Outbox.created_at < self._clock.now() - KEEP_SENT)
        async with self._db.begin() as session:
            return len((await session.execute(delete(Outbox).where(finished).returning(Outbox.id))).all())

    async def _claim(self) -> list[_Claim]:
        now = self._clock.now()
        async with self._db.read() as session:
            if (await session.execute(_due(now).limit(1))).first() is None:
                return []
        async with self._db.begin() as session:
            rows = _due(now).order_by(Outbox.id).limit(BATCH).with_for_update(skip_locked=True)
            ids = list((await session.scalars(rows)).all())
            await session.execute(
                update(Outbox).where(Outbox.id.in_(ids)).values(lease_until=now + LEASE, tries=Outbox.tries + 1),
            )
        return [_Claim(id_, now + LEASE) for id_ in ids]

    async def _handle(self, claim: _Claim) -> bool:
        """Send one entry and write down how it ended; whether it was sent."""
        try:
            async with self._db.read() as session:
                entry = (await session.scalars(select(Outbox).where(Outbox.id == claim.id))).one()
        except CryptoError as error:
            return await self._finish(claim, DROPPED, str(error))
        if entry.expires_at <= self._clock.now():
            return await self._finish(claim, FAILED, entry.last_error or "expired")
        try:
            await asyncio.wait_for(self._send(entry), DELIVERY_SECONDS)
        except Undeliverable as error:
            return await self._finish(claim, DROPPED, str(error))
        except SystemUnavailable as error:
            return await self._put_off(claim, entry.tries, f"{error.system} unavailable")
        except TimeoutError:
            return await self._put_off(claim, entry.tries, f"not done in {DELIVERY_SECONDS:.0f} s")
        except Exception as error:
            # A defect in one entry must neither stop the others nor lose this one.
            log.exception("outbox %d: %s could not be sent", claim.id, entry.kind)
            return await self._put_off(claim, entry.tries, type(error).__name__)
        return await self._finish(claim, SENT, None)

    async def _send(self, entry: Outbox) -> None:
        payload = json.loads(entry.payload)
        match entry.kind:
            case "answers":
                await self._sender.answers(entry.openid, payload["answers"], entry.dedupe_key)
            case "trigger":
                await self._sender.trigger(entry.openid, payload["intent"], payload["entities"], entry.dedupe_key)
            case "template":
                await self._sender.template(entry.openid, payload)
            case _:
                raise Undeliverable(f"unknown kind {entry.kind}")

    async def _finish(self, claim: _Claim, state: str, error: str | None) -> bool:
        now = self._clock.now()
        await self._write(claim, state=state, last_error=error[:200] if error else None, sent_at=now if state == SENT else None)
        if state != SENT:
            log.error("outbox %d: %s (%s)", claim.id, state, error)
        return state == SENT

    async def _put_off(self, claim: _Claim, tries: int, error: str) -> bool:
        pause = min(FIRST_PAUSE_SECONDS * 2.0 ** (tries - 1), LONGEST_PAUSE_SECONDS) * self._spread(0.8, 1.2)
        log.warning("outbox %d: try %d failed (%s), next in %.0f s", claim.id, tries, error, pause)
        await self._write(claim, not_before=self._clock.now() + timedelta(seconds=pause), last_error=error[:200])
        return False

    async def _write(self, claim: _Claim, **values: Any) -> None:
        """Write the outcome, unless the lease ran out and the entry is somebody else's by now."""
        mine = and_(Outbox.id == claim.id, Outbox.lease_until == claim.lease)
        async with self._db.begin() as session:
            await session.execute(update(Outbox).where(mine).values(lease_until=None, **values))


def _due(now: datetime) -> Select[int]:
    """Entries whose turn it is: due, held by nobody, and not behind an earlier one of the same customer.

    An earlier entry that is put off until a later hour, and was not tried yet, holds up nothing.
    """
    earlier = aliased(Outbox)
    ahead: ColumnElement[bool] = exists().where(
        earlier.openid == Outbox.openid, earlier.state == WAITING, earlier.id < Outbox.id,
        or_(earlier.not_before <= now, earlier.tries > 0),
    )
    free = or_(Outbox.lease_until.is_(None), Outbox.lease_until <= now)
    return select(Outbox.id).where(Outbox.state == WAITING, Outbox.not_before <= now, free, ~ahead)
