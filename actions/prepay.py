"""Paying in advance: how much, for which account, a yes, and the link to the payment page; and what is left of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rasa_sdk.events import EventType, FollowupAction, SlotSet

from actions.flow import ANSWERS, Form, Need, Question, Task, agreed, payload
from actions.payments import MoneyMoved, labels_of
from actions.turn import Buttons, Turn
from runxia.money import yuan
from services.accounts import BoundAccount, named_in
from services.errors import ClosedAccount, PrepayOutOfRange, UnknownAccount

BALANCE = re.compile(r"余额|还剩|剩多少|剩下多少|还有多少|用完了?[没吗]")
BACK = re.compile(r"退")  # somebody who wants what was paid in advance back
PAY_IN = re.compile(r"充|存(?!的)|续上|不够|打.{0,6}(?:块|元|钱)")
REFUSAL = re.compile(r"不|别|甭|算了|等等")
ANOTHER_SUM = re.compile(r"^(?!.*(?:第|尾号)).*(?:改|换|充|存)[成到为]?")
FORM_INTENTS = ANSWERS | {"prepay", "pay_bill"}
# A sum without its unit, where nothing but a sum was asked for: 200, 两百吧, 就存三百五
_FIGURES = re.compile(r"\D{0,8}?(\d{1,7}(?:\.\d{1,2})?)\D{0,6}")
_SPOKEN = re.compile(r"[一二两三四五六七八九十百千万]+")
_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}


def amount_said(turn: Turn) -> int | None:
    """The sum named, in fen; where a sum was asked for, or another is wanted, a bare number is one."""
    named: int | None = turn.values.first("amount")
    asked = turn.slot("requested_slot")
    wanted = asked == "prepay_amount" or (asked == "prepay_confirmed" and ANOTHER_SUM.search(turn.text))
    if named is not None or not wanted or turn.values.account_nos:
        return named
    figures = _FIGURES.fullmatch(turn.text.strip())
    if figures:
        return round(float(figures[1]) * 100)
    spoken = _SPOKEN.search(turn.text)
    return spoken_number(spoken.group()) * 100 if spoken else None


def spoken_number(text: str) -> int:
    """``三百五`` → 350, ``一千二百`` → 1200, ``一万`` → 10000."""
    if "万" in text:
        high, _, low = text.partition("万")
        return spoken_number(high or "一") * 10_000 + (spoken_number(low) if low else 0)
    total, digit, unit = 0, 0, 10
    for character in text:
        if character in _UNITS:
            unit = _UNITS[character]
            total, digit = total + (digit or 1) * unit, 0
        else:
            digit = _DIGITS[character]
    return total + digit * (unit // 10 if total else 1)


def _yuan(amount: int) -> str:
    return f"{amount}元"


class ActionPrepay(Task):
    """充值: find out how much, and ask for a yes. Somebody who asks for the balance gets that."""

    need = Need.ACCOUNT

    def name(self) -> str:
        """The name in the domain."""
        return "action_prepay"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Start the form, unless the account can take no money."""
        if account is None:
            raise TypeError("the task needs an account")
        if BACK.search(turn.text):
            return [FollowupAction("action_refund_issue")]
        amount = turn.values.first("amount")
        asks = BALANCE.search(turn.text) and not PAY_IN.search(turn.text)
        if amount is None and (asks or turn.values.first("ask") == "balance"):
            return [FollowupAction("action_balance")]
        offer = await turn.services.payments.offer([account.account_no])
        if offer.lines:
            turn.say("utter_prepay_owes", amount=yuan(offer.amount_fen), count=len(offer.lines))
        return turn.start_form(
            "prepay_form", prepay_account=account.account_no, prepay_amount=_in_range(turn, amount), prepay_confirmed=None,
        )


def _in_range(turn: Turn, amount: int | None) -> int | None:
    """The sum where the rules allow it; else says what they allow."""
    rule = turn.services.utility.payments.prepay
    if amount is None:
        return None
    if not rule.lowest * 100 <= amount <= rule.highest * 100:
        turn.say("utter_prepay_range", amount=yuan(amount), lowest=_yuan(rule.lowest), highest=_yuan(rule.highest))
        return None
    return amount


class ActionBalance(Task):
    """余额: what is left of the money paid in advance, and what becomes of it."""

    need = Need.VERIFIED
    follows_up = True

    def name(self) -> str:
        """The name in the domain."""
        return "action_balance"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Ask CSMS."""
        if account is None:
            raise TypeError("the task needs an account")
        known = await turn.services.csms.account(account.account_no)
        if known is None:
            turn.say("utter_prepay_closed", account=account.label)
            return []
        response = "utter_balance" if known.credit_fen else "utter_no_balance"
        turn.say(response, account=account.label, amount=yuan(known.credit_fen), buttons=[("存一点", "/prepay")])
        return []


class ActionAskPrepayAmount(Question):
    """Asks how much, with a few sums to tap."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_prepay_amount"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        turn.say("utter_ask_prepay_amount", buttons=offered(turn), **_facts(turn))


def offered(turn: Turn) -> Buttons:
    """Sums to tap."""
    return [
        (_yuan(amount), payload("inform", amount=amount * 100)) for amount in turn.services.utility.payments.prepay.offered
    ]


def _facts(turn: Turn) -> dict[str, Any]:
    rule = turn.services.utility.payments.prepay
    return {"lowest": _yuan(rule.lowest), "highest": _yuan(rule.highest)}


