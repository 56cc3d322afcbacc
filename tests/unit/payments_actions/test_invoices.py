"""Invoices: which bills, to whom, a yes; again; and to another title."""

from __future__ import annotations

import pytest

from services.errors import UnknownAccount
from services.invoices import InvoiceState, Title, TitleKind
from tests.fakes import number_of
from tests.unit.payments_actions.conftest import Counter, month

GOOD, OTHER_GOOD = "91110000802100433B", "91350100M000100Y43"
COMPANY = "杭州润泽科技有限公司"
NEWEST = {"period": month("2026-10")}


async def ask(counter: Counter, text: str = "开发票", **entities: object) -> str:
    """The answer to somebody who wants an invoice."""
    return await counter.say(text, "invoice", **entities)


async def filled_in(counter: Counter, role: str = "paid_up") -> str:
    """A person's invoice for the newest bill, up to the question for a yes."""
    await counter.bind(role)
    await ask(counter, "开10月的发票，个人", **NEWEST)
    await counter.say("王大明", "inform")
    return await counter.talk.tap("发在聊天里就行")


async def issued(counter: Counter) -> None:
    """... and issued."""
    await filled_in(counter)
    await counter.say("确认", "affirm")
    counter.invoice_desk.issue()


def titles(counter: Counter) -> list[Title]:
    """Of all that was filed."""
    return [each.title for each in counter.invoice_desk.all]


async def test_step_by_step_for_a_person(counter: Counter) -> None:
    said = await filled_in(counter)
    assert "共 1 张" in said
    assert "抬头：王大明" in said
    assert "税号" not in said
    assert "已提交，共 1 张，申请号 FP20261102" in await counter.talk.tap("确认开票")
    assert titles(counter) == [Title(TitleKind.PERSON, "王大明", None)]
    assert counter.talk.slots["invoice_name"] is None, "nothing stays behind"


async def test_all_in_one_message(counter: Counter) -> None:
    await counter.bind("paid_up")
    said = await ask(counter, f"10月发票，{COMPANY}，{GOOD}", org=COMPANY, tax_number=GOOD, email="a@b.example", **NEWEST)
    assert f"抬头：{COMPANY}，税号 {GOOD}" in said
    assert "邮箱：a@b.example" in said


@pytest.mark.parametrize(("text", "entities", "count"), [
    ("都开", {}, 3), ("8月的", {"period": month("2026-08")}, 1), ("第二个", {"ordinal": 2}, 1),
    ("最后一个", {"ordinal": -1}, 1),
])
async def test_which_bills(counter: Counter, text: str, entities: dict[str, object], count: int) -> None:
    await counter.bind("paid_up")
    said = await ask(counter)
    assert "1. 2026年10月" in said
    assert "全部3期" in counter.talk.buttons
    await counter.say(text, "inform", **entities)
    assert len(counter.talk.slots["invoice_bills"]) == count


async def test_a_month_that_has_no_bill(counter: Counter) -> None:
    await counter.bind("paid_up")
    await ask(counter)
    assert "没有能开票的账单" in await counter.say("3月的", "inform", period=month("2026-03"))


async def test_bills_that_cannot_be_heard(counter: Counter) -> None:
    await counter.bind("paid_up")
    await ask(counter)
    assert "没听清开哪一期" in await counter.say("哈？", "inform")
    assert "先不开" in await counter.say("不开了", "deny")
    assert counter.talk.form is None


