"""Which bills are meant, and what the customer sees before saying yes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actions.payments import Wish
from actions.turn import Values
from services.payments import OfferLine
from services.ports import BillStatus
from tests.fakes import bill, number_of
from tests.unit.payments_actions.conftest import Counter, month


async def test_one_bill_is_shown_with_account_month_and_amount(counter: Counter) -> None:
    await counter.bind("ordinary")
    said = await counter.say("交水费")
    assert "滨江区云栖路88号" in said
    assert "502" not in said
    assert "尾号0001" in said
    assert "2026年10月　39.00元" in said
    assert "共 1 笔，合计 39.00元" in said
    assert list(counter.talk.buttons) == ["确认付款", "先不付"]


async def test_all_that_the_account_owes_is_offered_and_can_be_narrowed(counter: Counter) -> None:
    await counter.bind("arrears")
    said = await counter.say("交水费")
    assert counter.months == ["2026-08", "2026-09", "2026-10"]
    assert "共 3 笔，合计 118.36元" in said
    said = await counter.talk.tap("只付最早一笔")
    assert counter.months == ["2026-08"]
    assert "43.21元" in said
    assert "只付最早一笔" not in counter.talk.buttons


async def test_the_month_named_is_the_one_paid(counter: Counter) -> None:
    await counter.bind("arrears")
    await counter.say("9月那笔我付掉", period=month("2026-09"))
    assert counter.months == ["2026-09"]


async def test_several_months_named(counter: Counter) -> None:
    await counter.bind("arrears")
    await counter.say("8月和10月的付一下", period=[month("2026-08"), month("2026-10")])
    assert counter.months == ["2026-08", "2026-10"]


async def test_everything_but_one_month(counter: Counter) -> None:
    await counter.bind("arrears")
    await counter.say("除了8月那笔都付掉", "pay_all_merged", period=month("2026-08", excluded=True))
    assert counter.months == ["2026-09", "2026-10"]


@pytest.mark.parametrize("text", ["除了最近那笔都付掉", "最后一笔先不付，别的付了", "除开最新的那期"])
async def test_everything_but_the_newest(counter: Counter, text: str) -> None:
    await counter.bind("arrears")
    await counter.say(text, "pay_all_merged")
    assert counter.months == ["2026-08", "2026-09"]


async def test_this_bill_is_the_newest_whatever_its_month(counter: Counter) -> None:
    await counter.bind("arrears")
    said = await counter.say("把这期水费交了", period={**month("2026-11"), "text": "这期"})
    assert counter.months == ["2026-10"]
    assert "没有要付" not in said


async def test_leaving_out_the_only_bill_orders_nothing(counter: Counter) -> None:
    await counter.bind("ordinary")
    said = await counter.say("除了最近那笔都付掉", "pay_all_merged")
    assert "只有这一笔" in said
    assert counter.talk.form is None


async def test_a_month_already_paid_is_said_and_the_rest_offered(counter: Counter) -> None:
    await counter.bind("ordinary")
    said = await counter.say("付8月的", period=month("2026-08"))
    assert "2026年8月没有要付的水费" in said
    assert counter.months == ["2026-10"]


async def test_nothing_to_pay(counter: Counter) -> None:
    await counter.bind("paid_up")
    said = await counter.say("交水费")
    assert "都缴清了" in said
    assert counter.talk.form is None
    assert await counter.say("都付了", "pay_all_merged") == said


async def test_a_disputed_bill_is_left_out_and_named(counter: Counter) -> None:
    await counter.bind("disputed")
    number = number_of("disputed")
    counter.csms.all_bills[f"B202609{number}"] = bill(number, "2026-09")
    said = await counter.say("交水费")
    assert "2026年10月的账单有争议" in said
    assert counter.months == ["2026-09"]


async def test_only_a_disputed_bill_is_left(counter: Counter) -> None:
    await counter.bind("disputed")
    said = await counter.say("交水费")
    assert "有争议" in said
    assert "不用付" in said
    assert counter.talk.form is None


async def test_of_a_partly_paid_bill_the_rest_is_paid(counter: Counter) -> None:
    await counter.bind("partly_paid")
    said = await counter.say("交水费")
    assert "24.00元（已付一部分，这是余下的）" in said
    assert "合计 24.00元" in said


async def test_all_accounts_are_paid_together_with_their_names(counter: Counter) -> None:
    await counter.bind("ordinary", "neighbour_a", neighbour_a="爸妈家")
    said = await counter.say("都付了", "pay_all_merged")
    assert counter.chosen == [("01", "2026-10"), ("03", "2026-10")]
    assert "爸妈家\n　2026年10月　39.00元" in said
    assert "合计 78.00元" in said


async def test_one_account_is_paid_and_the_others_are_a_tap_away(counter: Counter) -> None:
    await counter.bind("ordinary", "neighbour_a")
    await counter.say("交水费")
    assert counter.chosen == [("01", "2026-10")]
    await counter.talk.tap("所有户号一起付")
    assert counter.chosen == [("01", "2026-10"), ("03", "2026-10")]


@pytest.mark.parametrize(
    ("text", "intent", "accounts"),
    [
        ("爸妈家的水费我来交", "pay_bill", ["03"]),
        ("爸妈家的全付了", "pay_all_merged", ["03"]),
        ("爸妈家的也一起付", "pay_all_merged", ["01", "03"]),
        ("连爸妈家的一并交掉", "pay_bill", ["01", "03"]),
        ("爸妈家和店里的都付了", "pay_all_merged", ["03", "16"]),
        ("所有户号的都交一下", "pay_bill", ["01", "03", "16"]),
        ("我名下的全结清", "pay_bill", ["01", "03", "16"]),
    ],
)
async def test_accounts_are_meant_by_their_names(counter: Counter, text: str, intent: str, accounts: list[str]) -> None:
    await counter.bind("ordinary", "neighbour_a", "commercial", neighbour_a="爸妈家", commercial="店里")
    await counter.say(text, intent)
    assert sorted({tail for tail, _ in counter.chosen}) == accounts


async def test_an_account_is_meant_by_its_number(counter: Counter) -> None:
    await counter.bind("ordinary", "neighbour_a")
    await counter.say("给1000000003交费", account_no=number_of("neighbour_a"))
    assert counter.chosen == [("03", "2026-10")]


async def test_another_persons_account_is_refused(counter: Counter) -> None:
    await counter.bind("ordinary")
    said = await counter.say("给1000000002交费", account_no=number_of("arrears"))
    assert "没有绑定在您的微信上" in said
    assert counter.talk.form is None


async def test_an_amount_chooses_the_bill_that_it_fits(counter: Counter) -> None:
    await counter.bind("arrears")
    await counter.say("36块1毛5那笔付掉", amount=3615)
    assert counter.months == ["2026-09"]


async def test_an_amount_that_fits_nothing_is_told(counter: Counter) -> None:
    await counter.bind("arrears")
    said = await counter.say("先付100块", amount=10000)
    assert "100.00元" in said
    assert "整笔付" in said
    assert counter.months == ["2026-08", "2026-09", "2026-10"]


async def test_the_sum_of_all_is_all(counter: Counter) -> None:
    await counter.bind("arrears")
    said = await counter.say("118块3毛6全付了", "pay_all_merged", amount=11836)
    assert "整笔" not in said
    assert len(counter.months) == 3


async def test_more_than_one_order_holds_are_paid_oldest_first(counter: Counter) -> None:
    await counter.bind("ordinary")
    number = number_of("ordinary")
    for year in (2023, 2024, 2025):
        for month_no in range(1, 11):
            one = bill(number, f"{year}-{month_no:02d}")
            counter.csms.all_bills[one.bill_no] = one
    said = await counter.say("全部付清", "pay_all_merged")
    assert "一共有 31 笔，一次最多付 24 笔" in said
    assert len(counter.months) == 24
    assert counter.months[0] == "2023-01"


async def test_a_void_bill_is_no_bill(counter: Counter) -> None:
    await counter.bind("ordinary")
    number = number_of("ordinary")
    counter.csms.all_bills[f"B202610{number}"] = replace(bill(number), status=BillStatus.VOID)
    assert "都缴清了" in await counter.say("交水费")


async def test_without_an_account_binding_comes_first_and_the_payment_after(counter: Counter) -> None:
    said = await counter.say("我要交水费")
    assert "先绑定" in said
    assert counter.talk.slots["pending_task"] == "action_pay_bill"
    assert counter.talk.form == "bind_form"


LINES = tuple(OfferLine("1", f"B{number}", f"2026-0{number}", number * 1000, BillStatus.UNPAID) for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("wish", "picked"),
    [
        (Wish(), "123"), (Wish(ordinal=1), "1"), (Wish(ordinal=3), "3"), (Wish(ordinal=-1), "3"), (Wish(ordinal=-3), "1"),
        (Wish(ordinal=4), "123"), (Wish(ordinal=-4), "123"), (Wish(amount_fen=2000), "2"), (Wish(amount_fen=6000), "123"),
        (Wish(amount_fen=1), "123"), (Wish(left_out=-1), "12"), (Wish(left_out=1), "23"), (Wish(left_out=7), "123"),
    ],
)
def test_lines_are_picked_by_place_or_amount(wish: Wish, picked: str) -> None:
    assert "".join(line.bill_no[1:] for line in wish.pick(LINES)) == picked


@pytest.mark.parametrize("text", ["8月的先不付", "8月份那笔不交了", "8月不要缴", "别付8月的"])
def test_a_month_not_to_be_paid_is_left_out(text: str) -> None:
    wish = Wish.of(Values([{"entity": "period", "value": month("2026-08")}]), text)
    assert (wish.included, wish.excluded) == ((), (("2026-08", "2026-08"),))


@pytest.mark.parametrize("text", ["要不付8月的吧", "只付8月的", "8月的付了"])
def test_a_month_to_be_paid_is_not(text: str) -> None:
    wish = Wish.of(Values([{"entity": "period", "value": month("2026-08")}]), text)
    assert (wish.included, wish.excluded) == ((("2026-08", "2026-08"),), ())
