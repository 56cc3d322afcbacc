"""Money that went wrong: says what became of it, and asks CSMS to give back what was paid for a wrong account."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rasa_sdk.events import EventType, SlotSet

from actions import figures
from actions.flow import ANSWERS, Form, Need, Question, Task, agreed, payload
from actions.payments import labels_of
from actions.turn import Turn
from runxia.clock import SHANGHAI
from runxia.money import yuan
from services.accounts import BoundAccount, named_in
from services.errors import NothingToRefund, UnknownAccount
from services.payments import OrderPurpose, OrderView
from services.ports import Payment
from services.refunds import Case, Diagnosis, Finding, RefundFiling

WRONG = re.compile(
    r"错[户号了到家]|[付交存充缴]错|错.{0,2}(?:户|账|号|家)|误[交缴付]|(?:填|输|打|搞|弄)错|别人家|别家|隔壁|陌生人"
    r"|[付交缴充存]成.{0,8}[户家]|挪过?[来去]|转到我|以前.{0,8}房子"
)
PROGRESS = re.compile(r"进度|哪一步|几天|多久|什么时候|到账了?没|消息|办得|单号|去哪|没收到|没退|怎么还没退|退到")
CREDIT = re.compile(r"(?:余额|预存|存的|充的|销户).{0,8}退|退.{0,4}(?:余额|预存)")
TWICE = re.compile(r"两[次遍笔份回]|2[次遍笔]|重[复了付交缴]|双[份倍]|[付交缴扣]重|又[交付缴扣]|多[交付缴扣收]")
REQUEST_NO = re.compile(r"TK\d{8,16}", re.IGNORECASE)
SHOWN = 3
MONEY_BACK = frozenset({Case.REFUNDING, Case.REFUNDED, Case.REFUND_FAILED, Case.CREDITED})
FORM_INTENTS = ANSWERS | {"refund_issue"}


def moment(when: datetime) -> str:
    """``11月20日 16:02``."""
    local = when.astimezone(SHANGHAI)
    return f"{figures.day(local.date())} {local:%H:%M}"


def purpose(order: OrderView) -> str:
    """What an order paid for: ``预存``, ``2026年8月、2026年9月账单``."""
    if order.purpose is OrderPurpose.PREPAY:
        return "预存"
    return "、".join(dict.fromkeys(figures.month(line.period) for line in order.lines)) + "账单"


class ActionRefundIssue(Task):
    """付了没到账, 付重了, 付错户: looks, and says which case it is."""

    need = Need.VERIFIED

    def name(self) -> str:
        """The name in the domain."""
        return "action_refund_issue"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Find out what it is about."""
        if account is None:
            raise TypeError("the task needs an account")
        number = turn.values.first("work_order_no") or REQUEST_NO.search(turn.text)
        if WRONG.search(turn.text):
            return await self._wrong_account(turn)
        if CREDIT.search(turn.text):
            turn.say("utter_refund_credit", **_contact(turn), buttons=[("查余额", payload("prepay", ask="balance"))])
            return []
        if number or PROGRESS.search(turn.text):
            filed = await turn.services.refunds.filed(turn.openid, _text(number))
            for filing in filed:
                say_filing(turn, filing)
            if filed:
                return []
            if number:
                turn.say("utter_refund_no_such_request", **_contact(turn))
                return []
        try:
            diagnosis = await turn.services.refunds.diagnose(turn.openid, account.account_no)
        except UnknownAccount:
            turn.say("utter_refund_no_account", account=account.label)
            return []
        await self._say(turn, account, diagnosis)
        return []

    @staticmethod
    async def _wrong_account(turn: Turn) -> list[EventType]:
        orders = await turn.services.refunds.refundable(turn.openid)
        if not orders:
            days = turn.services.utility.payments.refunds.request_days
            turn.say("utter_refund_none_to_ask", days=days, **_contact(turn))
            return []
        offered = [_kept(order) for order in orders[:SHOWN * 2]]
        chosen = await _meant(turn, offered) if len(offered) > 1 else offered[0]
        return turn.start_form("refund_form", refund_offered=offered, refund_order=chosen, refund_confirmed=None)

    @staticmethod
    async def _say(turn: Turn, account: BoundAccount, diagnosis: Diagnosis) -> None:
        findings = _about(turn, diagnosis.findings)
        if TWICE.search(turn.text):
            findings = [each for each in findings if each.case in MONEY_BACK] or findings
            if findings and findings[0].case not in MONEY_BACK:
                turn.say("utter_refund_not_twice")
        for finding in findings[:SHOWN]:
            say_finding(turn, finding)
        if not findings:
            _say_elsewhere(turn, account, diagnosis.elsewhere)
            return
        if findings[0].case is Case.SETTLED:
            await _say_what_is_owed(turn, account)


