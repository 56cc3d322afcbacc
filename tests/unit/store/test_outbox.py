"""The outbox: once, in order, by one sender at a time, until it arrives or never can."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from runxia.clock import FixedClock
from services.errors import SystemUnavailable, Undeliverable
from services.outbox import BATCH, KEEP_SENT, KEEP_TRYING, LEASE, Dispatcher, enqueue
from store.db import Database
from store.models import Outbox


@dataclass
class FakeSender:
    """Notes what was delivered; ``failures`` are raised first, one for each call."""

    delivered: list[tuple[str, str]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    meeting: asyncio.Barrier | None = None

    async def answers(self, openid: str, answers: Sequence[Mapping[str, Any]], message_key: str) -> None:
        """See :class:`services.outbox.Sender`."""
        await self._deliver(openid, str(answers[0]["text"]))

    async def trigger(self, openid: str, intent: str, entities: Mapping[str, Any], message_key: str) -> None:
        """See :class:`services.outbox.Sender`."""
        await self._deliver(openid, f"{intent} {dict(entities)} {message_key}")

    async def template(self, openid: str, payload: Mapping[str, Any]) -> None:
        """See :class:`services.outbox.Sender`."""
        await self._deliver(openid, str(payload["template"]))

    async def _deliver(self, openid: str, what: str) -> None:
        if self.meeting:
            await self.meeting.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.delivered.append((openid, what))


@dataclass
class World:
    """An outbox with its dispatcher over a sender that notes."""

    db: Database
    clock: FixedClock
    sender: FakeSender = field(default_factory=FakeSender)

    def dispatcher(self) -> Dispatcher:
        """A dispatcher whose pauses are not spread."""
        return Dispatcher(self.db, self.clock, self.sender, spread=lambda low, high: (low + high) / 2)

    async def put(self, what: str, openid: str = "o1", **more: Any) -> bool:
        """Enqueue a text."""
        async with self.db.begin() as session:
            return await enqueue(
                session, self.clock, openid=openid, kind="answers", payload={"answers": [{"text": what}]},
                dedupe_key=more.pop("key", what), **more,
            )

    async def rows(self) -> list[Outbox]:
        """All entries."""
        async with self.db.read() as session:
            return list(await session.scalars(select(Outbox).order_by(Outbox.id)))

    async def row(self) -> Outbox:
        """The only entry."""
        (only,) = await self.rows()
        return only

    @property
    def texts(self) -> list[str]:
        """What was delivered, in order."""
        return [what for _, what in self.sender.delivered]


@pytest.fixture
async def world(db: Database, clock: FixedClock) -> AsyncIterator[World]:
    """An empty outbox."""
    return World(db, clock)


async def test_what_is_due_is_sent_once(world: World) -> None:
    await world.put("收到您的付款")
    assert await world.dispatcher().send_due() == 1
    assert await world.dispatcher().send_due() == 0
    assert world.texts == ["收到您的付款"]
    row = await world.row()
    assert (row.state, row.sent_at, row.lease_until) == ("sent", world.clock.now(), None)


async def test_each_kind_goes_its_way(world: World) -> None:
    async with world.db.begin() as session:
        for kind, payload in (
            ("trigger", {"intent": "EXTERNAL_payment_received", "entities": {"amount": 8640}}),
            ("template", {"template": "bill_issued", "data": {}}),
        ):
            await enqueue(session, world.clock, openid="o1", kind=kind, payload=payload, dedupe_key=kind)
    await world.dispatcher().send_due()
    assert world.texts == ["EXTERNAL_payment_received {'amount': 8640} trigger", "bill_issued"]


async def test_a_cause_that_comes_twice_is_told_once(world: World) -> None:
    assert await world.put("一", key="paid:1")
    assert not await world.put("一", key="paid:1")
    await world.dispatcher().send_due()
    assert not await world.put("一", key="paid:1")
    await world.dispatcher().send_due()
    assert world.texts == ["一"]


async def test_causes_at_the_same_moment_are_told_once(world: World) -> None:
    new = await asyncio.gather(*(world.put("一", key="paid:1") for _ in range(8)))
    assert sum(new) == 1


async def test_nothing_is_told_when_its_cause_is_taken_back(world: World) -> None:
    async def fail_afterwards() -> None:
        async with world.db.begin() as session:
            await enqueue(session, world.clock, openid="o1", kind="answers", payload={"answers": []}, dedupe_key="x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_afterwards()
    assert await world.rows() == []


async def test_what_is_put_off_waits_for_its_hour(world: World) -> None:
    await world.put("早上好", not_before=world.clock.now() + timedelta(hours=8))
    assert await world.dispatcher().send_due() == 0
    world.clock.advance(hours=8)
    assert await world.dispatcher().send_due() == 1


async def test_several_dispatchers_send_everything_once_and_in_order(world: World) -> None:
    for number in range(40):
        await world.put(str(number), openid=f"o{number % 5}")
    counts = await asyncio.gather(*(world.dispatcher().send_due() for _ in range(4)))
    assert sum(counts) == 40
    for customer in range(5):
        mine = [int(what) for openid, what in world.sender.delivered if openid == f"o{customer}"]
        assert mine == list(range(customer, 40, 5))


async def test_customers_do_not_wait_for_each_other(world: World) -> None:
    for number in range(BATCH):
        await world.put("x", openid=f"o{number}", key=str(number))
    world.sender.meeting = asyncio.Barrier(BATCH)  # nobody gets on until all are there
    assert await asyncio.wait_for(world.dispatcher().send_due(), 10) == BATCH


async def test_while_a_system_is_down_the_pauses_grow_and_nothing_is_lost(world: World) -> None:
    await world.put("一")
    world.sender.failures = [SystemUnavailable("rasa") for _ in range(10)]
    pauses = []
    while not world.texts:
        await world.dispatcher().send_due()
        row = await world.row()
        if row.state == "waiting":
            pauses.append((row.not_before - world.clock.now()).total_seconds())
            assert row.last_error == "rasa unavailable"
            world.clock.moment = row.not_before
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert (await world.row()).tries == 11


async def test_what_comes_later_waits_behind_what_failed(world: World) -> None:
    await world.put("一")
    world.sender.failures = [SystemUnavailable("wechat")]
    await world.dispatcher().send_due()
    await world.put("二")
    await world.put("别人的", openid="o2")
    await world.dispatcher().send_due()
    assert world.texts == ["别人的"]
    world.clock.advance(seconds=2)
    await world.dispatcher().send_due()
    assert world.texts == ["别人的", "一", "二"]


async def test_what_is_put_off_holds_up_nothing(world: World) -> None:
    await world.put("明早的", not_before=world.clock.now() + timedelta(hours=8))
    await world.put("现在的")
    await world.dispatcher().send_due()
    assert world.texts == ["现在的"]


async def test_what_can_never_arrive_is_dropped_and_holds_up_nothing(world: World) -> None:
    await world.put("一")
    await world.put("二")
    world.sender.failures = [Undeliverable("unknown_customer")]
    await world.dispatcher().send_due()
    assert world.texts == ["二"]
    assert [(row.state, row.last_error) for row in await world.rows()] == [("dropped", "unknown_customer"), ("sent", None)]


async def test_what_arrives_too_late_is_not_sent(world: World) -> None:
    await world.put("一")
    world.sender.failures = [SystemUnavailable("rasa")]
    await world.dispatcher().send_due()
    world.clock.advance(seconds=KEEP_TRYING.total_seconds())
    await world.dispatcher().send_due()
    row = await world.row()
    assert (world.texts, row.state, row.last_error) == ([], "failed", "rasa unavailable")


async def test_a_defect_in_one_entry_neither_loses_it_nor_stops_the_others(world: World) -> None:
    await world.put("一")
    await world.put("二", openid="o2")
    world.sender.failures = [ValueError("a bug")]
    assert await world.dispatcher().send_due() == 1
    world.clock.advance(seconds=2)
    assert await world.dispatcher().send_due() == 1
    assert sorted(world.texts) == ["一", "二"]


async def test_an_entry_that_cannot_be_read_is_dropped(world: World) -> None:
    await world.put("一")
    async with world.db.begin() as session:
        await session.execute(text("UPDATE outbox SET payload = 'k9.AAAA'"))
    await world.put("二", openid="o2")
    await world.dispatcher().send_due()
    assert world.texts == ["二"]
    async with world.db.read() as session:
        assert (await session.scalars(select(Outbox.state).order_by(Outbox.id))).all() == ["dropped", "sent"]


async def test_an_unknown_kind_is_dropped(world: World) -> None:
    async with world.db.begin() as session:
        await enqueue(session, world.clock, openid="o1", kind="fax", payload={}, dedupe_key="x")
    await world.dispatcher().send_due()
    row = await world.row()
    assert (row.state, row.last_error) == ("dropped", "unknown kind fax")


class Killed(BaseException):
    """The process dies: nothing after it runs."""


async def test_after_a_crash_the_entry_is_sent_when_its_lease_is_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.put("一")

    async def die(*_arguments: object) -> None:
        raise Killed

    dispatcher = world.dispatcher()
    monkeypatch.setattr(dispatcher, "_send", die)
    with pytest.raises(Killed):
        await dispatcher.send_due()
    assert await world.dispatcher().send_due() == 0
    world.clock.advance(seconds=LEASE.total_seconds())
    assert await world.dispatcher().send_due() == 1
    assert world.texts == ["一"]


async def test_a_sender_that_outlives_its_lease_does_not_overwrite_its_successor(world: World) -> None:
    await world.put("一")
    first = world.dispatcher()
    (claim,) = await first._claim()
    world.clock.advance(seconds=LEASE.total_seconds())
    assert await world.dispatcher().send_due() == 1
    await first._put_off(claim, 1, "too late")
    assert (await world.row()).state == "sent"


async def test_finished_entries_are_forgotten_after_a_month_and_waiting_ones_never(world: World) -> None:
    await world.put("sent")
    await world.dispatcher().send_due()
    await world.put("waiting", not_before=world.clock.now() + timedelta(days=90))
    world.clock.advance(seconds=KEEP_SENT.total_seconds() + 1)
    assert await world.dispatcher().prune() == 1
    assert [row.dedupe_key for row in await world.rows()] == ["waiting"]


async def test_the_table_shows_no_plain_text(world: World) -> None:
    await world.put("林小满的账单")
    async with world.db.read() as session:
        assert "林小满" not in str(await session.scalar(text("SELECT payload FROM outbox")))


