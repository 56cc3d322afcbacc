"""Bills, arrears, use by tier, prices and payments of an account, and why a bill is what it is."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast

from rasa_sdk.events import EventType

from actions import figures
from actions.flow import Need, Task, payload
from actions.turn import Period, Turn, Values
from runxia.clock import today
from runxia.money import yuan
from services.accounts import BoundAccount, named_in
from services.billing import Comparison, Explanation, History
from services.billing.months import first_month, shift
from services.errors import UnknownAccount
from services.payments import OrderState, OrderView
from services.ports import Account, AccountState, Bill, BillStatus

LISTED = 12  # bills or payments in one answer: about 800 of WeChat's 2048 bytes
DEFAULT_MONTHS = 12
JUST_NOW = timedelta(days=1)  # an order this young may be what the customer asks about: "我付了怎么没到账"
ORDER_NOTES = {OrderState.PREPAID: "utter_order_waiting", OrderState.PAID: "utter_order_paid"}
OTHER_ACCOUNTS_OFFERED = 2
BILL_VIEWS = ("action_bill_current", "action_bill_history", "action_bill_explain")
KIND_WORDS = {
    "special": ("特种", "特殊行业", "洗车", "洗浴", "澡堂", "桑拿", "高尔夫"),
    "commercial": ("商", "店", "公司", "企业", "单位", "工厂", "厂里", "非居民", "工业", "办公", "写字楼", "饭馆", "餐馆"),
}
KIND_NAMES = {"residential": "居民生活用水", "commercial": "非居民用水", "special": "特种用水"}
DIGITS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}
BY_BILL = re.compile(r"(?P<back>上*)[这本当一]*[期次回]")  # 这期, 上期, 上上次: reckoned in bills, not in calendar months
LAST_MONTH = re.compile(r"上一?个?月份?")
SUBJECT = re.compile(r"[水费账帐单]")  # "上个月水费多少" is a question of its own, "那上个月呢" goes on from a bill
PEOPLE = re.compile(r"(\d{1,2}|[一二两三四五六七八九十])\s*[口个]?\s*人")
NEVER_BILLED = {AccountState.CLOSED: "utter_no_bills_closed"}
STATE_NOTES = {AccountState.CLOSED: "utter_account_closed", AccountState.STOPPED: "utter_account_stopped"}


@dataclass(frozen=True, slots=True)
class Months:
    """The billing months asked for, both included."""

    first: str
    last: str

    @classmethod
    def of(cls, periods: Sequence[Period]) -> Months | None:
        """From the earliest to the latest month named; what was excepted is not asked for."""
        named = [period for period in periods if not period.excluded]
        if not named:
            return None
        return cls(min(each.first_month for each in named), max(each.last_month for each in named))

    @classmethod
    def recent(cls, now: date) -> Months:
        """The last twelve, up to this one."""
        this = now.strftime("%Y-%m")
        return cls(shift(this, 1 - DEFAULT_MONTHS), this)

    def reach(self, now: date) -> bool:
        """Whether they go on to this month, whose bill may not be out yet."""
        return self.last >= now.strftime("%Y-%m")

    def __str__(self) -> str:
        return figures.months(self.first, self.last)


def command(intent: str, account_no: str, bill: Bill | None = None) -> str:
    """What a button says for the customer: an intent about one account, and about one bill's month."""
    if bill is None:
        return payload(intent, account_no=account_no)
    first = f"{bill.period}-01"
    return payload(intent, account_no=account_no, period={"from": first, "to": first, "text": figures.month(bill.period)})


class AccountTask(Task):
    """A question about one bound account; its owner must have proved who they are."""

    need = Need.VERIFIED
    follows_up = True

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Answer, or say that the billing system no longer knows the account."""
        bound = cast("BoundAccount", account)  # by ``need``
        try:
            await self.answer(turn, bound)
        except UnknownAccount:
            turn.say("utter_billing_account_gone", account=bound.label, hotline=turn.services.utility.hotline.phone)
        return []

    @abstractmethod
    async def answer(self, turn: Turn, account: BoundAccount) -> None:
        """Ask the service and say what it found."""


class ActionBillCurrent(AccountTask):
    """The newest bill, or the one of the month named."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_bill_current"

    async def answer(self, turn: Turn, account: BoundAccount) -> None:
        """See :class:`AccountTask`."""
        months = await _before_shown(turn, account, await _asked(turn, account, turn.values))
        if months is not None:
            await _show_months(turn, account, months)
            return
        await _show_newest(turn, account)


