"""Paying bills: which ones, what they come to, a yes, and the link to the payment page; and word of money that moved."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from rasa_sdk.events import EventType, SlotSet

from actions import figures
from actions.flow import ANSWERS, Form, Need, Question, Task, agreed, payload
from actions.turn import Buttons, Turn, Values
from runxia.money import yuan
from services.accounts import BoundAccount, named_in
from services.errors import AmountChanged, BillDisputed, NothingToPay, PaymentInProgress
from services.payments import Offer, OfferLine
from services.ports import BillStatus

type Months = tuple[str, str]  # first and last month, both included

PAY_INTENTS = frozenset({"pay_bill", "pay_all_merged"})
ALL_ACCOUNTS = re.compile(r"(所有|全部|每个|每户|各个|几个|几户|两个|两户|三个|三户)(的)?(户号|户头|账户|帐户|户|家|房子)|名下")
TOGETHER = re.compile(r"也|一起|一块|一并|一道|连同|加上|还有|和|跟")
NEWEST = re.compile(r"(?:最近|最新|最后|最晚)的?[那这]?一?(?:笔|期|张|个月)")
OLDEST = re.compile(r"(?:最早|最老|最旧|最前面?|头)的?[那这]?一?(?:笔|期|张|个月)")
THIS = re.compile(r"[这本当]一?个?[期次回月]")  # the newest bill, whichever month it is called after
EXCEPT = re.compile(r"除了|除开|除去|除掉|以外|之外|不算|不包括|(?<!要)(?:不要|不用|不想|别|不|甭)(?:付|交|缴)")
LEAVE_OUT = re.compile(r"(?<!要)(先不|不用|不要|不想|别|不)(付|交|缴|给)")


@dataclass(frozen=True, slots=True)
class Wish:
    """Which bills a customer means. ``ordinal`` and ``left_out`` count the lines, from 1, or from the end when negative."""

    included: tuple[Months, ...] = ()
    excluded: tuple[Months, ...] = ()
    ordinal: int | None = None
    left_out: int | None = None
    amount_fen: int | None = None

    @classmethod
    def of(cls, values: Values, text: str) -> Wish:
        """Read the values of a message. A single month in "8月的先不付" is left out, whatever else."""
        periods = values.periods
        if periods and all(THIS.match(each.text) for each in periods):
            place = -1 if not periods[0].excluded else None
            return cls(ordinal=place, left_out=None if place else -1)
        named = [(each.first_month, each.last_month, each.excluded) for each in periods]
        if len(named) == 1 and LEAVE_OUT.search(text):
            named = [(*named[0][:2], True)]
        place = None if named else values.first("ordinal") or _place(text)
        leaves_out = bool(EXCEPT.search(text))
        return cls(
            included=tuple((first, last) for first, last, excluded in named if not excluded),
            excluded=tuple((first, last) for first, last, excluded in named if excluded),
            ordinal=None if leaves_out else place, left_out=place if leaves_out else None,
            amount_fen=values.first("amount"),
        )

    @property
    def is_specific(self) -> bool:
        """Whether any bill in particular is meant."""
        return bool(self.included or self.excluded or self.ordinal or self.left_out or self.amount_fen)

    def pick(self, lines: Sequence[OfferLine]) -> tuple[OfferLine, ...]:
        """The lines meant, of those offered: by place, or by amount where one line or their sum fits; else all."""
        if self.ordinal or self.left_out:
            place = _index(self.ordinal or self.left_out or 1)
            if not -len(lines) <= place < len(lines):
                return tuple(lines)
            chosen = lines[place]
            return (chosen,) if self.ordinal else tuple(line for line in lines if line is not chosen)
        fitting = [line for line in lines if line.amount_fen == self.amount_fen]
        if len(fitting) == 1 and sum(line.amount_fen for line in lines) != self.amount_fen:
            return (fitting[0],)
        return tuple(lines)

    def amount_differs(self, lines: Iterable[OfferLine]) -> bool:
        """Whether the customer named an amount, and these lines do not come to it."""
        return self.amount_fen is not None and sum(line.amount_fen for line in lines) != self.amount_fen


def _place(text: str) -> int | None:
    """最早那笔, 最近那笔: bills are offered oldest first."""
    if NEWEST.search(text):
        return -1
    return 1 if OLDEST.search(text) else None


def _index(ordinal: int) -> int:
    return ordinal - 1 if ordinal > 0 else ordinal


def to_slot(lines: Iterable[OfferLine]) -> list[dict[str, Any]]:
    """Lines as a slot keeps them."""
    return [asdict(line) for line in lines]


def from_slot(kept: Any) -> tuple[OfferLine, ...]:
    """Lines out of a slot."""
    return tuple(OfferLine(**{**line, "status": BillStatus(line["status"])}) for line in kept or ())


def bill_lines(lines: Sequence[OfferLine], labels: Mapping[str, str]) -> str:
    """The bills under the name of their account: one line each, in the order of the months."""
    shown: list[str] = []
    ordered = sorted(lines, key=lambda line: (list(labels).index(line.account_no), line.period))
    for account_no, group in groupby(ordered, key=lambda line: line.account_no):
        shown.append(labels[account_no])
        shown += [f"　{figures.month(line.period)}　{yuan(line.amount_fen)}{_note(line)}" for line in group]
    return "\n".join(shown)


def _note(line: OfferLine) -> str:
    return "（已付一部分，这是余下的）" if line.status is BillStatus.PARTLY_PAID else ""


def spans(months: Iterable[Months]) -> str:
    """``2026年8月、2026年10月``."""
    return "、".join(figures.months(first, last) for first, last in months)


async def labels_of(turn: Turn) -> dict[str, str]:
    """What to call each account of this customer, the default first."""
    return {account.account_no: account.label for account in await turn.services.accounts.bindings(turn.openid)}


async def accounts_meant(turn: Turn, account: BoundAccount, *, everything: bool) -> list[str]:
    """The accounts to pay for: those named; with "也", also the default one or those shown.

    Where none is named it is ``account``, or all when ``everything`` is meant.
    """
    bound = await turn.services.accounts.bindings(turn.openid)
    if ALL_ACCOUNTS.search(turn.text):
        return [each.account_no for each in bound]
    if turn.values.account_nos:
        return [each.account_no for each in bound if each.account_no in turn.values.account_nos]
    named = [each.account_no for each in bound if named_in(turn.text, [each])]
    if not named:
        return [each.account_no for each in bound] if everything else [account.account_no]
    if TOGETHER.search(turn.text):
        kept = [line.account_no for line in from_slot(turn.slot("pay_lines"))] if turn.active_form == "pay_form" else []
        return list(dict.fromkeys([*kept, *([] if kept or len(named) > 1 else [bound[0].account_no]), *named]))
    return named


def wants_all(turn: Turn, before: Sequence[OfferLine]) -> bool:
    """Whether "都付了" means more than what was shown: the button says so, or only one bill was."""
    return turn.intent == "pay_all_merged" and (turn.text.startswith("/") or len(before) == 1)


async def propose(turn: Turn, account_nos: Sequence[str], wish: Wish) -> tuple[OfferLine, ...]:
    """Say what stands in the way of what is meant, and give back what can be paid of it; maybe nothing."""
    payments = turn.services.payments
    offer = await payments.offer(account_nos, periods=wish.included, exclude=wish.excluded)
    if not offer.lines and wish.included:
        _say_not_payable(turn, offer, spans(wish.included))
        return (await payments.offer(account_nos)).lines[:turn.services.utility.payments.max_bills_per_order]
    if not offer.lines:
        _say_not_payable(turn, offer, spans(wish.excluded) and f"{spans(wish.excluded)}以外")
        return ()
    if offer.disputed:
        turn.say("utter_pay_without_disputed", months=_months(offer.disputed))
    if offer.in_progress:
        turn.say("utter_pay_without_in_progress", months=_months(offer.in_progress))
    lines = wish.pick(offer.lines)
    if not lines:
        turn.say("utter_pay_nothing_left_out")
        return ()
    if wish.amount_differs(lines):
        turn.say("utter_pay_whole_bills", amount=yuan(wish.amount_fen or 0))
    limit = turn.services.utility.payments.max_bills_per_order
    if len(lines) > limit:
        turn.say("utter_pay_oldest_first", count=len(lines), limit=limit)
    return lines[:limit]


def _say_not_payable(turn: Turn, offer: Offer, span: str) -> None:
    if offer.in_progress:
        turn.say("utter_pay_in_progress")
    elif offer.disputed:
        turn.say("utter_pay_disputed", months=_months(offer.disputed))
    elif span:
        turn.say("utter_pay_nothing_then", span=span)
    else:
        turn.say("utter_pay_nothing", buttons=[("查账单", "/bill_current"), ("缴费记录", "/pay_history")])


def _months(lines: Iterable[OfferLine]) -> str:
    return "、".join(dict.fromkeys(figures.month(line.period) for line in lines))


class _Pay(Task):
    """Find out which bills are meant, and ask for a yes."""

    need = Need.ACCOUNT
    everything: bool

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Propose, and start the form."""
        if account is None:
            raise TypeError("the task needs an account")
        account_nos = await accounts_meant(turn, account, everything=self.everything)
        lines = await propose(turn, account_nos, Wish.of(turn.values, turn.text))
        if not lines:
            return []
        return turn.start_form("pay_form", pay_lines=to_slot(lines), pay_confirmed=None)


