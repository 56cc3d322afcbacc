"""Direct debit contracts: signed, told, ended; whatever is late, lost or repeated."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from runxia.clock import SHANGHAI, FixedClock
from runxia.utility import load_utility
from services.auto_pay import AutoPay, Contract
from services.errors import AutoPayNotOffered, AutoPaySigned, CallbackRefused, LinkInvalid, SystemUnavailable
from store import crypto
from store.db import Database
from store.models import AutoPayContract, Base, Outbox
from tests.unit.auto_pay.fakes import FakeDebitDesk, FakePapay

MOTHER, SON, ACCOUNT = "oMother", "oSon", "1000000001"
NOW = datetime(2026, 11, 2, 9, 30, tzinfo=SHANGHAI)


@dataclass
class World:
    """Everything around the service."""

    db: Database
    papay: FakePapay
    desk: FakeDebitDesk
    clock: FixedClock
    auto_pay: AutoPay

    async def opened(self, openid: str = MOTHER) -> str:
        """The customer has got to WeChat Pay's page; our number of the contract."""
        token = (await self.auto_pay.offer(openid, ACCOUNT)).rpartition("/")[2]
        await self.auto_pay.open_link(token, openid)
        return token.partition(".")[0]

    async def signed(self, openid: str = MOTHER) -> str:
        """... and has signed, and the callback came."""
        code = await self.opened(openid)
        await self.auto_pay.callback(f"{code} ADD {openid}".encode())
        return code

    async def customers_told(self) -> list[str]:
        """The intents of what customers are told."""
        async with self.db.read() as session:
            return [json.loads(entry.payload)["intent"] for entry in await session.scalars(select(Outbox))]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    crypto.use(crypto.KeyRing({"k1": bytes(32)}))
    db = Database(f"sqlite:///{tmp_path / 'debit.db'}")
    async with db.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    papay, desk, clock = FakePapay(NOW), FakeDebitDesk(), FixedClock(NOW)
    auto_pay = AutoPay(
        db, papay, desk, clock, load_utility(Path("utility.yml")), link_key=b"k" * 32, public_base_url="https://water.example",
    )
    yield World(db, papay, desk, clock, auto_pay)
    await db.close()


async def test_signed_told_and_handed_to_csms(world: World) -> None:
    code = await world.signed()
    await world.auto_pay.callback(f"{code} ADD {MOTHER}".encode())  # again
    status = await world.auto_pay.status(MOTHER, ACCOUNT)
    assert status is not None
    assert status.mine
    assert await world.customers_told() == ["EXTERNAL_auto_pay_on"]
    world.desk.down = True
    assert await world.auto_pay.tell_csms() == 0
    world.desk.down = False
    world.clock.advance(minutes=1)
    assert await world.auto_pay.tell_csms() == 1
    assert await world.auto_pay.tell_csms() == 0
    assert world.desk.told == [(ACCOUNT, True)]


async def test_a_lost_callback_is_found_by_asking(world: World) -> None:
    code = await world.opened()
    world.papay.contracts[code] = Contract(code, "W1", True, MOTHER, NOW)
    assert await world.auto_pay.query_due() == 0
    world.clock.advance(seconds=11)
    assert await world.auto_pay.query_due() == 1
    assert await world.auto_pay.status(MOTHER, ACCOUNT) is not None


async def test_one_contract_for_an_account(world: World) -> None:
    token = (await world.auto_pay.offer(SON, ACCOUNT)).rpartition("/")[2]
    await world.signed()
    with pytest.raises(AutoPaySigned):
        await world.auto_pay.offer(SON, ACCOUNT)
    with pytest.raises(LinkInvalid) as refused:
        await world.auto_pay.open_link(token, SON)
    assert refused.value.why == "expired"
    status = await world.auto_pay.status(SON, ACCOUNT)
    assert status is not None
    assert not status.mine
    assert not await world.auto_pay.cancel(SON, ACCOUNT)
    assert world.papay.terminated == []


async def test_ended_here(world: World) -> None:
    code = await world.signed()
    world.papay.down = True
    with pytest.raises(SystemUnavailable):
        await world.auto_pay.cancel(MOTHER, ACCOUNT)
    assert await world.auto_pay.status(MOTHER, ACCOUNT) is not None
    world.papay.down = False
    assert await world.auto_pay.cancel(MOTHER, ACCOUNT)
    await world.auto_pay.callback(f"{code} DELETE {MOTHER}".encode())
    assert await world.auto_pay.status(MOTHER, ACCOUNT) is None
    assert await world.customers_told() == ["EXTERNAL_auto_pay_on"]
    await world.auto_pay.tell_csms()
    assert world.desk.told == [(ACCOUNT, False)]


async def test_ended_in_wechat(world: World) -> None:
    code = await world.signed()
    await world.auto_pay.callback(f"{code} DELETE {MOTHER}".encode())
    await world.auto_pay.callback(f"{code} DELETE {MOTHER}".encode())
    await world.auto_pay.callback(f"{code} ADD {MOTHER}".encode())  # late: it has ended
    assert await world.auto_pay.status(MOTHER, ACCOUNT) is None
    assert await world.customers_told() == ["EXTERNAL_auto_pay_on", "EXTERNAL_auto_pay_off"]


async def test_callbacks_of_others_are_refused(world: World) -> None:
    code = await world.opened()
    for body in (f"{code} ADD {SON}", f"ZK1 ADD {MOTHER}"):
        with pytest.raises(CallbackRefused):
            await world.auto_pay.callback(body.encode())
    assert await world.auto_pay.status(MOTHER, ACCOUNT) is None


async def test_links(world: World) -> None:
    token = (await world.auto_pay.offer(MOTHER, ACCOUNT)).rpartition("/")[2]
    for changed, openid, why in [(token, SON, "foreign"), (f"{token}x", MOTHER, "forged"), ("ZK1.x", MOTHER, "forged")]:
        with pytest.raises(LinkInvalid) as refused:
            await world.auto_pay.open_link(changed, openid)
        assert refused.value.why == why
    url = await world.auto_pay.open_link(token, MOTHER)
    assert ACCOUNT not in url
    world.clock.advance(minutes=31)
    with pytest.raises(LinkInvalid) as refused:
        await world.auto_pay.open_link(token, MOTHER)
    assert refused.value.why == "expired"


async def test_an_offer_that_was_not_signed_is_given_up(world: World) -> None:
    await world.opened()
    world.clock.advance(minutes=45)
    assert await world.auto_pay.query_due() == 0
    async with world.db.read() as session:
        (row,) = await session.scalars(select(AutoPayContract))
    assert (row.state, row.next_try_at) == ("ended", None)


async def test_not_offered_without_a_template(world: World) -> None:
    world.papay.offered = False
    with pytest.raises(AutoPayNotOffered):
        await world.auto_pay.offer(MOTHER, ACCOUNT)
