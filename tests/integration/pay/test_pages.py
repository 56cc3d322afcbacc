"""The payment page and the callback address over HTTP."""

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
from services.payments import OrderState, PayLink
from tests.fakes import number_of
from tests.integration.pay.server import PayServer, new_key
from tests.integration.pay.test_client import PREPAY, QUERY, paid
from tests.integration.pay.web import Web, serving_pages

MOTHER, SON = "oMother0000000000000000000001", "oSon0000000000000000000000002"
OWN = {"X-Requested-With": "runxia"}


@pytest.fixture
async def web(settings: Settings, pay: WechatPay, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Web]:
    async with serving_pages(settings, pay, clock, tmp_path) as web:
        yield web


@pytest.fixture
async def browser(web: Web) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=web.url) as client:
        yield client


async def link_for(web: Web, openid: str = MOTHER, role: str = "arrears") -> PayLink:
    offer = await web.payments.offer([number_of(role)])
    return await web.payments.create_order(openid, offer.lines)


def path(link: PayLink) -> str:
    return urlsplit(link.url).path


async def open_as(browser: httpx.AsyncClient, web: Web, link: PayLink, openid: str = MOTHER) -> httpx.Response:
    """Open a link as somebody: by way of WeChat's authorisation."""
    away = await browser.get(path(link))
    asked = parse_qs(urlsplit(away.headers["Location"]).query)
    return await browser.get(path(link), params={"code": web.wechat.code(openid), "state": asked["state"][0]})


async def test_opening_goes_by_way_of_wechat(browser: httpx.AsyncClient, web: Web) -> None:
    link = await link_for(web)
    away = await browser.get(path(link))
    where = urlsplit(away.headers["Location"])
    assert away.status_code == 302
    assert (where.netloc, where.path, where.fragment) == (
        "open.weixin.example", "/connect/oauth2/authorize", "wechat_redirect",
    )
    asked = parse_qs(where.query)
    assert list(asked) == ["appid", "redirect_uri", "response_type", "scope", "state"]
    assert asked["redirect_uri"] == [link.url]
    assert asked["scope"] == ["snsapi_base"]
    assert len(asked["state"][0]) <= 128
    assert asked["state"][0].isalnum()


async def test_the_page_shows_what_is_paid_for(browser: httpx.AsyncClient, web: Web) -> None:
    link = await link_for(web)
    page = await open_as(browser, web, link)
    assert page.status_code == 200
    number = number_of("arrears")
    shown = (f"{number[:4]}**{number[-4:]}", "2026年8月", "2026年10月", f"{link.amount_fen / 100:.2f}元")
    for part in ("临江市自来水有限公司", *shown):
        assert part in page.text
    assert number not in page.text
    assert "沈阿木" not in page.text


