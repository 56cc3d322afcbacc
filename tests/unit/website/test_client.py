"""What the client of the website believes, keeps, and tells when the site is away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors.website import WebsiteClient
from connectors.website.client import MAX_ANSWER_BYTES
from runxia.clock import SHANGHAI, FixedClock
from services.errors import SystemUnavailable
from store.kv import MemoryStore

NOW = datetime(2026, 11, 21, 9, tzinfo=SHANGHAI)
FRESH = timedelta(minutes=3)
NOTICE: dict[str, Any] = {
    "notice_no": "TS2026112209", "kind": "planned", "areas": ["滨江区云栖路2号至120号"], "reason": "管道改造",
    "starts_at": "2026-11-22T01:00:00Z", "ends_at": "2026-11-22T17:00:00+08:00", "published_at": "2026-11-16T16:00:00+08:00",
}
REPORT: dict[str, Any] = {
    "report_no": "SZ1", "works": "清溪水厂", "areas": ["滨江区"], "point": "outlet", "sampled_on": "2026-11-20",
    "published_at": "2026-11-21T08:00:00+08:00", "measurements": [{"indicator": "浑浊度", "value": "0.18"}],
}


class Site:
    """Answers with ``answer``, and counts."""

    def __init__(self, **feeds: Any) -> None:
        self.feeds = {"outages": {"notices": [NOTICE]}, "quality": {"reports": [REPORT]}} | feeds
        self.answer: Callable[[httpx.Request], httpx.Response] | None = None
        self.asked = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.answer is not None:
            return self.answer(request)
        name = request.url.path.rpartition("/")[2].removesuffix(".json")
        return httpx.Response(200, json=self.feeds[name])


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("away", request=request)


class World:
    """A client, its site and its clock."""

    def __init__(self, **feeds: Any) -> None:
        self.site, self.clock = Site(**feeds), FixedClock(NOW)
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.site), base_url="https://water.test/site/")
        self.client = WebsiteClient(http, MemoryStore(self.clock), self.clock, FRESH)


async def test_notices_are_read_in_local_time() -> None:
    board = await World().client.outages()
    assert board.as_of == NOW
    assert not board.stale
    assert board.items[0].starts_at.isoformat() == "2026-11-22T09:00:00+08:00"


async def test_quality_is_read() -> None:
    report = (await World().client.quality()).items[0]
    assert (report.works, report.measurements[0].value) == ("清溪水厂", "0.18")


async def test_it_is_asked_again_only_when_it_is_old() -> None:
    world = World()
    await world.client.outages()
    world.clock.advance(minutes=2)
    assert (await world.client.outages()).as_of == NOW
    assert world.site.asked == 1
    world.clock.advance(minutes=2)
    assert (await world.client.outages()).as_of == NOW + timedelta(minutes=4)
    assert world.site.asked == 2


async def test_what_was_read_is_told_while_the_site_is_away() -> None:
    world = World()
    await world.client.outages()
    world.clock.advance(minutes=10)
    world.site.answer = away
    for _ in range(3):
        board = await world.client.outages()
        assert (board.stale, board.as_of) == (True, NOW)
    assert world.site.asked == 2, "after a failure the site is left alone for a while"
    world.clock.advance(seconds=31)
    world.site.answer = None
    assert not (await world.client.outages()).stale


async def test_what_is_too_old_is_not_told() -> None:
    world = World()
    await world.client.outages()
    world.clock.advance(hours=25)
    world.site.answer = away
    with pytest.raises(SystemUnavailable):
        await world.client.outages()


async def test_a_clock_that_was_put_back_reads_anew() -> None:
    world = World()
    await world.client.outages()
    world.clock.advance(hours=-1)
    assert (await world.client.outages()).as_of == NOW - timedelta(hours=1)


@pytest.mark.parametrize("answer", [
    away,
    lambda request: httpx.Response(503, json={}),
    lambda request: httpx.Response(301, headers={"Location": "https://elsewhere.test/"}),
    lambda request: httpx.Response(200, text="<html>502 Bad Gateway</html>"),
    lambda request: httpx.Response(200, content=b" " * (MAX_ANSWER_BYTES + 1)),
    lambda request: httpx.Response(200, content=b'{"notices": [\xff]}'),
])
async def test_no_answer_is_no_answer(answer: Callable[[httpx.Request], httpx.Response]) -> None:
    world = World()
    world.site.answer = answer
    with pytest.raises(SystemUnavailable):
        await world.client.outages()


@pytest.mark.parametrize("wrong", [
    {"kind": "rumour"}, {"areas": []}, {"areas": ["x" * 400]}, {"reason": "a\nb"}, {"reason": "{hotline}"},
    {"reason": "<a href=x>"}, {"starts_at": "2026-11-22T09:00:00"},
    {"ends_at": "2026-11-22T08:00:00+08:00"}, {"notice_no": "../x"}, {"notice_no": ""},
])
async def test_a_notice_that_makes_no_sense_is_not_believed(wrong: dict[str, Any]) -> None:
    with pytest.raises(SystemUnavailable):
        await World(outages={"notices": [NOTICE | wrong]}).client.outages()


@pytest.mark.parametrize("wrong", [
    {"point": "sea"}, {"sampled_on": "2026-02-30"}, {"measurements": []},
    {"measurements": [{"indicator": "pH", "value": "很好"}]}, {"measurements": [{"indicator": "pH", "value": "7.1e9"}]},
])
async def test_a_report_that_makes_no_sense_is_not_believed(wrong: dict[str, Any]) -> None:
    with pytest.raises(SystemUnavailable):
        await World(quality={"reports": [REPORT | wrong]}).client.quality()


async def test_a_number_used_twice_is_not_believed() -> None:
    with pytest.raises(SystemUnavailable):
        await World(outages={"notices": [NOTICE, NOTICE]}).client.outages()