class ActionPayBill(_Pay):
    """交水费: what the account in question owes, or the months named."""

    everything = False

    def name(self) -> str:
        """The name in the domain."""
        return "action_pay_bill"


class ActionPayAll(_Pay):
    """都付了: what all accounts owe, or the accounts and months named."""

    everything = True

    def name(self) -> str:
        """The name in the domain."""
        return "action_pay_all"


class ActionAskPayConfirmed(Question):
    """Shows the bills, the account and the total, and asks for a yes."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_pay_confirmed"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        lines = from_slot(turn.slot("pay_lines"))
        labels = await labels_of(turn)
        shown = [line for line in lines if line.account_no in labels]
        turn.say(
            "utter_pay_confirm", lines=bill_lines(shown, labels), count=len(shown),
            amount=yuan(sum(line.amount_fen for line in shown)), buttons=self._buttons(shown, labels),
        )

    @staticmethod
    def _buttons(lines: Sequence[OfferLine], labels: Mapping[str, str]) -> Buttons:
        accounts = {line.account_no for line in lines}
        return [
            ("确认付款", "/affirm"),
            *([("只付最早一笔", payload("inform", ordinal=1))] if len(lines) > 1 else []),
            *([("所有户号一起付", "/pay_all_merged")] if len(labels) > len(accounts) else []),
            ("先不付", "/deny"),
        ]


class ValidatePayForm(Form):
    """Hears yes, no, or that other bills are meant."""

    yes_or_no = frozenset({"pay_confirmed"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_pay_form"

    async def hear_pay_confirmed(self, turn: Turn) -> Mapping[str, Any] | None:
        """A yes or a no; or a correction, after which the question is put again for what is meant now."""
        if turn.intent not in ANSWERS | PAY_INTENTS:
            return None
        wish = Wish.of(turn.values, turn.text)
        if wish.is_specific or turn.intent in PAY_INTENTS or await self._names_account(turn):
            return await self._choose_again(turn, wish)
        yes = agreed(turn)
        if yes is None or (yes and EXCEPT.search(turn.text)):
            return self.misheard(turn, "pay_confirmed", "utter_pay_yes_or_no")
        return {"pay_confirmed": yes}

    async def _choose_again(self, turn: Turn, wish: Wish) -> Mapping[str, Any]:
        before = from_slot(turn.slot("pay_lines"))
        if wish.ordinal or wish.left_out:
            lines = wish.pick(before)
            if not lines:
                turn.say("utter_pay_nothing_left")
        elif await self._names_account(turn):
            account = await turn.services.accounts.pick(turn.openid, turn.values.account_nos, turn.text)
            lines = await propose(turn, await accounts_meant(turn, account, everything=False), wish)
        elif wants_all(turn, before) and not wish.is_specific:
            lines = await propose(turn, list(await labels_of(turn)), wish)
        else:
            lines = await self._narrow(turn, before, wish)
        if not lines:
            return self.again("pay_confirmed")
        if lines == before and not EXCEPT.search(turn.text) and (agreed(turn) or turn.intent in PAY_INTENTS):
            return {"pay_confirmed": True}
        return {"pay_confirmed": None, "pay_lines": to_slot(lines)}

    @staticmethod
    async def _narrow(turn: Turn, before: Sequence[OfferLine], wish: Wish) -> tuple[OfferLine, ...]:
        """"除了8月" takes out of what was shown; "9月也付" adds to it; "只付8月的" and an amount choose anew."""
        if not wish.is_specific:
            return tuple(before)
        if wish.excluded and not wish.included:
            left = tuple(line for line in before if not any(a <= line.period <= b for a, b in wish.excluded))
            if not left:
                turn.say("utter_pay_nothing_left")
            return left
        if wish.included and TOGETHER.search(turn.text):
            shown = tuple((line.period, line.period) for line in before)
            wish = Wish(included=(*shown, *wish.included), excluded=wish.excluded)
        return await propose(turn, list(dict.fromkeys(line.account_no for line in before)), wish)

    @staticmethod
    async def _names_account(turn: Turn) -> bool:
        bound = await turn.services.accounts.bindings(turn.openid)
        return bool(turn.values.account_nos or ALL_ACCOUNTS.search(turn.text) or named_in(turn.text, bound))


class ActionPayFormSubmit(Task):
    """After the answer: make the order and give the link, or leave it. Trying again after an outage comes here too."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_pay_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Make the order for exactly what was confirmed."""
        forget = [SlotSet("pay_lines", None), SlotSet("pay_confirmed", None)]
        if not turn.slot("pay_confirmed"):
            turn.say("utter_pay_not_now")
            return forget
        lines = from_slot(turn.slot("pay_lines"))
        bound = await labels_of(turn)
        if not all(line.account_no in bound for line in lines):
            turn.say("utter_pay_unbound")
            return forget
        try:
            link = await turn.services.payments.create_order(turn.openid, lines)
        except (AmountChanged, NothingToPay, BillDisputed, PaymentInProgress) as error:
            return [*forget, *await self._explain(turn, error, lines)]
        turn.say(
            "utter_pay_link", amount=yuan(link.amount_fen), minutes=turn.services.utility.payments.link_minutes,
            custom={"kind": "link", "title": f"去付款 {yuan(link.amount_fen)}", "text": "", "url": link.url},
        )
        return forget

    @staticmethod
    async def _explain(turn: Turn, error: Exception, lines: Sequence[OfferLine]) -> list[EventType]:
        """Say why not; where the bills have changed, propose them anew."""
        if isinstance(error, PaymentInProgress | NothingToPay):
            busy = isinstance(error, PaymentInProgress)
            turn.say("utter_pay_in_progress" if busy else "utter_pay_paid_meanwhile")
            return []
        turn.say("utter_pay_changed_disputed" if isinstance(error, BillDisputed) else "utter_pay_changed")
        offer = await turn.services.payments.offer(
            list(dict.fromkeys(line.account_no for line in lines)), bill_nos=[line.bill_no for line in lines],
        )
        if not offer.lines:
            return []
        return turn.start_form("pay_form", pay_lines=to_slot(offer.lines), pay_confirmed=None)


