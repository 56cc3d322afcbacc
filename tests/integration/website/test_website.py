"""The website's client against the sandbox's website."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import httpx
import pytest

from connectors.website import WebsiteClient
from runxia.clock import Clock, clock_from
from runxia.settings import Settings
from runxia.utility import load_utility
from services.errors import SystemUnavailable
from services.outages import Outages
from services.website import OutageKind
from store.kv import MemoryStore
from tests.stack import Stack, running


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("website"), only=("csms", "hotline", "sandbox")) as started:
        yield started


@pytest.fixture
def settings(outside: Stack) -> Settings:
    given = {name.lower(): value for name, value in outside.env.items() if name.lower() in Settings.model_fields}
    return Settings.model_validate(given | {"website_cache_seconds": 0})


@pytest.fixture
def clock(settings: Settings) -> Clock:
    return clock_from(settings.clock_file)


@pytest.fixture
async def website(settings: Settings, clock: Clock, sandbox: httpx.AsyncClient) -> AsyncIterator[WebsiteClient]:
    async with WebsiteClient.open(settings, MemoryStore(clock), clock) as client:
        yield client


@pytest.fixture
async def sandbox(outside: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=outside.sandbox_url, timeout=30, trust_env=False) as http:
        (await http.post("/sandbox/reset")).raise_for_status()
        yield http


async def test_the_demonstration_has_an_outage_now_and_one_tomorrow(website: WebsiteClient, clock: Clock) -> None:
    now = clock.now()
    board = await website.outages()
    assert any(each.kind is OutageKind.SUDDEN and each.starts_at <= now < each.ends_at for each in board.items)
    assert any(each.starts_at.date() == now.date() + timedelta(days=1) for each in board.items)
    assert len((await website.quality()).items) == 21


async def test_a_notice_that_is_published_is_found(website: WebsiteClient, sandbox: httpx.AsyncClient, clock: Clock) -> None:
    published = await sandbox.post("/sandbox/website/outages", json={"areas": ["西湖区松风巷"], "lasts": 2})
    number = published.json()["notice_no"]
    outages = Outages(website, load_utility(Settings().utility_file))
    assert [each.notice_no for each in await outages.affecting("西湖区松风巷40号15幢", clock.now())] == [number]
    page = await sandbox.get(f"/website/outages/{number}")
    assert "松风巷" in page.text


async def test_an_empty_board(website: WebsiteClient, sandbox: httpx.AsyncClient) -> None:
    await sandbox.delete("/sandbox/website/outages")
    assert (await website.outages()).items == ()
    assert "目前没有停水公告" in (await sandbox.get("/website/outages")).text


async def test_a_water_sample_that_is_published_is_found(website: WebsiteClient, sandbox: httpx.AsyncClient) -> None:
    await sandbox.delete("/sandbox/website/quality")
    await sandbox.post("/sandbox/website/quality", json={"works": "临江清溪水厂", "measurements": {"浑浊度": "1.4"}})
    report = (await website.quality()).items[0]
    assert (report.works, report.areas, report.measurements[0].value) == ("临江清溪水厂", ("滨江区",), "1.4")


@pytest.mark.parametrize("body", [{}, {"areas": []}, {"areas": ["x"], "lasts": -1}, {"areas": ["x"], "kind": "rumour"}])
async def test_a_notice_without_sense_is_not_published(sandbox: httpx.AsyncClient, body: dict[str, object]) -> None:
    assert (await sandbox.post("/sandbox/website/outages", json=body)).status_code == 422


@pytest.mark.parametrize("mode", ["down", "garbage"])
async def test_a_site_that_is_away(website: WebsiteClient, sandbox: httpx.AsyncClient, mode: str) -> None:
    before = await website.outages()
    await sandbox.post("/sandbox/faults", json={"system": "website", "mode": mode})
    after = await website.outages()
    assert (after.stale, after.items) == (True, before.items)
    with pytest.raises(SystemUnavailable):
        await website.quality()


@pytest.mark.parametrize("path", ["", "outages", "quality"])
async def test_people_can_read_it(sandbox: httpx.AsyncClient, path: str) -> None:
    page = await sandbox.get(f"/website/{path}")
    assert page.status_code == 200
    assert "临江市自来水有限公司" in page.text
