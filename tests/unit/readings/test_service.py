"""Filing once, telling what becomes of it, and refusing what cannot be."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from services.errors import NotVerified, ReadingRefused, SystemUnavailable, UnknownAccount, UnknownMeterRequest
from services.ports import AccountState, BillStatus
from services.readings import DayPart, Filing, Kind, State, Verdict
from services.readings.filing import FILING
from tests.fakes import number_of
from tests.unit.accounts.talk import OPENID
from tests.unit.readings.conftest import Desk
from tests.unit.readings.desk import meter

ACCOUNT = number_of("paid_up")
READING = Filing(Kind.READING, ACCOUNT, value=320)
VISIT = Filing(Kind.VISIT, ACCOUNT, day=date(2026, 11, 4), part=DayPart.MORNING, phone="13957100021")


async def test_a_reading_is_filed_and_its_facts_are_encrypted(desk: Desk) -> None:
    await desk.bind("paid_up")
    request = await desk.service.file(OPENID, "request-1", VISIT)
    assert (request.state, request.day, request.part) == (State.BOOKED, date(2026, 11, 4), DayPart.MORNING)
    async with desk.db.read() as session:
        stored = await (await session.connection()).exec_driver_sql("SELECT facts FROM meter_request")
        assert "13957100021" not in str(stored.all())


async def test_the_same_request_again_files_nothing(desk: Desk) -> None:
    await desk.bind("paid_up")
    first = await desk.service.file(OPENID, "request-1", READING)
    assert await desk.service.file(OPENID, "request-1", READING) == first
    assert len(desk.meters.requests) == len(await desk.records()) == 1


async def test_two_at_once_file_one(desk: Desk) -> None:
    await desk.bind("paid_up")
    found = await asyncio.gather(*(desk.service.file(OPENID, "request-1", READING) for _ in range(2)))
    assert found[0].request_no == found[1].request_no
    assert len(desk.meters.requests) == 1


async def test_an_answer_that_is_lost_files_once(desk: Desk) -> None:
    await desk.bind("paid_up")
    desk.meters.lost_answer = True
    with pytest.raises(SystemUnavailable):
        await desk.service.file(OPENID, "request-1", READING)
    assert [each.state for each in await desk.records()] == [FILING]
    assert (await desk.service.file(OPENID, "request-1", READING)).request_no == desk.meters.newest
    assert len(desk.meters.requests) == 1


async def test_a_customer_who_never_tries_again_is_told_that_it_was_filed(desk: Desk) -> None:
    await desk.bind("paid_up")
    desk.meters.lost_answer = True
    with pytest.raises(SystemUnavailable):
        await desk.service.file(OPENID, "request-1", READING)
    assert await desk.service.follow_changes() == 0  # the answer may still be on its way
    desk.clock.advance(seconds=61)
    assert await desk.service.follow_changes() == 1
    assert [json.loads(each)["intent"] for each in await desk.told()] == ["EXTERNAL_meter_request_filed"]
    assert await desk.service.follow_changes() == 0


async def test_what_the_desk_decides_is_told_once(desk: Desk) -> None:
    await desk.bind("paid_up")
    request = await desk.service.file(OPENID, "request-1", replace(READING, kind=Kind.DISPUTE, bill_no="B1"))
    await desk.service.follow_changes()
    assert await desk.told() == []
    desk.meters.decide(request.request_no, State.REVIEWING)
    assert await desk.service.follow_changes() == 1
    desk.meters.decide(request.request_no, State.UPHELD, "照片上是 320")
    assert await desk.service.follow_changes() == 1
    (told,) = await desk.told()
    assert json.loads(told) == {
        "intent": "EXTERNAL_meter_request_changed", "entities": {"meter_request_no": request.request_no},
    }


async def test_a_number_used_again_elsewhere_is_no_news_to_this_customer(desk: Desk) -> None:
    await desk.bind("paid_up")
    request = await desk.service.file(OPENID, "request-1", READING)
    desk.meters.requests[request.request_no] = replace(request, request_id="counter-1", sequence=99, state=State.REJECTED)
    assert await desk.service.follow_changes() == 0
    assert await desk.told() == []


async def test_following_waits_while_csms_is_down(desk: Desk) -> None:
    desk.meters.down = True
    assert await desk.service.follow_changes() == 0


async def test_what_csms_refuses_leaves_nothing_behind(desk: Desk) -> None:
    await desk.bind("paid_up")
    desk.meters.failures.append(ReadingRefused("taken"))
    with pytest.raises(ReadingRefused):
        await desk.service.file(OPENID, "request-1", READING)
    assert await desk.records() == []


async def test_only_the_accounts_own_customer_who_proved_it(desk: Desk) -> None:
    await desk.bind("paid_up", verified=False)
    with pytest.raises(NotVerified):
        await desk.service.file(OPENID, "request-1", READING)
    with pytest.raises(NotVerified):
        await desk.service.file(OPENID, "request-2", replace(READING, account_no=number_of("ordinary")))
    assert desk.meters.requests == {}


async def test_somebody_elses_request_is_as_unknown_as_none(desk: Desk) -> None:
    await desk.bind("paid_up")
    request = await desk.service.file(OPENID, "request-1", VISIT)
    await desk.bind("ordinary", openid="oOther")
    for number in (request.request_no, "SM209901010001"):
        with pytest.raises(UnknownMeterRequest):
            await desk.service.find("oOther", number)
        with pytest.raises(UnknownMeterRequest):
            await desk.service.cancel("oOther", number)
    assert (await desk.service.find(OPENID, request.request_no.lower())).request_no == request.request_no


async def test_a_visit_is_moved_and_taken_back(desk: Desk) -> None:
    await desk.bind("paid_up")
    number = (await desk.service.file(OPENID, "request-1", VISIT)).request_no
    moved = await desk.service.move(OPENID, number, date(2026, 11, 6), DayPart.AFTERNOON, "13957100021")
    assert (moved.day, moved.part) == (date(2026, 11, 6), DayPart.AFTERNOON)
    assert (await desk.service.cancel(OPENID, number)).state is State.CANCELLED
    assert [each.state for each in await desk.records()] == [State.CANCELLED]


@pytest.mark.parametrize(("role", "why"), [("closed", "closed"), ("stopped", "stopped")])
async def test_accounts_whose_meter_is_not_read(desk: Desk, role: str, why: str) -> None:
    for check in (desk.service.may_send(number_of(role)), desk.service.may_come(number_of(role), Kind.VISIT)):
        with pytest.raises(ReadingRefused) as refused:
            await check
        assert refused.value.why == why


async def test_a_reading_out_of_its_time_or_twice_is_refused(desk: Desk) -> None:
    await desk.bind("paid_up")
    desk.meters.meters[ACCOUNT] = meter(desk.clock, ACCOUNT, next_on=date(2027, 1, 20))
    with pytest.raises(ReadingRefused) as refused:
        await desk.service.may_send(ACCOUNT)
    assert refused.value.why == "window"
    desk.meters.meters[ACCOUNT] = meter(desk.clock, ACCOUNT)
    assert (await desk.service.may_send(ACCOUNT)).digits == 5
    request = await desk.service.file(OPENID, "request-1", READING)
    with pytest.raises(ReadingRefused) as refused:
        await desk.service.may_send(ACCOUNT)
    assert (refused.value.why, refused.value.number) == ("taken", request.request_no)


async def test_a_reading_is_priced_from_where_the_year_stands(desk: Desk) -> None:
    desk.csms.all_bills = {}
    found = await desk.service.assess(ACCOUNT, 320)
    assert (found.judgement.verdict, found.judgement.use, found.amount_fen) == (Verdict.USUAL, 8, 8 * 325)
    below = await desk.service.assess(ACCOUNT, 300)
    assert (below.judgement.verdict, below.amount_fen) == (Verdict.LOWER, None)


async def test_bills_that_can_be_doubted(desk: Desk) -> None:
    account = await desk.bind("paid_up")
    bills = await desk.service.disputable(account)
    assert bills
    newest = bills[0]
    desk.csms.all_bills[newest.bill_no] = replace(newest, status=BillStatus.VOID)
    assert newest.bill_no not in [bill.bill_no for bill in await desk.service.disputable(account)]
    dispute = Filing(Kind.DISPUTE, account, value=300, bill_no=newest.bill_no)
    request = await desk.service.file(OPENID, "request-1", dispute)
    with pytest.raises(ReadingRefused) as refused:
        await desk.service.disputable(account)
    assert (refused.value.why, refused.value.number) == ("open", request.request_no)


async def test_one_visit_and_one_check_at_a_time(desk: Desk) -> None:
    account = await desk.bind("paid_up")
    await desk.service.file(OPENID, "request-1", VISIT)
    with pytest.raises(ReadingRefused):
        await desk.service.may_come(account, Kind.VISIT)
    assert (await desk.service.may_come(account, Kind.CHECK)).state is AccountState.ACTIVE


async def test_times_for_visits_are_those_of_the_rules_with_room(desk: Desk) -> None:
    days = {slot.day for slot in await desk.service.visit_times()}
    assert min(days) == date(2026, 11, 3)
    assert max(days) == date(2026, 11, 16)
    assert date(2026, 11, 8) not in days
    desk.meters.free = 0
    assert await desk.service.visit_times() == []


async def test_an_account_that_csms_does_not_know(desk: Desk) -> None:
    for ask in (
        desk.service.may_send("1999999999"), desk.service.assess("1999999999", 1),
        desk.service.may_come("1999999999", Kind.CHECK),
    ):
        with pytest.raises(UnknownAccount):
            await ask


async def test_a_new_meter_shows_what_it_started_from(desk: Desk) -> None:
    hung = desk.clock.now().date() - timedelta(days=2)
    desk.meters.meters[ACCOUNT] = meter(desk.clock, ACCOUNT, installed_on=hung, start=Decimal(1))
    found = (await desk.service.assess(ACCOUNT, 4)).judgement
    assert (found.use, found.exchanged) == (3, True)
