"""Billing answers as the customer reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from actions import figures, runtime
from actions.billing import (
    ActionArrears,
    ActionBillCurrent,
    ActionBillExplain,
    ActionBillHistory,
    ActionPayHistory,
    ActionPriceQuery,
    ActionTierUsage,
    kind_of_use,
    people_in,
)
from runxia.bootstrap import Services
from runxia.clock import SHANGHAI, FixedClock
from runxia.utility import load_utility
from services.accounts import BoundAccount
from services.billing import Billing
from services.billing.months import shift
from services.errors import NotBound
from services.payments import OrderLine, OrderState, OrderView
from services.ports import Bill, BillLine
from tests.fakes import FakeCsms, bill, number_of, paid, sample_csms
from tests.unit.answering import answer

WECHAT_TEXT_BYTES = 2048
NOW = datetime(2026, 11, 2, 9, tzinfo=SHANGHAI)


def bound(role: str, alias: str | None = None) -> BoundAccount:
    return BoundAccount(number_of(role), alias, "林*满", "滨江区云栖路88号*栋***室", is_default=False)


@dataclass
class HeldAccounts:
    """The part of ``Accounts`` that tasks ask: what is bound, and who may see it."""

    held: list[BoundAccount]
    verified: bool = True

    async def bindings(self, openid: str) -> list[BoundAccount]:
        return self.held

    async def pick(self, openid: str, account_nos: Sequence[str], text: str = "", focus: str | None = None) -> BoundAccount:
        wanted = [*account_nos, *([focus] if focus and not account_nos else [])]
        if not wanted:
            return self.held[0]
        found = [each for each in self.held if each.account_no == wanted[0]]
        if not found:
            raise NotBound
        return found[0]

    async def is_verified(self, openid: str, account_no: str) -> bool:
        return self.verified


@dataclass
class BegunOrders:
    """The part of ``Payments`` that tells of orders."""

    orders: tuple[OrderView, ...] = ()

    async def recent(self, openid: str, limit: int = 3) -> tuple[OrderView, ...]:
        return self.orders


class World:
    """The services around an action; the first account bound is the one in question."""

    def __init__(self, *held: BoundAccount, csms: FakeCsms | None = None) -> None:
        self.csms = csms or sample_csms()
        self.accounts = HeldAccounts(list(held))
        self.payments = BegunOrders()
        utility, clock = load_utility(Path(__file__).parents[2] / "utility.yml"), FixedClock(NOW)
        runtime.use(cast("Services", SimpleNamespace(
            accounts=self.accounts, billing=Billing(self.csms, clock, utility), clock=clock, utility=utility,
            payments=self.payments,
        )))


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    runtime.use(None)


def period(first: str, last: str, **more: Any) -> tuple[str, Any]:
    return "period", {"from": first, "to": last, "text": "那时", **more}


async def test_the_newest_bill_with_its_lines() -> None:
    World(bound("ordinary", "我家"))
    said = await answer(ActionBillCurrent())
    assert said.text.startswith("我家\n2026年10月账单\n\n用水 12吨（9月25日至10月25日，30天）\n水表读数 300 → 312\n")
    assert "\n水费 25.20元（12吨 × 2.10元）\n" in said.text
    assert "合计 39.00元\n待缴 39.00元，最晚11月15日缴。" in said.text
    assert list(said.buttons) == ["缴这期", "为什么是这个数", "历史账单"]
    assert said.buttons["缴这期"] == (
        '/pay_bill{"account_no": "1000000001", "period": {"from": "2026-10-01", "to": "2026-10-01", "text": "2026年10月"}}'
    )


async def test_water_in_two_tiers_is_shown_tier_by_tier() -> None:
    lines = (
        BillLine("water", 2100, 1, Decimal(10), Decimal("2.10")), BillLine("water", 630, 2, Decimal(2), Decimal("3.15")),
        BillLine("late_fee", 35), BillLine("discount", -100),
    )
    text = figures.bill_lines(replace(bill(), lines=lines))
    assert "水费 27.30元\n· 一档 10吨 × 2.10元，21.00元\n· 二档 2吨 × 3.15元，6.30元\n滞纳金 0.35元\n减免 -1.00元" in text


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("paid_up", "已经缴清了"), ("partly_paid", "已经缴了 15.00元，还差 24.00元"), ("disputed", "有争议.*先不用缴"),
        ("estimated", "估抄.*多退少补"), ("stopped", "停用"), ("credit", "余额 50.00元"),
        ("arrears", r"还有2期没缴，共 79\.36元"), ("no_bills", "还没有出过账单"), ("closed", "已经销户"),
    ],
)
async def test_every_standing_is_told(role: str, expected: str) -> None:
    World(bound(role))
    said = await answer(ActionBillCurrent())
    assert re.search(expected, said.text)


async def test_a_disputed_or_paid_bill_offers_no_payment() -> None:
    for role in ("disputed", "paid_up"):
        World(bound(role))
        assert "缴这期" not in (await answer(ActionBillCurrent())).buttons


async def test_an_overdue_bill_says_so() -> None:
    csms = sample_csms()
    late = replace(csms.all_bills[f"B202610{number_of('ordinary')}"], due_on=date(2026, 11, 1))
    csms.all_bills[late.bill_no] = late
    World(bound("ordinary"), csms=csms)
    assert "11月1日已经过了" in (await answer(ActionBillCurrent())).text


async def test_the_bill_of_the_month_named() -> None:
    World(bound("ordinary"))
    said = await answer(ActionBillCurrent(), entities=[period("2026-09-01", "2026-09-30")])
    assert "2026年9月账单" in said.text
    assert said.slot("last_task") == "action_bill_current"


async def test_a_month_without_a_bill() -> None:
    World(bound("ordinary"))
    said = await answer(ActionBillCurrent(), entities=[period("2026-02-01", "2026-02-28")])
    assert "2026年2月没有账单" in said.text
    assert "最近一期" in said.buttons


async def test_a_month_not_billed_yet_shows_the_newest() -> None:
    World(bound("ordinary"))
    said = await answer(ActionBillCurrent(), entities=[period("2026-11-01", "2026-11-30")])
    assert said.text.startswith("2026年11月的账单还没有出")
    assert "2026年10月账单" in said.text


@pytest.mark.parametrize(
    ("word", "shown"),
    [("这期", "2026年10月账单"), ("本期", "2026年10月账单"), ("上期", "2026年9月账单"), ("上上期", "2026年8月账单"),
     ("上一次", "2026年9月账单"), ("上上上期", "2026年10月账单")],
)
async def test_the_last_bill_but_one_is_reckoned_in_bills(word: str, shown: str) -> None:
    World(bound("ordinary"))
    this_month = period("2026-11-01", "2026-11-30", text=word)
    said = await answer(ActionBillCurrent(), entities=[this_month])
    assert shown in said.text
    assert "还没有出" not in said.text


SHOWN = {"last_task": "action_bill_current", "last_entities": []}
OCTOBER = {"entity": "period", "value": {"from": "2026-10-01", "to": "2026-10-31", "text": "上个月"}}


@pytest.mark.parametrize(
    ("text", "slots", "shown"),
    [
        ("那上个月呢", SHOWN, "2026年9月账单"), ("不对，是上个月的", SHOWN, "2026年9月账单"),
        ("上个月水费多少", SHOWN, "2026年10月账单"), ("那上个月呢", {}, "2026年10月账单"),
        ("那上个月呢", {**SHOWN, "last_entities": [OCTOBER]}, "2026年10月账单"),
    ],
)
async def test_the_month_before_the_bill_just_shown(text: str, slots: dict[str, Any], shown: str) -> None:
    World(bound("ordinary"))
    said = await answer(
        ActionBillCurrent(), text, entities=[period("2026-10-01", "2026-10-31", text="上个月")], slots=slots,
    )
    assert shown in said.text


async def test_a_new_account_asked_for_this_month_has_just_no_bill() -> None:
    World(bound("no_bills"))
    this_month = period("2026-11-01", "2026-11-30", text="这个月")
    for task in (ActionBillCurrent(), ActionBillExplain()):
        said = await answer(task, entities=[this_month])
        assert "还没有出过账单" in said.text
        assert "先给您看最近一期" not in said.text


async def test_a_month_not_billed_yet_explains_the_newest() -> None:
    World(bound("leak"), csms=leaking())
    said = await answer(ActionBillExplain(), entities=[period("2026-11-01", "2026-11-30", text="这个月")])
    assert said.text.startswith("2026年11月的账单还没有出")
    assert "2026年10月账单 189.70元" in said.text


async def test_what_is_excepted_is_not_asked_for() -> None:
    World(bound("ordinary"))
    said = await answer(ActionBillCurrent(), entities=[period("2026-09-01", "2026-09-30", exclude=True)])
    assert "2026年10月账单" in said.text


async def test_other_accounts_are_offered_by_name() -> None:
    World(bound("ordinary", "我家"), bound("neighbour_a", "爸妈家"), bound("neighbour_b"))
    said = await answer(ActionBillCurrent())
    assert said.buttons["看爸妈家"] == '/inform{"account_no": "1000000003"}'
    assert "看尾号0004" in said.buttons


async def test_somebody_elses_account_is_refused() -> None:
    world = World(bound("ordinary"))
    said = await answer(ActionBillCurrent(), entities=[("account_no", number_of("arrears"))])
    assert "没有绑定" in said.text
    assert not any(name == "bills" for name, _ in world.csms.calls)


async def test_nothing_is_shown_before_the_customer_is_verified() -> None:
    world = World(bound("ordinary"))
    world.accounts.verified = False
    for task in (ActionBillCurrent(), ActionBillHistory(), ActionBillExplain(), ActionTierUsage(), ActionPayHistory()):
        said = await answer(task)
        assert said.text == ""
        assert said.slot("pending_task") == task.name()
    assert world.csms.calls == []


async def test_csms_down_is_told_and_the_task_kept() -> None:
    world = World(bound("ordinary"))
    world.csms.down = True
    said = await answer(ActionBillCurrent(), entities=[period("2026-09-01", "2026-09-30")])
    assert "没有回应" in said.text
    assert said.slot("pending_task") == "action_bill_current"
    assert said.slot("pending_entities")[0]["value"]["from"] == "2026-09-01"


async def test_an_account_that_csms_has_forgotten() -> None:
    world = World(bound("ordinary"))
    world.csms.accounts.clear()
    assert "查不到了" in (await answer(ActionBillCurrent())).text


async def test_history_with_its_sum() -> None:
    World(bound("ordinary", "我家"))
    said = await answer(ActionBillHistory())
    assert said.text.startswith("我家\n2026年8至10月，共3期账单\n\n2026年10月　12吨　39.00元　未缴\n2026年9月")
    assert "合计 36吨，117.00元，平均每期 39.00元" in said.text


async def test_a_long_history_is_cut_and_says_so() -> None:
    number = number_of("ordinary")
    csms = sample_csms()
    csms.all_bills = {one.bill_no: one for one in (paid(bill(number, shift("2026-10", -back))) for back in range(30))}
    World(bound("ordinary"), csms=csms)
    said = await answer(ActionBillHistory(), entities=[period("2024-01-01", "2026-10-31")])
    assert "共30期" in said.text
    assert "只列了最近12期" in said.text
    assert said.text.count("已缴") == 12
    assert len(said.text.encode()) < WECHAT_TEXT_BYTES


def leaking() -> FakeCsms:
    number = number_of("leak")
    csms = sample_csms()
    usual = [bill(number, shift("2026-10", -back), volume="12") for back in range(1, 14)]
    newest = bill(number, "2026-10", volume="58", late_fee_fen=120)
    csms.all_bills = {one.bill_no: one for one in (newest, *map(paid, usual))}
    return csms


async def test_an_explanation_in_figures_that_add_up() -> None:
    World(bound("leak", "我家"), csms=leaking())
    said = await answer(ActionBillExplain())
    assert "2026年10月账单 189.70元，30天用水 58吨" in said.text
    assert "比上期（2026年9月，39.00元）多 150.70元" in said.text
    assert "· 每天用水 0.39吨 → 1.93吨：多 150.76元\n· 两次抄表隔得更短（31天 → 30天）：少 1.26元\n" in said.text
    assert "\n· 滞纳金：多 1.20元\n" in said.text
    assert "比去年同期（2025年10月，39.00元）多 150.70元" in said.text
    assert "平均每天用 1.93吨，平常是 0.39吨" in said.text
    assert "红色指针" in said.text
    assert "报修" in said.buttons
    assert len(said.text.encode()) < WECHAT_TEXT_BYTES


async def test_the_bill_just_shown_is_the_one_explained() -> None:
    World(bound("leak"), csms=leaking())
    shown = {"last_task": "action_bill_current", "last_entities": [
        {"entity": "period", "value": {"from": "2026-08-01", "to": "2026-08-31"}},
    ]}
    assert "2026年8月账单" in (await answer(ActionBillExplain(), slots=shown)).text
    elsewhere = {**shown, "last_task": "action_pay_history"}
    assert "2026年10月账单" in (await answer(ActionBillExplain(), slots=elsewhere)).text


async def test_nothing_to_explain() -> None:
    World(bound("no_bills"))
    assert "还没有出过账单" in (await answer(ActionBillExplain())).text
    assert "没有账单" in (await answer(ActionBillExplain(), entities=[period("2025-01-01", "2025-01-31")])).text


async def test_arrears_of_all_accounts_in_totals() -> None:
    World(bound("arrears", "我家"), bound("paid_up", "爸妈家"), bound("disputed", "店里"))
    said = await answer(ActionArrears())
    assert "一共有3期没缴，合计 118.36元" in said.text
    assert "· 我家：3期没缴，118.36元（2期已过期，含滞纳金 1.36元）" in said.text
    assert "· 爸妈家：没有欠费" in said.text
    assert "· 店里：没有欠费；另有1期在核实，先不用缴" in said.text
    assert said.buttons["一起缴清"] == "/pay_all_merged"


async def test_arrears_of_the_account_named_only() -> None:
    World(bound("arrears", "我家"), bound("paid_up", "爸妈家"))
    said = await answer(ActionArrears(), "爸妈家欠不欠")
    assert "我家" not in said.text
    assert "没有欠费" in said.text


async def test_tiers_used_and_left() -> None:
    World(bound("ordinary", "我家"))
    said = await answer(ActionTierUsage())
    assert "一档（水费 2.10元/吨）：180吨已用完\n二档（水费 3.15元/吨）：已用 25吨，还剩 95吨\n" in said.text
    assert "三档（水费 6.30元/吨）：还没用到" in said.text
    assert "现在按二档计价，再用 95吨 就进下一档。1月1日重新从一档算起。" in said.text


async def test_no_tiers() -> None:
    World(bound("commercial"))
    assert "不分阶梯" in (await answer(ActionTierUsage())).text


async def test_what_was_paid() -> None:
    world = World(bound("ordinary", "我家"))
    world.csms.pay_elsewhere(f"B202610{number_of('ordinary')}")
    said = await answer(ActionPayHistory())
    assert "缴费1笔，共 39.00元\n\n2026年11月1日　39.00元　营业厅（2026年10月账单）" in said.text


async def test_nothing_paid_in_the_month_named_leads_to_its_bill() -> None:
    World(bound("ordinary"))
    said = await answer(ActionPayHistory(), entities=[period("2026-09-01", "2026-09-30")])
    assert "2026年9月没有缴费记录" in said.text
    assert said.buttons["看那时的账单"].startswith('/bill_current{"account_no": "1000000001", "period": [{"from": "2026-09-01"')


async def test_a_payment_under_way_is_told() -> None:
    world = World(bound("ordinary"))
    number = number_of("ordinary")
    line = OrderLine(account_no=number, bill_no="B1", period="2026-10", amount_fen=3900, applied_fen=None)
    order = OrderView("T1", OrderState.PREPAID, 3900, (line,), NOW.replace(hour=8, minute=55), NOW, None, 0, 0)
    world.payments.orders = (order, replace(order, state=OrderState.PAID), replace(order, state=OrderState.SETTLED))
    said = await answer(ActionPayHistory())
    assert "没有缴费记录" in said.text
    assert "您08:55在这里下的一笔 39.00元" in said.text
    assert "您08:55付的 39.00元 已经收到" in said.text
    world.payments.orders = (replace(order, created_at=NOW.replace(day=1, hour=8)),)
    assert "在这里下的" not in (await answer(ActionPayHistory())).text


async def test_prices_of_a_household() -> None:
    World()
    said = await answer(ActionPriceQuery(), "水价多少")
    assert "居民生活用水（4口及以下）" in said.text
    assert "一档（全年0至180吨）　3.25元/吨，其中水费 2.10元" in said.text
    assert "三档（全年超过300吨的部分）　7.45元/吨" in said.text
    assert len(said.text.encode()) < WECHAT_TEXT_BYTES


async def test_prices_of_a_large_household_and_of_a_shop() -> None:
    World()
    assert "（6口之家）" in (await answer(ActionPriceQuery(), "我家六口人怎么算")).text
    shop = await answer(ActionPriceQuery(), "我开个饭店水费多少一吨")
    assert "非居民用水\n\n每吨 4.90元" in shop.text


@pytest.mark.parametrize(
    ("text", "kind", "people"),
    [
        ("水价", "residential", None), ("洗车店的水价", "special", None), ("公司用水", "commercial", None),
        ("家里5个人", "residential", 5), ("我们七口人住", "residential", 7), ("找人工", "residential", None),
    ],
)
def test_what_a_price_question_names(text: str, kind: str, people: int | None) -> None:
    assert (kind_of_use(text), people_in(text)) == (kind, people)


def test_months_read_naturally() -> None:
    assert figures.months("2026-07", "2026-08") == "2026年7至8月"
    assert figures.months("2025-12", "2026-02") == "2025年12月至2026年2月"


def test_figures_are_rounded_for_reading() -> None:
    assert figures.tons(Decimal("12.50")) == "12.5吨"
    assert figures.tons(Decimal(120)) == "120吨"
    assert figures.daily(Decimal("0.385")) == "0.39吨"
    assert figures.average(1001, 2) == "5.01元"


def longest_bill() -> Bill:
    lines = tuple(BillLine("water", 999999, tier, Decimal("999.9"), Decimal("6.30")) for tier in (1, 2, 3))
    return replace(bill(late_fee_fen=99999), lines=lines)


def test_the_longest_bill_fits_into_one_message() -> None:
    assert len(figures.bill_lines(longest_bill()).encode()) < WECHAT_TEXT_BYTES / 2
