"""Subscriptions and settings as the service keeps them."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal

import pytest
from sqlalchemy import delete, update

from runxia.clock import SHANGHAI
from services.errors import NotBound, OutOfRange
from services.subscriptions import Change, Quiet, Reminders, Topic, merged
from store.models import Binding, Customer
from tests.fakes import number_of, outage
from tests.unit.answering import OPENID
from tests.unit.website.conftest import Home

A, B = number_of("neighbour_a"), number_of("neighbour_b")


async def test_a_subscription_is_kept_once(home: Home) -> None:
    await home.bind("neighbour_a", "neighbour_b")
    assert await home.subscriptions.subscribe(OPENID, [Topic.OUTAGE], [A, B])
    assert not await home.subscriptions.subscribe(OPENID, [Topic.OUTAGE], [A])
    assert (await home.subscriptions.overview(OPENID)).topics == {A: {Topic.OUTAGE}, B: {Topic.OUTAGE}}
    assert await home.subscriptions.unsubscribe(OPENID, [Topic.OUTAGE], [B])
    assert not await home.subscriptions.unsubscribe(OPENID, [Topic.OUTAGE], [B])
    assert [each.account_no for each in await home.subscriptions.subscribers(Topic.OUTAGE)] == [A]


async def test_nobody_subscribes_for_others(home: Home) -> None:
    await home.bind("neighbour_a")
    with pytest.raises(NotBound):
        await home.subscriptions.subscribe(OPENID, [Topic.OUTAGE], [B])
    with pytest.raises(NotBound):
        await home.subscriptions.change(OPENID, [B], Change(pay_days=3))


async def test_who_is_to_be_told_of_an_outage(home: Home) -> None:
    await home.bind("neighbour_a")  # 西湖区松风巷12号
    await home.bind("neighbour_b", openid="oOther")  # 江东区望潮街9号
    await home.subscriptions.subscribe(OPENID, [Topic.OUTAGE], [A])
    await home.subscriptions.subscribe("oOther", [Topic.OUTAGE, Topic.QUALITY], [B])
    told = await home.subscriptions.to_be_told_of(outage(areas=("江东区望潮街1号至50号",)))
    assert [(each.openid, each.account_no) for each in told] == [("oOther", B)]


async def test_who_left_is_not_told(home: Home) -> None:
    await home.bind("neighbour_a")
    await home.subscriptions.subscribe(OPENID, [Topic.QUALITY], [A])
    async with home.db.begin() as session:
        await session.execute(update(Customer).values(subscribed=False))
    assert await home.subscriptions.subscribers(Topic.QUALITY) == []


async def test_what_is_set_for_an_account_goes_with_its_binding(home: Home) -> None:
    await home.bind("neighbour_a")
    await home.subscriptions.subscribe(OPENID, [Topic.QUALITY], [A])
    await home.subscriptions.change(OPENID, [A], Change(pay_days=3))
    async with home.db.begin() as session:
        await session.execute(delete(Binding))
    assert (await home.subscriptions.overview(OPENID)).is_empty


async def test_settings_are_changed_one_by_one(home: Home) -> None:
    await home.bind("neighbour_a")
    await home.subscriptions.change(OPENID, [A], Change(overuse_volume=Decimal(30), pay_days=5))
    await home.subscriptions.change(OPENID, [A], Change(balance_fen=5000, quiet=Quiet(time(22), time(7))))
    overview = await home.subscriptions.overview(OPENID)
    assert overview.reminders[A] == Reminders(Decimal(30), None, 5, 5000)
    assert overview.quiet == Quiet(time(22), time(7))
    assert await home.subscriptions.reset(OPENID, ["pay_days", "quiet"], [A])
    overview = await home.subscriptions.overview(OPENID)
    assert (overview.reminders[A].pay_days, overview.quiet) == (None, None)
    assert not await home.subscriptions.reset(OPENID, ["pay_days", "quiet"], [A])


@pytest.mark.parametrize("change", [
    Change(overuse_volume=Decimal(0)), Change(overuse_volume=Decimal(5001)), Change(overuse_fen=50), Change(pay_days=0),
    Change(pay_days=16), Change(balance_fen=0), Change(balance_fen=500_100), Change(quiet=Quiet(time(7), time(7))),
])
async def test_what_the_rules_do_not_allow(home: Home, change: Change) -> None:
    await home.bind("neighbour_a")
    with pytest.raises(OutOfRange):
        await home.subscriptions.change(OPENID, [A], change)
    assert (await home.subscriptions.overview(OPENID)).is_empty


@pytest.mark.parametrize(
    ("quiet", "at", "end"),
    [
        (Quiet(time(22), time(7)), "2026-11-21T23:00", "2026-11-22T07:00"),
        (Quiet(time(22), time(7)), "2026-11-21T03:00", "2026-11-21T07:00"),
        (Quiet(time(22), time(7)), "2026-11-21T07:00", "2026-11-21T07:00"),
        (Quiet(time(22), time(7)), "2026-11-21T21:59", "2026-11-21T21:59"),
        (Quiet(time(8), time(15)), "2026-11-21T08:00", "2026-11-21T15:00"),
        (Quiet(time(8), time(15)), "2026-11-21T15:30", "2026-11-21T15:30"),
    ],
)
async def test_quiet_hours_put_off(home: Home, quiet: Quiet, at: str, end: str) -> None:
    await home.bind("neighbour_a")
    moment = datetime.fromisoformat(at).replace(tzinfo=SHANGHAI)
    assert await home.subscriptions.not_before(OPENID, moment) == moment
    await home.subscriptions.change(OPENID, [A], Change(quiet=quiet))
    assert await home.subscriptions.not_before(OPENID, moment) == datetime.fromisoformat(end).replace(tzinfo=SHANGHAI)


def test_two_changes_become_one() -> None:
    assert merged(Change(pay_days=3), Change(pay_days=5, balance_fen=100)) == Change(pay_days=5, balance_fen=100)
