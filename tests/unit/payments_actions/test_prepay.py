"""Paying in advance: the sum, the account, the yes."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from actions.prepay import spoken_number
from store.models import PayOrder
from tests.fakes import number_of
from tests.unit.payments_actions.conftest import Counter


async def orders(counter: Counter) -> list[tuple[str, str, int]]:
    """All orders made: purpose, account, fen."""
    async with counter.db.read() as session:
        return [
            (order.purpose, order.lines[0].account_no, order.amount_fen)
            for order in await session.scalars(select(PayOrder).order_by(PayOrder.id))
        ]


@pytest.mark.parametrize(("text", "number"), [
    ("五十", 50), ("十", 10), ("一百", 100), ("两百五", 250), ("三百五十", 350), ("一千二", 1200), ("一千二百", 1200),
    ("一万", 10000), ("八", 8),
])
def test_numbers_as_they_are_spoken(text: str, number: int) -> None:
    assert spoken_number(text) == number


async def test_a_sum_named_at_once_is_only_confirmed(counter: Counter) -> None:
    await counter.bind("paid_up")
    said = await counter.say("预存两百", "prepay", amount=20000)
    assert "200.00元" in said
    assert "确认充值吗" in said
    said = await counter.say("好", "affirm")
    assert "30分钟内有效" in said
    assert await orders(counter) == [("prepay", number_of("paid_up"), 20000)]
    assert counter.talk.form is None


@pytest.mark.parametrize(("text", "fen"), [("200", 20000), ("就存300吧", 30000), ("两百五", 25000), ("88.5", 8850)])
async def test_a_bare_number_where_a_sum_was_asked_for(counter: Counter, text: str, fen: int) -> None:
    await counter.bind("paid_up")
    assert "想充多少" in await counter.say("充值", "prepay")
    await counter.say(text, "inform")
    assert counter.talk.slots["prepay_amount"] == fen


@pytest.mark.parametrize("fen", [999, 500001])
async def test_a_sum_out_of_range_is_asked_for_again(counter: Counter, fen: int) -> None:
    await counter.bind("paid_up")
    said = await counter.say("充值", "prepay", amount=fen)
    assert "不在范围里" in said
    assert "想充多少" in said


async def test_another_sum_and_another_account(counter: Counter) -> None:
    await counter.bind("neighbour_a", "paid_up", paid_up="爸妈家")
    await counter.say("充100", "prepay", amount=10000)
    assert "150.00元" in await counter.say("还是150吧", "inform", amount=15000)
    assert "200.00元" in await counter.say("改成二百吧", "suggestion")
    assert "150.00元" in await counter.say("还是充150", "inform")
    assert "给 爸妈家" in await counter.say("给爸妈家充", "prepay")
    await counter.say("对", "affirm")
    assert await orders(counter) == [("prepay", number_of("paid_up"), 15000)]


async def test_anothers_account_is_refused(counter: Counter) -> None:
    await counter.bind("paid_up")
    await counter.say("充100", "prepay", amount=10000)
    said = await counter.say("换成这户", "inform", account_no=number_of("arrears"))
    assert "没有绑定在您的微信上" in said
    assert counter.talk.slots["prepay_account"] == number_of("paid_up")


async def test_a_no_makes_no_order(counter: Counter) -> None:
    await counter.bind("paid_up")
    await counter.say("充100", "prepay", amount=10000)
    assert "先不充" in await counter.talk.tap("先不充")
    assert await orders(counter) == []


async def test_a_closed_account_takes_nothing(counter: Counter) -> None:
    await counter.bind("closed")
    await counter.say("充100", "prepay", amount=10000)
    assert "已经销户" in await counter.say("确认", "affirm")
    assert await orders(counter) == []


async def test_an_outage_keeps_what_was_confirmed(counter: Counter) -> None:
    await counter.bind("paid_up")
    await counter.say("充100", "prepay", amount=10000)
    counter.csms.down = True
    assert "没有回应" in await counter.say("确认", "affirm")
    counter.csms.down = False
    assert "100.00元" in await counter.talk.tap("再试一次")
    assert await orders(counter) == [("prepay", number_of("paid_up"), 10000)]


async def test_what_is_owed_is_said_first(counter: Counter) -> None:
    await counter.bind("ordinary")
    assert "还有 1 笔账单没付" in await counter.say("充100", "prepay", amount=10000)


@pytest.mark.parametrize("text", ["余额还剩多少", "预存的用完没"])
async def test_the_balance_is_told(counter: Counter, text: str) -> None:
    await counter.bind("credit")
    assert "50.00元" in await counter.say(text, "prepay")
    assert "存一点" in counter.talk.buttons
    assert counter.talk.form is None


async def test_no_balance(counter: Counter) -> None:
    await counter.bind("ordinary")
    assert "还没有预存的钱" in await counter.say("余额多少", "prepay", ask="balance")


async def test_the_balance_of_an_account_that_is_gone(counter: Counter) -> None:
    await counter.bind("ordinary")
    del counter.csms.accounts[number_of("ordinary")]
    assert "已经销户" in await counter.say("余额多少", "prepay")


async def test_somebody_who_wants_it_back_is_sent_to_refunds(counter: Counter) -> None:
    await counter.bind("credit")
    assert "营业厅柜台" in await counter.say("充的钱能退吗", "prepay")


async def test_a_sum_to_tap_and_another_one_after_all(counter: Counter) -> None:
    await counter.bind("paid_up")
    await counter.say("充值", "prepay")
    assert "100.00元" in await counter.talk.tap("100元")
    assert "想充多少" in await counter.talk.tap("换个金额")
    assert "200.00元" in await counter.talk.tap("200元")


async def test_a_no_to_the_sum_ends_it(counter: Counter) -> None:
    await counter.bind("paid_up")
    await counter.say("充值", "prepay")
    assert "先不充" in await counter.say("不充了", "deny")
    assert counter.talk.form is None


async def test_an_account_to_choose(counter: Counter) -> None:
    await counter.bind("neighbour_a", "paid_up", paid_up="爸妈家")
    await counter.say("充100", "prepay", amount=10000)
    assert "给哪一户充" in await counter.talk.tap("换一户")
    assert "给 爸妈家" in await counter.talk.tap("爸妈家")


async def test_saying_it_again_is_a_yes_unless_it_refuses(counter: Counter) -> None:
    await counter.bind("paid_up")
    await counter.say("充100", "prepay", amount=10000)
    assert "先不充" in await counter.say("先别充", "prepay")
    await counter.say("充100", "prepay", amount=10000)
    assert "30分钟内有效" in await counter.say("充吧", "prepay")


async def test_what_is_no_answer_is_asked_again(counter: Counter) -> None:
    await counter.bind("paid_up")
    await counter.say("充100", "prepay", amount=10000)
    assert "还没充" in await counter.say("嗯？", "inform")
    assert await orders(counter) == []


async def test_an_account_unbound_meanwhile_takes_nothing(counter: Counter) -> None:
    await counter.bind("paid_up")
    await counter.say("充100", "prepay", amount=10000)
    await counter.talk.services.accounts.unbind("oCustomer", number_of("paid_up"))
    assert "刚才解绑了" in await counter.say("确认", "affirm")
    assert await orders(counter) == []


@pytest.mark.parametrize(("intent", "told"), [
    ("EXTERNAL_prepay_received", "收到您预存的 100.00元"), ("EXTERNAL_prepay_refunded", "会原路退回微信"),
])
async def test_the_customer_is_told(counter: Counter, intent: str, told: str) -> None:
    await counter.bind("paid_up")
    assert told in await counter.say("x", intent, amount=10000, accounts=[[number_of("paid_up")]], count=1)