class ActionBillHistory(AccountTask):
    """The bills of the months named, else of the last twelve."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_bill_history"

    async def answer(self, turn: Turn, account: BoundAccount) -> None:
        """See :class:`AccountTask`."""
        asked = await _asked(turn, account, turn.values)
        await _show_months(turn, account, asked or Months.recent(today(turn.services.clock)))


class ActionBillExplain(AccountTask):
    """Why a bill is what it is: the one of the month named, else the one just shown, else the newest."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_bill_explain"

    async def answer(self, turn: Turn, account: BoundAccount) -> None:
        """See :class:`AccountTask`."""
        billing, number = turn.services.billing, account.account_no
        months = await _asked(turn, account, self._meant(turn))
        explanation = await billing.explain(number, (months.first, months.last) if months else None)
        if explanation is None and months is not None and months.reach(today(turn.services.clock)):
            explanation = await billing.explain(number)
            if explanation is not None:
                turn.say("utter_bill_not_issued", span=str(months))
        if explanation is not None:
            _explain(turn, account, explanation)
        elif months is not None and not months.reach(today(turn.services.clock)):
            _say_no_bill(turn, account, months)
        else:
            turn.say("utter_no_bills", account=account.label)

    @staticmethod
    def _meant(turn: Turn) -> Values:
        """What was said, else what was said for the bill just shown."""
        if turn.values.periods or turn.slot("last_task") not in BILL_VIEWS:
            return turn.values
        return Values(turn.slot("last_entities") or [])


class ActionTierUsage(AccountTask):
    """Use of this year's tiers, and what is left."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_tier_usage"

    async def answer(self, turn: Turn, account: BoundAccount) -> None:
        """See :class:`AccountTask`."""
        usage = await turn.services.billing.tier_usage(account.account_no)
        if usage is None or not usage.tiers:
            turn.say("utter_no_tiers", account=account.label, buttons=[("水价", "/price_query")])
            return
        now = figures.tier_now(usage)
        turn.say(
            "utter_tier_usage", account=account.label, year=usage.year, as_of=figures.day(usage.as_of),
            total=figures.tons(usage.total), lines=figures.tier_lines(usage),
        )
        turn.say(
            "utter_tier_last" if now.limit is None else "utter_tier_left",
            tier=figures.TIER_NAMES[now.tier], left=figures.tons((now.limit or now.used) - now.used),
            restart=_month_day(turn.services.utility.tariff.year_starts),
            buttons=[("水价", "/price_query"), *await _others(turn, account)],
        )


class ActionPayHistory(AccountTask):
    """What was paid, when and how: in the months named, else in the last twelve."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_pay_history"

    async def answer(self, turn: Turn, account: BoundAccount) -> None:
        """See :class:`AccountTask`."""
        periods = [period for period in turn.values.periods if not period.excluded and not BY_BILL.fullmatch(period.text)]
        recent = Months.recent(today(turn.services.clock))
        since = min((each.start for each in periods), default=date.fromisoformat(f"{recent.first}-01"))
        until = max((each.end for each in periods), default=today(turn.services.clock))
        payments = await turn.services.billing.payments(account.account_no, since, until)
        span = figures.months(since.strftime("%Y-%m"), until.strftime("%Y-%m"))
        if not payments:
            turn.say("utter_no_payments", account=account.label, span=span, buttons=_bills_then(account, periods))
        else:
            turn.say(
                "utter_pay_history", account=account.label, span=span, lines=figures.payment_lines(payments[:LISTED]),
                count=len(payments), total=yuan(sum(payment.amount_fen for payment in payments)),
            )
        if len(payments) > LISTED:
            turn.say("utter_more_payments", shown=LISTED)
        for order in await self._orders_under_way(turn, account):
            turn.say(ORDER_NOTES[order.state], amount=yuan(order.amount_fen), at=f"{order.created_at:%H:%M}")
        hotline = turn.services.utility.hotline.phone
        turn.say("utter_pay_history_next", hotline=hotline, buttons=await _others(turn, account))

    @staticmethod
    async def _orders_under_way(turn: Turn, account: BoundAccount) -> list[OrderView]:
        """Payments begun here lately that the billing system does not have yet."""
        since = turn.services.clock.now() - JUST_NOW
        return [
            order for order in await turn.services.payments.recent(turn.openid)
            if order.state in ORDER_NOTES and order.created_at > since
            and any(line.account_no == account.account_no for line in order.lines)
        ]


