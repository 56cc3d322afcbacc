"""Applications over real HTTP: filed once, refused where they do not fit, followed, and carried out on the account."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from connectors.csms import ApplicationsClient, CsmsClient
from runxia.clock import Clock, today
from runxia.settings import Settings
from services.applications import Filing, Kind, State
from services.errors import ApplicationRefused, SystemUnavailable, UnknownAccount
from services.ports import AccountState
from tests.integration.csms.conftest import Controls

INSTALL = Filing(Kind.INSTALL, name="陈建国", phone="13957100021", address="滨江区云栖路88号", use="residential")


@pytest.fixture
async def desk(settings: Settings, clock: Clock, controls: Controls) -> AsyncIterator[ApplicationsClient]:
    """The client under test."""
    async with ApplicationsClient.open(settings, clock) as client:
        yield client


async def newest_change(desk: ApplicationsClient) -> int:
    """The sequence number up to which everything is known."""
    return max((each.sequence for each in await desk.changes(0)), default=0)


def new_request() -> str:
    return secrets.token_hex(8)


async def test_the_same_request_again_files_nothing(desk: ApplicationsClient) -> None:
    request = new_request()
    first = await desk.file(request, INSTALL)
    assert (first.kind, first.state, first.account_no) == (Kind.INSTALL, State.RECEIVED, None)
    assert await desk.file(request, INSTALL) == first
    assert await desk.application(first.application_no) == first
    with pytest.raises(SystemUnavailable):  # the same number for something else is a defect, not an answer
        await desk.file(request, replace(INSTALL, name="别人"))


@pytest.mark.parametrize("number", ["SQ209901010001", "", "..", "../health", "三", "1" * 500])
async def test_numbers_that_are_no_application(desk: ApplicationsClient, number: str) -> None:
    assert await desk.application(number) is None


@pytest.mark.parametrize(("role", "filing", "why"), [
    ("ordinary", Filing(Kind.STOP, start=date(2026, 12, 1)), "arrears"),
    ("stopped", Filing(Kind.STOP, start=date(2026, 12, 1)), "stopped"),
    ("stopped", Filing(Kind.RESTORE), "arrears"),
    ("paid_up", Filing(Kind.RESTORE), "not_stopped"),
    ("closed", Filing(Kind.HOUSEHOLD, people=6), "closed"),
    ("commercial", Filing(Kind.HOUSEHOLD, people=6), "not_residential"),
    ("commercial", Filing(Kind.NATURE, nature="commercial"), "same_nature"),
])
async def test_what_csms_refuses(desk: ApplicationsClient, controls: Controls, role: str, filing: Filing, why: str) -> None:
    known = await controls.role(role)
    with pytest.raises(ApplicationRefused) as refused:
        await desk.file(new_request(), replace(filing, account_no=known["account_no"]))
    assert refused.value.why == why


async def test_an_account_that_is_not_known(desk: ApplicationsClient) -> None:
    with pytest.raises(UnknownAccount):
        await desk.file(new_request(), Filing(Kind.HOUSEHOLD, account_no="0000000000", people=6))


async def test_one_of_a_kind_is_open_at_a_time(desk: ApplicationsClient, controls: Controls) -> None:
    filing = Filing(Kind.HOUSEHOLD, account_no=(await controls.role("paid_up"))["account_no"], people=6)
    first = await desk.file(new_request(), filing)
    with pytest.raises(ApplicationRefused) as refused:
        await desk.file(new_request(), filing)
    assert refused.value.why == "open"
    await desk.withdraw(first.application_no)
    assert (await desk.file(new_request(), filing)).state is State.RECEIVED


async def test_changes_come_once_and_in_order(desk: ApplicationsClient, controls: Controls) -> None:
    after = await newest_change(desk)
    one, other = [await desk.file(new_request(), INSTALL) for _ in range(2)]
    await controls.post(
        f"/sandbox/csms/applications/{one.application_no}", state="quoted", quote_fen=136000, note="红线外不收费",
    )
    changed = await desk.changes(after)
    assert [each.application_no for each in changed] == [other.application_no, one.application_no]
    assert (changed[1].state, changed[1].quote_fen, changed[1].note) == (State.QUOTED, 136000, "红线外不收费")
    assert await desk.changes(changed[-1].sequence) == ()


async def test_after_a_reset_changes_are_still_new(desk: ApplicationsClient, controls: Controls) -> None:
    await desk.file(new_request(), INSTALL)
    after = await newest_change(desk)
    await controls.post("/sandbox/reset")
    filed = await desk.file(new_request(), INSTALL)
    assert [each.application_no for each in await desk.changes(after)] == [filed.application_no]


async def test_documents_fill_what_is_missing(desk: ApplicationsClient, controls: Controls) -> None:
    number = (await desk.file(new_request(), INSTALL)).application_no
    await controls.post(f"/sandbox/csms/applications/{number}", state="documents_missing", missing=["identity", "property"])
    for document_id, document in (("a1", "identity"), ("a1", "identity"), ("b2", "property")):
        await desk.add_document(number, document_id, document, b"\xff\xd8\xff picture", "image/jpeg")
    application = await desk.application(number)
    assert application is not None
    assert (application.state, application.missing) == (State.REVIEWING, ())
    listed = (await controls.http.get("/sandbox/csms/applications")).json()["applications"]
    assert next(each for each in listed if each["application_no"] == number)["documents"] == ["identity", "property"]


async def test_a_file_that_is_no_picture_and_one_that_comes_too_late(desk: ApplicationsClient) -> None:
    number = (await desk.file(new_request(), INSTALL)).application_no
    with pytest.raises(SystemUnavailable):
        await desk.add_document(number, "a1", "identity", b"#!/bin/sh", "text/plain")
    await desk.withdraw(number)
    with pytest.raises(ApplicationRefused):
        await desk.add_document(number, "a2", "identity", b"\xff\xd8\xff", "image/jpeg")


async def test_withdrawing(desk: ApplicationsClient, controls: Controls) -> None:
    number = (await desk.file(new_request(), INSTALL)).application_no
    first = await desk.withdraw(number)
    assert first.state is State.WITHDRAWN
    assert await desk.withdraw(number) == first
    await controls.post(f"/sandbox/csms/applications/{number}", state="constructing")
    with pytest.raises(ApplicationRefused):
        await desk.withdraw(number)


async def test_what_is_done_really_changes_the_account(
    desk: ApplicationsClient, csms: CsmsClient, controls: Controls, clock: Clock,
) -> None:
    number = (await controls.role("paid_up"))["account_no"]

    async def carry_out(filing: Filing) -> None:
        filed = await desk.file(new_request(), replace(filing, account_no=number))
        await controls.post(f"/sandbox/csms/applications/{filed.application_no}", state="done")

    await carry_out(Filing(Kind.HOUSEHOLD, people=6))
    usage = await csms.tier_usage(number)
    assert usage is not None
    assert usage.tiers[0].limit == 276
    await carry_out(Filing(Kind.STOP, start=today(clock) + timedelta(days=5)))
    stopped = await csms.account(number)
    assert stopped is not None
    assert (stopped.state, stopped.people) == (AccountState.STOPPED, 6)
    await carry_out(Filing(Kind.RESTORE))
    await carry_out(Filing(Kind.NATURE, nature="commercial"))
    changed = await csms.account(number)
    assert changed is not None
    assert (changed.state, changed.kind) == (AccountState.ACTIVE, "commercial")


@pytest.mark.parametrize("mode", ["down", "garbage"])
async def test_a_system_that_fails(desk: ApplicationsClient, controls: Controls, mode: str) -> None:
    await controls.fault("csms", mode)
    for call in (desk.file(new_request(), INSTALL), desk.application("SQ202611210001"), desk.changes(0)):
        with pytest.raises(SystemUnavailable):
            await call
    await controls.fault("csms", "ok")
