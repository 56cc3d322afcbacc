"""Every page that a customer opens, on a phone and on a desk: it holds what it should, and nothing sticks out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Page, expect

from runxia.bootstrap import Services, open_services
from runxia.settings import load_settings
from services.invoices import Title, TitleKind
from store.models import Message
from tests.browser.conftest import DESK, PHONE, SCREENSHOTS
from tests.stack import Stack, running
from tests.world import bind, fixture

ISSUED_AFTER = timedelta(minutes=10)
COMPANY = Title(TitleKind.COMPANY, "临江市东方绿地文化创意产业发展有限责任公司", "91110000802100433B")
SAID = (
    ("in", "text", '{"shown": "我这个月水费多少钱", "message": "我这个月水费多少钱"}'),
    ("out", "text", '{"text": "2026年10月账单\\n用水 24吨\\n合计 90.60元\\n待缴 90.60元，最晚11月30日缴。"}'),
    ("in", "image", '{"shown": "", "photo": "01J9ZK3V7Q5M8T2XW4Y6B0CDEF"}'),
)
SIZES = pytest.mark.parametrize("page", [PHONE, DESK], indirect=True, ids=["phone", "desk"])


@dataclass(frozen=True)
class World:
    """A stack without the bot, and the addresses of a customer's pages."""

    stack: Stack
    customer: str
    stranger: str
    links: dict[str, str]

    def address(self, name: str) -> str:
        """What the customer's browser opens."""
        if name.startswith("/"):
            return f"{self.stack.sandbox_url}{name}"
        openid = self.stranger if name.startswith("foreign") else self.customer
        link = self.links[name.removeprefix("foreign ")]
        return f"{self.stack.sandbox_url}/sandbox/open?{urlencode({'openid': openid, 'url': link})}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The pages of one customer."""
    only = ("csms", "hotline", "sandbox", "gateway")
    with running(tmp_path_factory.mktemp("pages"), only=only) as stack, pytest.MonkeyPatch.context() as patch:
        for name, value in stack.env.items():
            patch.setenv(name, value)
        with ThreadPoolExecutor(1) as thread:  # Playwright holds this thread's event loop
            yield thread.submit(asyncio.run, _prepare(stack)).result()


async def _follower(stack: Stack, http: httpx.AsyncClient, nickname: str) -> str:
    answer = await http.post(f"{stack.sandbox_url}/sandbox/wechat/users", json={"nickname": nickname})
    return str(answer.json()["openid"])


async def _prepare(stack: Stack) -> World:
    """Something on every page."""
    async with httpx.AsyncClient(timeout=60) as http, open_services(load_settings()) as services:
        customer, stranger = [await _follower(stack, http, name) for name in ("小林", "小周")]
        accounts = await fixture(stack, http)
        await bind(stack, customer, [accounts["paid_up"], accounts["arrears"]])
        paid_up, arrears = (str(accounts[role]["account_no"]) for role in ("paid_up", "arrears"))
        issued = await _ask_for_invoice(services, customer, paid_up)
        body = {"advance_seconds": ISSUED_AFTER.total_seconds()}
        (await http.post(f"{stack.sandbox_url}/sandbox/clock", json=body)).raise_for_status()
        await _say(services, customer)
        owed = await services.payments.offer([arrears])
        return World(stack, customer, stranger, {
            "invoice": services.invoices.link(issued),
            "prepay": (await services.payments.create_prepayment(customer, paid_up, 20000)).url,
            "pay": (await services.payments.create_order(customer, owed.lines)).url,
            "contract": await services.auto_pay.offer(customer, paid_up),
            "data": await services.privacy.link(customer),
        })


async def _ask_for_invoice(services: Services, openid: str, account_no: str) -> str:
    offer = await services.invoices.offer(account_no)
    filing = await services.invoices.file(openid, "FP202611020001", account_no, [offer.bills[0].bill_no], COMPANY, None)
    return filing.accepted[0].invoice_no


async def _say(services: Services, openid: str) -> None:
    """A conversation, as the gateway keeps it."""
    now = services.clock.now()
    async with services.db.begin() as session:
        for number, (direction, kind, content) in enumerate(SAID):
            session.add(Message(
                key=f"pages{number}", openid=openid, direction=direction, kind=kind, content=content, state="answered",
                attempts=0, created_at=now,
            ))


def shoot(page: Page, name: str, size: str) -> None:
    """Keep a picture of the whole page."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"page-{re.sub('[/ ]', '-', name.strip('/')) or 'phone'}-{size}.png", full_page=True)


@SIZES
@pytest.mark.parametrize(("name", "wanted"), [
    ("data", "我的数据"), ("invoice", "电子发票"), ("pay", "应付水费"), ("prepay", "预存水费"),
    ("foreign data", "这不是您的链接"), ("foreign invoice", "这不是您的发票"), ("foreign pay", "这不是您的缴费链接"),
    ("contract", "自动扣款"), ("/", "临江"), ("/website/", "停水公告"),
    ("/website/outages", "停水公告"), ("/website/quality", "水质"),
])
def test_a_page(world: World, page: Page, name: str, wanted: str) -> None:
    page.goto(world.address(name))
    expect(page.locator("body")).to_contain_text(wanted)
    shoot(page, name, "phone" if page.viewport_size == {"width": 390, "height": 844} else "desk")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], "nothing sticks out"
