"""What the client of the billing system believes, and what it does when the connection breaks."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors.csms import CsmsClient
from connectors.signed import MAX_ANSWER_BYTES, SignedClient
from runxia.clock import SHANGHAI, FixedClock
from services.errors import SystemUnavailable

KEY = "a shared key"
NOW = datetime(2026, 11, 21, 9, tzinfo=SHANGHAI)
NUMBER = "3026007131"
LINES = [{"kind": "water", "amount_fen": 2100, "tier": 1, "volume": "10", "price": "2.10"}]
BILL = {
    "bill_no": f"B202610{NUMBER}", "account_no": NUMBER, "period": "2026-10", "start": "2026-09-20", "end": "2026-10-20",
    "previous_reading": "100", "current_reading": "110", "volume": "10", "reading_kind": "actual", "lines": LINES,
    "amount_fen": 2100, "paid_fen": 0, "status": "unpaid", "issued_on": "2026-10-22", "due_on": "2026-11-30",
}


def answer(
    request: httpx.Request, body: Any, *, status: int = 200, key: str = KEY, nonce: str | None = None, at: datetime = NOW,
) -> httpx.Response:
    """An answer signed as the API describes it."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    nonce, timestamp = nonce or request.headers["X-Runxia-Nonce"], str(int(at.timestamp()))
    text = "\n".join((str(status), nonce, timestamp, hashlib.sha256(content).hexdigest()))
    return httpx.Response(status, content=content, headers={
        "X-Runxia-Nonce": nonce, "X-Runxia-Timestamp": timestamp,
        "X-Runxia-Signature": hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest(),
    })


def client(answers: Callable[[httpx.Request], httpx.Response]) -> CsmsClient:
    http = httpx.AsyncClient(transport=httpx.MockTransport(answers), base_url="http://csms.test")
    return CsmsClient(SignedClient(http, "csms", "runxia", KEY, FixedClock(NOW)))


async def test_a_genuine_bill() -> None:
    bill = await client(lambda request: answer(request, BILL)).bill(BILL["bill_no"])  # type: ignore[arg-type]
    assert bill is not None
    assert (bill.amount_fen, bill.days) == (2100, 30)


@pytest.mark.parametrize("forged", [
    lambda request: answer(request, BILL, key="another key"),
    lambda request: answer(request, BILL, nonce="of another request"),
    lambda request: answer(request, BILL, at=NOW - timedelta(minutes=6)),
    lambda request: httpx.Response(200, json=BILL),
    lambda request: answer(request, BILL, status=500),
    lambda request: answer(request, BILL, status=302),
    lambda request: answer(request, b"\xff not JSON"),
    lambda request: answer(request, [BILL]),
    lambda request: answer(request, {**BILL, "bill_no": "B0"}),
    lambda request: answer(request, {**BILL, "amount_fen": 2101}),
    lambda request: answer(request, {**BILL, "amount_fen": "2100"}),
    lambda request: answer(request, {**BILL, "amount_fen": 2100.5}),
    lambda request: answer(request, {**BILL, "paid_fen": -1}),
    lambda request: answer(request, {**BILL, "volume": "NaN"}),
    lambda request: answer(request, {**BILL, "status": "waived"}),
    lambda request: answer(request, {**BILL, "period": "2026-13"}),
    lambda request: answer(request, {**BILL, "end": "2026-09-20"}),
    lambda request: answer(request, {name: BILL[name] for name in BILL if name != "due_on"}),
    lambda request: answer(request, b" " * (MAX_ANSWER_BYTES + 1)),
])
async def test_answers_that_are_not_believed(forged: Callable[[httpx.Request], httpx.Response]) -> None:
    with pytest.raises(SystemUnavailable) as failed:
        await client(forged).bill(str(BILL["bill_no"]))
    assert failed.value.system == "csms"


async def test_another_accounts_bill_is_not_believed() -> None:
    with pytest.raises(SystemUnavailable):
        await client(lambda request: answer(request, {"bills": [BILL]})).bills("3000000000")


@pytest.mark.parametrize("results", [
    [],
    [{"bill_no": "B1", "result": "applied", "applied_fen": 101}],
    [{"bill_no": "B2", "result": "applied", "applied_fen": 1}],
    [{"bill_no": "B1", "result": "perhaps", "applied_fen": 1}],
])
async def test_results_of_a_payment_that_make_no_sense(results: list[dict[str, Any]]) -> None:
    with pytest.raises(SystemUnavailable):
        await client(lambda request: answer(request, {"lines": results})).record_payment(
            "RX000001", "42000001", NOW, [("B1", 100)], keep_excess=False,
        )


async def test_a_read_is_asked_once_more_when_the_connection_breaks() -> None:
    nonces: list[str] = []

    def breaks_once(request: httpx.Request) -> httpx.Response:
        nonces.append(request.headers["X-Runxia-Nonce"])
        if len(nonces) == 1:
            raise httpx.RemoteProtocolError("gone")
        return answer(request, BILL)

    assert await client(breaks_once).bill(str(BILL["bill_no"])) is not None
    assert len(set(nonces)) == 2


async def test_a_change_is_never_repeated() -> None:
    calls = 0

    def breaks(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        raise httpx.ReadError("gone")

    with pytest.raises(SystemUnavailable):
        await client(breaks).set_password(NUMBER, "Xin2Mima99")
    assert calls == 1


async def test_nothing_personal_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    secret_bill = {**BILL, "status": "林小满 13900001000"}
    with pytest.raises(SystemUnavailable):
        await client(lambda request: answer(request, secret_bill)).bill(str(BILL["bill_no"]))
    assert "status" in caplog.text
    assert "林小满" not in caplog.text
    assert "13900001000" not in caplog.text
