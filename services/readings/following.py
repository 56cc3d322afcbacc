"""What the worker does: hear from CSMS what became of requests about meters, and have customers told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.errors import SystemUnavailable
from services.outbox import enqueue
from services.readings.filing import FILING, ReadingDesk, update_record
from services.readings.ports import MeterRequest, State
from store.db import insert_for
from store.models import ApplicationFeed, MeterRequestRecord

FEED = "meters"
# An answer to a filing that has not come by then is not coming; what CSMS tells of it instead is news to the customer.
ANSWER_LATE = timedelta(seconds=60)
# What the customer hears of without asking. The other states are the answer to something that they did themselves.
TOLD = frozenset({
    State.ACCEPTED, State.REJECTED, State.CORRECTED, State.UPHELD, State.SCHEDULED, State.DONE, State.QUALIFIED,
    State.UNQUALIFIED,
})
CHANGED, FILED_AFTER_ALL = "EXTERNAL_meter_request_changed", "EXTERNAL_meter_request_filed"


class Readings(ReadingDesk):
    """All about readings: what customers do, for the dialogue; ``follow_changes`` for the worker."""

    async def follow_changes(self) -> int:
        """Take in what has changed at CSMS, and have customers told; how many requests of ours."""
        async with self._db.read() as session:
            feed = await session.get(ApplicationFeed, FEED)
        after = feed.after if feed is not None else 0
        try:
            changed = await self._desk.changes(after)
        except SystemUnavailable:
            return 0  # the client has logged it
        if not changed:
            return 0
        async with self._db.begin() as session:
            return await self._take_in(session, changed, after)

    async def _take_in(self, session: AsyncSession, changed: Sequence[MeterRequest], after: int) -> int:
        ours, reached = 0, after
        for request in changed:
            kept = await session.scalar(_record_of(request).with_for_update())
            if kept is not None and kept.state == FILING and kept.changed_at > self._clock.now() - ANSWER_LATE:
                break  # the answer to the filing may still be on its way to the customer
            if kept is not None and (kept.request_no is None or kept.sequence < request.sequence):
                await self._tell(session, kept, request)
                update_record(kept, request)
                ours += 1
            reached = request.sequence
        if reached > after:
            row = insert_for(session, ApplicationFeed).values(name=FEED, after=reached)
            await session.execute(row.on_conflict_do_update(index_elements=["name"], set_={"after": reached}))
        return ours

    async def _tell(self, session: AsyncSession, kept: MeterRequestRecord, request: MeterRequest) -> None:
        if kept.state == FILING:
            intent = FILED_AFTER_ALL
        elif request.state in TOLD and request.state != kept.state:
            intent = CHANGED
        else:
            return
        number = request.request_no
        await enqueue(
            session, self._clock, openid=kept.openid, kind="trigger", dedupe_key=f"{intent}:{number}:{request.sequence}",
            payload={"intent": intent, "entities": {"meter_request_no": number}},
        )


def _record_of(request: MeterRequest) -> Select[MeterRequestRecord]:
    return select(MeterRequestRecord).where(MeterRequestRecord.request_id == request.request_id)