class ActionArrears(Task):
    """What is owed, in totals: for the accounts named, else for all that are bound."""

    need = Need.ACCOUNT

    def name(self) -> str:
        """The name in the domain."""
        return "action_arrears"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Ask for all at once: a total of some would mislead."""
        bound = await turn.services.accounts.bindings(turn.openid)
        asked = [each for each in bound if each.account_no in turn.values.account_nos or named_in(turn.text, [each])] or bound
        found = await turn.services.billing.arrears([each.account_no for each in asked])
        labels = {each.account_no: each.label for each in asked}
        lines = "\n".join(figures.arrears_line(labels[each.account_no], each) for each in found)
        owed = sum(each.owed_fen for each in found)
        count = sum(len(each.bills) for each in found)
        if not owed:
            turn.say("utter_no_arrears", lines=lines, buttons=[("最近账单", "/bill_current")])
            return []
        pay = ("一起缴清", "/pay_all_merged") if count > 1 else ("去缴费", "/pay_bill")
        turn.say("utter_arrears", total=yuan(owed), count=count, lines=lines, buttons=[pay, ("看每期账单", "/bill_history")])
        return []


class ActionPriceQuery(Task):
    """Prices in force, for the kind of use and size of household named."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_price_query"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Say the prices; a household's with its tiers."""
        billing, tariff = turn.services.billing, turn.services.utility.tariff
        prices = billing.price(kind_of_use(turn.text), people_in(turn.text))
        since = f"{tariff.effective_from.year}年{figures.day(tariff.effective_from)}"
        facts: Mapping[str, Any] = {"lines": figures.price_lines(prices), "since": since, "source": prices.source}
        if prices.people is None:
            turn.say("utter_price_flat", kind=KIND_NAMES[prices.kind], **facts)
            return []
        step = prices.steps[0]
        turn.say(
            "utter_price_tiers", kind=KIND_NAMES[prices.kind],
            household=figures.household(prices.people, tariff.residential.people_included),
            sewage=figures.price(step.sewage), resource_fee=figures.price(step.resource_fee),
            included=tariff.residential.people_included, extra=tariff.residential.extra_volume_per_person,
            restart=_month_day(tariff.year_starts), commercial=figures.price(billing.price("commercial").steps[0].all_in),
            special=figures.price(billing.price("special").steps[0].all_in),
            buttons=[("我家用到几档了", "/tier_usage")], **facts,
        )
        return []


def kind_of_use(text: str) -> str:
    """The kind of use that a message names; a household's where it names none."""
    return next((kind for kind, words in KIND_WORDS.items() if any(word in text for word in words)), "residential")


def people_in(text: str) -> int | None:
    """How many people a message says live there: ``我家6口人`` → 6."""
    found = PEOPLE.search(text)
    if found is None:
        return None
    return DIGITS.get(found.group(1)) or int(found.group(1))


async def _asked(turn: Turn, account: BoundAccount, said: Values) -> Months | None:
    """The months named; none for the newest bill, be it named (这期) or not."""
    by_bill = next((found for period in said.periods if (found := BY_BILL.fullmatch(period.text))), None)
    if by_bill is None:
        return Months.of(said.periods)
    return await _bills_back(turn, account, len(by_bill["back"])) if by_bill["back"] else None


