"""What became of a payment, in every case; and asking one back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from runxia.utility import load_utility
from services.errors import NothingToRefund
from services.payments import PayLink
from services.ports import RefundResult
from services.refunds import Case, Refunds
from store import crypto
from store.db import Database
from store.models import Base
from tests.fakes import number_of
from tests.unit.payments.world import MOTHER, SON, World
from tests.unit.refunds.fakes import FakeRefundDesk

ACCOUNT = number_of("ordinary")


@pytest.fixture
async def world(tmp_path: Path) -> World:
    crypto.use(crypto.KeyRing({"test": bytes(32)}))
    database = Database(f"sqlite:///{tmp_path / 'refunds.db'}")
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    return World.over(database, load_utility(Path("utility.yml")))


@pytest.fixture
def desk() -> FakeRefundDesk:
    return FakeRefundDesk()


@pytest.fixture
def refunds(world: World, desk: FakeRefundDesk) -> Refunds:
    return Refunds(world.db, world.csms, desk, world.payments, world.clock, world.utility)


async def cases(refunds: Refunds, openid: str = MOTHER) -> list[Case]:
    """What became of the customer's payments."""
    return [finding.case for finding in (await refunds.diagnose(openid, ACCOUNT)).findings]


async def paid_twice(world: World) -> PayLink:
    """Mother's payment finds the bill paid at the counter."""
    link = await world.prepaid(MOTHER, "ordinary")
    world.csms.pay_elsewhere((await world.one(link)).lines[0].bill_no, paid_at=world.clock.now())
    await world.payments.notified(world.thumb(link))
    await world.payments.settle_paid()
    return link


async def test_not_paid(world: World, refunds: Refunds) -> None:
    await world.prepaid(MOTHER, "ordinary")
    assert await cases(refunds) == [Case.UNPAID]
    assert await cases(refunds, SON) == []


async def test_a_link_that_was_not_opened_is_no_payment(world: World, refunds: Refunds) -> None:
    await world.order(MOTHER, "ordinary")
    assert await cases(refunds) == []


async def test_wechat_pay_is_asked_before_anything_is_said(world: World, refunds: Refunds) -> None:
    link = await world.prepaid(MOTHER, "ordinary")
    world.thumb(link)  # the callback is lost
    assert await cases(refunds) == [Case.SETTLING]


async def test_nothing_is_claimed_while_wechat_pay_is_away(world: World, refunds: Refunds) -> None:
    await world.prepaid(MOTHER, "ordinary")
    world.pay.down = True
    assert await cases(refunds) == [Case.UNKNOWN]


async def test_settled(world: World, refunds: Refunds) -> None:
    await world.paid(MOTHER, "ordinary")
    assert await cases(refunds) == [Case.SETTLING]
    await world.payments.settle_paid()
    (finding,) = (await refunds.diagnose(MOTHER, ACCOUNT)).findings
    assert (finding.case, finding.since) == (Case.SETTLED, world.clock.now())


async def test_closed(world: World, refunds: Refunds) -> None:
    await world.prepaid(MOTHER, "ordinary")
    world.clock.advance(hours=2)
    await world.payments.close_expired()
    assert await cases(refunds) == [Case.CLOSED]


async def test_paid_twice_goes_back(world: World, refunds: Refunds) -> None:
    link = await paid_twice(world)
    (finding,) = (await refunds.diagnose(MOTHER, ACCOUNT)).findings
    assert (finding.case, finding.excess_fen) == (Case.REFUNDING, link.amount_fen)
    await world.payments.send_refunds()
    assert await cases(refunds) == [Case.REFUNDED]


async def test_a_refund_that_failed(world: World, refunds: Refunds) -> None:
    world.pay.refund_state = "PROCESSING"
    await paid_twice(world)
    await world.payments.send_refunds()
    (refund,) = await world.refunds()
    await world.payments.refund_notified(RefundResult(refund.out_refund_no, "ABNORMAL"))
    assert await cases(refunds) == [Case.REFUND_FAILED]


async def test_paid_twice_is_kept_by_the_other_rule(world: World, desk: FakeRefundDesk) -> None:
    world.rule("credit")
    refunds = Refunds(world.db, world.csms, desk, world.payments, world.clock, world.utility)
    await paid_twice(world)
    assert await cases(refunds) == [Case.CREDITED]


async def test_other_channels(world: World, refunds: Refunds) -> None:
    bill = (await world.lines("ordinary"))[0]
    world.csms.pay_elsewhere(bill.bill_no, "alipay", paid_at=world.clock.now())
    found = await refunds.diagnose(MOTHER, ACCOUNT)
    assert found.findings == ()
    assert [payment.channel for payment in found.elsewhere] == ["alipay"]


async def test_a_payment_is_asked_back_once(world: World, refunds: Refunds, desk: FakeRefundDesk) -> None:
    link, _ = await world.paid(MOTHER, "ordinary")
    with pytest.raises(NothingToRefund):
        await refunds.file(MOTHER, link.out_trade_no)  # not booked yet
    await world.payments.settle_paid()
    first = await refunds.file(MOTHER, link.out_trade_no)
    assert await refunds.file(MOTHER, link.out_trade_no) == first
    assert len(desk.filed) == 1
    assert await refunds.filed(MOTHER) == (first,)
    assert await refunds.filed(SON) == ()
    assert await refunds.filed(SON, first.request_no) == ()
    with pytest.raises(NothingToRefund):
        await refunds.file(SON, link.out_trade_no)


async def test_what_was_given_back_or_is_long_ago_is_not_asked_back(world: World, refunds: Refunds) -> None:
    await paid_twice(world)
    assert await refunds.refundable(MOTHER) == ()
    await world.paid(SON, "neighbour_a")
    await world.payments.settle_paid()
    assert len(await refunds.refundable(SON)) == 1
    world.clock.advance(days=timedelta(days=181).days)
    assert await refunds.refundable(SON) == ()