class ActionAskPrepayConfirmed(Question):
    """Shows sum and account and asks for a yes."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_prepay_confirmed"

    async def ask(self, turn: Turn) -> None:
        """Put the question; the balance too where the customer may see it."""
        account_no, labels = turn.slot("prepay_account"), await labels_of(turn)
        turn.say(
            "utter_prepay_confirm", account=labels.get(account_no, ""), amount=yuan(turn.slot("prepay_amount")),
            buttons=[
                ("确认充值", "/affirm"), ("换个金额", payload("inform", change="amount")),
                *([("换一户", payload("inform", change="account"))] if len(labels) > 1 else []), ("先不充", "/deny"),
            ],
        )


class ValidatePrepayForm(Form):
    """Hears the sum, the yes, and that another sum or account is meant."""

    yes_or_no = frozenset({"prepay_confirmed"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_prepay_form"

    async def hear_prepay_amount(self, turn: Turn) -> Mapping[str, Any] | None:
        """How much."""
        amount = amount_said(turn)
        other = await self._other_account(turn)
        if amount is None and other is None:
            if turn.intent not in FORM_INTENTS:
                return None
            if turn.intent == "deny":
                return {"prepay_amount": 0, "prepay_confirmed": False}
            return self.misheard(turn, "prepay_amount", "utter_prepay_how_much", buttons=offered(turn), **_facts(turn))
        account = {"prepay_account": other} if other else {}
        if amount is None:
            return {**account, "prepay_amount": None}
        allowed = _in_range(turn, amount)
        return {**account, **(self.again("prepay_amount") if allowed is None else {"prepay_amount": allowed})}

    async def hear_prepay_confirmed(self, turn: Turn) -> Mapping[str, Any] | None:
        """A yes or a no; or another sum, or another account."""
        change = turn.values.first("change")
        if change == "amount":
            return {"prepay_amount": None, "prepay_confirmed": None}
        if change == "account":
            return self._which_account(turn, await turn.services.accounts.bindings(turn.openid))
        amount, other = amount_said(turn), await self._other_account(turn)
        if amount is not None or other is not None:
            sum_ = turn.slot("prepay_amount") if amount is None else _in_range(turn, amount)
            return {"prepay_account": other or turn.slot("prepay_account"), "prepay_amount": sum_, "prepay_confirmed": None}
        yes = agreed(turn)
        if turn.intent == "prepay":  # 充吧: asking for it again is a yes
            yes = not REFUSAL.search(turn.text)
        if yes is None:
            if turn.intent not in FORM_INTENTS:
                return None
            return self.misheard(turn, "prepay_confirmed", "utter_prepay_yes_or_no")
        return {"prepay_confirmed": yes}

    def _which_account(self, turn: Turn, bound: list[BoundAccount]) -> Mapping[str, Any]:
        buttons = [(each.short_label, payload("inform", account_no=each.account_no)) for each in bound]
        turn.say("utter_prepay_which_account", buttons=buttons)
        return self.again("prepay_confirmed")

    @staticmethod
    async def _other_account(turn: Turn) -> str | None:
        """The account named, where it is one of the customer's."""
        bound = await turn.services.accounts.bindings(turn.openid)
        numbers = [each.account_no for each in bound]
        named = [number for number in turn.values.account_nos if number in numbers]
        if turn.values.account_nos and not named:
            turn.say("utter_prepay_not_bound")
        found = named_in(turn.text, bound)
        return named[0] if named else found.account_no if found else None


class ActionPrepayFormSubmit(Task):
    """After the answer: make the order and give the link, or leave it. Trying again after an outage comes here too."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_prepay_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Make the order for exactly what was confirmed."""
        forget: list[EventType] = [SlotSet(name, None) for name in ("prepay_account", "prepay_amount", "prepay_confirmed")]
        labels = await labels_of(turn)
        account_no = turn.slot("prepay_account")
        if not turn.slot("prepay_confirmed"):
            turn.say("utter_prepay_not_now")
            return forget
        if account_no not in labels:
            turn.say("utter_prepay_unbound")
            return forget
        try:
            link = await turn.services.payments.create_prepayment(turn.openid, account_no, int(turn.slot("prepay_amount")))
        except (ClosedAccount, UnknownAccount):
            turn.say("utter_prepay_closed", account=labels[account_no])
            return forget
        except PrepayOutOfRange as error:
            turn.say("utter_prepay_range", lowest=yuan(error.lowest_fen), highest=yuan(error.highest_fen),
                     amount=yuan(turn.slot("prepay_amount")))
            return forget
        turn.say(
            "utter_prepay_link", amount=yuan(link.amount_fen), minutes=turn.services.utility.payments.link_minutes,
            custom={"kind": "link", "title": f"去充值 {yuan(link.amount_fen)}", "text": "", "url": link.url},
        )
        return forget


class ActionPrepayReceived(MoneyMoved):
    """Money paid in advance is booked as credit."""

    response = "utter_prepay_received"

    def name(self) -> str:
        """The name in the domain."""
        return "action_prepay_received"


class ActionPrepayRefunded(MoneyMoved):
    """Money paid in advance could not be booked and goes back."""

    response = "utter_prepay_refunded"

    def name(self) -> str:
        """The name in the domain."""
        return "action_prepay_refunded"
