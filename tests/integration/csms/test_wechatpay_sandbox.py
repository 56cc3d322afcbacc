"""The sandbox's WeChat Pay against an independent client: the library ``wechatpayv3``."""

from __future__ import annotations

import asyncio
import csv
import gzip
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from wechatpayv3 import WeChatPay, WeChatPayType

from runxia.clock import SHANGHAI, Clock
from runxia.settings import Settings
from tests.integration.csms.conftest import Controls

OPENID = "oSandbox0000000000000LinXia1"
WAIT_SECONDS = 15.0


class Merchant:
    """A merchant's server: answers callbacks with the statuses in ``statuses``, then 200, and keeps what came."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.url = ""
        self._came = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.partition(": ") for line in head[1:] if line)
        headers = {name.title(): value for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("Content-Length", 0)))
        async with self._came:
            self.received.append((headers, body))
            self._came.notify_all()
        status = self.statuses.pop(0) if self.statuses else 200
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async def wait(self, count: int) -> None:
        """Until so many callbacks have come."""
        async with asyncio.timeout(WAIT_SECONDS), self._came:
            await self._came.wait_for(lambda: len(self.received) >= count)


@pytest.fixture
async def merchant() -> AsyncIterator[Merchant]:
    server = Merchant()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/notify"
    async with listening:
        yield server


@pytest.fixture
def library(settings: Settings, merchant: Merchant, controls: Controls) -> WeChatPay:
    assert settings.wechatpay_private_key_file
    assert settings.wechatpay_public_key_file
    pay = WeChatPay(
        wechatpay_type=WeChatPayType.JSAPI, mchid=settings.wechatpay_mch_id,
        private_key=Path(settings.wechatpay_private_key_file).read_text(),
        cert_serial_no=settings.wechatpay_cert_serial_no, apiv3_key=settings.wechatpay_api_v3_key.get_secret_value(),
        appid=settings.wechat_app_id, notify_url=merchant.url,
        public_key=Path(settings.wechatpay_public_key_file).read_text(), public_key_id=settings.wechatpay_public_key_id,
    )
    pay._core._gate_way = settings.wechatpay_base_url
    return pay


Ask = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
def ask() -> Ask:
    """Call the blocking library; status and parsed answer."""

    async def call(function: Callable[..., tuple[int, Any]], *args: Any, **kwargs: Any) -> tuple[int, Any]:
        status, text = await asyncio.to_thread(function, *args, **kwargs)
        return status, json.loads(text) if isinstance(text, str) and text else text

    return call


_count = iter(range(10_000))


def number() -> str:
    return f"TEST{datetime.now(SHANGHAI):%H%M%S%f}{next(_count)}"


async def prepay(library: WeChatPay, ask: Ask, out_trade_no: str, total: int = 8640, **changes: Any) -> tuple[int, Any]:
    facts = {
        "description": "水费", "out_trade_no": out_trade_no, "amount": {"total": total, "currency": "CNY"},
        "payer": {"openid": OPENID}, **changes,
    }
    return await ask(library.pay, **facts)


async def pay_one(library: WeChatPay, ask: Ask, controls: Controls, total: int = 8640) -> str:
    out_trade_no = number()
    _, answer = await prepay(library, ask, out_trade_no, total)
    await controls.post(f"/sandbox/pay/cashier/{answer['prepay_id']}/pay")
    return out_trade_no


async def test_an_order_is_made_shown_paid_and_told(
    library: WeChatPay, ask: Ask, controls: Controls, merchant: Merchant,
) -> None:
    out_trade_no = number()
    status, answer = await prepay(library, ask, out_trade_no)
    assert status == 200
    assert (await prepay(library, ask, out_trade_no))[1] == answer
    status, order = await ask(library.query, out_trade_no=out_trade_no)
    assert (status, order["trade_state"], "transaction_id" in order) == (200, "NOTPAY", False)
    shown = (await controls.http.get(f"/sandbox/pay/cashier/{answer['prepay_id']}")).json()
    assert (shown["amount_fen"], shown["description"], shown["payee"]) == (8640, "水费", "临江市自来水有限公司")

    await controls.post(f"/sandbox/pay/cashier/{answer['prepay_id']}/pay", openid=OPENID)
    await merchant.wait(1)
    told = library.callback(*merchant.received[0])
    assert told["event_type"] == "TRANSACTION.SUCCESS"
    resource = told["resource"]
    assert (resource["out_trade_no"], resource["amount"]["total"]) == (out_trade_no, 8640)
    status, order = await ask(library.query, transaction_id=resource["transaction_id"])
    assert (status, order["trade_state"], order["payer"]["openid"]) == (200, "SUCCESS", OPENID)


async def test_a_forged_callback_is_not_accepted_by_the_library(
    library: WeChatPay, controls: Controls, merchant: Merchant,
) -> None:
    merchant.statuses = [401]
    assert (await controls.post("/sandbox/pay/probe", url=merchant.url))["status"] == 401
    headers, body = merchant.received[0]
    assert headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")
    assert library.callback(headers, body) is None


@pytest.mark.parametrize(("changes", "code"), [
    ({"amount": {"total": 0, "currency": "CNY"}}, "PARAM_ERROR"),
    ({"amount": {"total": 1, "currency": "USD"}}, "PARAM_ERROR"),
    ({"description": "水" * 128}, "PARAM_ERROR"),
    ({"out_trade_no": "short"}, "PARAM_ERROR"),
    ({"out_trade_no": "有中文的单号123"}, "PARAM_ERROR"),
    ({"payer": {"openid": "nobody"}}, "PARAM_ERROR"),
    ({"time_expire": "2020-01-01T00:00:00+08:00"}, "PARAM_ERROR"),
    ({"notify_url": "http://127.0.0.1/notify?order=1"}, "PARAM_ERROR"),
    ({"appid": "wx0000000000000000"}, "APPID_MCHID_NOT_MATCH"),
])
async def test_orders_that_are_refused(library: WeChatPay, ask: Ask, changes: dict[str, Any], code: str) -> None:
    status, answer = await prepay(library, ask, **{"out_trade_no": number(), **changes})
    assert (status, answer["code"]) == (400, code)


async def test_a_number_is_for_one_order_only(library: WeChatPay, ask: Ask, controls: Controls) -> None:
    out_trade_no = number()
    _, answer = await prepay(library, ask, out_trade_no)
    status, refused = await prepay(library, ask, out_trade_no, 1)
    assert (status, refused["code"]) == (403, "OUT_TRADE_NO_USED")
    await controls.post(f"/sandbox/pay/cashier/{answer['prepay_id']}/pay")
    assert (await prepay(library, ask, out_trade_no))[1]["code"] == "ORDERPAID"
    assert (await ask(library.close, out_trade_no))[1]["code"] == "ORDERPAID"


async def test_a_closed_order_cannot_be_paid(library: WeChatPay, ask: Ask, controls: Controls) -> None:
    out_trade_no = number()
    _, answer = await prepay(library, ask, out_trade_no)
    assert (await ask(library.close, out_trade_no))[0] == 204
    assert (await ask(library.close, out_trade_no))[0] == 204
    assert (await controls.http.post(f"/sandbox/pay/cashier/{answer['prepay_id']}/pay")).json()["code"] == "ORDER_CLOSED"
    assert (await ask(library.query, out_trade_no=out_trade_no))[1]["trade_state"] == "CLOSED"
    assert (await prepay(library, ask, out_trade_no))[1]["code"] == "ORDER_CLOSED"


async def test_an_expired_order_cannot_be_paid(library: WeChatPay, ask: Ask, controls: Controls, clock: Clock) -> None:
    expires = (clock.now() + timedelta(minutes=30)).isoformat(timespec="seconds")
    _, answer = await prepay(library, ask, number(), time_expire=expires)
    await controls.post("/sandbox/clock", advance_seconds=31 * 60)
    assert (await controls.http.post(f"/sandbox/pay/cashier/{answer['prepay_id']}/pay")).json()["code"] == "ORDER_CLOSED"


async def test_only_the_one_who_ordered_pays(library: WeChatPay, ask: Ask, controls: Controls) -> None:
    _, answer = await prepay(library, ask, number())
    other = await controls.http.post(f"/sandbox/pay/cashier/{answer['prepay_id']}/pay", json={"openid": "o" + "x" * 27})
    assert other.json()["code"] == "OPENID_MISMATCH"


async def test_unknown_orders_and_unsigned_requests(library: WeChatPay, ask: Ask, controls: Controls) -> None:
    status, answer = await ask(library.query, out_trade_no="UNKNOWN000")
    assert (status, answer["code"]) == (404, "ORDER_NOT_EXIST")
    unsigned = await controls.http.get("/v3/pay/transactions/out-trade-no/UNKNOWN000")
    assert (unsigned.status_code, unsigned.json()["code"]) == (401, "SIGN_ERROR")
    library._core._mchid = "1900000002"
    assert (await ask(library.query, out_trade_no="UNKNOWN000"))[0] == 401


async def test_refunds_in_parts_and_never_too_much(library: WeChatPay, ask: Ask, controls: Controls) -> None:
    out_trade_no = await pay_one(library, ask, controls, 1000)

    async def refund(refund_no: str, fen: int) -> tuple[int, Any]:
        amount = {"refund": fen, "total": 1000, "currency": "CNY"}
        return await ask(library.refund, out_refund_no=refund_no, amount=amount, out_trade_no=out_trade_no, reason="重复支付")

    first = number()
    status, answer = await refund(first, 600)
    assert (status, answer["status"]) == (200, "PROCESSING")
    assert (await refund(first, 600))[1]["refund_id"] == answer["refund_id"]
    assert (await refund(first, 300))[1]["code"] == "PARAM_ERROR"
    assert (await refund(number(), 401))[1]["code"] == "INVALID_REQUEST"
    assert (await refund(number(), 400))[0] == 200
    await controls.post("/sandbox/clock", advance_seconds=5)
    assert (await ask(library.query_refund, first))[1]["status"] == "SUCCESS"
    assert (await ask(library.query, out_trade_no=out_trade_no))[1]["trade_state"] == "REFUND"
    status, answer = await ask(
        library.refund, out_refund_no=number(), amount={"refund": 1, "total": 1, "currency": "CNY"}, out_trade_no="UNKNOWN000",
    )
    assert (status, answer["code"]) == (404, "RESOURCE_NOT_EXISTS")


async def test_a_callback_is_repeated_by_the_schedule(
    library: WeChatPay, ask: Ask, controls: Controls, merchant: Merchant,
) -> None:
    merchant.statuses = [500, 500]
    await pay_one(library, ask, controls)
    await merchant.wait(1)
    for count in (2, 3):
        await controls.post("/sandbox/clock", advance_seconds=16)
        await merchant.wait(count)
    assert len({json.loads(body)["id"] for _, body in merchant.received}) == 1
    assert len({headers["Wechatpay-Nonce"] for headers, _ in merchant.received}) == 3
    assert all(library.callback(headers, body) for headers, body in merchant.received)


async def test_a_callback_comes_twice(library: WeChatPay, ask: Ask, controls: Controls, merchant: Merchant) -> None:
    await controls.fault("pay", "duplicate_callback", times=1)
    await pay_one(library, ask, controls)
    await merchant.wait(2)


async def test_callbacks_that_are_late_or_lost(library: WeChatPay, ask: Ask, controls: Controls, merchant: Merchant) -> None:
    await controls.fault("pay", "late_callback", seconds=600, times=1)
    late = await pay_one(library, ask, controls)
    await faults_used_up(controls)
    await controls.fault("pay", "lose_callback", times=1)
    await pay_one(library, ask, controls)
    await faults_used_up(controls)
    on_time = await pay_one(library, ask, controls)
    await merchant.wait(1)
    await controls.post("/sandbox/clock", advance_seconds=601)
    await merchant.wait(2)
    told = [library.callback(headers, body)["resource"]["out_trade_no"] for headers, body in merchant.received]
    assert told == [on_time, late]


async def faults_used_up(controls: Controls) -> None:
    """Until the sandbox has come to the callback that the fault was meant for."""
    for _ in range(int(WAIT_SECONDS / 0.05)):
        if not (await controls.http.get("/sandbox/faults")).json():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("no callback was due")


@pytest.mark.parametrize(("mode", "status"), [("down", 503), ("garbage", 200)])
async def test_pay_fails(library: WeChatPay, ask: Ask, controls: Controls, mode: str, status: int) -> None:
    await controls.fault("pay", mode, times=1)
    if status == 200:
        with pytest.raises(Exception, match="algorithm"):
            await ask(library.query, out_trade_no="UNKNOWN000")
    else:
        assert (await ask(library.query, out_trade_no="UNKNOWN000"))[0] == status


async def test_the_statement_of_a_day(library: WeChatPay, ask: Ask, controls: Controls, clock: Clock) -> None:
    day = (clock.now() + timedelta(days=3)).replace(hour=12, minute=0)
    await controls.post("/sandbox/clock", now=day.isoformat())
    paid = await pay_one(library, ask, controls, 8640)
    refunded = await pay_one(library, ask, controls, 1000)
    amount = {"refund": 1000, "total": 1000, "currency": "CNY"}
    await ask(library.refund, out_refund_no=f"R{refunded}", amount=amount, out_trade_no=refunded)
    date = day.date().isoformat()

    next_day = day + timedelta(days=1)
    await controls.post("/sandbox/clock", now=next_day.replace(hour=9).isoformat())
    assert (await ask(library.trade_bill, date))[1]["code"] == "STATEMENT_CREATING"
    await controls.post("/sandbox/clock", now=next_day.replace(hour=10).isoformat())
    status, answer = await ask(library.trade_bill, date)
    assert (status, answer["hash_type"]) == (200, "SHA1")
    status, packed = await asyncio.to_thread(library.download_bill, answer["download_url"])
    content = gzip.decompress(packed)
    assert (status, hashlib.sha1(content).hexdigest()) == (200, answer["hash_value"])

    lines = list(csv.reader(content.decode("utf-8-sig").splitlines()))
    rows = [dict(zip(lines[0], line, strict=True)) for line in lines[1:-2]]
    assert all(value.startswith("`") for row in rows for value in row.values())
    assert [(row["商户订单号"], row["交易状态"], row["订单金额"], row["申请退款金额"]) for row in rows] == [
        (f"`{paid}", "`SUCCESS", "`86.40", "`0.00"), (f"`{refunded}", "`SUCCESS", "`10.00", "`0.00"),
        (f"`{refunded}", "`REFUND", "`0.00", "`10.00"),
    ]
    totals = dict(zip(lines[-2], lines[-1], strict=True))
    assert (totals["总交易单数"], totals["订单总金额"], totals["申请退款总金额"]) == ("`3", "`96.40", "`10.00")

    assert (await ask(library.trade_bill, (day - timedelta(days=1)).date().isoformat()))[1]["code"] == "NO_STATEMENT_EXIST"
    assert (await ask(library.trade_bill, next_day.date().isoformat()))[1]["code"] == "NO_STATEMENT_EXIST"


async def test_the_cashier_checks_what_the_page_hands_over(
    library: WeChatPay, ask: Ask, controls: Controls, settings: Settings,
) -> None:
    _, answer = await prepay(library, ask, number())
    signed = {
        "appId": settings.wechat_app_id, "timeStamp": "1790000000", "nonceStr": "nonce",
        "package": f"prepay_id={answer['prepay_id']}",
    }
    right = {**signed, "signType": "RSA", "paySign": library.sign(list(signed.values()))}
    assert await controls.post("/sandbox/pay/cashier/verify", **right) == {"ok": True, "reason": ""}
    for wrong in ({"timeStamp": "1790000001"}, {"appId": "wx0"}, {"signType": "MD5"}, {"paySign": "!"}, {"package": "x"}):
        assert not (await controls.post("/sandbox/pay/cashier/verify", **{**right, **wrong}))["ok"]


async def test_pages_of_this_machine_may_use_the_cashier(controls: Controls) -> None:
    for origin, allowed in (("http://127.0.0.1:8000", True), ("https://evil.example", False)):
        answer = await controls.http.options("/sandbox/pay/cashier/verify", headers={"Origin": origin})
        assert ("Access-Control-Allow-Origin" in answer.headers) == allowed
