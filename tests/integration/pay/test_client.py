"""The client of WeChat Pay over real HTTP: what it asks, what it makes of the answers, what it refuses."""

from __future__ import annotations

import base64
import gzip
import hashlib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from connectors.wechatpay import WechatPay
from runxia.clock import FixedClock
from runxia.settings import Settings
from services.errors import OrderPaid, SystemUnavailable
from services.ports import RefundResult, Transaction
from tests.fakes import statement
from tests.integration.pay.conftest import NOW
from tests.integration.pay.server import APP_ID, MCH_ID, PayServer, new_key

NUMBER, OPENID = "RX20261110090000abcdef0123456789", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
QUERY = ("GET", f"/v3/pay/transactions/out-trade-no/{NUMBER}")
CLOSE = ("POST", f"/v3/pay/transactions/out-trade-no/{NUMBER}/close")
PREPAY, REFUND = ("POST", "/v3/pay/transactions/jsapi"), ("POST", "/v3/refund/domestic/refunds")
BILL, FILE = ("GET", "/v3/bill/tradebill"), ("GET", "/v3/billdownload/file")


def paid(**changes: Any) -> dict[str, Any]:
    """A payment as WeChat Pay tells it; a part of it paid by a coupon."""
    return {
        "appid": APP_ID, "mchid": MCH_ID, "out_trade_no": NUMBER, "transaction_id": "4200001234202611100000000001",
        "trade_type": "JSAPI", "trade_state": "SUCCESS", "trade_state_desc": "支付成功", "bank_type": "OTHERS", "attach": "",
        "success_time": "2026-11-10T09:00:05+08:00", "payer": {"openid": OPENID},
        "amount": {"total": 8640, "payer_total": 8540, "currency": "CNY", "payer_currency": "CNY"}, **changes,
    }


async def test_prepay(pay: WechatPay, pay_server: PayServer) -> None:
    pay_server.answers[PREPAY] = 200, {"prepay_id": "wx10090000"}
    assert await pay.prepay(NUMBER, "临江水务水费 2026-10", 8640, OPENID, NOW + timedelta(minutes=30)) == "wx10090000"
    ((_, _, body),) = pay_server.asked
    assert body == {
        "appid": APP_ID, "mchid": MCH_ID, "description": "临江水务水费 2026-10", "out_trade_no": NUMBER,
        "time_expire": "2026-11-10T09:30:00+08:00", "notify_url": "https://water.example/pay/notify",
        "amount": {"total": 8640, "currency": "CNY"}, "payer": {"openid": OPENID},
    }


async def test_jsapi_parameters_are_signed_as_the_bridge_wants_them(pay: WechatPay, pay_server: PayServer) -> None:
    parameters = pay.jsapi_parameters("wx10090000")
    assert parameters["package"] == "prepay_id=wx10090000"
    assert parameters["timeStamp"] == str(int(NOW.timestamp()))
    message = "".join(f"{parameters[name]}\n" for name in ("appId", "timeStamp", "nonceStr", "package"))
    pay_server.merchant.public_key().verify(
        base64.b64decode(parameters["paySign"]), message.encode(), PKCS1v15(), SHA256(),
    )


async def test_query(pay: WechatPay, pay_server: PayServer) -> None:
    pay_server.answers[QUERY] = 200, paid()
    assert await pay.query(NUMBER) == Transaction(
        NUMBER, "SUCCESS", "4200001234202611100000000001", 8640, NOW + timedelta(seconds=5), OPENID,
    )
    pay_server.answers[QUERY] = 200, {
        "appid": APP_ID, "mchid": MCH_ID, "out_trade_no": NUMBER, "trade_state": "NOTPAY", "payer": {},
        "amount": {"total": 8640, "currency": "CNY"},
    }
    assert (await pay.query(NUMBER)) == Transaction(NUMBER, "NOTPAY", None, 8640)
    pay_server.answers[QUERY] = 404, {"code": "ORDER_NOT_EXIST", "message": "订单不存在"}
    assert await pay.query(NUMBER) is None


@pytest.mark.parametrize("answer", [
    (500, {"code": "SYSTEM_ERROR", "message": "系统错误"}),
    (429, {"code": "FREQUENCY_LIMITED"}),
    (200, {"trade_state": "SUCCESS"}),
    (200, paid(mchid="1900000000")),
    (200, paid(out_trade_no="RX-another")),
    (200, paid(success_time=None)),
    (200, paid(amount={"total": 8640, "currency": "USD"})),
    (200, b"<html>gateway</html>"),
    (404, b"<html>not found</html>"),
    (302, {"code": "MOVED"}),
])
async def test_what_makes_no_sense_is_no_answer(pay: WechatPay, pay_server: PayServer, answer: tuple[int, Any]) -> None:
    pay_server.answers[QUERY] = answer
    with pytest.raises(SystemUnavailable):
        await pay.query(NUMBER)


