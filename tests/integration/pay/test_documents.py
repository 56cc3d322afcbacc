"""The pages that only show something: an invoice, and what is stored about a customer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from connectors.wechatpay import WechatPay
from runxia.clock import FixedClock
from runxia.settings import Settings
from services.errors import SystemUnavailable
from services.invoices import InvoiceState, Title, TitleKind
from store.models import Binding, Customer, Message, NotifySetting, PayOrder, VerifiedSession
from tests.fakes import number_of
from tests.integration.pay.web import Web, serving_pages

MOTHER, STRANGER = "oMother0000000000000000000001", "oStranger00000000000000000002"
ACCOUNT = number_of("paid_up")
ADDRESS = "滨江区云栖路88号3栋502室"
COMPANY = Title(TitleKind.COMPANY, "杭州润泽科技有限公司", "91110000802100433B")


@pytest.fixture
async def web(settings: Settings, pay: WechatPay, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Web]:
    async with serving_pages(settings, pay, clock, tmp_path) as web:
        yield web


@pytest.fixture
async def browser(web: Web) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=web.url) as client:
        yield client


async def settle_in(web: Web, *, proven: bool = True) -> None:
    """A customer with an account and a conversation."""
    now = web.clock.now()
    async with web.db.begin() as session:
        session.add(Customer(openid=MOTHER, created_at=now, last_seen_at=now))
        await session.flush()
        session.add(Binding(
            openid=MOTHER, account_no=ACCOUNT, owner="林小满", address=ADDRESS, is_default=True, created_at=now,
        ))
        if proven:
            session.add(VerifiedSession(openid=MOTHER, account_no=ACCOUNT, until=now + timedelta(minutes=30)))
        for number, (way, kind, content) in enumerate((
            ("in", "text", '{"shown": "水费多少", "message": "水费多少"}'), ("out", "text", '{"text": "39.00元<b>"}'),
            ("in", "image", '{"shown": "", "photo": "MEDIA-1"}'),
        )):
            session.add(Message(
                key=f"m{number}", openid=MOTHER, direction=way, kind=kind, content=content, state="answered", attempts=0,
                created_at=now,
            ))
        session.add(NotifySetting(openid=MOTHER, account_no=ACCOUNT, balance_fen=5000, changed_at=now))
        session.add(PayOrder(
            out_trade_no="RX1", openid=MOTHER, amount_fen=3900, state="settled", excess="refund", link_nonce="n",
            created_at=now, expires_at=now,
        ))


async def invoice(web: Web, *, issued: bool = True) -> str:
    """The address of an invoice's page."""
    offer = await web.invoices.offer(ACCOUNT)
    filing = await web.invoices.file(MOTHER, "FP1", ACCOUNT, [offer.bills[0].bill_no], COMPANY, None)
    if issued:
        web.invoice_desk.issue()
    return urlsplit(web.invoices.link(filing.accepted[0].invoice_no)).path


async def data(web: Web) -> str:
    """The address of the customer's own data."""
    return urlsplit(await web.privacy.link(MOTHER)).path


async def open_as(browser: httpx.AsyncClient, web: Web, path: str, openid: str = MOTHER) -> httpx.Response:
    """Open a page as somebody, by way of WeChat's authorisation."""
    away = await browser.get(path)
    assert away.status_code == 302
    state = parse_qs(urlsplit(away.headers["Location"]).query)["state"][0]
    return await browser.get(path, params={"code": web.wechat.code(openid), "state": state})


# --- invoices


async def test_an_invoice_is_shown_and_opened(browser: httpx.AsyncClient, web: Web) -> None:
    await settle_in(web)
    path = await invoice(web)
    page = await open_as(browser, web, path)
    assert page.status_code == 200
    for part in ("电子发票", "39.00元", "2026年10月水费", COMPANY.name, "91110000802100433B", "打开发票 PDF"):
        assert part in page.text
    assert ACCOUNT not in page.text
    assert ADDRESS not in page.text
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    document = await browser.get(f"{path}/pdf", headers={"Cookie": cookie})
    assert document.headers["Content-Type"] == "application/pdf"
    assert document.content.startswith(b"%PDF")


async def test_an_invoice_under_way_has_no_document(browser: httpx.AsyncClient, web: Web) -> None:
    await settle_in(web)
    page = await open_as(browser, web, await invoice(web, issued=False))
    assert "发票还在开具" in page.text
    assert "打开发票 PDF" not in page.text


