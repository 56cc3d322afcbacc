"""What became of a payment, as the customer is told it; and asking one back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.errors import UnknownAccount
from tests.fakes import number_of
from tests.unit.payments_actions.conftest import Counter, month


async def ask(counter: Counter, text: str = "我付的钱没到账", **entities: object) -> str:
    """The answer to somebody whose money went wrong."""
    return await counter.say(text, "refund_issue", **entities)


async def test_settled_and_nothing_owed(counter: Counter) -> None:
    await counter.bind("ordinary")
    await counter.paid()
    said = await ask(counter)
    assert "2026年10月账单（39.00元）已经在 11月2日 09:30 入账" in said
    assert "现在没有欠费" in said


async def test_settled_but_others_are_owed(counter: Counter) -> None:
    await counter.bind("arrears")
    await counter.say("付8月的", period=month("2026-08"))
    await counter.pay_what_is_asked()
    said = await ask(counter)
    assert "入账" in said
    assert "现在还欠的是另外的账单：2026年9月、2026年10月" in said
    assert "付这些" in counter.talk.buttons


async def test_on_its_way_into_the_books(counter: Counter) -> None:
    await counter.bind("ordinary")
    await counter.paid(settled=False)
    assert "正在入账" in await ask(counter)


async def test_not_paid_twice(counter: Counter) -> None:
    await counter.bind("ordinary")
    await counter.paid()
    assert "没有查到重复付的钱" in await ask(counter, "我好像付了两次")


async def test_no_payment_here_or_elsewhere(counter: Counter) -> None:
    await counter.bind("ordinary")
    assert "没有查到您的付款" in await ask(counter)


async def test_paid_elsewhere(counter: Counter) -> None:
    await counter.bind("ordinary")
    counter.csms.pay_elsewhere(f"B202610{number_of('ordinary')}", "alipay", paid_at=counter.clock.now())
    assert "支付宝" in await ask(counter)


async def test_an_account_that_is_gone(counter: Counter) -> None:
    await counter.bind("ordinary")
    counter.csms.failures = [UnknownAccount(number_of("ordinary"))]
    assert "营业系统里查不到" in await ask(counter)


async def test_the_balance_is_for_the_counter(counter: Counter) -> None:
    await counter.bind("ordinary")
    assert "营业厅柜台" in await ask(counter, "余额能退吗")
    assert "查余额" in counter.talk.buttons


@pytest.mark.parametrize("text", ["付错户了", "付成我租客那户了", "交成别人家的了"])
async def test_one_payment_is_not_asked_for(counter: Counter, text: str) -> None:
    await counter.bind("ordinary")
    await counter.paid()
    said = await ask(counter, text)
    assert "要申请退回的是" in said
    assert "39.00元" in said
    assert "换一笔" not in counter.talk.buttons
    assert "TK00000001" in await counter.talk.tap("确认申请")
    assert "TK00000001" in await ask(counter, "退款进度")
    assert "TK00000001" in await ask(counter, "查一下", work_order_no="tk00000001")


async def test_a_number_of_somebody_else(counter: Counter) -> None:
    await counter.bind("ordinary")
    assert "没有查到您的这个退款编号" in await ask(counter, "查 TK202601010001")


async def test_nothing_was_paid_for_a_wrong_account(counter: Counter) -> None:
    await counter.bind("ordinary")
    assert "没有查到您付成的款" in await ask(counter, "付错户了")
    assert counter.talk.form is None


async def two_payments(counter: Counter) -> None:
    """One for each of two accounts."""
    await counter.bind("ordinary", "neighbour_a", neighbour_a="爸妈家")
    await counter.paid()
    counter.clock.advance(minutes=5)
    await counter.say("爸妈家交水费")
    await counter.pay_what_is_asked()


@pytest.mark.parametrize(("text", "intent", "entities", "account"), [
    ("第二笔", "inform", {"ordinal": 2}, "ordinary"), ("爸妈家那笔", "inform", {}, "neighbour_a"),
    ("尾号0001的", "inform", {"account_no": number_of("ordinary")}, "ordinary"),
])
async def test_which_payment(counter: Counter, text: str, intent: str, entities: dict[str, object], account: str) -> None:
    await two_payments(counter)
    said = await ask(counter, "付错户了")
    assert "是哪一笔付错了" in said
    assert "1. 11月2日" in said
    await counter.say(text, intent, **entities)
    assert counter.talk.slots["refund_order"]["account_no"] == number_of(account)


@pytest.mark.parametrize("entities", [{"ordinal": 9}, {"amount": 100}, {"period": month("2020-01")}, {}])
async def test_no_such_payment(counter: Counter, entities: dict[str, object]) -> None:
    await two_payments(counter)
    await ask(counter, "付错户了")
    assert "没听清是哪一笔" in await counter.say("嗯", "inform", **entities)


async def test_another_payment_after_all(counter: Counter) -> None:
    await two_payments(counter)
    await ask(counter, "付错户了")
    await counter.say("第一笔", "inform", ordinal=1)
    await counter.say("不对，第二笔", "inform", ordinal=2)
    assert counter.talk.slots["refund_order"]["account_no"] == number_of("ordinary")
    assert "是哪一笔付错了" in await counter.talk.tap("换一笔")
    assert "先不申请" in await counter.say("都不是", "deny")
    assert counter.refund_desk.filed == {}


async def test_no_means_nothing_is_filed(counter: Counter) -> None:
    await counter.bind("ordinary")
    await counter.paid()
    await ask(counter, "付错户了")
    assert "还没申请" in await counter.say("什么意思", "inform")
    assert "先不申请" in await counter.say("不", "deny")
    assert counter.refund_desk.filed == {}


async def test_too_late_in_the_meantime(counter: Counter) -> None:
    await counter.bind("ordinary")
    await counter.paid()
    await ask(counter, "付错户了")
    counter.clock.advance(days=timedelta(days=181).days)
    assert "不能在这里申请退" in await counter.say("确认", "affirm")
    assert counter.refund_desk.filed == {}
