"""Prepayment, invoices, refund requests and direct debit over HTTP, against the reference system and the sandbox."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from connectors.csms import CsmsClient
from connectors.csms.debits import CsmsDebits
from connectors.csms.invoices import CsmsInvoices
from connectors.csms.refunds import CsmsRefunds
from connectors.wechatpay.papay import WechatPapay, signature
from runxia.clock import Clock
from runxia.settings import Settings
from services.errors import (
    CallbackRefused,
    ClosedAccount,
    ReissueRefused,
    SystemUnavailable,
    UnknownAccount,
)
from services.invoices import InvoiceState, Title, TitleKind
from services.ports import Prepaid
from tests.integration.csms.conftest import Controls

PERSON = Title(TitleKind.PERSON, "王大明")
COMPANY = Title(TitleKind.COMPANY, "杭州润泽科技有限公司", "91110000802100433B")


@dataclass
class Desks:
    """The clients under test."""

    invoices: CsmsInvoices
    refunds: CsmsRefunds
    debits: CsmsDebits
    papay: WechatPapay


@pytest.fixture
async def desks(settings: Settings, clock: Clock, controls: Controls) -> AsyncIterator[Desks]:
    async with AsyncExitStack() as stack:
        yield Desks(
            await stack.enter_async_context(CsmsInvoices.open(settings, clock)),
            await stack.enter_async_context(CsmsRefunds.open(settings, clock)),
            await stack.enter_async_context(CsmsDebits.open(settings, clock)),
            await stack.enter_async_context(WechatPapay.open(settings, clock)),
        )


async def paid_bills(controls: Controls) -> tuple[str, list[str]]:
    """An account and its paid bills, newest first."""
    account = await controls.role("paid_up")
    return account["account_no"], [bill["bill_no"] for bill in account["bills"]]


async def issued(controls: Controls) -> None:
    """The tax platform is done."""
    await controls.post("/sandbox/clock", advance_seconds=5)


# --- prepayment


async def test_money_in_advance_is_kept_once(csms: CsmsClient, controls: Controls, clock: Clock) -> None:
    account = await controls.role("credit")
    facts = ("RX20261121000001", "4200001", clock.now(), account["account_no"], 20000)
    assert await csms.record_prepayment(*facts) == Prepaid("applied", 23650)
    assert await csms.record_prepayment(*facts) == Prepaid("applied", 23650)
    known = await csms.account(account["account_no"])
    assert known is not None
    assert known.credit_fen == 23650
    with pytest.raises(SystemUnavailable):  # another payment under the same number: our own mistake
        await csms.record_prepayment(*facts[:4], 100)


async def test_a_closed_account_takes_nothing(csms: CsmsClient, controls: Controls, clock: Clock) -> None:
    closed = await controls.role("closed")
    result = await csms.record_prepayment("RX20261121000002", "4200002", clock.now(), closed["account_no"], 100)
    assert result == Prepaid("rejected", 0)


# --- invoices


async def test_an_invoice_from_the_request_to_the_pdf(desks: Desks, controls: Controls) -> None:
    account_no, (bill_no, *_) = await paid_bills(controls)
    (filed,) = await desks.invoices.file("FP0000000001", account_no, [bill_no], PERSON, None)
    assert (filed.result, filed.invoice.state if filed.invoice else None) == ("accepted", InvoiceState.ISSUING)
    assert [filed] == list(await desks.invoices.file("FP0000000001", account_no, [bill_no], PERSON, None))
    (again,) = await desks.invoices.file("FP0000000002", account_no, [bill_no], COMPANY, None)
    assert (again.result, again.invoice and again.invoice.title) == ("already_issued", PERSON)
    number = filed.invoice.invoice_no if filed.invoice else ""
    assert await desks.invoices.document(number) is None
    await issued(controls)
    invoice = await desks.invoices.invoice(number)
    assert invoice is not None
    assert invoice.state is InvoiceState.ISSUED
    document = await desks.invoices.document(number)
    assert document is not None
    assert document.startswith(b"%PDF-")
    assert "王大明".encode("utf-16-be").hex().encode() in document
    await desks.invoices.send(number, "w@mail.example")


async def test_unpaid_bills_and_others_bills_get_none(desks: Desks, controls: Controls) -> None:
    account_no, (bill_no, *_) = await paid_bills(controls)
    owing = await controls.role("arrears")
    results = await desks.invoices.file("FP0000000003", account_no, [owing["bills"][0]["bill_no"], bill_no], PERSON, None)
    assert [each.result for each in results] == ["not_paid", "accepted"]
    with pytest.raises(UnknownAccount):
        await desks.invoices.file("FP0000000004", "1", [bill_no], PERSON, None)
    with pytest.raises(UnknownAccount):
        await desks.invoices.invoices("../accounts")
    assert await desks.invoices.invoice("26000000") is None


async def test_another_title_once(desks: Desks, controls: Controls) -> None:
    account_no, (bill_no, *_) = await paid_bills(controls)
    (filed,) = await desks.invoices.file("FP0000000005", account_no, [bill_no], PERSON, None)
    number = filed.invoice.invoice_no if filed.invoice else ""
    with pytest.raises(ReissueRefused, match="issuing"):
        await desks.invoices.reissue("FP0000000006", number, COMPANY, None)
    await issued(controls)
    new = await desks.invoices.reissue("FP0000000006", number, COMPANY, "cw@mail.example")
    assert await desks.invoices.reissue("FP0000000006", number, COMPANY, "cw@mail.example") == new
    states = {each.invoice_no: each.state for each in await desks.invoices.invoices(account_no)}
    assert states == {number: InvoiceState.CANCELLED, new.invoice_no: InvoiceState.ISSUING}
    await issued(controls)
    with pytest.raises(ReissueRefused, match="again"):
        await desks.invoices.reissue("FP0000000007", new.invoice_no, PERSON, None)


async def test_two_at_once_make_one_invoice(desks: Desks, controls: Controls) -> None:
    account_no, (bill_no, *_) = await paid_bills(controls)
    results = await asyncio.gather(*(
        desks.invoices.file(f"FP000000001{number}", account_no, [bill_no], PERSON, None) for number in range(5)
    ))
    assert sorted(each[0].result for each in results) == ["accepted", *["already_issued"] * 4]


# --- refund requests


async def test_one_refund_request_for_one_payment(desks: Desks, controls: Controls, settings: Settings) -> None:
    account = await controls.role("neighbour_a")
    first = await desks.refunds.file("RX20261121000003", account["account_no"], 5000, "wrong_account")
    assert await desks.refunds.file("RX20261121000003", account["account_no"], 5000, "wrong_account") == first
    assert first.state == "accepted"
    async with httpx.AsyncClient(base_url=settings.csms_base_url, trust_env=False) as http:
        decision = {"request_no": first.request_no, "state": "rejected", "note": "付款户号与您提供的一致"}
        (await http.post("/sandbox/refund-requests", json=decision)).raise_for_status()
    decided = await desks.refunds.request(first.request_no)
    assert decided is not None
    assert (decided.state, decided.note) == ("rejected", "付款户号与您提供的一致")
    assert await desks.refunds.request("TK000000000000") is None


# --- direct debit


async def test_csms_hears_of_contracts(desks: Desks, controls: Controls, clock: Clock) -> None:
    account, closed = await controls.role("ordinary"), await controls.role("closed")
    for _ in range(2):
        await desks.debits.set_contract(account["account_no"], "ZK1", "Wx1", active=True, since=clock.now())
    await desks.debits.set_contract(account["account_no"], "ZK1", "Wx1", active=False, since=clock.now())
    with pytest.raises(ClosedAccount):
        await desks.debits.set_contract(closed["account_no"], "ZK2", "Wx2", active=True, since=clock.now())


async def sign(settings: Settings, url: str, openid: str) -> httpx.Response:
    """The customer opens the page and taps the button."""
    async with httpx.AsyncClient(trust_env=False, cookies={"sandbox_openid": openid}) as browser:
        page = await browser.get(url)
        return await browser.post(url) if page.status_code == 200 else page


async def test_a_contract_from_the_page_to_its_end(desks: Desks, settings: Settings, clock: Clock) -> None:
    code, openid = f"ZK{clock.now():%H%M%S%f}", "oCustomer0000000000000000001"
    assert await desks.papay.query(code) is None
    url = desks.papay.sign_url(code, 7, "水费户号尾号0001")
    assert "开通成功" in (await sign(settings, url, openid)).text
    signed = await desks.papay.query(code)
    assert signed is not None
    assert (signed.active, signed.openid) == (True, openid)
    assert abs((signed.changed_at - clock.now()).total_seconds()) < 60
    for _ in range(2):
        await desks.papay.terminate(signed.contract_id, "用户取消")
    ended = await desks.papay.query(code)
    assert ended is not None
    assert not ended.active


@pytest.mark.parametrize("change", [
    ("contract_code", "ZK9"), ("plan_id", "1"), ("timestamp", "1600000000"), ("sign", "0" * 32),
])
async def test_the_page_opens_for_signed_links_only(desks: Desks, settings: Settings, change: tuple[str, str]) -> None:
    url = urlsplit(desks.papay.sign_url("ZK8", 8, "水费"))
    fields = dict(parse_qsl(url.query)) | dict([change])
    changed = f"{url.scheme}://{url.netloc}{url.path}?{httpx.QueryParams(fields)}"
    assert (await sign(settings, changed, "oX")).status_code == 400


async def test_an_outage_of_wechat_pay(desks: Desks, controls: Controls) -> None:
    for mode in ("down", "garbage"):
        await controls.fault("pay", mode)
        with pytest.raises(SystemUnavailable):
            await desks.papay.query("ZK1")


def callback(settings: Settings, **changes: str) -> bytes:
    """What WeChat Pay posts when a contract is signed, changed after signing by keyword."""
    fields = {
        "return_code": "SUCCESS", "result_code": "SUCCESS", "mch_id": settings.wechatpay_mch_id, "contract_code": "ZK1",
        "plan_id": settings.wechatpay_papay_plan_id, "openid": "oMother", "change_type": "ADD", "contract_id": "Wx1",
        "operate_time": "2026-11-21 16:02:33",
    }
    fields["sign"] = signature(fields, settings.wechatpay_api_v2_key.get_secret_value())
    return ("<xml>" + "".join(f"<{name}>{value}</{name}>" for name, value in (fields | changes).items()) + "</xml>").encode()


async def test_callbacks(desks: Desks, settings: Settings) -> None:
    told = desks.papay.parse_callback(callback(settings))
    assert (told.contract_code, told.contract_id, told.active, told.openid) == ("ZK1", "Wx1", True, "oMother")
    assert told.changed_at == datetime.fromisoformat("2026-11-21T16:02:33+08:00")


@pytest.mark.parametrize(("body", "why"), [
    (b"", "malformed"), (b"<xml>", "malformed"), (b"<!DOCTYPE x [<!ENTITY a 'b'>]><xml>&a;</xml>", "malformed"),
    (b"<xml>" + b"<a>1</a>" * 20000 + b"</xml>", "malformed"), (b"<xml><sign>x</sign></xml>", "signature"),
])
async def test_what_is_no_callback(desks: Desks, body: bytes, why: str) -> None:
    with pytest.raises(CallbackRefused) as refused:
        desks.papay.parse_callback(body)
    assert refused.value.why == why


@pytest.mark.parametrize("changes", [{"openid": "oSon"}, {"change_type": "DELETE"}, {"mch_id": "1"}])
async def test_a_changed_callback_is_refused(desks: Desks, settings: Settings, changes: dict[str, Any]) -> None:
    with pytest.raises(CallbackRefused) as refused:
        desks.papay.parse_callback(callback(settings, **changes))
    assert refused.value.why == "signature"


def test_the_signature_of_wechat_pays_documentation() -> None:
    # https://pay.weixin.qq.com/wiki/doc/api/pap.php?chapter=4_3: the example of the algorithm
    fields = {
        "appid": "wxd930ea5d5a258f4f", "mch_id": "10000100", "device_info": "1000", "body": "test",
        "nonce_str": "ibuaiVcKdpRxkhJA",
    }
    assert signature(fields, "192006250b4c09247ec02edce69f6a2d") == "9A0A8659F005D6984697E2CA0A9CF3B7"
    assert re.fullmatch(r"[0-9A-F]{32}", signature({}, ""))
