"""Asking for invoices: once, heard of once, opened by those who may."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from runxia.clock import SHANGHAI, FixedClock
from runxia.utility import load_utility
from services.errors import LinkInvalid, SystemUnavailable
from services.invoices import Invoices, InvoiceState, Title, TitleKind
from services.ports import Bill
from store import crypto
from store.db import Database
from store.models import Base, Binding, Customer, InvoiceTitle, Outbox
from tests.fakes import FakeCsms, number_of, sample_csms
from tests.unit.invoices.fakes import FakeInvoiceDesk

OPENID, STRANGER = "oMother0000000000000000000001", "oStranger"
ACCOUNT = number_of("paid_up")
PERSON = Title(TitleKind.PERSON, "王大明")
COMPANY = Title(TitleKind.COMPANY, "杭州润泽科技有限公司", "91110000802100433B")
NOW = datetime(2026, 11, 2, 9, 30, tzinfo=SHANGHAI)


@dataclass
class World:
    """Everything around the service."""

    db: Database
    csms: FakeCsms
    desk: FakeInvoiceDesk
    clock: FixedClock
    invoices: Invoices

    async def bills(self) -> tuple[Bill, ...]:
        """What can be invoiced."""
        return (await self.invoices.offer(ACCOUNT)).bills

    async def told(self) -> list[dict[str, Any]]:
        """What customers are told."""
        async with self.db.read() as session:
            return [json.loads(entry.payload)["entities"] for entry in await session.scalars(select(Outbox))]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    crypto.use(crypto.KeyRing({"k1": bytes(32)}))
    db = Database(f"sqlite:///{tmp_path / 'invoices.db'}")
    async with db.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    clock, csms = FixedClock(NOW), sample_csms()
    desk = FakeInvoiceDesk(csms, NOW)
    async with db.begin() as session:
        session.add(Customer(openid=OPENID, created_at=NOW, last_seen_at=NOW))
        await session.flush()
        session.add(Binding(
            openid=OPENID, account_no=ACCOUNT, owner="林小满", address="滨江区云栖路88号", is_default=True, created_at=NOW,
        ))
    invoices = Invoices(
        db, csms, desk, clock, load_utility(Path("utility.yml")), link_key=b"k" * 32, public_base_url="https://water.example",
    )
    yield World(db, csms, desk, clock, invoices)
    await db.close()


async def file(world: World, request_no: str = "FP0001", title: Title = PERSON) -> str:
    """Ask for the newest bill's invoice; its number."""
    (bill, *_) = await world.bills()
    filing = await world.invoices.file(OPENID, request_no, ACCOUNT, [bill.bill_no], title, None)
    return filing.accepted[0].invoice_no


def token(link: str) -> str:
    """The last part of a link."""
    return link.rpartition("/")[2]


async def test_only_paid_bills_without_an_invoice_are_offered(world: World) -> None:
    assert [bill.period for bill in await world.bills()] == ["2026-10", "2026-09", "2026-08"]
    await file(world)
    offer = await world.invoices.offer(ACCOUNT, [("2026-09", "2026-10")])
    assert [bill.period for bill in offer.bills] == ["2026-09"]
    assert [invoice.period for invoice in offer.invoiced] == ["2026-10"]
    owing = await world.invoices.offer(number_of("ordinary"))
    assert [bill.period for bill in owing.unpaid] == ["2026-10"]


async def test_it_is_told_once_when_it_is_issued(world: World) -> None:
    number = await file(world)
    world.clock.advance(seconds=6)
    assert await world.invoices.tell_issued() == 0
    world.desk.issue()
    world.clock.advance(minutes=1)
    assert await world.invoices.tell_issued() == 1
    world.clock.advance(hours=1)
    assert await world.invoices.tell_issued() == 0
    assert await world.told() == [{"accounts": [ACCOUNT], "invoices": [[number, "2026-10"]], "failed": []}]


async def test_a_refusal_of_the_tax_platform_is_told(world: World) -> None:
    await file(world)
    world.desk.issue(InvoiceState.FAILED)
    world.clock.advance(seconds=6)
    assert await world.invoices.tell_issued() == 1
    assert await world.told() == [{"accounts": [ACCOUNT], "invoices": [], "failed": ["2026-10"]}]


async def test_a_lost_answer_and_a_double_tap_file_once(world: World) -> None:
    (bill, *_) = await world.bills()
    world.desk.lost_answer = True
    with pytest.raises(SystemUnavailable):
        await world.invoices.file(OPENID, "FP0001", ACCOUNT, [bill.bill_no], PERSON, None)
    for _ in range(2):
        filing = await world.invoices.file(OPENID, "FP0001", ACCOUNT, [bill.bill_no], PERSON, None)
        assert len(filing.accepted) == 1
    assert len(world.desk.all) == 1
    world.desk.issue()
    world.clock.advance(minutes=1)
    assert await world.invoices.tell_issued() == 1


async def test_the_title_is_remembered_encrypted(world: World) -> None:
    await file(world, title=COMPANY)
    remembered = await world.invoices.remembered(OPENID)
    assert remembered is not None
    assert (remembered.title, remembered.email) == (COMPANY, None)
    async with world.db.engine.connect() as connection:
        stored = (await connection.exec_driver_sql("SELECT name FROM invoice_title")).scalar_one()
    assert "润泽" not in stored
    assert await world.invoices.remembered(STRANGER) is None
    async with world.db.read() as session:
        assert (await session.get_one(InvoiceTitle, OPENID)).kind == "company"


async def test_another_title_by_the_rules(world: World) -> None:
    number = await file(world)
    (issuing,) = await world.invoices.of_account(ACCOUNT)
    assert world.invoices.why_not_reissue(issuing) == "issuing"
    world.desk.issue()
    (old,) = await world.invoices.of_account(ACCOUNT)
    assert world.invoices.why_not_reissue(old) is None
    assert world.invoices.why_not_reissue(replace(old, replaces="1")) == "again"
    new = await world.invoices.reissue(OPENID, "FP0002", old, COMPANY, None)
    assert (new.replaces, [each.invoice_no for each in await world.invoices.of_account(ACCOUNT)]) == (number, [new.invoice_no])
    world.clock.advance(days=91)
    assert world.invoices.why_not_reissue(old) == "late"


async def test_a_link_opens_for_those_who_have_bound_the_account(world: World) -> None:
    number = await file(world)
    link = token(world.invoices.link(number))
    assert (await world.invoices.open_link(link, OPENID)).invoice_no == number
    for changed, openid, why in [
        (link, STRANGER, "foreign"), (f"{link}x", OPENID, "forged"), (link.replace(number, "26000099"), OPENID, "forged"),
        ("x", OPENID, "forged"), ("..", OPENID, "forged"), ("１.２.３", OPENID, "forged"),
    ]:
        with pytest.raises(LinkInvalid) as refused:
            await world.invoices.open_link(changed, openid)
        assert refused.value.why == why
    world.clock.advance(hours=73)
    with pytest.raises(LinkInvalid) as refused:
        await world.invoices.open_link(link, OPENID)
    assert refused.value.why == "expired"