async def test_a_cancelled_invoice_says_so(browser: httpx.AsyncClient, web: Web) -> None:
    await settle_in(web)
    path = await invoice(web, issued=False)
    web.invoice_desk.issue(InvoiceState.CANCELLED)
    page = await open_as(browser, web, path)
    assert "已红冲" in page.text
    assert "打开发票 PDF" not in page.text


async def test_the_invoice_of_an_account_that_is_not_bound(browser: httpx.AsyncClient, web: Web) -> None:
    await settle_in(web)
    page = await open_as(browser, web, await invoice(web), STRANGER)
    assert page.status_code == 403
    assert COMPANY.name not in page.text


async def test_invoice_links_that_are_no_good(browser: httpx.AsyncClient, web: Web) -> None:
    await settle_in(web)
    path = await invoice(web)
    assert (await open_as(browser, web, f"{path[:-1]}*")).status_code == 404
    web.clock.advance(days=400)
    late = await open_as(browser, web, path)
    assert (late.status_code, "链接已过期" in late.text) == (410, True)


async def test_the_billing_system_is_down(
    browser: httpx.AsyncClient, web: Web, monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def down(_number: str) -> None:
        raise SystemUnavailable("csms")

    await settle_in(web)
    path = await invoice(web)
    monkeypatch.setattr(web.invoice_desk, "invoice", down)
    page = await open_as(browser, web, path)
    assert (page.status_code, "系统正忙" in page.text) == (503, True)


# --- what is stored


async def test_the_data_are_shown_in_words(browser: httpx.AsyncClient, web: Web) -> None:
    await settle_in(web)
    page = await open_as(browser, web, await data(web))
    assert page.status_code == 200
    for part in ("我的数据", "林小满", ADDRESS, "水费多少", "39.00元&lt;b&gt;", "（照片）", "余额低于", "50.00元", "已入账"):
        assert part in page.text
    for part in ("balance_fen", "excess", "refund", "answered", "MEDIA-1", "<b>"):
        assert part not in page.text


async def test_what_is_not_proven_is_masked(browser: httpx.AsyncClient, web: Web) -> None:
    await settle_in(web, proven=False)
    page = await open_as(browser, web, await data(web))
    assert ADDRESS not in page.text
    assert "林小满" not in page.text


async def test_the_file_has_everything_and_only_for_its_owner(browser: httpx.AsyncClient, web: Web) -> None:
    await settle_in(web)
    path = await data(web)
    page = await open_as(browser, web, path)
    cookie = page.headers["Set-Cookie"]
    assert all(part in cookie for part in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/p/data/"))
    file = await browser.get(f"{path}/file", headers={"Cookie": cookie.partition(";")[0]})
    assert "attachment" in file.headers["Content-Disposition"]
    assert {each["name"] for each in file.json()} >= {"binding", "message", "notify_setting", "pay_order"}
    assert (await httpx.AsyncClient(base_url=web.url).get(f"{path}/file")).status_code == 403


async def test_somebody_elses_data(browser: httpx.AsyncClient, web: Web) -> None:
    await settle_in(web)
    page = await open_as(browser, web, await data(web), STRANGER)
    assert page.status_code == 403
    assert "林小满" not in page.text


async def test_data_links_that_are_no_good(browser: httpx.AsyncClient, web: Web) -> None:
    await settle_in(web)
    path = await data(web)
    assert (await open_as(browser, web, "/p/data/abc.def")).status_code == 404
    web.clock.advance(minutes=31)
    late = await open_as(browser, web, path)
    assert (late.status_code, "链接已失效" in late.text) == (410, True)


@pytest.mark.parametrize("page_of", [data, invoice])
async def test_the_pages_are_locked_down(browser: httpx.AsyncClient, web: Web, page_of: object) -> None:
    await settle_in(web)
    page = await open_as(browser, web, await page_of(web))  # type: ignore[operator]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    assert " style=" not in page.text
    assert "<script>" not in page.text


@pytest.mark.parametrize("page_of", [data, invoice])
async def test_a_code_that_is_used(browser: httpx.AsyncClient, web: Web, page_of: object) -> None:
    await settle_in(web)
    path = await page_of(web)  # type: ignore[operator]
    state = parse_qs(urlsplit((await browser.get(path)).headers["Location"]).query)["state"][0]
    page = await browser.get(path, params={"code": "made-up", "state": state})
    assert (page.status_code, "请在微信里打开" in page.text) == (403, True)
