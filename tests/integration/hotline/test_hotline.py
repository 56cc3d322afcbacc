"""The hotline system over real HTTP: what it files, what it tells, and what is not believed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from connectors.hotline import HotlineClient
from runxia.clock import Clock, clock_from
from runxia.settings import Settings
from services.errors import OrderClosed, SystemUnavailable, UnknownOrder
from services.repairs.ports import Filing, OrderKind, OrderState
from tests.stack import Stack, running


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """``python -m sandbox.hotline`` and the controls."""
    with running(tmp_path_factory.mktemp("hotline"), only=("csms", "hotline", "sandbox")) as started:
        yield started


@pytest.fixture
def settings(outside: Stack) -> Settings:
    """The application's settings for these systems."""
    given = {name.lower(): value for name, value in outside.env.items() if name.lower() in Settings.model_fields}
    return Settings.model_validate(given)


@pytest.fixture
def clock(settings: Settings) -> Clock:
    """The sandbox's clock."""
    return clock_from(settings.clock_file)


@pytest.fixture
async def hotline(settings: Settings, clock: Clock) -> AsyncIterator[HotlineClient]:
    """The client under test."""
    async with HotlineClient.open(settings, clock) as client:
        yield client


class Controls:
    """The sandbox's controls."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def post(self, path: str, **body: Any) -> None:
        """Turn a control."""
        (await self._http.post(f"/sandbox/{path}", json=body)).raise_for_status()

    async def order(self, number: str) -> dict[str, Any]:
        """Everything about an order."""
        orders = (await self._http.get("/sandbox/fixture")).json()["work_orders"]
        return dict(next(order for order in orders if order["order_no"] == number))


@pytest.fixture
async def controls(outside: Stack) -> AsyncIterator[Controls]:
    """No faults."""
    async with httpx.AsyncClient(base_url=outside.sandbox_url, timeout=30, trust_env=False) as http:
        yield Controls(http)
        (await http.post("/sandbox/reset")).raise_for_status()


def filing(clock: Clock, key: str, **changes: Any) -> Filing:
    """A burst, changed by keyword."""
    usual: dict[str, Any] = {
        "request_key": key, "kind": OrderKind.REPAIR, "urgency": "immediate", "promised_at": clock.now() + timedelta(hours=1),
        "description": "路面喷水", "category": "burst", "spot": "road", "address": "滨江区江南大道288号",
        "phone": "13900000009",
    }
    return Filing(**{**usual, **changes})


async def test_filed_once_however_often_it_is_sent(hotline: HotlineClient, clock: Clock, controls: Controls) -> None:
    first = await hotline.file(filing(clock, "rep-it-0001"))
    again = await hotline.file(filing(clock, "rep-it-0001", promised_at=clock.now() + timedelta(hours=2)))
    assert again == first
    kept = await controls.order(first.order_no)
    assert (kept["category"], kept["address"], kept["phone"]) == ("burst", "滨江区江南大道288号", "13900000009")


async def test_the_life_of_an_order(hotline: HotlineClient, clock: Clock, controls: Controls) -> None:
    order = await hotline.file(filing(clock, "rep-it-0002"))
    seen = order.version
    await hotline.remind(order.order_no, "rep-it-0002-r1")
    await hotline.remind(order.order_no, "rep-it-0002-r1")
    await hotline.amend(order.order_no, "am-it-0002", phone="13900000010", note="在三楼")
    await hotline.attach(order.order_no, "0" * 32, b"\xff\xd8\xff photo", "image/jpeg")
    await controls.post("hotline/move", order_no=order.order_no, state="done", crew="一班", result="换了管子")
    changed = [each for each in await hotline.changes(seen) if each.order_no == order.order_no]
    assert [(each.state, each.crew, each.result) for each in changed] == [(OrderState.DONE, "一班", "换了管子")]
    await hotline.rate(order.order_no, 5, "快")
    kept = await controls.order(order.order_no)
    assert (kept["reminders"], kept["phone"], len(kept["attachments"])) == (1, "13900000010", 1)
    assert kept["rating"] == {"score": 5, "comment": "快"}
    for change in (hotline.remind(order.order_no, "rep-it-0002-r2"), hotline.cancel(order.order_no, "不要了")):
        with pytest.raises(OrderClosed):
            await change
    assert not await hotline.changes((await hotline.order(order.order_no)).version)


async def test_cancelled_stays_cancelled(hotline: HotlineClient, clock: Clock) -> None:
    order = await hotline.file(filing(clock, "rep-it-0003"))
    assert (await hotline.cancel(order.order_no, "客户自行取消")).state is OrderState.CANCELLED
    assert (await hotline.cancel(order.order_no, "客户自行取消")).state is OrderState.CANCELLED
    with pytest.raises(OrderClosed):
        await hotline.rate(order.order_no, 5, None)


@pytest.mark.parametrize("number", ["GD0", "", "..", "../health", "1?x=1", "工单", "1" * 500])
async def test_numbers_that_are_no_order(hotline: HotlineClient, number: str) -> None:
    with pytest.raises(UnknownOrder):
        await hotline.order(number)


async def test_a_repair_without_a_place_is_refused(hotline: HotlineClient, clock: Clock) -> None:
    with pytest.raises(SystemUnavailable):
        await hotline.file(filing(clock, "rep-it-0004", address=None))


@pytest.mark.parametrize("mode", ["down", "garbage"])
async def test_a_hotline_that_misbehaves_is_unavailable(
    hotline: HotlineClient, clock: Clock, controls: Controls, mode: str,
) -> None:
    await controls.post("faults", system="hotline", mode=mode)
    with pytest.raises(SystemUnavailable):
        await hotline.file(filing(clock, f"rep-it-{mode}"))
    with pytest.raises(SystemUnavailable):
        await hotline.changes(0)


async def test_another_key_is_not_believed(settings: Settings, clock: Clock) -> None:
    wrong = settings.model_copy(update={"hotline_key": type(settings.hotline_key)("another")})
    async with HotlineClient.open(wrong, clock) as client:
        with pytest.raises(SystemUnavailable):
            await client.changes(0)