def _text(found: Any) -> str | None:
    if found is None:
        return None
    return str(found.group() if isinstance(found, re.Match) else found).upper()


def _about(turn: Turn, findings: Sequence[Finding]) -> list[Finding]:
    """Those that the message is about: by day, by the bills' month, by amount; all where it names none of ours."""
    amount = turn.values.first("amount")
    chosen = [
        each for each in findings
        if (amount is None or each.order.amount_fen == amount)
        and (not turn.values.periods or any(_touches(each, period) for period in turn.values.periods))
    ]
    return chosen or list(findings)


def _touches(finding: Finding, period: Any) -> bool:
    paid = (finding.order.paid_at or finding.order.created_at).astimezone(SHANGHAI).date()
    in_months = any(period.first_month <= line.period <= period.last_month for line in finding.order.lines)
    return in_months or period.start <= paid <= period.end


def say_finding(turn: Turn, finding: Finding) -> None:
    """What became of one payment, and what to do next."""
    order = finding.order
    buttons = {
        Case.UNPAID: [("现在付", "/pay_bill")], Case.CLOSED: [("重新付", "/pay_bill")],
        Case.UNKNOWN: [("再查一次", "/refund_issue")], Case.REFUND_FAILED: [("找人工", "/human")],
    }.get(finding.case, [])
    turn.say(
        f"utter_refund_case_{finding.case}", when=moment(order.paid_at or order.created_at), what=purpose(order),
        amount=yuan(order.amount_fen), since=moment(finding.since), excess=yuan(finding.excess_fen), buttons=buttons,
        **_contact(turn),
    )


def _say_elsewhere(turn: Turn, account: BoundAccount, payments: Sequence[Payment]) -> None:
    """None of ours: what CSMS has from other channels, or what to bring."""
    if payments:
        turn.say(
            "utter_refund_elsewhere", account=account.label, lines=figures.payment_lines(payments[:SHOWN]), **_contact(turn),
        )
    else:
        days = turn.services.utility.payments.refunds.look_back_days
        turn.say("utter_refund_nothing_here", account=account.label, days=days, **_contact(turn))


async def _say_what_is_owed(turn: Turn, account: BoundAccount) -> None:
    """A booked payment does not explain what is still owed: other bills do."""
    offer = await turn.services.payments.offer([account.account_no])
    if offer.lines:
        months = "、".join(dict.fromkeys(figures.month(line.period) for line in offer.lines))
        pay = [("付这些", "/pay_bill")]
        turn.say("utter_refund_other_bills_owed", months=months, amount=yuan(offer.amount_fen), buttons=pay)
    else:
        turn.say("utter_refund_nothing_owed", account=account.label)


def say_filing(turn: Turn, filing: RefundFiling) -> None:
    """How a request stands."""
    turn.say(
        f"utter_refund_request_{filing.state}", number=filing.request_no, amount=yuan(filing.amount_fen),
        day=figures.day(filing.filed_at.astimezone(SHANGHAI).date()), until=figures.day(filing.decide_by),
        note=f"：{filing.note}" if filing.note else "", **_contact(turn),
    )


def _contact(turn: Turn) -> dict[str, Any]:
    hotline = turn.services.utility.hotline
    return {"hotline": hotline.phone, "hotline_hours": hotline.hours}


# --- asking for it back


def _kept(order: OrderView) -> dict[str, Any]:
    paid = order.paid_at or order.created_at
    return {
        "out_trade_no": order.out_trade_no, "account_no": order.lines[0].account_no, "when": moment(paid),
        "what": purpose(order), "amount_fen": order.amount_fen - order.refund_fen - order.credit_fen,
        "periods": [line.period for line in order.lines],
    }


