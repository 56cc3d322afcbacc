"""Work orders: filed once, followed, urged within the rule, and nobody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.errors import NotBound, NotRateable, OrderClosed, RemindedTooOften, SystemUnavailable, UnknownOrder
from services.outages import OutageKind, OutageNotice
from services.repairs import Amendment, Fault, OrderKind, OrderState, Spot
from tests.unit.repairs.conftest import OPENID, OTHER, World, report


async def test_a_report_is_filed_with_the_promise_of_its_urgency(world: World) -> None:
    order = await world.repairs.file(OPENID, report(fault=Fault.BURST))
    assert order.promised_at == world.clock.now() + timedelta(hours=1)
    filing = world.hotline.filings[order.order_no]
    assert (filing.urgency, filing.category, filing.phone) == ("immediate", "burst", "13900000009")


@pytest.mark.parametrize(("fault", "spot", "heavy", "urgency"), [
    (Fault.LEAK, Spot.ROAD, False, "urgent"), (Fault.LEAK, Spot.ROAD, True, "immediate"),
    (Fault.LEAK, Spot.AFTER_METER, True, "ordinary"), (Fault.COVER, None, False, "immediate"),
    (Fault.LOW_PRESSURE, None, False, "ordinary"),
])
def test_urgency(world: World, fault: Fault, spot: Spot | None, heavy: bool, urgency: str) -> None:
    assert world.repairs.urgency(fault, spot, heavy=heavy) == urgency


async def test_the_same_report_twice_is_one_order(world: World) -> None:
    first = await world.repairs.file(OPENID, report())
    assert (await world.repairs.file(OPENID, report())).order_no == first.order_no
    assert len(world.hotline.orders) == 1


async def test_an_answer_lost_on_the_way_makes_no_second_order(world: World) -> None:
    world.hotline.lost_answer = True
    with pytest.raises(SystemUnavailable):
        await world.repairs.file(OPENID, report())
    assert await world.repairs.orders(OPENID) == []
    order = await world.repairs.file(OPENID, report())
    assert list(world.hotline.orders) == [order.order_no]


async def test_an_order_whose_answer_was_lost_is_found_by_the_feed(world: World) -> None:
    world.hotline.lost_answer = True
    with pytest.raises(SystemUnavailable):
        await world.repairs.file(OPENID, report())
    await world.repairs.follow()
    assert [order.state for order in await world.repairs.orders(OPENID)] == [OrderState.ACCEPTED]
    assert await world.pushed() == []


async def test_address_and_phone_on_file_are_used(world: World) -> None:
    number = await world.bind()
    order = await world.repairs.file(OPENID, report(address=None, phone=None, account_no=number))
    account, filing = world.csms.accounts[number], world.hotline.filings[order.order_no]
    assert (filing.address, filing.phone, filing.account_no) == (account.address, account.phone, number)
    assert account.address not in str(order)


async def test_without_csms_a_report_is_filed_without_the_phone(world: World) -> None:
    number = await world.bind()
    world.csms.down = True
    order = await world.repairs.file(OPENID, report(address=None, phone=None, account_no=number))
    assert world.hotline.filings[order.order_no].phone is None


async def test_the_address_of_somebody_elses_account_is_not_used(world: World) -> None:
    number = await world.bind(openid=OTHER)
    with pytest.raises(NotBound):
        await world.repairs.file(OPENID, report(address=None, account_no=number))
    with pytest.raises(NotBound):
        await world.repairs.phone_on_file(OPENID, number)
    assert not world.hotline.orders


async def test_a_known_outage_is_told_and_a_dead_website_is_not_in_the_way(world: World) -> None:
    now = world.clock.now()
    notice = OutageNotice("TS1", OutageKind.SUDDEN, ("滨江区",), "抢修", now, now + timedelta(hours=2), now)
    world.outages.notices = [notice]
    number = await world.bind()
    assert await world.repairs.known_outage(OPENID, number, None) == notice
    assert world.outages.asked == [world.csms.accounts[number].address]
    world.outages.down = True
    assert await world.repairs.known_outage(OPENID, number, None) is None


async def test_nobody_learns_of_another_customers_order(world: World) -> None:
    order = await world.repairs.file(OTHER, report())
    for attempt in (
        world.repairs.order(OPENID, order.order_no), world.repairs.cancel(OPENID, order.order_no),
        world.repairs.remind(OPENID, order.order_no), world.repairs.rate(OPENID, order.order_no, 5, None),
        world.repairs.amend(OPENID, order.order_no, Amendment("am-00000001", note="x")), world.repairs.known(OPENID, "GD0"),
    ):
        with pytest.raises(UnknownOrder):
            await attempt
    assert await world.repairs.orders(OPENID) == []


async def test_reminders_keep_to_the_rule(world: World) -> None:
    number = (await world.repairs.file(OPENID, report())).order_no
    with pytest.raises(RemindedTooOften) as early:
        await world.repairs.remind(OPENID, number)
    assert early.value.again_at == world.clock.now() + timedelta(minutes=30)
    for _ in range(3):
        world.clock.advance(minutes=61)
        await world.repairs.remind(OPENID, number)
    world.clock.advance(days=1)
    with pytest.raises(RemindedTooOften) as enough:
        await world.repairs.remind(OPENID, number)
    assert enough.value.again_at is None
    assert world.hotline.reminders == 3


async def test_a_reminder_whose_answer_was_lost_counts_once(world: World) -> None:
    number = (await world.repairs.file(OPENID, report())).order_no
    world.clock.advance(hours=1)
    world.hotline.lost_answer = True
    with pytest.raises(SystemUnavailable):
        await world.repairs.remind(OPENID, number)
    assert (await world.repairs.remind(OPENID, number)).reminders == 1
    assert world.hotline.reminders == 1


async def test_the_end_is_told_once(world: World) -> None:
    number = (await world.repairs.file(OPENID, report())).order_no
    world.hotline.move(number, OrderState.DONE, "换了接头")
    assert (await world.repairs.order(OPENID, number)).result == "换了接头"
    await world.repairs.follow()
    await world.repairs.follow()
    assert await world.pushed() == [{"intent": "EXTERNAL_order_done", "entities": {"work_order_no": number}}]


async def test_the_customers_own_cancellation_is_no_news(world: World) -> None:
    number = (await world.repairs.file(OPENID, report())).order_no
    assert (await world.repairs.cancel(OPENID, number)).state is OrderState.CANCELLED
    await world.repairs.follow()
    assert await world.pushed() == []
    with pytest.raises(OrderClosed):
        await world.repairs.amend(OPENID, number, Amendment("am-00000001", note="在三楼"))


async def test_an_order_that_the_hotline_drops_is_news(world: World) -> None:
    number = (await world.repairs.file(OPENID, report())).order_no
    world.hotline.move(number, OrderState.CANCELLED, "误报")
    await world.repairs.follow()
    assert [push["intent"] for push in await world.pushed()] == ["EXTERNAL_order_dropped"]


async def test_while_the_hotline_is_down_nothing_is_lost(world: World) -> None:
    number = (await world.repairs.file(OPENID, report())).order_no
    world.hotline.move(number, OrderState.DONE)
    world.hotline.down = True
    with pytest.raises(SystemUnavailable):
        await world.repairs.follow()
    world.hotline.down = False
    assert await world.repairs.follow() == 1


async def test_photos_follow_the_order(world: World) -> None:
    photo = await world.media.keep(OPENID, "image", b"\xff\xd8\xff photo", "image/jpeg")
    number = (await world.repairs.file(OPENID, report(photos=(photo,)))).order_no
    world.hotline.down = True
    with pytest.raises(SystemUnavailable):
        await world.repairs.send_waiting()
    world.hotline.down = False
    assert await world.repairs.send_waiting() == 1
    assert await world.repairs.send_waiting() == 0
    later = await world.media.keep(OPENID, "image", b"\xff\xd8\xff later", "image/jpeg")
    await world.repairs.amend(OPENID, number, Amendment("am-00000001", photos=(later,)))
    await world.repairs.send_waiting()
    assert set(world.hotline.files) == {photo, later}
    assert world.hotline.amendments == []


async def test_a_rating_is_kept_once_and_sent(world: World) -> None:
    number = (await world.repairs.file(OPENID, report())).order_no
    with pytest.raises(NotRateable):
        await world.repairs.rate(OPENID, number, 5, None)
    world.hotline.move(number, OrderState.DONE)
    await world.repairs.follow()
    await world.repairs.rate(OPENID, number, 4, "来得快")
    with pytest.raises(NotRateable):
        await world.repairs.rate(OPENID, number, 1, None)
    assert await world.repairs.send_waiting() == 1
    assert world.hotline.ratings == {number: (4, "来得快")}


async def test_no_rating_after_a_week(world: World) -> None:
    number = (await world.repairs.file(OPENID, report())).order_no
    world.hotline.move(number, OrderState.DONE)
    await world.repairs.follow()
    world.clock.advance(days=8)
    with pytest.raises(NotRateable):
        await world.repairs.rateable(OPENID, number)


async def test_open_orders_come_first_and_the_like_is_found(world: World) -> None:
    old = (await world.repairs.file(OPENID, report())).order_no
    world.clock.advance(hours=1)
    new = (await world.repairs.file(OPENID, report("rep-00000002", fault=Fault.COVER))).order_no
    world.hotline.move(new, OrderState.DONE)
    await world.repairs.follow()
    assert [order.order_no for order in await world.repairs.orders(OPENID)] == [old, new]
    like = await world.repairs.like(OPENID, Fault.LEAK)
    assert like is not None
    assert like.order_no == old
    assert await world.repairs.like(OPENID, Fault.COVER) is None


async def test_a_complaint_has_days_to_be_answered(world: World) -> None:
    order = await world.repairs.file(OPENID, report(kind=OrderKind.COMPLAINT, fault=None, address=None))
    assert order.promised_at == world.clock.now() + timedelta(days=5)
    assert [each.kind for each in await world.repairs.orders(OPENID, [OrderKind.SUGGESTION])] == []
