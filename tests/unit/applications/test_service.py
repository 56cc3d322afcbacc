"""Filing once, following what becomes of it, handing photos over, and refusing what cannot be."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from services.applications import Filing, Kind, Photo, State
from services.errors import ApplicationRefused, NotVerified, SystemUnavailable, UnknownApplication
from services.ports import AccountState
from store.models import ApplicationDocument
from tests.fakes import number_of
from tests.unit.accounts.talk import OPENID
from tests.unit.applications.conftest import Counter

INSTALL = Filing(
    Kind.INSTALL, name="陈建国", phone="13957100021", address="滨江区云栖路88号", use="residential",
)
ORDINARY = number_of("paid_up")
HOUSEHOLD = Filing(Kind.HOUSEHOLD, account_no=ORDINARY, people=6)


async def test_filing_gives_a_number_and_keeps_personal_facts_encrypted(counter: Counter) -> None:
    view = await counter.service.file(OPENID, "request-1", INSTALL)
    assert (view.number, view.state, view.filing) == ("SQ202611020001", State.RECEIVED, INSTALL)
    async with counter.db.read() as session:
        stored = (await session.connection()).exec_driver_sql("SELECT facts FROM application")
        assert "陈建国" not in str((await stored).all())


async def test_the_same_request_again_files_nothing(counter: Counter) -> None:
    first = await counter.service.file(OPENID, "request-1", INSTALL)
    assert await counter.service.file(OPENID, "request-1", INSTALL) == first
    assert len(counter.desk.applications) == 1


async def test_two_at_once_file_one(counter: Counter) -> None:
    views = await asyncio.gather(*(counter.service.file(OPENID, "request-1", INSTALL) for _ in range(2)))
    assert views[0].number == views[1].number
    assert len(counter.desk.applications) == 1


async def test_an_answer_that_is_lost_files_once(counter: Counter) -> None:
    counter.desk.lost_answer = True
    with pytest.raises(SystemUnavailable):
        await counter.service.file(OPENID, "request-1", INSTALL)
    assert await counter.service.list(OPENID) == []
    assert (await counter.service.file(OPENID, "request-1", INSTALL)).number == counter.desk.newest
    assert len(counter.desk.applications) == 1


async def test_a_customer_who_never_tries_again_is_told_that_it_was_filed(counter: Counter) -> None:
    counter.desk.lost_answer = True
    with pytest.raises(SystemUnavailable):
        await counter.service.file(OPENID, "request-1", INSTALL)
    assert await counter.service.follow_changes() == 0  # the answer may still be on its way
    counter.clock.advance(seconds=61)
    assert await counter.service.follow_changes() == 1
    (kind, payload), = await counter.told()
    assert kind == "trigger"
    assert json.loads(payload)["intent"] == "EXTERNAL_application_filed"
    assert [view.number for view in await counter.service.list(OPENID)] == [counter.desk.newest]


async def test_a_change_of_an_account_needs_its_holder_and_a_proof(counter: Counter) -> None:
    await counter.bind("paid_up", proven=False)
    with pytest.raises(NotVerified):
        await counter.service.file(OPENID, "request-1", HOUSEHOLD)
    with pytest.raises(NotVerified):
        await counter.service.file(OPENID, "request-2", replace(HOUSEHOLD, account_no=number_of("ordinary")))
    assert counter.desk.applications == {}


@pytest.mark.parametrize(("role", "kind", "why"), [
    ("arrears", Kind.STOP, "arrears"), ("ordinary", Kind.STOP, "arrears"), ("stopped", Kind.STOP, "stopped"),
    ("paid_up", Kind.RESTORE, "not_stopped"), ("stopped", Kind.RESTORE, "arrears"), ("closed", Kind.STOP, "closed"),
    ("commercial", Kind.HOUSEHOLD, "not_residential"),
])
async def test_what_an_account_is_not_fit_for(counter: Counter, role: str, kind: Kind, why: str) -> None:
    with pytest.raises(ApplicationRefused) as refused:
        await counter.service.check(OPENID, kind, number_of(role))
    assert refused.value.why == why
    assert (refused.value.amount_fen > 0) == (why == "arrears")


async def test_one_of_a_kind_at_a_time(counter: Counter) -> None:
    await counter.bind("paid_up")
    view = await counter.service.file(OPENID, "request-1", HOUSEHOLD)
    with pytest.raises(ApplicationRefused) as refused:
        await counter.service.check(OPENID, Kind.HOUSEHOLD, ORDINARY)
    assert (refused.value.why, refused.value.number) == ("open", view.number)
    counter.desk.move(view.number, State.REJECTED)
    await counter.service.follow_changes()
    assert await counter.service.check(OPENID, Kind.HOUSEHOLD, ORDINARY) is not None


async def test_what_csms_refuses_leaves_nothing_behind(counter: Counter) -> None:
    await counter.bind("paid_up")
    counter.desk.failures.append(ApplicationRefused("open"))
    with pytest.raises(ApplicationRefused):
        await counter.service.file(OPENID, "request-1", HOUSEHOLD, [Photo("household", await counter.photo())])
    async with counter.db.read() as session:
        assert list(await session.scalars(select(ApplicationDocument))) == []


async def test_news_is_told_once_and_in_the_same_transaction(counter: Counter) -> None:
    number = (await counter.service.file(OPENID, "request-1", INSTALL)).number
    assert await counter.service.follow_changes() == 0
    counter.desk.move(number, State.QUOTED, quote_fen=120000)
    assert await counter.service.follow_changes() == 1
    assert await counter.service.follow_changes() == 0
    (_, payload), = await counter.told()
    assert json.loads(payload) == {"intent": "EXTERNAL_application_changed", "entities": {"application_no": number}}
    (view,) = await counter.service.list(OPENID)
    assert (view.state, view.quote_fen, view.is_open) == (State.QUOTED, 120000, True)


async def test_what_the_customer_did_themselves_is_no_news(counter: Counter) -> None:
    number = (await counter.service.file(OPENID, "request-1", INSTALL)).number
    counter.desk.move(number, State.REVIEWING)
    await counter.service.follow_changes()
    await counter.service.withdraw(OPENID, number)
    await counter.service.follow_changes()
    assert await counter.told() == []


async def test_other_peoples_applications_at_csms_are_passed_over(counter: Counter) -> None:
    await counter.desk.file("counter-1", INSTALL)
    assert await counter.service.follow_changes() == 0
    assert await counter.told() == []


async def test_following_survives_an_outage(counter: Counter) -> None:
    counter.desk.down = True
    assert await counter.service.follow_changes() == 0


async def test_find_is_for_ones_own(counter: Counter) -> None:
    number = (await counter.service.file(OPENID, "request-1", INSTALL)).number
    assert (await counter.service.find(OPENID, number.lower())).number == number
    for openid, asked in (("oStranger", number), (OPENID, "SQ209901010001"), (OPENID, "")):
        with pytest.raises(UnknownApplication):
            await counter.service.find(openid, asked)
    with pytest.raises(UnknownApplication):
        await counter.service.withdraw("oStranger", number)
    with pytest.raises(UnknownApplication):
        await counter.service.supplement("oStranger", number, [])


async def test_find_tells_the_last_known_while_csms_is_away(counter: Counter) -> None:
    number = (await counter.service.file(OPENID, "request-1", INSTALL)).number
    counter.desk.down = True
    view = await counter.service.find(OPENID, number)
    assert (view.state, view.is_current) == (State.RECEIVED, False)


async def test_withdrawing_again_changes_nothing_and_may_be_too_late(counter: Counter) -> None:
    number = (await counter.service.file(OPENID, "request-1", INSTALL)).number
    assert (await counter.service.withdraw(OPENID, number)).state is State.WITHDRAWN
    assert (await counter.service.withdraw(OPENID, number)).state is State.WITHDRAWN
    counter.desk.move(number, State.CONSTRUCTING)
    with pytest.raises(ApplicationRefused):
        await counter.service.withdraw(OPENID, number)


async def test_photos_are_handed_over_once_by_the_job(counter: Counter) -> None:
    photo = await counter.photo()
    number = (await counter.service.file(OPENID, "request-1", INSTALL, [Photo("identity", photo)])).number
    counter.desk.down = True
    assert await counter.service.hand_over_documents() == 0
    counter.desk.down = False
    assert await counter.service.hand_over_documents() == 0  # not before the pause is over
    counter.clock.advance(seconds=6)
    assert await counter.service.hand_over_documents() == 1
    assert await counter.service.hand_over_documents() == 0
    assert counter.desk.documents == {photo: (number, "identity", b"\xff\xd8\xff picture")}


async def test_photos_wait_for_the_number(counter: Counter) -> None:
    counter.desk.down = True
    with pytest.raises(SystemUnavailable):
        await counter.service.file(OPENID, "request-1", INSTALL, [Photo("identity", await counter.photo())])
    counter.desk.down = False
    assert await counter.service.hand_over_documents() == 0


async def test_somebody_elses_photo_is_not_taken(counter: Counter) -> None:
    number = (await counter.service.file(OPENID, "request-1", INSTALL)).number
    own, other = await counter.photo(), await counter.photo("oStranger")
    photos = [Photo("identity", own), Photo("identity", other), Photo("identity", "0" * 32)]
    assert await counter.service.supplement(OPENID, number, photos) == 1
    assert await counter.service.supplement(OPENID, number, photos) == 0


async def test_a_photo_that_csms_refuses_is_not_tried_again(counter: Counter) -> None:
    await counter.service.file(OPENID, "request-1", INSTALL, [Photo("identity", await counter.photo())])
    counter.desk.failures.append(ApplicationRefused("too_late"))
    assert await counter.service.hand_over_documents() == 0
    counter.clock.advance(hours=1)
    assert await counter.service.hand_over_documents() == 0
    assert counter.desk.documents == {}


async def test_no_more_photos_for_what_is_over(counter: Counter) -> None:
    number = (await counter.service.file(OPENID, "request-1", INSTALL)).number
    await counter.service.withdraw(OPENID, number)
    with pytest.raises(ApplicationRefused):
        await counter.service.supplement(OPENID, number, [Photo("identity", await counter.photo())])


async def test_too_many_under_way(counter: Counter) -> None:
    for place in range(10):
        await counter.service.file(OPENID, f"request-{place}", replace(INSTALL, address=f"滨江区云栖路{place}号"))
    with pytest.raises(ApplicationRefused) as refused:
        await counter.service.check(OPENID, Kind.INSTALL)
    assert refused.value.why == "too_many"


async def test_a_stopped_account_that_owes_nothing_can_be_restored(counter: Counter) -> None:
    counter.csms.accounts[ORDINARY] = replace(counter.csms.accounts[ORDINARY], state=AccountState.STOPPED)
    account = await counter.service.check(OPENID, Kind.RESTORE, ORDINARY)
    assert account is not None


async def test_days_survive_the_store(counter: Counter) -> None:
    await counter.bind("paid_up")
    filing = Filing(Kind.STOP, account_no=ORDINARY, start=date(2026, 12, 1), end=date(2027, 5, 31))
    await counter.service.file(OPENID, "request-1", filing)
    assert (await counter.service.list(OPENID))[0].filing == filing
