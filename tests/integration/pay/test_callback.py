"""Callbacks as the real client takes them: true ones, and all the ways in which they can be false."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.wechatpay import WechatPay
from services.errors import CallbackRefused
from services.ports import RefundResult, Transaction
from tests.integration.pay.conftest import NOW
from tests.integration.pay.server import KEY_ID, MCH_ID, PayServer, new_key
from tests.integration.pay.test_client import NUMBER, paid

AT = NOW.timestamp()
PAID = "TRANSACTION.SUCCESS"


def why(pay: WechatPay, headers: dict[str, str], body: bytes) -> str:
    """For what reason a callback is refused."""
    with pytest.raises(CallbackRefused) as refused:
        pay.parse_callback(headers, body)
    return refused.value.why


async def test_a_payment(pay: WechatPay, pay_server: PayServer) -> None:
    headers, body = pay_server.callback(PAID, paid(), AT)
    told = pay.parse_callback({name.lower(): value for name, value in headers.items()}, body)
    assert isinstance(told, Transaction)
    assert (told.out_trade_no, told.state, told.amount_fen) == (NUMBER, "SUCCESS", 8640)


@pytest.mark.parametrize("state", ["SUCCESS", "CLOSED", "ABNORMAL"])
async def test_the_end_of_a_refund(pay: WechatPay, pay_server: PayServer, state: str) -> None:
    notice = {"mchid": MCH_ID, "out_trade_no": NUMBER, "out_refund_no": f"{NUMBER}-refund", "refund_status": state}
    told = pay.parse_callback(*pay_server.callback(f"REFUND.{state}", notice, AT))
    assert told == RefundResult(f"{NUMBER}-refund", state)


async def test_signed_by_somebody_else(pay: WechatPay, pay_server: PayServer) -> None:
    _, body = pay_server.callback(PAID, paid(), AT)
    assert why(pay, pay_server.signature(body.decode(), AT, new_key()), body) == "signature"


async def test_the_probe_of_wechat_pay_is_refused(pay: WechatPay, pay_server: PayServer) -> None:
    headers, body = pay_server.callback(PAID, paid(), AT)
    headers["Wechatpay-Signature"] = "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"][19:]
    assert why(pay, headers, body) == "signature"


@pytest.mark.parametrize("name", ["Wechatpay-Signature", "Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Serial"])
@pytest.mark.parametrize("value", [None, "", "x", "٣"])
async def test_headers_that_are_missing_or_nonsense(
    pay: WechatPay, pay_server: PayServer, name: str, value: str | None,
) -> None:
    headers, body = pay_server.callback(PAID, paid(), AT)
    if value is None:
        del headers[name]
    else:
        headers[name] = value
    assert why(pay, headers, body) == "signature"


async def test_an_unknown_key_does_not_make_us_call_out(pay: WechatPay, pay_server: PayServer) -> None:
    headers, body = pay_server.callback(PAID, paid(), AT)
    assert why(pay, {**headers, "Wechatpay-Serial": KEY_ID[:-1] + "2"}, body) == "signature"
    assert why(pay, {**headers, "Wechatpay-Serial": "5157F09E"}, body) == "signature"
    assert pay_server.asked == []


async def test_a_body_that_was_changed(pay: WechatPay, pay_server: PayServer) -> None:
    headers, body = pay_server.callback(PAID, paid(), AT)
    assert why(pay, headers, body + b" ") == "signature"


@pytest.mark.parametrize("seconds", [-301, 301])
async def test_stale_or_from_the_future(pay: WechatPay, pay_server: PayServer, seconds: int) -> None:
    assert why(pay, *pay_server.callback(PAID, paid(), AT + seconds)) == "stale"


@pytest.mark.parametrize("changes", [{"mchid": "1900000000"}, {"appid": "wxsomebodyelse"}])
async def test_meant_for_another_merchant(pay: WechatPay, pay_server: PayServer, changes: dict[str, Any]) -> None:
    assert why(pay, *pay_server.callback(PAID, paid(**changes), AT)) == "merchant"


@pytest.mark.parametrize("changes", [
    {"resource": {}}, {"resource": None}, {"resource_type": "plain"}, {"event_type": "COUPON.USE"},
    {"resource": {"algorithm": "none", "ciphertext": "", "nonce": ""}},
])
async def test_signed_but_not_what_we_know(pay: WechatPay, pay_server: PayServer, changes: dict[str, Any]) -> None:
    assert why(pay, *pay_server.callback(PAID, paid(), AT, **changes)) in ("malformed", "signature")


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff\xfe", b"{", b"x" * 100_000])
async def test_bodies_that_are_none(pay: WechatPay, pay_server: PayServer, body: bytes) -> None:
    headers = pay_server.signature(body.decode(errors="replace"), AT)
    assert why(pay, headers, body) in ("malformed", "signature")


async def test_encrypted_with_another_key(pay: WechatPay, pay_server: PayServer) -> None:
    _, body = pay_server.callback(PAID, paid(), AT)
    facts = json.loads(body)
    facts["resource"]["associated_data"] = "refund"
    body = json.dumps(facts).encode()
    assert why(pay, pay_server.signature(body.decode(), AT), body) == "signature"
