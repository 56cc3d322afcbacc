"""What a customer may pay, and the link that leads there."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from services.errors import (
    AmountChanged,
    BillDisputed,
    LinkInvalid,
    NothingToPay,
    PaymentInProgress,
    SystemUnavailable,
    TooManyBills,
)
from services.payments import OrderState
from services.ports import BillStatus
from tests.fakes import bill, number_of
from tests.unit.payments.world import MOTHER, SON, World, changed, token


async def test_offer_is_what_is_owed_oldest_first(world: World) -> None:
    offer = await world.payments.offer([number_of("ordinary"), number_of("arrears")])
    assert [line.period for line in offer.lines] == ["2026-08", "2026-09", "2026-10", "2026-10"]
    assert offer.amount_fen == sum(line.amount_fen for line in offer.lines) > 0


async def test_offer_of_chosen_months(world: World) -> None:
    arrears = [number_of("arrears")]
    chosen = await world.payments.offer(arrears, periods=[("2026-08", "2026-09")])
    assert [line.period for line in chosen.lines] == ["2026-08", "2026-09"]
    rest = await world.payments.offer(arrears, exclude=[("2026-08", "2026-08")])
    assert [line.period for line in rest.lines] == ["2026-09", "2026-10"]
    one = await world.payments.offer(arrears, bill_nos=[rest.lines[1].bill_no])
    assert one.lines == rest.lines[1:]


async def test_offer_sets_disputed_bills_apart(world: World) -> None:
    offer = await world.payments.offer([number_of("disputed")])
    assert offer.lines == ()
    assert [line.status for line in offer.disputed] == [BillStatus.DISPUTED]
    assert offer.disputed[0].amount_fen > 0


async def test_offer_of_a_partly_paid_bill_is_the_rest(world: World) -> None:
    (line,) = await world.lines("partly_paid")
    whole = world.csms.all_bills[line.bill_no]
    assert line.amount_fen == whole.amount_fen - 1500


async def test_the_order_is_ours_before_wechat_pay_hears_of_it(world: World) -> None:
    link = await world.order(MOTHER, "ordinary")
    order = await world.one(link)
    assert order.state == OrderState.CREATED
    assert order.amount_fen == link.amount_fen
    assert world.pay.calls == []
    assert re.fullmatch(r"[0-9A-Za-z_\-*]{6,32}", link.out_trade_no)
    assert link.url.startswith("https://water.example/p/pay/RX20261110")


async def test_prepay_gives_the_page_its_parameters_again_and_again(world: World) -> None:
    link = await world.order(MOTHER, "ordinary")
    first = await world.payments.prepay(token(link), MOTHER)
    assert first["package"] == f"prepay_id=prepay_{link.out_trade_no}"
    assert await world.payments.prepay(token(link), MOTHER) == first
    assert [name for name, _ in world.pay.calls] == ["prepay"]


async def test_prepay_can_be_tried_again_after_a_lost_answer(world: World) -> None:
    link = await world.order(MOTHER, "ordinary")
    world.pay.lost_answer = True
    with pytest.raises(SystemUnavailable):
        await world.payments.prepay(token(link), MOTHER)
    assert (await world.one(link)).state == OrderState.BEGUN
    await world.payments.prepay(token(link), MOTHER)
    assert (await world.one(link)).state == OrderState.PREPAID


@pytest.mark.parametrize("tampered", [
    lambda good: good[:-1] + ("A" if good[-1] != "A" else "B"),
    lambda good: good.partition(".")[0],
    lambda good: good.partition(".")[0] + ".",
    lambda good: "RX" + good,
    lambda good: "",
    lambda good: good + "é",
])
async def test_a_forged_link_opens_nothing(world: World, tampered) -> None:  # type: ignore[no-untyped-def]
    link = await world.order(MOTHER, "ordinary")
    for use in (world.payments.open_link, world.payments.prepay, world.payments.returned):
        with pytest.raises(LinkInvalid) as refused:
            await use(tampered(token(link)), MOTHER)
        assert refused.value.why == "forged"


async def test_a_link_is_its_customers_own(world: World) -> None:
    link = await world.order(MOTHER, "ordinary")
    for use in (world.payments.open_link, world.payments.prepay, world.payments.returned):
        with pytest.raises(LinkInvalid) as refused:
            await use(token(link), SON)
        assert refused.value.why == "foreign"


async def test_a_link_expires(world: World) -> None:
    link = await world.order(MOTHER, "ordinary")
    world.clock.advance(minutes=30)
    with pytest.raises(LinkInvalid) as refused:
        await world.payments.prepay(token(link), MOTHER)
    assert refused.value.why == "expired"
    assert world.pay.orders == {}


async def test_a_link_pays_once(world: World) -> None:
    link, _ = await world.paid(MOTHER, "ordinary")
    with pytest.raises(LinkInvalid) as refused:
        await world.payments.prepay(token(link), MOTHER)
    assert refused.value.why == "used"


async def test_a_payment_begun_late_has_its_full_time(world: World) -> None:
    link = await world.order(MOTHER, "ordinary")
    world.clock.advance(minutes=29, seconds=59)
    await world.payments.prepay(token(link), MOTHER)
    assert (await world.one(link)).expires_at == world.clock.now() + timedelta(minutes=30)


async def test_a_newer_link_takes_the_place_of_the_older(world: World) -> None:
    older = await world.prepaid(MOTHER, "arrears")
    untouched = await world.prepaid(MOTHER, "ordinary")
    newer = await world.payments.create_order(MOTHER, (await world.lines("arrears"))[:1])
    with pytest.raises(LinkInvalid) as refused:
        await world.payments.prepay(token(older), MOTHER)
    assert refused.value.why == "expired"
    await world.tick()
    assert world.pay.orders[older.out_trade_no].state == "CLOSED"
    assert [(await world.one(link)).state for link in (older, untouched, newer)] == ["closed", "prepaid", "created"]


async def test_a_relative_may_hold_a_link_for_the_same_bill(world: World) -> None:
    mothers = await world.order(MOTHER, "ordinary")
    await world.order(SON, "ordinary")
    await world.payments.prepay(token(mothers), MOTHER)


async def test_more_bills_than_one_order_holds(world: World) -> None:
    months = [f"{year}-{month:02}" for year in (2023, 2024, 2025) for month in range(1, 13)][:25]
    bills = [bill(number_of("ordinary"), period) for period in months]
    world.csms.all_bills |= {each.bill_no: each for each in bills}
    lines = await world.lines("ordinary")
    with pytest.raises(TooManyBills):
        await world.payments.create_order(MOTHER, lines)


async def test_nothing_to_pay(world: World) -> None:
    lines = await world.lines("ordinary")
    with pytest.raises(NothingToPay):
        await world.payments.create_order(MOTHER, [])
    world.csms.pay_elsewhere(lines[0].bill_no)
    with pytest.raises(NothingToPay):
        await world.payments.create_order(MOTHER, lines)


async def test_an_amount_that_changed_after_the_yes_is_asked_again(world: World) -> None:
    (line,) = await world.lines("ordinary")
    with pytest.raises(AmountChanged) as refused:
        await world.payments.create_order(MOTHER, [changed(line, amount_fen=line.amount_fen - 1)])
    assert (refused.value.bill_no, refused.value.amount_fen) == (line.bill_no, line.amount_fen)


async def test_one_of_several_was_paid_meanwhile(world: World) -> None:
    lines = await world.lines("arrears")
    world.csms.pay_elsewhere(lines[0].bill_no)
    with pytest.raises(AmountChanged) as refused:
        await world.payments.create_order(MOTHER, lines)
    assert refused.value.amount_fen == 0


async def test_a_bill_disputed_after_the_yes(world: World) -> None:
    (line,) = await world.lines("ordinary")
    held = world.csms.all_bills[line.bill_no]
    world.csms.all_bills[line.bill_no] = replace(held, status=BillStatus.DISPUTED)
    with pytest.raises(BillDisputed):
        await world.payments.create_order(MOTHER, [line])


async def test_csms_down_makes_no_order(world: World) -> None:
    lines = await world.lines("ordinary")
    world.csms.down = True
    with pytest.raises(SystemUnavailable):
        await world.payments.create_order(MOTHER, lines)
    assert await world.orders() == []


async def test_a_bill_paid_elsewhere_is_found_before_the_cashier_opens(world: World) -> None:
    link = await world.order(MOTHER, "ordinary")
    world.csms.pay_elsewhere((await world.one(link)).lines[0].bill_no)
    with pytest.raises(NothingToPay):
        await world.payments.prepay(token(link), MOTHER)
    assert (await world.one(link)).state == OrderState.CLOSED
    assert world.pay.orders == {}


async def test_what_has_arrived_but_is_not_booked_is_not_offered_again(world: World) -> None:
    lines = await world.lines("ordinary")
    await world.paid(MOTHER, "ordinary")
    offer = await world.payments.offer([number_of("ordinary")])
    assert (offer.lines, offer.in_progress) == ((), lines)
    with pytest.raises(PaymentInProgress):
        await world.payments.create_order(SON, lines)
    await world.tick()
    offer = await world.payments.offer([number_of("ordinary")])
    assert (offer.lines, offer.in_progress) == ((), ())


async def test_recent_orders_tell_what_became_of_a_payment(world: World) -> None:
    await world.order(MOTHER, "arrears")
    link, _ = await world.paid(MOTHER, "ordinary")
    (order,) = await world.payments.recent(MOTHER)
    assert (order.out_trade_no, order.state, order.amount_fen) == (link.out_trade_no, OrderState.PAID, link.amount_fen)
    await world.tick()
    (order,) = await world.payments.recent(MOTHER)
    assert order.state == OrderState.SETTLED
    assert [line.applied_fen for line in order.lines] == [link.amount_fen]
    assert await world.payments.recent(SON) == ()
