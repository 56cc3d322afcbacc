"""What the worker does: hear from CSMS what became of requests about meters, and have customers told."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.feeds import ANSWER_LATE, Taken, follow
from services.outbox import enqueue
from services.readings.filing import FILING, ReadingDesk, update_record
from services.readings.ports import MeterRequest, State
from store.models import MeterRequestRecord

FEED = "meters"
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
        return await follow(self._db, FEED, self._desk.changes, self._take_in)

    async def _take_in(self, session: AsyncSession, request: MeterRequest) -> Taken:
        kept = await session.scalar(_record_of(request).with_for_update())
        if kept is None or (kept.request_no is not None and kept.sequence >= request.sequence):
            return Taken.OTHER
        if kept.state == FILING and kept.changed_at > self._clock.now() - ANSWER_LATE:
            return Taken.NOT_YET  # the answer to the filing may still be on its way to the customer
        await self._tell(session, kept, request)
        update_record(kept, request)
        return Taken.OURS

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
