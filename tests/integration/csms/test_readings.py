"""Readings and requests about meters over real HTTP: taken once, refused where they do not fit, followed, carried out."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.csms import CsmsClient
from connectors.csms.readings import CsmsReadings
from runxia.clock import Clock, today
from runxia.settings import Settings
from services.errors import ReadingRefused, SystemUnavailable, UnknownAccount
from services.ports import BillStatus
from services.readings import DayPart, Filing, Kind, State
from tests.integration.csms.conftest import Controls


@pytest.fixture
async def desk(settings: Settings, clock: Clock, controls: Controls) -> AsyncIterator[CsmsReadings]:
    """The client under test."""
    async with CsmsReadings.open(settings, clock) as client:
        yield client


def new_request() -> str:
    return secrets.token_hex(8)


async def test_a_meter_has_the_readings_of_the_bills(desk: CsmsReadings, controls: Controls) -> None:
    known = await controls.role("paid_up")
    meter = await desk.meter(known["account_no"])
    assert meter.meter_no == known["meter_no"]
    assert str(meter.readings[0].value) == known["last_reading"]
    assert meter.next_on is not None
    assert meter.next_on > meter.readings[0].read_on
    assert (await desk.meter((await controls.role("stopped"))["account_no"])).next_on is None
    assert (await desk.meter((await controls.role("no_bills"))["account_no"])).readings == ()
    for number in ("9999999999", "..", "三"):
        with pytest.raises(UnknownAccount):
            await desk.meter(number)


async def test_a_reading_is_taken_once(desk: CsmsReadings, controls: Controls) -> None:
    known = await controls.role("paid_up")
    filing = Filing(Kind.READING, known["account_no"], value=int(known["last_reading"]) + 5)
    request = new_request()
    first = await desk.file(request, filing)
    assert (first.kind, first.state, first.value) == (Kind.READING, State.ACCEPTED, filing.value)
    assert await desk.file(request, filing) == first
    assert await desk.request(first.request_no) == first
    assert await desk.of_account(known["account_no"]) == [first]
    with pytest.raises(ReadingRefused) as refused:
        await desk.file(new_request(), filing)
    assert refused.value.why == "taken"
    with pytest.raises(SystemUnavailable):  # the same number for another account is a defect, not an answer
        await desk.file(request, replace(filing, account_no=(await controls.role("ordinary"))["account_no"]))


async def test_a_reading_far_from_usual_is_looked_at_and_told_as_a_change(desk: CsmsReadings, controls: Controls) -> None:
    known = await controls.role("paid_up")
    after = max((each.sequence for each in await desk.changes(0)), default=0)
    request = await desk.file(
        new_request(), Filing(Kind.READING, known["account_no"], value=int(known["last_reading"]) + 200),
    )
    assert request.state is State.REVIEWING
    await controls.post(f"/sandbox/csms/meter-requests/{request.request_no}", state="rejected", note="照片看不清")
    (change,) = await desk.changes(after)
    assert (change.request_no, change.state, change.note) == (request.request_no, State.REJECTED, "照片看不清")
    with pytest.raises(ReadingRefused):
        await desk.cancel(request.request_no)


@pytest.mark.parametrize(("role", "why"), [("stopped", "stopped"), ("closed", "closed")])
async def test_accounts_whose_meter_is_not_read(desk: CsmsReadings, controls: Controls, role: str, why: str) -> None:
    known = await controls.role(role)
    with pytest.raises(ReadingRefused) as refused:
        await desk.file(new_request(), Filing(Kind.READING, known["account_no"], value=1))
    assert refused.value.why == why


async def test_a_dispute_freezes_its_bill_and_a_correction_reckons_it_anew(
    desk: CsmsReadings, csms: CsmsClient, controls: Controls,
) -> None:
    known = await controls.role("leak")
    (before, *_) = await csms.bills(known["account_no"])
    filing = Filing(Kind.DISPUTE, known["account_no"], value=int(before.current_reading) - 20, bill_no=before.bill_no)
    request = await desk.file(new_request(), filing)
    assert request.state is State.RECEIVED
    frozen = await csms.bill(before.bill_no)
    assert frozen is not None
    assert frozen.status is BillStatus.DISPUTED
    with pytest.raises(ReadingRefused) as refused:
        await desk.file(new_request(), filing)
    assert refused.value.why == "open"
    await controls.post(f"/sandbox/csms/meter-requests/{request.request_no}", state="corrected", value=filing.value)
    corrected = await csms.bill(before.bill_no)
    assert corrected is not None
    assert (corrected.current_reading, corrected.status) == (before.current_reading - 20, BillStatus.UNPAID)
    assert corrected.volume == before.volume - 20
    assert corrected.amount_fen < before.amount_fen


async def test_a_dispute_that_is_upheld_or_taken_back_gives_the_bill_back(
    desk: CsmsReadings, csms: CsmsClient, controls: Controls,
) -> None:
    known = await controls.role("leak")
    (before, *_) = await csms.bills(known["account_no"])
    filing = Filing(Kind.DISPUTE, known["account_no"], value=1, bill_no=before.bill_no, since=before.period)
    first = await desk.file(new_request(), filing)
    assert (await desk.cancel(first.request_no)).state is State.CANCELLED
    assert (await desk.cancel(first.request_no)).state is State.CANCELLED
    assert (await csms.bills(known["account_no"]))[0] == before
    second = await desk.file(new_request(), filing)
    await controls.post(f"/sandbox/csms/meter-requests/{second.request_no}", state="upheld")
    assert (await csms.bills(known["account_no"]))[0] == before


async def test_a_correction_of_a_paid_bill_gives_credit(desk: CsmsReadings, csms: CsmsClient, controls: Controls) -> None:
    known = await controls.role("paid_up")
    (before, *_) = await csms.bills(known["account_no"])
    filing = Filing(Kind.DISPUTE, known["account_no"], value=int(before.previous_reading) + 1, bill_no=before.bill_no)
    request = await desk.file(new_request(), filing)
    assert (await csms.bills(known["account_no"]))[0].status is BillStatus.PAID
    await controls.post(f"/sandbox/csms/meter-requests/{request.request_no}", state="corrected", value=filing.value)
    after, account = (await csms.bills(known["account_no"]))[0], await csms.account(known["account_no"])
    assert account is not None
    assert (after.volume, after.status) == (1, BillStatus.PAID)
    assert account.credit_fen == before.amount_fen - after.amount_fen


async def test_visits_are_booked_while_there_is_time(desk: CsmsReadings, controls: Controls, clock: Clock) -> None:
    day = today(clock)
    slots = await desk.slots(day + timedelta(days=1), day + timedelta(days=14))
    assert slots
    assert all(slot.day.isoweekday() != 7 and slot.free > 0 for slot in slots)
    slot = slots[0]
    await controls.post("/sandbox/csms/visit-slots", part=slot.part, visits=1, day=slot.day.isoformat())
    known, other = await controls.role("paid_up"), await controls.role("ordinary")
    visit = Filing(Kind.VISIT, known["account_no"], day=slot.day, part=slot.part, phone="13957100021")
    booked = await desk.file(new_request(), visit)
    assert (booked.state, booked.day, booked.part) == (State.BOOKED, slot.day, slot.part)
    with pytest.raises(ReadingRefused) as refused:
        await desk.file(new_request(), replace(visit, account_no=other["account_no"]))
    assert refused.value.why == "full"
    free = next(each for each in slots if each.day != slot.day)
    moved = await desk.move(booked.request_no, free.day, free.part, "13957100022")
    assert (moved.day, moved.part) == (free.day, free.part)
    assert await desk.move(booked.request_no, free.day, free.part, "13957100022") == moved
    assert (await desk.file(new_request(), replace(visit, account_no=other["account_no"]))).state is State.BOOKED
    with pytest.raises(ReadingRefused) as refused:
        await desk.move(booked.request_no, slot.day, slot.part, "13957100022")
    assert refused.value.why == "full"
    assert (await desk.cancel(booked.request_no)).state is State.CANCELLED
    with pytest.raises(ReadingRefused) as refused:
        await desk.move(booked.request_no, free.day, free.part, "13957100022")
    assert refused.value.why == "too_late"


async def test_a_check_runs_its_course(desk: CsmsReadings, controls: Controls) -> None:
    known = await controls.role("paid_up")
    check = await desk.file(new_request(), Filing(Kind.CHECK, known["account_no"], phone="13957100021"))
    assert check.state is State.RECEIVED
    await controls.post(f"/sandbox/csms/meter-requests/{check.request_no}", state="qualified")
    found = await desk.request(check.request_no)
    assert found is not None
    assert found.state is State.QUALIFIED


async def test_the_disputed_account_has_its_dispute_under_way(desk: CsmsReadings, controls: Controls) -> None:
    known = await controls.role("disputed")
    (request,) = await desk.of_account(known["account_no"])
    assert (request.kind, request.state) == (Kind.DISPUTE, State.REVIEWING)


async def test_another_meter_and_another_reading_day(desk: CsmsReadings, controls: Controls, clock: Clock) -> None:
    number = (await controls.role("paid_up"))["account_no"]
    await controls.post(
        "/sandbox/csms/meters", account_no=number, digits=4, installed_days_ago=1, start=7, next_in_days=9, last_value=9990,
    )
    meter = await desk.meter(number)
    day = today(clock)
    assert (meter.digits, meter.installed_on, int(meter.start)) == (4, day - timedelta(days=1), 7)
    assert (meter.next_on, int(meter.readings[0].value)) == (day + timedelta(days=9), 9990)


@pytest.mark.parametrize("number", ["DS209901010001", "", "..", "../health", "三", "1" * 500])
async def test_numbers_that_are_no_request(desk: CsmsReadings, number: str) -> None:
    assert await desk.request(number) is None


@pytest.mark.parametrize("mode", ["down", "garbage"])
async def test_a_desk_that_does_not_answer(desk: CsmsReadings, controls: Controls, mode: str) -> None:
    known = await controls.role("paid_up")
    await controls.fault("csms", mode)
    for ask in (desk.meter(known["account_no"]), desk.changes(0), desk.request("DS1")):
        with pytest.raises(SystemUnavailable):
            await ask


async def test_halves_of_days_are_those_of_the_contract(desk: CsmsReadings, clock: Clock) -> None:
    day = today(clock)
    assert {slot.part for slot in await desk.slots(day, day + timedelta(days=7))} == set(DayPart)
    assert await desk.slots(day, day - timedelta(days=1)) == ()
