"""Money paid in advance: within the rule, booked once as credit, or sent back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.errors import ClosedAccount, LinkInvalid, PrepayOutOfRange
from services.payments import OrderPurpose, OrderState
from services.ports import AccountState
from tests.fakes import number_of
from tests.unit.payments.world import MOTHER, World, token

ACCOUNT = number_of("paid_up")


async def paid(world: World, amount_fen: int = 20000) -> str:
    """The customer confirms, opens the link and pays; the order's number."""
    link = await world.payments.create_prepayment(MOTHER, ACCOUNT, amount_fen)
    await world.payments.prepay(token(link), MOTHER)
    await world.payments.notified(world.thumb(link))
    return link.out_trade_no


async def test_it_becomes_credit_and_is_told(world: World) -> None:
    await paid(world)
    await world.tick()
    (order,) = await world.orders()
    assert (order.state, order.purpose) == (OrderState.SETTLED, OrderPurpose.PREPAY)
    assert world.csms.accounts[ACCOUNT].credit_fen == 20000
    assert await world.told() == [(MOTHER, "received", {"amount": 20000, "accounts": [ACCOUNT], "count": 1})]
    await world.check_books()


@pytest.mark.parametrize("amount_fen", [0, 999, 500001, -20000])
async def test_a_sum_outside_the_rule_is_refused(world: World, amount_fen: int) -> None:
    with pytest.raises(PrepayOutOfRange):
        await world.payments.create_prepayment(MOTHER, ACCOUNT, amount_fen)
    assert await world.orders() == []


async def test_a_closed_account_takes_no_money(world: World) -> None:
    with pytest.raises(ClosedAccount):
        await world.payments.create_prepayment(MOTHER, number_of("closed"), 10000)


async def test_closed_after_the_link_was_given(world: World) -> None:
    link = await world.payments.create_prepayment(MOTHER, ACCOUNT, 10000)
    world.csms.accounts[ACCOUNT] = replace(world.csms.accounts[ACCOUNT], state=AccountState.CLOSED)
    with pytest.raises(ClosedAccount):
        await world.payments.prepay(token(link), MOTHER)
    assert (await world.one(link)).state == OrderState.CLOSED


async def test_closed_after_it_was_paid_sends_it_back(world: World) -> None:
    number = await paid(world)
    world.csms.accounts[ACCOUNT] = replace(world.csms.accounts[ACCOUNT], state=AccountState.CLOSED)
    await world.hours_pass()
    assert world.pay.refunded_fen(number) == 20000
    assert await world.told() == [(MOTHER, "refunded", {"amount": 20000, "accounts": [ACCOUNT], "paid": 20000})]
    await world.check_books()


async def test_a_lost_answer_is_booked_once(world: World) -> None:
    await paid(world)
    world.csms.lost_answer = True
    assert await world.payments.settle_paid() == 0
    world.clock.advance(seconds=6)
    assert await world.payments.settle_paid() == 1
    assert world.csms.accounts[ACCOUNT].credit_fen == 20000


async def test_a_newer_link_takes_the_place_of_the_older(world: World) -> None:
    older = await world.payments.create_prepayment(MOTHER, ACCOUNT, 10000)
    bill = await world.order(MOTHER, "ordinary")
    newer = await world.payments.create_prepayment(MOTHER, ACCOUNT, 5000)
    with pytest.raises(LinkInvalid):
        await world.payments.prepay(token(older), MOTHER)
    await world.payments.prepay(token(newer), MOTHER)
    assert (await world.one(bill)).state == OrderState.CREATED
