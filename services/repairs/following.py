"""What happens behind the customer's back: photos and ratings go to the hotline, its changes come to us.

We ask the hotline for changes; it does not call us. So it needs no way into our network and no list of who to call, nothing
is lost while either side is down, and one question covers all orders however many are open.
"""

from __future__ import annotations

import logging

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.errors import OrderClosed, UnknownOrder
from services.outbox import enqueue
from services.repairs.orders import REFUSED, SENT, WAITING, Orders, keep
from services.repairs.ports import HotlineOrder, OrderState
from store.models import HotlineFeed, WorkOrder, WorkOrderFile

log = logging.getLogger(__name__)

BATCH = 20
FEED = 1  # the feed's one row


class Following(Orders):
    """The worker's side. Every step is safe to repeat; several workers may do it at once."""

    async def follow(self) -> int:
        """Read the hotline's changes and tell customers whose order has ended; how many changes.

        Raises:
            SystemUnavailable: the hotline is down; the next call goes on from here.
        """
        count = 0
        while changes := await self._hotline.changes(await self._seen()):
            async with self._db.begin() as session:
                for told in changes:
                    await self._take(session, told)
                await self._set_seen(session, changes[-1].version)
            count += len(changes)
        return count

    async def send_waiting(self) -> int:
        """Send photos and ratings that the hotline does not have yet; how many.

        Raises:
            SystemUnavailable: the hotline is down; they stay waiting.
        """
        return await self._send_files() + await self._send_ratings()

    async def _take(self, session: AsyncSession, told: HotlineOrder) -> None:
        mine = or_(WorkOrder.order_no == told.order_no, WorkOrder.request_key == (told.request_key or told.order_no))
        row = await session.scalar(select(WorkOrder).where(mine).with_for_update())
        if row is None:  # not filed here
            return
        keep(row, told)
        if not told.state.is_open and not row.withdrawn:
            # The same end may be told more than once; the key makes it one message.
            done = told.state is OrderState.DONE
            await enqueue(
                session, self._clock, openid=row.openid, kind="trigger",
                payload={
                    "intent": "EXTERNAL_order_done" if done else "EXTERNAL_order_dropped",
                    "entities": {"work_order_no": told.order_no},
                },
                dedupe_key=f"order_ended:{told.order_no}:{told.state.value}",
            )

    async def _seen(self) -> int:
        async with self._db.read() as session:
            feed = await session.get(HotlineFeed, FEED)
        return feed.version if feed else 0

    @staticmethod
    async def _set_seen(session: AsyncSession, version: int) -> None:
        feed = await session.get(HotlineFeed, FEED, with_for_update=True)
        if feed is None:
            session.add(HotlineFeed(id=FEED, version=version))
        else:
            feed.version = max(feed.version, version)

    async def _send_files(self) -> int:
        waiting = (
            select(WorkOrderFile, WorkOrder.order_no).join(WorkOrder, WorkOrder.id == WorkOrderFile.work_order_id)
            .where(WorkOrderFile.state == WAITING, WorkOrder.order_no.is_not(None)).order_by(WorkOrderFile.id).limit(BATCH)
        )
        async with self._db.read() as session:
            files = [(file, str(order_no)) for file, order_no in await session.execute(waiting)]
        for file, order_no in files:
            state = await self._send_file(file, order_no)
            async with self._db.begin() as session:
                await session.execute(update(WorkOrderFile).where(WorkOrderFile.id == file.id).values(state=state))
        return len(files)

    async def _send_file(self, file: WorkOrderFile, order_no: str) -> str:
        try:
            content, content_type = await self._media.read(file.media_id)
            await self._hotline.attach(order_no, file.media_id, content, content_type)
        except (KeyError, UnknownOrder, OrderClosed) as error:
            log.error("file %d of an order was not taken: %s", file.id, type(error).__name__)
            return REFUSED
        return SENT

    async def _send_ratings(self) -> int:
        waiting = select(WorkOrder).where(WorkOrder.rating_state == WAITING).order_by(WorkOrder.id).limit(BATCH)
        async with self._db.read() as session:
            rows = list(await session.scalars(waiting))
        for row in rows:
            state = SENT
            try:
                await self._hotline.rate(str(row.order_no), row.rating or 0, row.rating_comment)
            except (UnknownOrder, OrderClosed) as error:
                log.error("rating of order %d was not taken: %s", row.id, type(error).__name__)
                state = REFUSED
            async with self._db.begin() as session:
                await session.execute(update(WorkOrder).where(WorkOrder.id == row.id).values(rating_state=state))
        return len(rows)