class MoneyMoved(Task):
    """Tells the customer of money that moved: what an ``EXTERNAL_payment_...`` intent carries."""

    response: str
    of_all: str | None = None  # said instead where it is all of what was paid

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Say it, with the amounts and the accounts' names."""
        labels = await labels_of(turn)
        account_nos: list[str] = turn.values.first("accounts") or []
        amount, paid = turn.values.first("amount") or 0, turn.values.first("paid") or 0
        turn.say(
            self.of_all if self.of_all and amount == paid else self.response, amount=yuan(amount), paid=yuan(paid),
            count=turn.values.first("count") or 1,
            accounts="、".join(labels.get(number, f"尾号{number[-4:]}") for number in account_nos),
        )
        return []


class ActionPaymentReceived(MoneyMoved):
    """A payment is booked."""

    response = "utter_payment_received"

    def name(self) -> str:
        """The name in the domain."""
        return "action_payment_received"


class ActionPaymentRefunded(MoneyMoved):
    """What was paid too much goes back."""

    response = "utter_payment_refunded"
    of_all = "utter_payment_refunded_all"

    def name(self) -> str:
        """The name in the domain."""
        return "action_payment_refunded"


class ActionPaymentCredited(MoneyMoved):
    """What was paid too much is kept for the next bill."""

    response = "utter_payment_credited"
    of_all = "utter_payment_credited_all"

    def name(self) -> str:
        """The name in the domain."""
        return "action_payment_credited"