async def test_more_bills_than_go_at_once(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    utility = counter.talk.services.utility
    few = utility.model_copy(update={"invoices": utility.invoices.model_copy(update={"at_once": 2})})
    monkeypatch.setattr(counter.talk.services, "utility", few)
    await counter.bind("paid_up")
    assert "一次最多 2 期" in await ask(counter, "全部开票")
    assert len(counter.talk.slots["invoice_bills"]) == 2


@pytest.mark.parametrize(("number", "told"), [
    ("91330106MA27X", "应该是 18 位"), ("91110000802100433O", "不该出现的字符"), ("911100008021004330", "校验位对不上"),
    ("还没有", "没看到税号"),
])
async def test_a_wrong_tax_number_is_explained(counter: Counter, number: str, told: str) -> None:
    await counter.bind("paid_up")
    await ask(counter, f"10月发票，{COMPANY}", org=COMPANY, **NEWEST)
    assert told in await counter.say(number, "inform")
    await counter.say(GOOD, "inform", tax_number=GOOD)
    assert counter.talk.slots["invoice_tax_number"] == GOOD


async def test_without_a_tax_number_it_can_be_a_persons(counter: Counter) -> None:
    await counter.bind("paid_up")
    await ask(counter, f"10月发票，{COMPANY}", org=COMPANY, **NEWEST)
    assert "写谁的名字" in await counter.say("那开个人的", "inform")


@pytest.mark.parametrize("name", ["😀😀", "哪里填？"])
async def test_a_name_that_no_invoice_takes(counter: Counter, name: str) -> None:
    await counter.bind("paid_up")
    await ask(counter, "10月的发票，个人", **NEWEST)
    assert "开不了票" in await counter.say(name, "inform")


async def test_the_kind_is_told_by_the_name(counter: Counter) -> None:
    await counter.bind("paid_up")
    await ask(counter, "10月的发票", **NEWEST)
    assert "抬头分“个人”和“单位”两种" in await counter.say("啊？", "inform")
    assert "的税号是多少" in await counter.say("抬头是临江大禹建材商行", "inform")
    assert counter.talk.slots["invoice_name"] == "临江大禹建材商行"


async def test_an_address_that_is_none(counter: Counter) -> None:
    await counter.bind("paid_up")
    await ask(counter, "10月的发票，个人", **NEWEST)
    await counter.say("王大明", "inform", name="王大明")
    assert "不像邮箱" in await counter.say("qq点com", "inform")
    assert "邮箱：发在聊天里" in await counter.say("不用了", "deny")


async def test_changes_before_the_yes(counter: Counter) -> None:
    await filled_in(counter)
    assert "a@b.example" in await counter.say("发到 a@b.example", "inform", email="a@b.example")
    assert "哪个邮箱" in await counter.talk.tap("换邮箱")
    await counter.talk.tap("发在聊天里就行")
    said = await counter.say("换成8月的", "inform", period=month("2026-08"))
    assert "2026年8月" in said
    assert "个人的还是单位的" in await counter.talk.tap("换抬头")
    await counter.talk.tap("单位")
    await counter.say(COMPANY, "inform", org=COMPANY)
    await counter.say(OTHER_GOOD, "inform", tax_number=OTHER_GOOD)
    await counter.say("开吧", "invoice")
    assert titles(counter) == [Title(TitleKind.COMPANY, COMPANY, OTHER_GOOD)]


async def test_another_company_needs_its_own_number(counter: Counter) -> None:
    await counter.bind("paid_up")
    await ask(counter, f"10月发票，{COMPANY}，{GOOD}", org=COMPANY, tax_number=GOOD, email="a@b.example", **NEWEST)
    assert "临江市东风电器厂 的税号是多少" in await counter.say("抬头改成临江市东风电器厂", "inform", org="临江市东风电器厂")


async def test_a_month_without_a_bill_before_the_yes(counter: Counter) -> None:
    await filled_in(counter)
    said = await counter.say("换成3月的", "inform", period=month("2026-03"))
    assert "没有能开票的账单" in said
    assert "共 1 张" in said


async def test_what_is_no_answer(counter: Counter) -> None:
    await filled_in(counter)
    assert "还没开" in await counter.say("嗯？", "inform")
    assert "先不开" in await counter.say("不开", "deny")
    assert counter.invoice_desk.all == []


async def test_the_title_is_remembered(counter: Counter) -> None:
    await issued(counter)
    said = await ask(counter, "8月的发票也开了", period=month("2026-08"))
    assert "抬头：王大明" in said
    assert "确认开票吗" in said


async def test_an_invoice_that_exists_is_not_made_again(counter: Counter) -> None:
    await issued(counter)
    said = await ask(counter, "10月的发票", **NEWEST)
    assert "已经开过了，抬头是王大明" in said
    assert counter.talk.form is None


async def test_only_paid_bills(counter: Counter) -> None:
    await counter.bind("arrears")
    assert "还没缴清" in await ask(counter, "10月的发票", **NEWEST)
    assert "先缴费" in counter.talk.buttons


async def test_no_bill_then(counter: Counter) -> None:
    await counter.bind("paid_up")
    assert "没有能开票的账单" in await ask(counter, "3月的发票", period=month("2026-03"))


async def test_a_special_invoice(counter: Counter) -> None:
    await counter.bind("paid_up")
    assert "电子普通发票" in await ask(counter, "要专票")


async def test_again(counter: Counter) -> None:
    await issued(counter)
    assert "2026年10月的发票，抬头王大明" in await ask(counter, "发票没收到")
    assert "已发往 a@b.example" in await ask(counter, "重发发票到 a@b.example", email="a@b.example")
    assert counter.invoice_desk.mails == [(counter.invoice_desk.all[0].invoice_no, "a@b.example")]


async def test_again_while_it_is_being_made(counter: Counter) -> None:
    await filled_in(counter)
    await counter.say("确认", "affirm")
    assert "正在开具" in await ask(counter, "发票开好了没")


async def test_again_without_any(counter: Counter) -> None:
    await counter.bind("paid_up")
    assert "还没有开过发票" in await ask(counter, "发票开好了没")
    assert "开发票" in counter.talk.buttons


async def test_another_title(counter: Counter) -> None:
    await issued(counter)
    assert "现在的抬头是王大明" in await ask(counter, "抬头开错了")
    await counter.talk.tap("单位")
    await counter.say(COMPANY, "inform", org=COMPANY)
    said = await counter.say(GOOD, "inform", tax_number=GOOD)
    assert "红冲作废" in said
    assert "红冲重开" in await counter.talk.tap("确认开票")
    assert [each.state for each in counter.invoice_desk.all] == [InvoiceState.CANCELLED, InvoiceState.ISSUING]
    assert titles(counter)[-1] == Title(TitleKind.COMPANY, COMPANY, GOOD)


async def test_another_title_while_it_is_being_made(counter: Counter) -> None:
    await filled_in(counter)
    await counter.say("确认", "affirm")
    assert "还在开具" in await ask(counter, "抬头开错了")


async def test_another_title_without_any(counter: Counter) -> None:
    await counter.bind("paid_up")
    assert "直接开新的就行" in await ask(counter, "抬头开错了")
    assert counter.talk.form == "invoice_form"


async def test_which_of_several_gets_another_title(counter: Counter) -> None:
    await counter.bind("paid_up")
    await ask(counter, "全部开票，个人")
    await counter.say("王大明", "inform", name="王大明")
    await counter.talk.tap("发在聊天里就行")
    await counter.say("确认", "affirm")
    counter.invoice_desk.issue()
    assert "要换哪一张" in await ask(counter, "抬头开错了")
    assert "2026年9月的发票现在的抬头是王大明" in await counter.talk.tap("2026年9月那张")


async def test_replaced_meanwhile(counter: Counter) -> None:
    await issued(counter)
    await ask(counter, "抬头开错了")
    await counter.talk.tap("单位")
    await counter.say(COMPANY, "inform", org=COMPANY)
    await counter.say(GOOD, "inform", tax_number=GOOD)
    old = counter.invoice_desk.all[0]
    await counter.invoice_desk.reissue("FPx", old.invoice_no, Title(TitleKind.PERSON, "李晓华"), None)
    assert "刚刚已经换开过了" in await counter.say("确认", "affirm")


async def test_an_account_that_is_gone(counter: Counter) -> None:
    await counter.bind("paid_up")
    counter.csms.failures = [UnknownAccount(number_of("paid_up"))]
    assert "开不了票" in await ask(counter, "10月的发票", **NEWEST)


async def test_an_account_unbound_meanwhile(counter: Counter) -> None:
    await filled_in(counter)
    await counter.talk.services.accounts.unbind("oCustomer", number_of("paid_up"))
    assert "刚才解绑了" in await counter.say("确认", "affirm")
    assert counter.invoice_desk.all == []


async def test_a_lost_answer_does_not_make_two(counter: Counter) -> None:
    await filled_in(counter)
    counter.invoice_desk.lost_answer = True
    assert "没有回应" in await counter.say("确认", "affirm")
    assert "已提交，共 1 张" in await counter.talk.tap("再试一次")
    assert len(counter.invoice_desk.all) == 1


async def test_the_customer_is_told(counter: Counter) -> None:
    await issued(counter)
    ready = [[counter.invoice_desk.all[0].invoice_no, "2026-10"]]
    said = await counter.say("x", "EXTERNAL_invoice_issued", invoices=[ready], failed=[["2026-09"]])
    assert "您要的 1 张发票开好了" in said
    assert "2026年9月的发票没开成" in said