async def _meant(turn: Turn, offered: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The payment named: by place, amount, account or month; none unless it is exactly one."""
    ordinal = turn.values.first("ordinal")
    if ordinal:
        place = ordinal - 1 if ordinal > 0 else ordinal
        return dict(offered[place]) if -len(offered) <= place < len(offered) else None
    amount, numbers = turn.values.first("amount"), set(turn.values.account_nos)
    named = named_in(turn.text, await turn.services.accounts.bindings(turn.openid))
    numbers |= {named.account_no} if named else set()
    months = turn.values.periods
    if amount is None and not numbers and not months:
        return None
    fitting = [
        each for each in offered
        if (amount is None or each["amount_fen"] == amount) and (not numbers or each["account_no"] in numbers)
        and (not months or any(m.first_month <= period <= m.last_month for m in months for period in each["periods"]))
    ]
    return dict(fitting[0]) if len(fitting) == 1 else None


def _label(labels: Mapping[str, str], order: Mapping[str, Any]) -> str:
    return labels.get(order["account_no"], f"尾号{order['account_no'][-4:]}")


class ActionAskRefundOrder(Question):
    """Asks which payment it is."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_refund_order"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        labels = await labels_of(turn)
        offered = turn.slot("refund_offered") or []
        lines = "\n".join(
            f"{number}. {each['when']}　{yuan(each['amount_fen'])}　{_label(labels, each)}　{each['what']}"
            for number, each in enumerate(offered, 1)
        )
        turn.say("utter_ask_refund_order", lines=lines, buttons=[
            (f"第{number}笔", payload("inform", ordinal=number)) for number in range(1, min(len(offered), SHOWN) + 1)
        ])


class ActionAskRefundConfirmed(Question):
    """Shows the payment, and asks for a yes."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_refund_confirmed"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        order = turn.slot("refund_order")
        turn.say(
            "utter_refund_confirm", when=order["when"], amount=yuan(order["amount_fen"]), what=order["what"],
            account=_label(await labels_of(turn), order),
            buttons=[
                ("确认申请", "/affirm"),
                *([("换一笔", payload("inform", change="order"))] if len(turn.slot("refund_offered") or []) > 1 else []),
                ("先不申请", "/deny"),
            ],
        )


class ValidateRefundForm(Form):
    """Hears which payment, and the yes."""

    yes_or_no = frozenset({"refund_confirmed"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_refund_form"

    def required(self, turn: Turn, slots: list[str]) -> list[str]:
        """A no ends the form at once."""
        return [] if turn.slot("refund_confirmed") is False else slots

    async def hear_refund_order(self, turn: Turn) -> Mapping[str, Any] | None:
        """A place in the list, an amount, an account or a month."""
        meant = await _meant(turn, turn.slot("refund_offered") or [])
        if meant is not None:
            return {"refund_order": meant}
        if agreed(turn) is False:
            return {"refund_confirmed": False}
        if turn.intent not in FORM_INTENTS:
            return None
        return self.misheard(turn, "refund_order", "utter_refund_which_order")

    async def hear_refund_confirmed(self, turn: Turn) -> Mapping[str, Any] | None:
        """A yes or a no; or another payment."""
        if turn.values.first("change") == "order":
            return {"refund_order": None, "refund_confirmed": None}
        meant = await _meant(turn, turn.slot("refund_offered") or [])
        if meant is not None and meant != turn.slot("refund_order"):
            return {"refund_order": meant, "refund_confirmed": None}
        yes = agreed(turn)
        if yes is None:
            if turn.intent not in FORM_INTENTS:
                return None
            return self.misheard(turn, "refund_confirmed", "utter_refund_yes_or_no")
        return {"refund_confirmed": yes}


class ActionRefundFormSubmit(Task):
    """After the answer: file the request, or leave it. Trying again after an outage comes here too."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_refund_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """File exactly what was confirmed."""
        forget: list[EventType] = [SlotSet(name, None) for name in ("refund_offered", "refund_order", "refund_confirmed")]
        if not turn.slot("refund_confirmed"):
            turn.say("utter_refund_not_now")
            return forget
        try:
            filing = await turn.services.refunds.file(turn.openid, turn.slot("refund_order")["out_trade_no"])
        except (NothingToRefund, UnknownAccount):
            turn.say("utter_refund_gone", **_contact(turn))
            return forget
        say_filing(turn, filing)
        return forget
