"""Payments arrive, once, twice, late, wrong or never, and each ends right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.errors import PaymentMismatch
from services.payments import OrderState
from services.ports import BillStatus, RefundResult
from tests.fakes import number_of
from tests.unit.payments.world import MOTHER, SON, World, token


async def test_a_payment_is_booked_and_told(world: World) -> None:
    link, _ = await world.paid(MOTHER, "arrears")
    await world.tick()
    order = await world.one(link)
    assert order.state == OrderState.SETTLED
    assert all(world.csms.all_bills[line.bill_no].status is BillStatus.PAID for line in order.lines)
    assert await world.told() == [
        (MOTHER, "received", {"amount": link.amount_fen, "accounts": [number_of("arrears")], "count": 3}),
    ]
    assert [entry[1:] for entry in await world.audited()] == [
        ("pay_order", "ok"), ("prepay", "ok"), ("pay", "ok"), ("settle", "ok"),
    ]
    await world.check_books()


async def test_one_order_for_several_accounts(world: World) -> None:
    link, _ = await world.paid(MOTHER, "neighbour_a", "neighbour_b")
    await world.tick()
    assert (await world.told())[0][2] == {
        "amount": link.amount_fen, "accounts": [number_of("neighbour_a"), number_of("neighbour_b")], "count": 2,
    }
    await world.check_books()


async def test_a_callback_again_changes_nothing(world: World) -> None:
    link = await world.prepaid(MOTHER, "ordinary")
    transaction = world.thumb(link)
    assert await world.payments.notified(transaction)
    assert not await world.payments.notified(transaction)
    await world.tick()
    assert not await world.payments.notified(transaction)
    await world.tick()
    assert len(await world.told()) == 1
    await world.check_books()


async def test_a_lost_callback_is_found_by_asking(world: World) -> None:
    link = await world.prepaid(MOTHER, "ordinary")
    world.thumb(link)
    world.clock.advance(seconds=6)
    assert await world.payments.query_due() == 1
    assert await world.payments.settle_paid() == 1
    await world.check_books()


async def test_the_page_hastens_the_question(world: World) -> None:
    link = await world.prepaid(MOTHER, "ordinary")
    world.thumb(link)
    assert await world.payments.query_due() == 0
    await world.payments.returned(token(link), MOTHER)
    assert await world.payments.query_due() == 1


async def test_a_page_that_lies_gains_nothing(world: World) -> None:
    link = await world.prepaid(MOTHER, "ordinary")
    await world.payments.returned(token(link), MOTHER)
    assert await world.payments.query_due() == 0
    assert (await world.one(link)).state == OrderState.PREPAID


async def test_a_callback_after_the_order_was_closed_here(world: World) -> None:
    """WeChat Pay took the money although it had said that the order was closed: the money is a fact."""
    link = await world.prepaid(MOTHER, "ordinary")
    await world.hours_pass()
    assert (await world.one(link)).state == OrderState.CLOSED
    await world.payments.notified(world.thumb(link))
    await world.tick()
    assert (await world.one(link)).state == OrderState.SETTLED
    await world.check_books()


async def test_paid_in_the_last_moment_of_closing(world: World) -> None:
    link = await world.prepaid(MOTHER, "ordinary")
    world.clock.advance(minutes=31)
    pay_query = world.pay.query

    async def then_pays(out_trade_no: str):  # type: ignore[no-untyped-def]
        answer = await pay_query(out_trade_no)
        world.pay.query = pay_query  # type: ignore[method-assign]
        world.thumb(link)
        return answer

    await world.payments._expire()
    world.pay.query = then_pays  # type: ignore[method-assign]
    assert await world.payments.close_expired() == 0
    await world.hours_pass()
    assert (await world.one(link)).state == OrderState.SETTLED
    await world.check_books()


@pytest.mark.parametrize(("why", "changes"), [
    ("amount", {"amount_fen": 1}),
    ("payer", {"openid": SON}),
    ("payer", {"openid": None}),
    ("transaction", {"transaction_id": None}),
    ("order", {"out_trade_no": "RX-not-ours"}),
])
async def test_a_payment_that_does_not_fit_is_set_aside(world: World, why: str, changes: dict[str, object]) -> None:
    link = await world.prepaid(MOTHER, "ordinary")
    with pytest.raises(PaymentMismatch) as refused:
        await world.payments.notified(replace(world.thumb(link), **changes))  # type: ignore[arg-type]
    assert refused.value.why == why
    assert (await world.one(link)).state == OrderState.PREPAID
    assert ("system", "pay", f"mismatch_{why}") in await world.audited()
    assert await world.told() == []


async def test_another_transaction_for_a_paid_order(world: World) -> None:
    _, transaction = await world.paid(MOTHER, "ordinary")
    with pytest.raises(PaymentMismatch) as refused:
        await world.payments.notified(replace(transaction, transaction_id="4200000000000000000000000000"))
    assert refused.value.why == "transaction"


async def test_one_transaction_cannot_pay_two_orders(world: World) -> None:
    _, transaction = await world.paid(MOTHER, "ordinary")
    other = await world.prepaid(SON, "neighbour_a")
    theirs = world.thumb(other)
    with pytest.raises(PaymentMismatch):
        await world.payments.notified(replace(theirs, transaction_id=transaction.transaction_id))


async def test_csms_down_books_later(world: World) -> None:
    link, _ = await world.paid(MOTHER, "ordinary")
    world.csms.down = True
    assert await world.payments.settle_paid() == 0
    world.csms.down = False
    assert await world.payments.settle_paid() == 0, "not before its time"
    world.clock.advance(seconds=6)
    assert await world.payments.settle_paid() == 1
    assert (await world.one(link)).state == OrderState.SETTLED
    await world.check_books()


async def test_a_lost_answer_of_csms_books_once(world: World) -> None:
    await world.paid(MOTHER, "ordinary")
    world.csms.lost_answer = True
    assert await world.payments.settle_paid() == 0
    world.clock.advance(seconds=6)
    assert await world.payments.settle_paid() == 1
    await world.check_books()


async def test_nonsense_from_csms_is_not_taken(world: World) -> None:
    link, _ = await world.paid(MOTHER, "ordinary")
    world.csms.results[link.out_trade_no] = ()
    assert await world.payments.settle_paid() == 0
    assert (await world.one(link)).state == OrderState.PAID


async def test_paid_twice_goes_back(world: World) -> None:
    mothers, sons = await world.prepaid(MOTHER, "ordinary"), await world.prepaid(SON, "ordinary")
    for link in (mothers, sons):
        await world.payments.notified(world.thumb(link))
    await world.tick()
    await world.tick()
    assert world.pay.refunded_fen(sons.out_trade_no) == sons.amount_fen
    assert (await world.told())[1] == (
        SON, "refunded", {"amount": sons.amount_fen, "accounts": [number_of("ordinary")], "paid": sons.amount_fen},
    )
    await world.check_books()


async def test_paid_twice_is_kept_where_the_rule_says_so(world: World) -> None:
    world.rule("credit")
    mothers, sons = await world.prepaid(MOTHER, "ordinary"), await world.prepaid(SON, "ordinary")
    for link in (mothers, sons):
        await world.payments.notified(world.thumb(link))
    await world.hours_pass()
    assert world.csms.accounts[number_of("ordinary")].credit_fen == sons.amount_fen
    assert [intent for _, intent, _ in await world.told()] == ["received", "credited"]
    assert world.pay.refunded_fen(sons.out_trade_no) == 0
    await world.check_books()


async def test_the_rule_of_an_order_is_that_of_its_making(world: World) -> None:
    world.rule("credit")
    link = await world.prepaid(MOTHER, "ordinary")
    world.rule("refund")
    world.csms.pay_elsewhere((await world.one(link)).lines[0].bill_no)
    await world.payments.notified(world.thumb(link))
    await world.hours_pass()
    assert [refund.kind for refund in await world.refunds()] == ["credit"]
    await world.check_books()


async def test_one_of_three_was_paid_at_the_counter(world: World) -> None:
    link = await world.prepaid(MOTHER, "arrears")
    lines = (await world.one(link)).lines
    world.csms.pay_elsewhere(lines[1].bill_no)
    await world.payments.notified(world.thumb(link))
    await world.hours_pass()
    told = await world.told()
    assert [(intent, entities["amount"]) for _, intent, entities in told] == [
        ("received", link.amount_fen - lines[1].amount_fen), ("refunded", lines[1].amount_fen),
    ]
    assert told[0][2]["count"] == 2
    await world.check_books()


async def test_a_rejected_bill_goes_back_whatever_the_rule(world: World) -> None:
    world.rule("credit")
    link = await world.prepaid(MOTHER, "arrears")
    line = (await world.one(link)).lines[0]
    world.csms.all_bills[line.bill_no] = replace(world.csms.all_bills[line.bill_no], status=BillStatus.DISPUTED)
    await world.payments.notified(world.thumb(link))
    await world.hours_pass()
    assert world.pay.refunded_fen(link.out_trade_no) == line.amount_fen
    await world.check_books()


async def test_a_refund_under_way_is_told_once_and_ends(world: World) -> None:
    link = await world.prepaid(MOTHER, "ordinary")
    world.csms.pay_elsewhere((await world.one(link)).lines[0].bill_no)
    await world.payments.notified(world.thumb(link))
    world.pay.refund_state = "PROCESSING"
    await world.hours_pass()
    (refund,) = await world.refunds()
    assert (refund.state, [intent for _, intent, _ in await world.told()]) == ("sent", ["refunded"])
    done = RefundResult(refund.out_refund_no, "SUCCESS")
    assert await world.payments.refund_notified(done)
    assert not await world.payments.refund_notified(done)
    (refund,) = await world.refunds()
    assert refund.state == "done"
    await world.check_books()


async def test_a_refund_that_fails_is_for_a_person(world: World) -> None:
    link = await world.prepaid(MOTHER, "ordinary")
    world.csms.pay_elsewhere((await world.one(link)).lines[0].bill_no)
    await world.payments.notified(world.thumb(link))
    world.pay.refund_state = "ABNORMAL"
    await world.hours_pass()
    (refund,) = await world.refunds()
    assert refund.state == "failed"
    assert (MOTHER, "refund", "failed") in await world.audited()
    assert await world.told() == []


async def test_a_refund_that_is_not_ours(world: World) -> None:
    with pytest.raises(PaymentMismatch):
        await world.payments.refund_notified(RefundResult("somebody-elses", "SUCCESS"))


async def test_an_order_refunded_past_us_is_over(world: World) -> None:
    link = await world.prepaid(MOTHER, "ordinary")
    world.thumb(link)
    world.pay.orders[link.out_trade_no].state = "REFUND"
    world.clock.advance(seconds=6)
    await world.tick()
    assert (await world.one(link)).state == OrderState.CLOSED
    assert (MOTHER, "pay_order", "refunded_elsewhere") in await world.audited()


async def test_orders_not_paid_are_closed_on_both_sides(world: World) -> None:
    opened, begun = await world.order(MOTHER, "ordinary"), await world.prepaid(SON, "arrears")
    await world.hours_pass()
    assert [(await world.one(link)).state for link in (opened, begun)] == ["closed", "closed"]
    assert world.pay.orders[begun.out_trade_no].state == "CLOSED"
    assert opened.out_trade_no not in world.pay.orders
    assert await world.told() == []


async def test_wechat_pay_down_closes_nothing(world: World) -> None:
    link = await world.prepaid(MOTHER, "ordinary")
    world.pay.down = True
    await world.hours_pass()
    assert (await world.one(link)).state == OrderState.CLOSING
    world.pay.down = False
    await world.hours_pass()
    assert (await world.one(link)).state == OrderState.CLOSED


async def test_an_order_that_wechat_pay_never_saw_is_closed(world: World) -> None:
    link = await world.order(MOTHER, "ordinary")
    world.pay.down = True
    with pytest.raises(Exception, match="pay"):
        await world.payments.prepay(token(link), MOTHER)
    world.pay.down = False
    await world.hours_pass()
    assert (await world.one(link)).state == OrderState.CLOSED
    await world.check_books()
