"""The billing system over real HTTP: what it tells, what it changes, and what is not believed."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from datetime import date, datetime, timedelta
from decimal import Decimal

import httpx
import pytest

from connectors.csms import CsmsClient
from runxia.clock import SHANGHAI, Clock
from runxia.settings import Settings
from services.errors import ClosedAccount, SystemUnavailable, UnknownAccount
from services.ports import AccountState, BillStatus, BillType
from tests.integration.csms.conftest import Controls


async def test_account(csms: CsmsClient, controls: Controls) -> None:
    known = await controls.role("ordinary")
    account = await csms.account(known["account_no"])
    assert account is not None
    assert (account.owner, account.phone, account.meter_no) == (known["owner"], known["phone"], known["meter_no"])
    assert (account.state, account.kind, account.has_password) == (AccountState.ACTIVE, "residential", True)


@pytest.mark.parametrize("number", ["0000000000", "", "..", "../health", "1?x=1", "3026%2f", "三零二六", "1" * 500])
async def test_numbers_that_are_no_account(csms: CsmsClient, number: str) -> None:
    assert await csms.account(number) is None
    assert await csms.bill(number) is None
    with pytest.raises(UnknownAccount):
        await csms.bills(number)
    with pytest.raises(UnknownAccount):
        await csms.check_password(number, "x")


async def test_bills_between_months_newest_first(csms: CsmsClient, controls: Controls) -> None:
    known = await controls.role("ordinary")
    bills = await csms.bills(known["account_no"])
    assert [bill.bill_no for bill in bills] == [bill["bill_no"] for bill in known["bills"]]
    some = await csms.bills(known["account_no"], since=bills[5].period, until=bills[3].period)
    assert some == bills[3:6]
    assert await csms.bill(bills[0].bill_no) == bills[0]


async def test_late_fee_grows_with_the_clock(csms: CsmsClient, controls: Controls) -> None:
    known = await controls.role("arrears")
    before = (await csms.bills(known["account_no"]))[4]
    await controls.post("/sandbox/clock", advance_seconds=40 * 24 * 3600)
    after = await csms.bill(before.bill_no)
    assert after is not None
    fees = [sum(line.amount_fen for line in bill.lines if line.kind == "late_fee") for bill in (before, after)]
    charge = before.amount_fen - fees[0]
    assert fees[1] - fees[0] == pytest.approx(charge * 0.0005 * 40, abs=1)
    assert after.outstanding_fen == charge + fees[1]


async def test_tier_usage_is_the_sum_of_this_years_bills(csms: CsmsClient, controls: Controls) -> None:
    known = await controls.role("large_family")
    usage = await csms.tier_usage(known["account_no"])
    assert usage is not None
    assert [tier.limit for tier in usage.tiers] == [Decimal(276), Decimal(216), None]
    bills = await csms.bills(known["account_no"])
    assert usage.total == sum(bill.volume for bill in bills if bill.end.year == usage.year)


async def test_businesses_have_no_tiers(csms: CsmsClient, controls: Controls) -> None:
    assert await csms.tier_usage((await controls.role("commercial"))["account_no"]) is None


async def test_payment_history(csms: CsmsClient, controls: Controls) -> None:
    number = (await controls.role("paid_up"))["account_no"]
    payments = await csms.payments(number)
    assert len(payments) == 30
    assert payments[0].paid_at > payments[-1].paid_at
    day = payments[3].paid_at.date()
    assert payments[3] in await csms.payments(number, since=day, until=day)
    assert await csms.payments(number, since=day + timedelta(days=3650)) == []


async def test_query_password(csms: CsmsClient, controls: Controls) -> None:
    known = await controls.role("ordinary")
    assert await csms.check_password(known["account_no"], known["password"])
    assert not await csms.check_password(known["account_no"], "wrong password")
    await csms.set_password(known["account_no"], "Xin2Mima99")
    assert await csms.check_password(known["account_no"], "Xin2Mima99")
    assert not await csms.check_password(known["account_no"], known["password"])
    assert (await controls.role("ordinary"))["password"] == "Xin2Mima99"


async def test_no_password_is_never_right(csms: CsmsClient, controls: Controls) -> None:
    assert not await csms.check_password((await controls.role("no_password"))["account_no"], "anything1")


async def test_contact_and_bill_type(csms: CsmsClient, controls: Controls) -> None:
    number = (await controls.role("ordinary"))["account_no"]
    await csms.set_contact(number, phone="13900008888")
    await csms.set_contact(number, email="lin@mail.linjiang.example")
    await csms.set_bill_type(number, BillType.BOTH)
    account = await csms.account(number)
    assert account is not None
    assert (account.phone, account.email, account.bill_type) == ("13900008888", "lin@mail.linjiang.example", BillType.BOTH)


async def test_a_closed_account_is_not_changed(csms: CsmsClient, controls: Controls) -> None:
    number = (await controls.role("closed"))["account_no"]
    with pytest.raises(ClosedAccount):
        await csms.set_contact(number, phone="13900008888")


async def test_a_payment_is_booked_once(csms: CsmsClient, controls: Controls, clock: Clock) -> None:
    number = (await controls.role("arrears"))["account_no"]
    owed = [bill for bill in await csms.bills(number) if bill.outstanding_fen][:2]
    lines = [(bill.bill_no, bill.outstanding_fen) for bill in owed]
    first = await csms.record_payment("RX00000001", "4200000001", clock.now(), lines, keep_excess=False)
    again = await csms.record_payment("RX00000001", "4200000001", clock.now(), lines, keep_excess=False)
    assert first == again
    assert [(line.result, line.applied_fen) for line in first] == [("applied", fen) for _, fen in lines]
    for bill_no, fen in lines:
        bill = await csms.bill(bill_no)
        assert bill is not None
        assert (bill.status, bill.outstanding_fen) == (BillStatus.PAID, 0)
        booked = [payment for payment in await csms.payments(number) if payment.bill_no == bill_no]
        assert [(payment.amount_fen, payment.channel) for payment in booked] == [(fen, "wechat")]


async def test_the_same_number_with_other_facts_is_refused(csms: CsmsClient, controls: Controls, clock: Clock) -> None:
    bill = (await csms.bills((await controls.role("ordinary"))["account_no"]))[0]
    await csms.record_payment("RX00000002", "4200000002", clock.now(), [(bill.bill_no, 100)], keep_excess=False)
    with pytest.raises(SystemUnavailable):
        await csms.record_payment("RX00000002", "4200000002", clock.now(), [(bill.bill_no, 200)], keep_excess=False)


@pytest.mark.parametrize("keep", [False, True])
async def test_paid_at_the_counter_meanwhile(csms: CsmsClient, controls: Controls, clock: Clock, keep: bool) -> None:
    number = (await controls.role("ordinary"))["account_no"]
    bill = (await csms.bills(number))[0]
    assert (await controls.post("/sandbox/csms/pay", bill_no=bill.bill_no))["paid"]
    lines = [(bill.bill_no, bill.outstanding_fen)]
    results = await csms.record_payment("RX00000003", "4200000003", clock.now(), lines, keep_excess=keep)
    assert [(line.result, line.applied_fen) for line in results] == [("already_paid", 0)]
    account = await csms.account(number)
    assert account is not None
    assert account.credit_fen == (bill.amount_fen if keep else 0)


async def test_a_disputed_or_unknown_bill_is_rejected(csms: CsmsClient, controls: Controls, clock: Clock) -> None:
    disputed = (await csms.bills((await controls.role("disputed"))["account_no"]))[0]
    assert (disputed.status, disputed.outstanding_fen) == (BillStatus.DISPUTED, 0)
    lines = [(disputed.bill_no, 500), ("B0000000000000000", 500)]
    results = await csms.record_payment("RX00000004", "4200000004", clock.now(), lines, keep_excess=True)
    assert [line.result for line in results] == ["rejected", "rejected"]


async def test_payments_of_one_order_at_once_are_booked_once(csms: CsmsClient, controls: Controls, clock: Clock) -> None:
    bill = (await csms.bills((await controls.role("leak"))["account_no"]))[0]
    lines = [(bill.bill_no, bill.outstanding_fen)]
    now = clock.now()
    results = await asyncio.gather(
        *(csms.record_payment("RX00000005", "4200000005", now, lines, keep_excess=True) for _ in range(5)),
    )
    assert all(result == results[0] for result in results)
    payments = [payment for payment in await csms.payments(bill.account_no) if payment.bill_no == bill.bill_no]
    assert len(payments) == 1


async def test_reconciliation_file_of_a_day_is_replaced(csms: CsmsClient, controls: Controls) -> None:
    for content in ("第一版", "第二版"):
        await csms.hand_over_reconciliation(date(2026, 11, 20), content.encode())
    found = (await controls.http.get("/sandbox/csms/reconciliations")).json()["reconciliations"]
    assert [(each["day"], each["content"]) for each in found] == [("2026-11-20", "第二版")]


@pytest.mark.parametrize("mode", ["down", "garbage"])
async def test_a_system_that_fails_is_unavailable_until_it_is_back(csms: CsmsClient, controls: Controls, mode: str) -> None:
    number = (await controls.role("ordinary"))["account_no"]
    await controls.fault("csms", mode, times=1)
    with pytest.raises(SystemUnavailable) as failed:
        await csms.account(number)
    assert failed.value.system == "csms"
    assert await csms.account(number) is not None


async def test_a_slow_system_is_left_in_time(csms: CsmsClient, controls: Controls) -> None:
    number = (await controls.role("ordinary"))["account_no"]
    await controls.fault("csms", "slow", seconds=6, times=1)
    started = time.monotonic()
    with pytest.raises(SystemUnavailable):
        await csms.account(number)
    assert time.monotonic() - started < 4.0


async def test_nobody_there(settings: Settings, clock: Clock) -> None:
    async with CsmsClient.open(settings.model_copy(update={"csms_base_url": "http://127.0.0.1:9"}), clock) as client:
        with pytest.raises(SystemUnavailable):
            await client.account("3000000000")


def signed(settings: Settings, target: str, at: datetime, nonce: str, *, key: str | None = None) -> dict[str, str]:
    """The headers of a GET, made by hand."""
    timestamp = str(int(at.timestamp()))
    text = "\n".join(("GET", target, timestamp, nonce, hashlib.sha256(b"").hexdigest()))
    secret = (key or settings.csms_key.get_secret_value()).encode()
    return {
        "X-Runxia-Key": settings.csms_key_id, "X-Runxia-Timestamp": timestamp, "X-Runxia-Nonce": nonce,
        "X-Runxia-Signature": hmac.new(secret, text.encode(), hashlib.sha256).hexdigest(),
    }


async def test_only_fresh_and_genuine_requests_are_answered_and_once(
    settings: Settings, clock: Clock, controls: Controls,
) -> None:
    target = f"/accounts/{(await controls.role('ordinary'))['account_no']}"
    nonce = secrets.token_hex(16)
    good = signed(settings, target, clock.now(), nonce)
    attempts = [
        ({}, 401, "unknown_key"),
        (signed(settings, target, clock.now(), nonce, key="guess"), 401, "wrong_signature"),
        (signed(settings, "/accounts/1", clock.now(), nonce), 401, "wrong_signature"),
        (signed(settings, target, clock.now() - timedelta(minutes=6), nonce), 401, "stale"),
        (signed(settings, target, clock.now() + timedelta(minutes=6), nonce), 401, "stale"),
        (good, 200, None),
        (good, 401, "replayed"),
    ]
    async with httpx.AsyncClient(base_url=settings.csms_base_url, trust_env=False) as http:
        for headers, status, code in attempts:
            answer = await http.get(target, headers=headers)
            assert (answer.status_code, answer.json().get("code")) == (status, code)


async def test_answers_of_an_impostor_are_not_believed(settings: Settings, clock: Clock, csms: CsmsClient) -> None:
    """A system with another key, in the place of CSMS."""
    impostor = settings.model_copy(update={"csms_key": type(settings.csms_key)("another key")})
    async with CsmsClient.open(impostor, clock) as client:
        with pytest.raises(SystemUnavailable):
            await client.account("3000000000")


async def test_times_are_in_shanghai(csms: CsmsClient, controls: Controls) -> None:
    payments = await csms.payments((await controls.role("paid_up"))["account_no"])
    assert payments[0].paid_at.utcoffset() == SHANGHAI.utcoffset(payments[0].paid_at.replace(tzinfo=None))