async def test_the_page_is_locked_down(browser: httpx.AsyncClient, web: Web) -> None:
    page = await open_as(browser, web, await link_for(web))
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self' https://res.example;" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    cookie = page.headers["Set-Cookie"]
    assert all(part in cookie for part in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/p/pay/RX"))
    assert "<script>" not in page.text
    assert " style=" not in page.text
    assert " onclick" not in page.text


async def test_a_second_look_needs_no_wechat(browser: httpx.AsyncClient, web: Web) -> None:
    link = await link_for(web)
    cookie = (await open_as(browser, web, link)).headers["Set-Cookie"].partition(";")[0]
    again = await browser.get(path(link), headers={"Cookie": cookie})
    assert again.status_code == 200
    other = await link_for(web, role="ordinary")
    assert (await browser.get(path(other), headers={"Cookie": cookie})).status_code == 302, "bound to its link"
    web.clock.advance(hours=2)
    assert (await browser.get(path(link), headers={"Cookie": cookie})).status_code == 302


async def test_somebody_elses_link(browser: httpx.AsyncClient, web: Web) -> None:
    page = await open_as(browser, web, await link_for(web), SON)
    assert page.status_code == 403
    assert "这不是您的缴费链接" in page.text
    assert "元" not in page.text.replace("公司", "")


async def test_a_made_up_link(browser: httpx.AsyncClient, web: Web) -> None:
    link = await link_for(web)
    for bad in (f"{path(link)[:-1]}*", "/p/pay/RX.x", "/p/pay/<script>", "/p/pay/%2e%2e%2fetc"):
        away = await browser.get(bad)
        if away.status_code == 302:
            state = parse_qs(urlsplit(away.headers["Location"]).query)["state"][0]
            away = await browser.get(bad, params={"code": web.wechat.code(MOTHER), "state": state})
        assert away.status_code == 404


async def test_a_code_that_is_used(browser: httpx.AsyncClient, web: Web) -> None:
    link = await link_for(web)
    state = parse_qs(urlsplit((await browser.get(path(link))).headers["Location"]).query)["state"][0]
    page = await browser.get(path(link), params={"code": "made-up", "state": state})
    assert (page.status_code, "请在微信里打开" in page.text) == (403, True)


async def test_a_state_that_is_not_ours_or_too_old(browser: httpx.AsyncClient, web: Web) -> None:
    link = await link_for(web)
    state = parse_qs(urlsplit((await browser.get(path(link))).headers["Location"]).query)["state"][0]
    for bad in ("", "x", state[:-1] + "7", state.swapcase() + "1", "g" + state[1:], state[:48]):
        page = await browser.get(path(link), params={"code": web.wechat.code(MOTHER), "state": bad})
        assert page.status_code == 302
    web.clock.advance(minutes=11)
    page = await browser.get(path(link), params={"code": web.wechat.code(MOTHER), "state": state})
    assert page.status_code == 302


async def test_an_expired_link(browser: httpx.AsyncClient, web: Web) -> None:
    link = await link_for(web)
    web.clock.advance(minutes=31)
    page = await open_as(browser, web, link)
    assert (page.status_code, "链接已失效" in page.text) == (410, True)


async def prepaid(browser: httpx.AsyncClient, web: Web, server: PayServer, link: PayLink) -> dict[str, str]:
    """Open the page and tap the button; the cookie."""
    server.answers[PREPAY] = 200, {"prepay_id": "wx10090000"}
    cookie = (await open_as(browser, web, link)).headers["Set-Cookie"].partition(";")[0]
    answer = await browser.post(f"{path(link)}/prepay", headers={"Cookie": cookie, **OWN})
    assert answer.json()["parameters"]["package"] == "prepay_id=wx10090000"
    return {"Cookie": cookie, **OWN}


def payment(link: PayLink, **changes: object) -> dict[str, object]:
    """What WeChat Pay tells of a payment of this link."""
    amount = {"total": link.amount_fen, "currency": "CNY"}
    return paid(out_trade_no=link.out_trade_no, payer={"openid": MOTHER}, amount=amount, **changes)


async def test_from_the_button_to_the_receipt(browser: httpx.AsyncClient, web: Web, pay_server: PayServer) -> None:
    link = await link_for(web)
    me = await prepaid(browser, web, pay_server, link)
    assert (await browser.get(f"{path(link)}/status", headers=me)).json() == {"state": "prepaid"}
    headers, body = pay_server.callback("TRANSACTION.SUCCESS", payment(link), web.clock.now().timestamp())
    for _ in range(3):
        answer = await browser.post("/pay/notify", headers=headers, content=body)
        assert (answer.status_code, answer.content) == (204, b"")
    assert (await browser.get(f"{path(link)}/status", headers=me)).json() == {"state": "paid"}
    assert "正在记入账单" in (await browser.get(path(link), headers=me)).text
    assert await web.payments.settle_paid() == 1
    receipt = await browser.get(path(link), headers=me)
    assert "缴费成功" in receipt.text
    again = await browser.post(f"{path(link)}/prepay", headers=me)
    assert (again.status_code, again.json()["reason"]) == (409, "used")
    assert len(web.csms.booked) == 3


async def test_the_callback_is_lost_and_the_page_asks(browser: httpx.AsyncClient, web: Web, pay_server: PayServer) -> None:
    link = await link_for(web)
    me = await prepaid(browser, web, pay_server, link)
    pay_server.answers[QUERY[0], f"/v3/pay/transactions/out-trade-no/{link.out_trade_no}"] = 200, payment(link)
    assert (await browser.post(f"{path(link)}/returned", headers=me)).status_code == 200
    assert await web.payments.query_due() == 1
    assert (await browser.get(f"{path(link)}/status", headers=me)).json() == {"state": "paid"}


@pytest.mark.parametrize("action", ["prepay", "returned"])
async def test_other_sites_cannot_press_the_button(browser: httpx.AsyncClient, web: Web, action: str) -> None:
    link = await link_for(web)
    cookie = (await open_as(browser, web, link)).headers["Set-Cookie"].partition(";")[0]
    assert (await browser.post(f"{path(link)}/{action}", headers={"Cookie": cookie})).status_code == 403
    assert (await browser.post(f"{path(link)}/{action}", headers=OWN)).status_code == 403
    assert (await browser.get(f"{path(link)}/status")).status_code == 403


async def test_wechat_pay_down(browser: httpx.AsyncClient, web: Web, pay_server: PayServer) -> None:
    link = await link_for(web)
    cookie = (await open_as(browser, web, link)).headers["Set-Cookie"].partition(";")[0]
    pay_server.answers[PREPAY] = 500, {"code": "SYSTEM_ERROR"}
    answer = await browser.post(f"{path(link)}/prepay", headers={"Cookie": cookie, **OWN})
    assert (answer.status_code, answer.json()["reason"]) == (503, "unavailable")


async def test_paid_at_the_counter_meanwhile(browser: httpx.AsyncClient, web: Web) -> None:
    link = await link_for(web, role="ordinary")
    cookie = (await open_as(browser, web, link)).headers["Set-Cookie"].partition(";")[0]
    web.csms.pay_elsewhere(next(line.bill_no for line in (await web.payments.open_link(path(link)[7:], MOTHER)).lines))
    answer = await browser.post(f"{path(link)}/prepay", headers={"Cookie": cookie, **OWN})
    assert (answer.status_code, answer.json()["reason"]) == (409, "paid_elsewhere")


async def test_false_callbacks_change_nothing(browser: httpx.AsyncClient, web: Web, pay_server: PayServer) -> None:
    link = await link_for(web)
    me = await prepaid(browser, web, pay_server, link)
    now = web.clock.now()
    _, body = pay_server.callback("TRANSACTION.SUCCESS", payment(link), now.timestamp())
    cases = [
        (401, pay_server.signature(body.decode(), now.timestamp(), new_key()), body),
        (401, pay_server.signature(body.decode(), (now - timedelta(minutes=6)).timestamp()), body),
        (401, {}, body),
        (401, pay_server.signature("", now.timestamp(), new_key()), b""),
        (400, *pay_server.callback("TRANSACTION.SUCCESS", payment(link, mchid="1900000000"), now.timestamp())),
        (400, *pay_server.callback("COUPON.USE", payment(link), now.timestamp())),
        (409, *pay_server.callback("TRANSACTION.SUCCESS", {**payment(link), "amount": {"total": 1}}, now.timestamp())),
        (409, *pay_server.callback("TRANSACTION.SUCCESS", {**payment(link), "payer": {"openid": SON}}, now.timestamp())),
        (409, *pay_server.callback("TRANSACTION.SUCCESS", {**payment(link), "out_trade_no": "RXothers"}, now.timestamp())),
    ]
    for status, headers, content in cases:
        answer = await browser.post("/pay/notify", headers=headers, content=content)
        assert (answer.status_code, answer.json()["code"]) == (status, "FAIL")
    assert (await browser.get(f"{path(link)}/status", headers=me)).json() == {"state": OrderState.PREPAID}


async def test_styles_and_script_are_served(browser: httpx.AsyncClient) -> None:
    for name in ("pay.css", "pay.js"):
        assert (await browser.get(f"/p/static/{name}")).status_code == 200
