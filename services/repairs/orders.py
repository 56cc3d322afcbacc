"""Work orders as the customer deals with them: file, look, urge, correct, cancel, rate."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from runxia.masking import mask_phone
from runxia.utility import Utility
from services.audit import record
from services.errors import NotBound, NotRateable, OrderClosed, RemindedTooOften, SystemUnavailable, UnknownOrder
from services.media import MediaStore
from services.outages import OutageBoard, OutageNotice
from services.ports import Csms
from services.repairs.model import Amendment, Order, Report
from services.repairs.ports import Filing, Hotline, HotlineOrder, OrderKind, OrderState
from services.repairs.triage import Fault, Spot
from store.db import Database, insert_for
from store.models import Binding, WorkOrder, WorkOrderFile

log = logging.getLogger(__name__)

SHOWN_FOR = timedelta(days=90)
WAITING, SENT, REFUSED = "waiting", "sent", "refused"


class Orders:
    """The customer's side of the hotline."""

    def __init__(
        self, db: Database, hotline: Hotline, outages: OutageBoard, csms: Csms, media: MediaStore, clock: Clock,
        utility: Utility,
    ) -> None:
        self._db = db
        self._hotline = hotline
        self._outages = outages
        self._csms = csms
        self._media = media
        self._clock = clock
        self._utility = utility
        self._rules = utility.repairs

    # --- before filing

    def urgency(self, fault: Fault, spot: Spot | None, *, heavy: bool) -> str:
        """``immediate``, ``urgent`` or ``ordinary``, by ``repairs.urgency`` of ``utility.yml``."""
        if spot is Spot.AFTER_METER and fault is Fault.LEAK:
            return self._rules.urgency["leak_after_meter"]
        if heavy and fault is Fault.LEAK:
            return self._rules.urgency["burst"]
        return self._rules.urgency[fault.value]

    async def address_of(self, openid: str, account_no: str) -> str:
        """The address of a bound account, in clear.

        Raises:
            NotBound: it is not one of this customer's.
        """
        async with self._db.read() as session:
            found = await session.scalar(
                select(Binding).where(Binding.openid == openid, Binding.account_no == account_no),
            )
        if found is None:
            raise NotBound
        return str(found.address)

    async def phone_on_file(self, openid: str, account_no: str) -> str | None:
        """The phone on file of a bound account, masked; none where there is none, or CSMS cannot say now.

        Raises:
            NotBound: it is not one of this customer's.
        """
        await self.address_of(openid, account_no)
        phone = await self._phone(account_no)
        return mask_phone(phone) if phone else None

    async def known_outage(self, openid: str, account_no: str | None, address: str | None) -> OutageNotice | None:
        """The notice that explains why there is no water at a place now, if there is one. A website that is down tells none."""
        place = address or (await self.address_of(openid, account_no) if account_no else "")
        if not place:
            return None
        try:
            notices = await self._outages.affecting(place, self._clock.now())
        except SystemUnavailable:
            log.warning("outage notices are unavailable; a report is filed without them")
            return None
        return notices[0] if notices else None

    async def like(self, openid: str, fault: Fault) -> Order | None:
        """An open order of this customer about the same fault, filed within the last day."""
        recent = [WorkOrder.category == fault.value, WorkOrder.created_at > self._clock.now() - timedelta(days=1)]
        return next((order for order in await self._mine(openid, *recent) if order.state.is_open), None)

    # --- filing

    async def file(self, openid: str, report: Report) -> Order:
        """File a report, once; its order. It is written down here before the hotline is asked.

        Raises:
            SystemUnavailable: the hotline did not say that it has it; the same report again makes no second order.
            NotBound: the account meant is no longer this customer's.
        """
        address = report.address
        if address is None and report.account_no and report.kind is OrderKind.REPAIR:
            address = await self.address_of(openid, report.account_no)
        row = await self._write_down(openid, report, address)
        if row.order_no is not None:
            return Order.of(row)
        phone = report.phone
        if phone is None and report.account_no:
            phone = await self._phone(report.account_no)
        filed = await self._hotline.file(Filing(
            request_key=row.request_key, kind=report.kind, urgency=row.urgency, promised_at=row.promised_at,
            description=report.description, category=row.category, spot=report.spot.value if report.spot else None,
            address=address, location=report.location, since=report.since, phone=phone, account_no=report.account_no,
        ))
        async with self._db.begin() as session:
            await session.execute(update(WorkOrder).where(WorkOrder.id == row.id).values(order_no=filed.order_no))
            await self._add_files(session, row.id, report.photos)
            record(session, self._clock, openid, f"file_{report.kind.value}", report.account_no, detail=filed.order_no)
        return await self._learn(row.id, filed)

    async def _write_down(self, openid: str, report: Report, address: str | None) -> WorkOrder:
        now = self._clock.now()
        urgency = "ordinary" if report.fault is None else self.urgency(report.fault, report.spot, heavy=report.heavy)
        async with self._db.begin() as session:
            await session.execute(
                insert_for(session, WorkOrder).values(
                    request_key=report.request_key, openid=openid, account_no=report.account_no, kind=report.kind.value,
                    category=report.fault.value if report.fault else None, urgency=urgency, address=address,
                    state=OrderState.ACCEPTED.value, promised_at=self._promise(report.kind, urgency, now), created_at=now,
                    version=0, withdrawn=False, reminders=0,
                ).on_conflict_do_nothing(index_elements=["request_key"]),
            )
            mine = select(WorkOrder).where(WorkOrder.request_key == report.request_key, WorkOrder.openid == openid)
            return (await session.scalars(mine)).one()

    def _promise(self, kind: OrderKind, urgency: str, now: datetime) -> datetime:
        if kind is OrderKind.REPAIR:
            return now + timedelta(hours=self._rules.arrive_hours[urgency])
        return now + timedelta(days=self._rules.reply_days[kind.value])

    # --- afterwards

    async def orders(self, openid: str, kinds: Sequence[OrderKind] = tuple(OrderKind)) -> list[Order]:
        """The customer's orders of the last three months, open ones first, then newest first."""
        found = await self._mine(openid, WorkOrder.kind.in_([kind.value for kind in kinds]))
        return sorted(found, key=lambda order: not order.state.is_open)

    async def order(self, openid: str, order_no: str) -> Order:
        """One order as the hotline has it now.

        Raises:
            UnknownOrder: it is not one of this customer's; whether it is anybody's is not told.
        """
        row = await self._own(openid, order_no)
        return await self._learn(row.id, await self._hotline.order(str(row.order_no)))

    async def known(self, openid: str, order_no: str) -> Order:
        """One order as it was last told, without asking the hotline.

        Raises:
            UnknownOrder: it is not one of this customer's.
        """
        return Order.of(await self._own(openid, order_no))

    async def remind(self, openid: str, order_no: str) -> Order:
        """Urge an order, as often as ``repairs.remind`` of ``utility.yml`` allows.

        Raises:
            UnknownOrder, OrderClosed: as they say.
            RemindedTooOften: not now.
        """
        row = await self._own_open(openid, order_no)
        rule, now = self._rules.remind, self._clock.now()
        again_at = row.created_at + timedelta(minutes=rule.after_minutes)
        if row.reminded_at is not None:
            again_at = row.reminded_at + timedelta(minutes=rule.every_minutes)
        if row.reminders >= rule.most:
            raise RemindedTooOften(None)
        if now < again_at:
            raise RemindedTooOften(again_at)
        urged = await self._hotline.remind(str(row.order_no), f"{row.request_key}-r{row.reminders + 1}")
        once = and_(WorkOrder.id == row.id, WorkOrder.reminders == row.reminders)
        async with self._db.begin() as session:
            await session.execute(update(WorkOrder).where(once).values(reminders=row.reminders + 1, reminded_at=now))
            record(session, self._clock, openid, "remind_order", row.account_no, detail=order_no)
        return await self._learn(row.id, urged)

    async def cancel(self, openid: str, order_no: str) -> Order:
        """Withdraw an order.

        Raises:
            UnknownOrder, OrderClosed: as they say.
        """
        row = await self._own_open(openid, order_no)
        withdrawn = await self._hotline.cancel(str(row.order_no), "客户自行取消")
        async with self._db.begin() as session:
            await session.execute(update(WorkOrder).where(WorkOrder.id == row.id).values(withdrawn=True))
            record(session, self._clock, openid, "cancel_order", row.account_no, detail=order_no)
        return await self._learn(row.id, withdrawn)

    async def amend(self, openid: str, order_no: str, amendment: Amendment) -> Order:
        """Correct an order or add to it.

        Raises:
            UnknownOrder, OrderClosed: as they say.
        """
        row = await self._own_open(openid, order_no)
        changed = None
        if amendment.address or amendment.phone or amendment.note:
            changed = await self._hotline.amend(
                str(row.order_no), amendment.request_key, address=amendment.address, phone=amendment.phone,
                note=amendment.note,
            )
        async with self._db.begin() as session:
            if amendment.address:
                await session.execute(update(WorkOrder).where(WorkOrder.id == row.id).values(address=amendment.address))
            await self._add_files(session, row.id, amendment.photos)
            record(session, self._clock, openid, "amend_order", row.account_no, detail=order_no)
        return await self._learn(row.id, changed) if changed else await self.order(openid, order_no)

    async def rate(self, openid: str, order_no: str, score: int, comment: str | None) -> None:
        """Keep a rating, 1 to 5; the worker hands it to the hotline.

        Raises:
            UnknownOrder: as it says.
            NotRateable: the order is not done, was rated, or was done longer ago than ``repairs.rating_days``.
        """
        row = await self._own(openid, order_no)
        self._check_rateable(row)
        once = and_(WorkOrder.id == row.id, WorkOrder.rating.is_(None))
        async with self._db.begin() as session:
            await session.execute(
                update(WorkOrder).where(once).values(rating=score, rating_comment=comment, rating_state=WAITING),
            )
            record(session, self._clock, openid, "rate_order", row.account_no, detail=order_no)

    async def rateable(self, openid: str, order_no: str) -> Order:
        """An order that can be rated now.

        Raises:
            UnknownOrder, NotRateable: as for :meth:`rate`.
        """
        row = await self._own(openid, order_no)
        self._check_rateable(row)
        return Order.of(row)

    def _check_rateable(self, row: WorkOrder) -> None:
        last = self._clock.now() - timedelta(days=self._rules.rating_days)
        if row.state != OrderState.DONE.value or row.rating is not None or row.closed_at is None or row.closed_at < last:
            raise NotRateable

    # --- shared

    async def _phone(self, account_no: str) -> str | None:
        """The phone on file. Without CSMS a report is filed all the same: the hotline finds the account by its number."""
        try:
            account = await self._csms.account(account_no)
        except SystemUnavailable:
            log.warning("phone on file is unavailable; a report is filed without it")
            return None
        return account.phone if account else None

    async def _add_files(self, session: AsyncSession, row_id: int, media_ids: Sequence[str]) -> None:
        for media_id in media_ids:
            file = insert_for(session, WorkOrderFile).values(
                work_order_id=row_id, media_id=media_id, state=WAITING, created_at=self._clock.now(),
            )
            await session.execute(file.on_conflict_do_nothing(index_elements=["work_order_id", "media_id"]))

    async def _mine(self, openid: str, *conditions: ColumnElement[bool]) -> list[Order]:
        now = self._clock.now()
        shown = or_(WorkOrder.created_at > now - SHOWN_FOR, WorkOrder.closed_at.is_(None))
        mine = select(WorkOrder).where(WorkOrder.openid == openid, WorkOrder.order_no.is_not(None), shown, *conditions)
        async with self._db.read() as session:
            rows = await session.scalars(mine.order_by(WorkOrder.created_at.desc(), WorkOrder.id.desc()))
            return [Order.of(row) for row in rows]

    async def _own(self, openid: str, order_no: str) -> WorkOrder:
        async with self._db.read() as session:
            row = await session.scalar(
                select(WorkOrder).where(WorkOrder.openid == openid, WorkOrder.order_no == order_no.upper()),
            )
        if row is None:
            raise UnknownOrder
        return row

    async def _own_open(self, openid: str, order_no: str) -> WorkOrder:
        row = await self._own(openid, order_no)
        if not OrderState(row.state).is_open:
            raise OrderClosed
        return row

    async def _learn(self, row_id: int, told: HotlineOrder) -> Order:
        """Keep what the hotline told of an order, and give it back."""
        async with self._db.begin() as session:
            row = (await session.scalars(select(WorkOrder).where(WorkOrder.id == row_id).with_for_update())).one()
            keep(row, told)
            return Order.of(row)


def keep(row: WorkOrder, told: HotlineOrder) -> bool:
    """Bring a row up to date; whether the order has ended by it. News that is older than what is known changes nothing.

    An end told in the customer's own turn is left for :meth:`Following.follow` to tell: only the feed closes a row.
    """
    if told.version < row.version:
        return False
    row.order_no, row.promised_at, row.crew, row.result = told.order_no, told.promised_at, told.crew, told.result
    row.state, row.version = told.state.value, told.version
    if told.state.is_open or row.closed_at is not None:
        return False
    row.closed_at = told.updated_at
    return True