async def _before_shown(turn: Turn, account: BoundAccount, months: Months | None) -> Months | None:
    """The bill before the newest, where that was just shown and the customer goes on with "那上个月呢"."""
    goes_on = turn.slot("last_task") in BILL_VIEWS and not SUBJECT.search(turn.text)
    if months is None or not goes_on or not any(LAST_MONTH.fullmatch(each.text) for each in turn.values.periods):
        return months
    if await _bills_back(turn, account, 0) != months or Values(turn.slot("last_entities") or []).periods:
        return months
    return await _bills_back(turn, account, 1) or months


async def _bills_back(turn: Turn, account: BoundAccount, count: int) -> Months | None:
    bill = await turn.services.billing.earlier(account.account_no, count)
    return Months(first_month(bill), bill.period) if bill else None


async def _show_newest(turn: Turn, account: BoundAccount, instead_of: Months | None = None) -> None:
    current = await turn.services.billing.current(account.account_no)
    if current.bill is None:
        response = NEVER_BILLED.get(current.account.state, "utter_no_bills")
        turn.say(response, account=account.label, buttons=await _others(turn, account))
        return
    if instead_of is not None:
        turn.say("utter_bill_not_issued", span=str(instead_of))
    await _show_bill(turn, account, current.account, current.bill, current.earlier_unpaid)


async def _show_months(turn: Turn, account: BoundAccount, months: Months) -> None:
    history = await turn.services.billing.history(account.account_no, months.first, months.last)
    if not history.bills and months.reach(today(turn.services.clock)):
        await _show_newest(turn, account, instead_of=months)
    elif not history.bills:
        _say_no_bill(turn, account, months)
    elif len(history.bills) == 1:
        await _show_bill(turn, account, history.account, history.bills[0])
    else:
        await _show_history(turn, account, history)


async def _show_bill(
    turn: Turn, account: BoundAccount, held: Account, bill: Bill, earlier_unpaid: Sequence[Bill] = (),
) -> None:
    turn.say(
        "utter_bill", account=account.label, span=figures.bill_months(bill), lines=figures.bill_lines(bill),
        amount=yuan(bill.amount_fen),
    )
    for response, facts in _notes(held, bill, earlier_unpaid):
        turn.say(response, **facts)
    turn.say(
        _standing(bill, today(turn.services.clock)), due=figures.day(bill.due_on), paid=yuan(bill.paid_fen),
        outstanding=yuan(bill.outstanding_fen),
        buttons=[*_bill_buttons(account, bill, bool(earlier_unpaid)), *await _others(turn, account)],
    )


def _notes(held: Account, bill: Bill, earlier_unpaid: Sequence[Bill]) -> list[tuple[str, dict[str, Any]]]:
    notes: list[tuple[str, dict[str, Any]]] = []
    if bill.reading_kind == "estimated":
        notes.append(("utter_bill_estimated", {}))
    if held.state in STATE_NOTES:
        notes.append((STATE_NOTES[held.state], {}))
    if held.credit_fen:
        notes.append(("utter_account_credit", {"credit": yuan(held.credit_fen)}))
    if earlier_unpaid:
        owed = sum(each.outstanding_fen for each in earlier_unpaid)
        notes.append(("utter_earlier_unpaid", {"count": len(earlier_unpaid), "owed": yuan(owed)}))
    return notes


def _standing(bill: Bill, now: date) -> str:
    if bill.status is BillStatus.DISPUTED:
        return "utter_bill_disputed"
    if not bill.outstanding_fen:
        return "utter_bill_paid"
    if bill.status is BillStatus.PARTLY_PAID:
        return "utter_bill_partly_paid"
    return "utter_bill_overdue" if bill.due_on < now else "utter_bill_unpaid"


def _bill_buttons(account: BoundAccount, bill: Bill, owes_more: bool) -> list[tuple[str, str]]:
    number = account.account_no
    buttons = [("缴这期", command("pay_bill", number, bill))] if bill.outstanding_fen else []
    if owes_more:
        buttons.append(("欠的一起缴", "/pay_all_merged"))
    return [*buttons, ("为什么是这个数", command("bill_explain", number, bill)), ("历史账单", command("bill_history", number))]


