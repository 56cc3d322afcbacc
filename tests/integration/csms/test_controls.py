"""Text messages, the clock, faults and the fixture of the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from connectors.sms import SmsClient
from runxia.clock import Clock
from runxia.settings import Settings
from services.errors import SystemUnavailable
from tests.integration.csms.conftest import Controls

PHONE = "13900007777"


@pytest.fixture
async def sms(settings: Settings, controls: Controls) -> AsyncIterator[SmsClient]:
    async with SmsClient.open(settings) as client:
        yield client


async def inbox(controls: Controls, phone: str | None = PHONE) -> list[str]:
    answer = await controls.http.get("/sandbox/sms", params={"phone": phone} if phone else {})
    return [message["text"] for message in answer.json()["messages"]]


async def test_a_code_arrives_newest_first(sms: SmsClient, controls: Controls) -> None:
    for code in ("111111", "222222"):
        await sms.send_code(PHONE, code, 5)
    texts = await inbox(controls)
    assert ["222222" in texts[0], "111111" in texts[1]] == [True, True]
    assert "【临江水务】" in texts[0]
    assert await inbox(controls, "13900006666") == []
    assert len(await inbox(controls, None)) == 2


async def test_too_many_to_one_phone(sms: SmsClient, controls: Controls) -> None:
    for _ in range(10):
        await sms.send_code(PHONE, "111111", 5)
    with pytest.raises(SystemUnavailable):
        await sms.send_code(PHONE, "111111", 5)
    await sms.send_code("13900006666", "111111", 5)
    await controls.post("/sandbox/clock", advance_seconds=61)
    await sms.send_code(PHONE, "111111", 5)


@pytest.mark.parametrize("mode", ["down", "garbage"])
async def test_the_provider_fails(sms: SmsClient, controls: Controls, mode: str) -> None:
    await controls.fault("sms", mode, times=1)
    with pytest.raises(SystemUnavailable) as failed:
        await sms.send_code(PHONE, "111111", 5)
    assert failed.value.system == "sms"
    assert await inbox(controls) == []


async def test_nonsense_is_refused(sms: SmsClient) -> None:
    with pytest.raises(SystemUnavailable):
        await sms.send_code("110", "111111", 5)


async def test_unsigned_codes_are_refused(controls: Controls) -> None:
    answer = await controls.http.post("/sms/codes", json={"phone": PHONE, "code": "111111", "minutes": 5})
    assert answer.status_code == 401


async def test_the_clock_moves_for_everybody(controls: Controls, clock: Clock) -> None:
    there = clock.now() + timedelta(days=9)
    shown = await controls.post("/sandbox/clock", now=there.isoformat())
    assert abs(datetime.fromisoformat(shown["now"]) - there) < timedelta(seconds=5)
    await controls.post("/sandbox/clock", advance_seconds=-86400)
    assert abs(clock.now() - there + timedelta(days=1)) < timedelta(seconds=10)


@pytest.mark.parametrize("body", [{}, {"now": "2026-11-21T09:00:00"}, {"now": "x"}, {"advance_seconds": 1, "now": "x"}])
async def test_a_clock_that_cannot_be_set(controls: Controls, body: dict[str, object]) -> None:
    assert (await controls.http.post("/sandbox/clock", json=body)).status_code == 422


async def test_faults_end_by_count_by_ok_and_by_reset(controls: Controls, sms: SmsClient) -> None:
    async def misbehaving() -> list[str]:
        return sorted((await controls.http.get("/sandbox/faults")).json())

    await controls.fault("sms", "down", times=1)
    await controls.fault("csms", "slow", seconds=1)
    assert await misbehaving() == ["csms", "sms"]
    with pytest.raises(SystemUnavailable):
        await sms.send_code(PHONE, "111111", 5)
    assert await misbehaving() == ["csms"]
    await controls.fault("csms", "ok")
    await controls.fault("pay", "down")
    assert await misbehaving() == ["pay"]
    await controls.post("/sandbox/reset")
    assert await misbehaving() == []


async def test_a_fault_of_no_known_kind(controls: Controls) -> None:
    assert (await controls.http.post("/sandbox/faults", json={"system": "csms", "mode": "tired"})).status_code == 422


async def test_the_fixture_has_what_a_demonstration_needs(controls: Controls) -> None:
    fixture = (await controls.http.get("/sandbox/fixture")).json()
    assert len(fixture["accounts"]) >= 40
    assert {len(customer["openid"]) for customer in fixture["customers"]} == {28}
    ordinary = fixture["accounts"][0]
    expected = {
        "role", "account_no", "owner", "phone", "email", "password", "address", "meter_no", "kind", "people", "cycle",
        "state", "bill_type", "last_reading", "bills",
    }
    assert expected <= set(ordinary)
    assert ordinary["last_reading"] == ordinary["bills"][0]["current_reading"]