async def test_an_answer_signed_by_somebody_else_is_no_answer(pay: WechatPay, pay_server: PayServer) -> None:
    pay_server.answers[QUERY] = 200, paid()
    pay_server.signs_with = new_key()
    with pytest.raises(SystemUnavailable):
        await pay.query(NUMBER)


async def test_nobody_there(settings: Settings, clock: FixedClock) -> None:
    settings = settings.model_copy(update={"wechatpay_base_url": "http://127.0.0.1:9"})
    async with WechatPay.open(settings, clock) as pay:
        with pytest.raises(SystemUnavailable):
            await pay.query(NUMBER)


async def test_close(pay: WechatPay, pay_server: PayServer) -> None:
    pay_server.answers[CLOSE] = 204, None
    await pay.close(NUMBER)
    pay_server.answers[CLOSE] = 400, {"code": "ORDER_CLOSED", "message": "订单已关闭"}
    await pay.close(NUMBER)
    pay_server.answers[CLOSE] = 400, {"code": "ORDERPAID", "message": "订单已支付"}
    with pytest.raises(OrderPaid):
        await pay.close(NUMBER)


async def test_refund(pay: WechatPay, pay_server: PayServer) -> None:
    pay_server.answers[REFUND] = 200, {"out_refund_no": f"{NUMBER}-refund", "status": "PROCESSING"}
    result = await pay.refund(NUMBER, f"{NUMBER}-refund", 4320, 8640, "账单已结清")
    assert result == RefundResult(f"{NUMBER}-refund", "PROCESSING")
    assert pay_server.asked[0][2]["amount"] == {"refund": 4320, "total": 8640, "currency": "CNY"}
    pay_server.answers[REFUND] = 403, {"code": "NOT_ENOUGH", "message": "基本账户余额不足"}
    with pytest.raises(SystemUnavailable):
        await pay.refund(NUMBER, f"{NUMBER}-refund", 4320, 8640, "账单已结清")


@pytest.mark.parametrize("pack", [gzip.compress, bytes])
async def test_statement(pay: WechatPay, pay_server: PayServer, pack: Any) -> None:
    content = statement([{"商户订单号": NUMBER, "交易状态": "SUCCESS", "订单金额": "86.40"}])
    pay_server.answers[BILL] = 200, {
        "download_url": "https://elsewhere.example/v3/billdownload/file?token=abc", "hash_type": "SHA1",
        "hash_value": hashlib.sha1(content).hexdigest(),
    }
    pay_server.answers[FILE] = 200, pack(content)
    assert await pay.statement(date(2026, 11, 9)) == content
    assert [path for _, path, _ in pay_server.asked] == [
        "/v3/bill/tradebill?bill_date=2026-11-09&bill_type=ALL&tar_type=GZIP", "/v3/billdownload/file?token=abc",
    ]


async def test_a_statement_that_was_changed_on_the_way(pay: WechatPay, pay_server: PayServer) -> None:
    pay_server.answers[BILL] = 200, {
        "download_url": f"{pay_server.url}/v3/billdownload/file?token=abc", "hash_type": "SHA1", "hash_value": "0" * 40,
    }
    pay_server.answers[FILE] = 200, gzip.compress(statement([]))
    with pytest.raises(SystemUnavailable):
        await pay.statement(date(2026, 11, 9))
    pay_server.answers[FILE] = 200, gzip.compress(statement([]))[:-9]
    with pytest.raises(SystemUnavailable):
        await pay.statement(date(2026, 11, 9))


async def test_a_day_without_trade(pay: WechatPay, pay_server: PayServer) -> None:
    pay_server.answers[BILL] = 400, {"code": "NO_STATEMENT_EXIST", "message": "请求的账单文件不存在"}
    assert await pay.statement(date(2026, 11, 9)) is None
    pay_server.answers[BILL] = 400, {"code": "STATEMENT_CREATING", "message": "请求的账单正在生成中"}
    with pytest.raises(SystemUnavailable):
        await pay.statement(date(2026, 11, 9))


@pytest.mark.parametrize(("setting", "value"), [
    ("wechatpay_private_key_file", None),
    ("wechatpay_private_key_file", Path("/nowhere/key.pem")),
    ("wechatpay_public_key_file", Path("utility.yml")),
])
async def test_a_missing_key_is_said_at_start(settings: Settings, clock: FixedClock, setting: str, value: Path | None) -> None:
    with pytest.raises(ValueError, match=setting.upper()):
        async with WechatPay.open(settings.model_copy(update={setting: value}), clock):
            pass