async def _show_history(turn: Turn, account: BoundAccount, history: History) -> None:
    bills = history.bills
    owes = any(bill.outstanding_fen for bill in bills)
    buttons = [("去缴费", command("pay_bill", account.account_no))] if owes else []
    more = len(bills) > LISTED
    turn.say(
        "utter_bill_history", account=account.label, span=figures.months(first_month(bills[-1]), bills[0].period),
        count=len(bills), lines=figures.history_lines(bills[:LISTED]), volume=figures.tons(history.volume),
        amount=yuan(history.amount_fen), average=figures.average(history.amount_fen, len(bills)),
    )
    if more:
        turn.say("utter_more_bills", shown=LISTED)
    turn.say("utter_bill_history_next", buttons=[*buttons, ("缴费记录", "/pay_history"), *await _others(turn, account)])


def _say_no_bill(turn: Turn, account: BoundAccount, months: Months) -> None:
    number = account.account_no
    turn.say(
        "utter_no_bill_then", account=account.label, span=str(months),
        buttons=[("最近一期", command("bill_current", number)), ("历史账单", command("bill_history", number))],
    )


def _explain(turn: Turn, account: BoundAccount, explanation: Explanation) -> None:
    bill = explanation.bill
    turn.say(
        "utter_explain", account=account.label, span=figures.bill_months(bill), amount=yuan(bill.amount_fen),
        volume=figures.tons(bill.volume), days=bill.days,
    )
    if explanation.previous:
        _compare(turn, bill, explanation.previous, "utter_explain_previous", "utter_explain_same")
    if explanation.last_year:
        _compare(turn, bill, explanation.last_year, "utter_explain_last_year", "utter_explain_same")
    if explanation.higher_tiers:
        restart = _month_day(turn.services.utility.tariff.year_starts)
        turn.say("utter_explain_tiers", lines=figures.higher_tier_lines(explanation.higher_tiers), restart=restart)
    if explanation.estimated:
        turn.say("utter_bill_estimated")
    if explanation.catches_up:
        turn.say("utter_explain_catches_up")
    if explanation.bill.status is BillStatus.DISPUTED:
        turn.say("utter_bill_disputed")
    if explanation.leak:
        turn.say(
            "utter_explain_leak", daily=figures.daily(explanation.leak.daily), usual=figures.daily(explanation.leak.usual),
            hotline=turn.services.utility.hotline.phone,
        )
    turn.say("utter_explain_next", buttons=_explain_buttons(account, explanation))


def _compare(turn: Turn, bill: Bill, comparison: Comparison, differs: str, same: str) -> None:
    other = comparison.other
    turn.say(
        differs if comparison.total_fen else same, other=figures.bill_months(other), amount=yuan(other.amount_fen),
        volume=figures.tons(other.volume), difference=figures.difference(comparison.total_fen),
        lines=figures.comparison_lines(bill, comparison),
    )


def _explain_buttons(account: BoundAccount, explanation: Explanation) -> list[tuple[str, str]]:
    bill = explanation.bill
    pay = [("缴这期", command("pay_bill", account.account_no, bill))] if bill.outstanding_fen else []
    leak = [("报修", "/repair_report")] if explanation.leak else []
    return [*pay, *leak, ("今年阶梯用量", command("tier_usage", account.account_no)), ("有疑问，找人工", "/human")]


def _bills_then(account: BoundAccount, periods: Sequence[Period]) -> list[tuple[str, str]]:
    """A button for the bills of the months named: what was not paid then may still be owed."""
    if not periods:
        return []
    then = [{"from": each.start.isoformat(), "to": each.end.isoformat(), "text": each.text} for each in periods]
    return [("看那时的账单", payload("bill_current", account_no=account.account_no, period=then))]


async def _others(turn: Turn, account: BoundAccount) -> list[tuple[str, str]]:
    """Buttons that ask the same about the customer's other accounts."""
    bound = await turn.services.accounts.bindings(turn.openid)
    others = [each for each in bound if each.account_no != account.account_no]
    return [
        (f"看{each.short_label}", command("inform", each.account_no)) for each in others[:OTHER_ACCOUNTS_OFFERED]
    ]


def _month_day(text: str) -> str:
    """``01-01`` → ``1月1日``."""
    number, of_month = text.split("-")
    return f"{int(number)}月{int(of_month)}日"
