"""What the worker does: hand photos over, and hear from CSMS how applications stand.

CSMS is asked for what has changed since last time, in one call for all applications. A callback would need a way from the
billing network into ours and a queue on its side for the hours in which we are away; the question needs neither, and after
any outage goes on where it stopped.
"""

from __future__ import annotations

import logging

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.filing import WAITING, FilingDesk
from services.applications.model import FILING, update_record
from services.applications.ports import Application, State
from services.errors import ApplicationRefused, SystemUnavailable
from services.feeds import ANSWER_LATE, Taken, follow
from services.outbox import enqueue
from services.payments.base import backoff
from store.models import ApplicationDocument, ApplicationRecord

log = logging.getLogger(__name__)

FEED = "csms"
BATCH = 5
# What the customer hears of without asking. The other states are the answer to something that they did themselves.
TOLD = frozenset({
    State.DOCUMENTS_MISSING, State.SURVEYING, State.QUOTED, State.AWAITING_PAYMENT, State.CONSTRUCTING, State.DONE,
    State.REJECTED,
})
CHANGED, FILED_AFTER_ALL = "EXTERNAL_application_changed", "EXTERNAL_application_filed"


class Applications(FilingDesk):
    """All about applications: filing for the dialogue; for the worker ``follow_changes`` and ``hand_over_documents``."""

    async def follow_changes(self) -> int:
        """Take in what has changed at CSMS, and have customers told; how many applications of ours."""
        return await follow(self._db, FEED, self._desk.changes, self._take_in)

    async def _take_in(self, session: AsyncSession, application: Application) -> Taken:
        kept = await session.scalar(_record_of(application).with_for_update())
        if kept is None or (kept.application_no is not None and kept.sequence >= application.sequence):
            return Taken.OTHER
        if kept.state == FILING and kept.changed_at > self._clock.now() - ANSWER_LATE:
            return Taken.NOT_YET  # the answer to the filing may still be on its way to the customer
        await self._tell(session, kept, application)
        update_record(kept, application)
        return Taken.OURS

    async def _tell(self, session: AsyncSession, kept: ApplicationRecord, application: Application) -> None:
        if kept.state == FILING:
            intent = FILED_AFTER_ALL
        elif application.state in TOLD and application.state != kept.state:
            intent = CHANGED
        else:
            return
        number = application.application_no
        await enqueue(
            session, self._clock, openid=kept.openid, kind="trigger", dedupe_key=f"{intent}:{number}:{application.sequence}",
            payload={"intent": intent, "entities": {"application_no": number}},
        )

    async def hand_over_documents(self) -> int:
        """Hand photos that wait over to CSMS; how many."""
        return sum([await self._hand_over(document_id) for document_id in await self._due_documents()])

    async def _due_documents(self) -> list[int]:
        now = self._clock.now()
        due = (
            select(ApplicationDocument).join(ApplicationRecord, ApplicationRecord.id == ApplicationDocument.application_id)
            .where(
                ApplicationDocument.state == WAITING, ApplicationDocument.next_try_at <= now,
                ApplicationRecord.application_no.is_not(None),
            ).order_by(ApplicationDocument.id).limit(BATCH)
        )
        async with self._db.read() as session:
            if await session.scalar(due.with_only_columns(ApplicationDocument.id).limit(1)) is None:
                return []
        async with self._db.begin() as session:
            rows = list(await session.scalars(due.with_for_update(of=ApplicationDocument, skip_locked=True)))
            for row in rows:
                row.tries += 1
                row.next_try_at = now + backoff(row.tries)
            return [row.id for row in rows]

    async def _hand_over(self, document_id: int) -> bool:
        async with self._db.read() as session:
            found = await session.execute(
                select(ApplicationDocument, ApplicationRecord.application_no)
                .join(ApplicationRecord, ApplicationRecord.id == ApplicationDocument.application_id)
                .where(ApplicationDocument.id == document_id),
            )
            document, number = found.one()
        if number is None:
            raise LookupError(document_id)
        try:
            content, content_type = await self._media.read(document.media_id)
            await self._desk.add_document(number, document.media_id, document.document, content, content_type)
        except SystemUnavailable:
            return False
        except (ApplicationRefused, KeyError, OSError) as error:
            log.error("a document of application %s cannot be handed over: %s", number, type(error).__name__)
            return await self._finish(document_id, "failed")
        return await self._finish(document_id, "handed_over")

    async def _finish(self, document_id: int, state: str) -> bool:
        async with self._db.begin() as session:
            found = await session.execute(select(ApplicationDocument).where(ApplicationDocument.id == document_id))
            found.scalar_one().state = state
        return state == "handed_over"


def _record_of(application: Application) -> Select[ApplicationRecord]:
    return select(ApplicationRecord).where(
        or_(
            ApplicationRecord.request_id == application.request_id,
            ApplicationRecord.application_no == application.application_no,
        ),
    )
