"""The yes, the no, the "not those": and what happens to the order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from services.errors import SystemUnavailable
from services.ports import BillStatus
from store.models import PayOrder
from tests.fakes import number_of
from tests.unit.accounts.talk import OPENID
from tests.unit.payments_actions.conftest import Counter, month

ARREARS = ["2026-08", "2026-09", "2026-10"]


async def orders(counter: Counter) -> list[PayOrder]:
    """All orders made."""
    async with counter.db.read() as session:
        return list(await session.scalars(select(PayOrder).order_by(PayOrder.id)))


async def test_a_yes_makes_one_order_and_gives_its_link(counter: Counter) -> None:
    await counter.bind("arrears")
    await counter.say("都付了", "pay_all_merged")
    said = await counter.say("确认", "affirm")
    assert "118.36元" in said
    assert "30分钟内有效" in said
    (order,) = await orders(counter)
    assert (order.openid, order.amount_fen, [line.period for line in order.lines]) == (OPENID, 11836, ARREARS)
    assert counter.talk.slots["pay_lines"] is None
    assert counter.talk.form is None


async def test_a_no_makes_no_order(counter: Counter) -> None:
    await counter.bind("ordinary")
    await counter.say("交水费")
    said = await counter.talk.tap("先不付")
    assert "先不付" in said
    assert await orders(counter) == []
    assert counter.talk.form is None


@pytest.mark.parametrize(
    ("text", "intent", "entities", "left"),
    [
        ("不对，只付8月的", "deny", {"period": month("2026-08")}, ["2026-08"]),
        ("8月的先不付", "deny", {"period": month("2026-08")}, ["2026-09", "2026-10"]),
        ("除了9月的", "inform", {"period": month("2026-09", excluded=True)}, ["2026-08", "2026-10"]),
        ("第二笔", "inform", {"ordinal": 2}, ["2026-09"]),
        ("就付最后一笔", "pay_bill", {"ordinal": -1}, ["2026-10"]),
        ("付9月份的", "pay_bill", {"period": month("2026-09")}, ["2026-09"]),
        ("除了最近那笔都付掉", "pay_all_merged", {}, ["2026-08", "2026-09"]),
        ("只要最早的一笔", "inform", {}, ["2026-08"]),
        ("36块1毛5的", "inform", {"amount": 3615}, ["2026-09"]),
    ],
)
async def test_a_correction_shows_what_is_meant_now_and_asks_again(
    counter: Counter, text: str, intent: str, entities: dict[str, object], left: list[str],
) -> None:
    await counter.bind("arrears")
    await counter.say("交水费")
    said = await counter.say(text, intent, **entities)
    assert counter.months == left
    assert "确认付款吗" in said
    await counter.say("对", "affirm")
    assert [line.period for line in (await orders(counter))[0].lines] == left


async def test_a_month_can_be_added_again(counter: Counter) -> None:
    await counter.bind("arrears")
    await counter.say("付8月的", period=month("2026-08"))
    await counter.say("9月的也一起", "inform", period=month("2026-09"))
    assert counter.months == ["2026-08", "2026-09"]


async def test_taking_everything_out_is_told_and_asked_again(counter: Counter) -> None:
    await counter.bind("ordinary")
    await counter.say("交水费")
    said = await counter.say("10月的先不付", "inform", period=month("2026-10"))
    assert "没有要付的了" in said
    assert counter.talk.form == "pay_form"
    assert counter.months == ["2026-10"]


async def test_leaving_out_the_only_bill_is_no_yes(counter: Counter) -> None:
    await counter.bind("ordinary")
    await counter.say("交水费")
    said = await counter.say("除了最近那笔都付掉", "pay_all_merged")
    assert "没有要付的了" in said
    assert await orders(counter) == []
    assert counter.talk.form == "pay_form"


async def test_another_account_can_be_named_instead_or_added(counter: Counter) -> None:
    await counter.bind("ordinary", "neighbour_a", neighbour_a="爸妈家")
    await counter.say("交水费")
    await counter.say("不对，是爸妈家的", "deny")
    assert counter.chosen == [("03", "2026-10")]
    await counter.say("交水费", "cancel")
    await counter.say("交水费")
    await counter.say("爸妈家的也付", "inform")
    assert counter.chosen == [("01", "2026-10"), ("03", "2026-10")]


@pytest.mark.parametrize(("text", "intent"), [("付吧", "pay_bill"), ("都付了", "pay_all_merged"), ("好，118块3毛6", "affirm")])
async def test_saying_pay_once_more_is_a_yes(counter: Counter, text: str, intent: str) -> None:
    await counter.bind("arrears")
    await counter.say("交水费")
    await counter.say(text, intent, **({"amount": 11836} if intent == "affirm" else {}))
    assert len(await orders(counter)) == 1


async def test_what_is_no_answer_is_asked_again_and_at_last_a_person_is_offered(counter: Counter) -> None:
    await counter.bind("ordinary")
    await counter.say("交水费")
    assert "还没付" in await counter.say("嗯？", "nlu_fallback")
    assert "没有点开付款之前，不会扣钱" in await counter.say("啥", "nlu_fallback")
    assert "人工" in await counter.say("哦豁", "nlu_fallback")
    assert await orders(counter) == []


async def test_a_digression_is_left_to_the_rules_and_the_question_comes_back(counter: Counter) -> None:
    await counter.bind("ordinary")
    await counter.say("交水费")
    said = await counter.say("8月怎么那么多", "bill_explain", period=month("2026-08"))
    assert "确认付款吗" in said
    assert counter.months == ["2026-10"]


async def test_a_bill_paid_elsewhere_meanwhile_is_told_and_nothing_is_ordered(counter: Counter) -> None:
    await counter.bind("ordinary")
    await counter.say("交水费")
    counter.csms.pay_elsewhere(f"B202610{number_of('ordinary')}")
    assert "已经缴清" in await counter.say("确认", "affirm")
    assert await orders(counter) == []
    assert counter.talk.form is None


async def test_a_changed_amount_is_shown_and_confirmed_anew(counter: Counter) -> None:
    await counter.bind("ordinary")
    await counter.say("交水费")
    bill_no = f"B202610{number_of('ordinary')}"
    counter.csms.all_bills[bill_no] = replace(counter.csms.all_bills[bill_no], paid_fen=900, status=BillStatus.PARTLY_PAID)
    said = await counter.say("确认", "affirm")
    assert "有变化" in said
    assert "合计 30.00元" in said
    assert await orders(counter) == []
    await counter.say("确认", "affirm")
    assert (await orders(counter))[0].amount_fen == 3000


async def test_a_bill_that_came_into_dispute_is_left_out(counter: Counter) -> None:
    await counter.bind("arrears")
    await counter.say("都付了", "pay_all_merged")
    bill_no = f"B202609{number_of('arrears')}"
    counter.csms.all_bills[bill_no] = replace(counter.csms.all_bills[bill_no], status=BillStatus.DISPUTED)
    said = await counter.say("确认", "affirm")
    assert "正在核实争议" in said
    assert counter.months == ["2026-08", "2026-10"]
    assert await orders(counter) == []


async def test_an_account_unbound_meanwhile_is_not_paid(counter: Counter) -> None:
    await counter.bind("ordinary", "neighbour_a")
    await counter.say("都付了", "pay_all_merged")
    await counter.talk.services.accounts.unbind(OPENID, number_of("neighbour_a"))
    assert "解绑" in await counter.say("确认", "affirm")
    assert await orders(counter) == []


async def test_while_csms_is_down_nothing_is_lost_and_trying_again_goes_on(counter: Counter) -> None:
    await counter.bind("ordinary")
    await counter.say("交水费")
    counter.csms.down = True
    said = await counter.say("确认", "affirm")
    assert "营业系统" in said
    assert "再试一次" in counter.talk.buttons
    assert await orders(counter) == []
    counter.csms.down = False
    assert "付款" in await counter.talk.tap("再试一次")
    assert len(await orders(counter)) == 1


async def test_when_csms_is_down_before_the_question_trying_again_asks_it(counter: Counter) -> None:
    await counter.bind("ordinary")
    counter.csms.failures = [SystemUnavailable("csms")]
    assert "营业系统" in await counter.say("交水费")
    assert "确认付款吗" in await counter.talk.tap("再试一次")


async def test_when_csms_is_down_for_a_correction_the_question_stays(counter: Counter) -> None:
    await counter.bind("arrears")
    await counter.say("交水费")
    counter.csms.failures = [SystemUnavailable("csms")]
    await counter.say("只付8月的", "deny", period=month("2026-08"))
    assert counter.talk.form == "pay_form"
    assert counter.months == ARREARS


async def test_a_second_order_takes_the_place_of_the_first(counter: Counter) -> None:
    await counter.bind("ordinary")
    for _ in range(2):
        await counter.say("交水费")
        await counter.say("确认", "affirm")
    assert [order.state for order in await orders(counter)] == ["closed", "created"]


async def test_money_that_arrived_is_not_asked_for_again(counter: Counter) -> None:
    await counter.bind("ordinary")
    await counter.say("交水费")
    await counter.say("确认", "affirm")
    (order,) = await orders(counter)
    await counter.pay.prepay(order.out_trade_no, "水费", order.amount_fen, OPENID, order.expires_at)
    await counter.payments.notified(counter.pay.pay_order(order.out_trade_no, counter.clock.now()))
    said = await counter.say("交水费")
    assert "正在入账" in said
    assert counter.talk.form is None


@pytest.mark.parametrize(
    ("intent", "told"),
    [
        ("EXTERNAL_payment_received", "收到您付的水费 39.00元，爸妈家的 1 笔账单已经销账"),
        ("EXTERNAL_payment_refunded", "您这次付了 78.00元，其中 39.00元 对应的账单已经有人付过了，这 39.00元 会原路退回"),
        ("EXTERNAL_payment_credited", "已经存到爸妈家的余额里"),
    ],
)
async def test_the_customer_is_told_of_money_that_moved(counter: Counter, intent: str, told: str) -> None:
    await counter.bind("ordinary", "neighbour_a", neighbour_a="爸妈家")
    mine = [number_of("neighbour_a")]
    said = await counter.say(f"EXTERNAL: {intent}", intent, amount=3900, accounts=[mine], count=1, paid=7800)
    assert told in said


async def test_word_of_money_does_not_answer_an_open_question(counter: Counter) -> None:
    await counter.bind("arrears")
    await counter.say("交水费")
    said = await counter.say(
        "EXTERNAL: x", "EXTERNAL_payment_received", amount=3615, accounts=[[number_of("arrears")]], count=1,
    )
    assert "收到您付的水费" in said
    assert "确认付款吗" in said
    assert counter.months == ARREARS


async def test_an_account_unbound_since_is_named_by_its_last_digits(counter: Counter) -> None:
    await counter.bind("ordinary")
    said = await counter.say("x", "EXTERNAL_payment_received", amount=3900, accounts=[[number_of("neighbour_a")]], count=1)
    assert "尾号0003" in said


@pytest.mark.parametrize(("intent", "told"), [
    ("EXTERNAL_payment_refunded", "您付的 39.00元 会原路退回微信：这些账单已经有人付过了"),
    ("EXTERNAL_payment_credited", "您付的 39.00元 已经存到爸妈家的余额里"),
])
async def test_all_of_a_payment_that_no_bill_needs(counter: Counter, intent: str, told: str) -> None:
    await counter.bind("ordinary", "neighbour_a", neighbour_a="爸妈家")
    mine = [number_of("neighbour_a")]
    said = await counter.say(f"EXTERNAL: {intent}", intent, amount=3900, accounts=[mine], count=1, paid=3900)
    assert told in said
    assert "其中" not in said
