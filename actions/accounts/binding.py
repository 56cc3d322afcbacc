"""Binding accounts: which, are they yours, prove it, and how the bills are to come."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rasa_sdk.events import EventType, SlotSet

from actions.accounts.choosing import account_lines, by_place
from actions.accounts.papers import PAPER_BUTTONS, bill_type_in, leaves_as_is, set_bill_types
from actions.accounts.proving import PROVEN, REFUSED, ProofForm, ProofQuestion, begin_proof
from actions.flow import Question, Task, agreed, digresses
from actions.turn import Buttons, Turn
from services.accounts import BoundAccount, Preview
from services.errors import AlreadyBound, ClosedAccount, TooManyBindings, TooManyLookUps, UnknownAccount

# Something meant as an account number, whatever its length.
_NUMBER = re.compile(r"(?:我?家?的?[户编帐账]号)?[是为:：\s]*\d[\d\s-]{2,}\d[\s。.]*")
_WHERE = re.compile(
    "不知道|不清楚|不晓得|不认得|忘|找不[到着]|没找到|在哪|哪[里儿]|怎么看|怎么查|什么是户号|户号是(?:什么|啥)|没有?账单",
)
WHAT_NOW: Buttons = [("看账单", "/bill_current"), ("缴水费", "/pay_bill"), ("起个名字", "/set_alias")]
_REFUSALS = (UnknownAccount, ClosedAccount, AlreadyBound, TooManyBindings, TooManyLookUps)


async def _look_up(turn: Turn, account_nos: Sequence[str]) -> list[Preview]:
    """The accounts that can be bound; of each other, the customer is told why not."""
    found: list[Preview] = []
    for account_no in account_nos:
        try:
            found.append(await turn.services.accounts.look_up(turn.openid, account_no))
        except _REFUSALS as error:
            _say_why_not(turn, account_no, error)
            if isinstance(error, TooManyLookUps):
                break
    return found


def _say_why_not(turn: Turn, account_no: str, error: Exception) -> None:
    utility = turn.services.utility
    facts: dict[str, Any] = {
        "account_no": account_no, "hotline": utility.hotline.phone, "where_to_find": utility.account_no.where_to_find,
    }
    if isinstance(error, TooManyBindings):
        limits = utility.limits
        most = limits.accounts_per_customer if error.whose == "customer" else limits.customers_per_account
        turn.say(f"utter_too_many_bindings_{error.whose}", most=most, **facts)
    elif isinstance(error, UnknownAccount):
        turn.say("utter_unknown_account", **facts)
    elif isinstance(error, ClosedAccount):
        turn.say("utter_closed_account", **facts)
    elif isinstance(error, AlreadyBound):
        turn.say("utter_already_bound", **facts)
    else:
        turn.say("utter_too_many_look_ups", **facts)


def _previews(turn: Turn) -> list[Preview]:
    return [Preview(**each) for each in turn.slot("bind_accounts") or []]


def _kept(previews: Sequence[Preview]) -> list[dict[str, Any]] | None:
    return [asdict(each) for each in previews] or None


class ActionBindAccount(Task):
    """Starts to bind; takes the numbers that are in the message already. A task that needs an account waits meanwhile."""

    is_detour = True

    def name(self) -> str:
        """The name in the domain."""
        return "action_bind_account"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Look up what was named, and start the form."""
        found = await _look_up(turn, turn.values.account_nos)
        bound = {each.account_no for each in await turn.services.accounts.bindings(turn.openid)}
        if not found and turn.values.account_nos and bound.issuperset(turn.values.account_nos):
            return turn.resume()
        return turn.start_form(
            "bind_form", bind_accounts=_kept(found), bind_agreed=None, bind_proof=None, bind_bill_type=None,
        )


class ActionAskBindAccounts(Question):
    """Which account numbers."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_bind_accounts"

    async def ask(self, turn: Turn) -> None:
        """Ask, saying where the number is."""
        number = turn.services.utility.account_no
        turn.say("utter_ask_account_no", where_to_find=number.where_to_find, digits=number.digits)


class ActionAskBindAgreed(Question):
    """Whether these are the customer's."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_bind_agreed"

    async def ask(self, turn: Turn) -> None:
        """Show masked owner and address."""
        previews = _previews(turn)
        lines = "\n\n".join(f"户号 {each.account_no}\n户主：{each.owner}\n地址：{each.address}" for each in previews)
        question = "utter_is_it_yours" if len(previews) == 1 else "utter_are_they_yours"
        turn.say(question, accounts=lines, buttons=[("是的", "/affirm"), ("不是", "/deny")])


class ActionAskBindProof(ProofQuestion):
    """Asks for the proof."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_bind_proof"


class ActionAskBindBillType(Question):
    """How the bills are to come."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_bind_bill_type"

    async def ask(self, turn: Turn) -> None:
        """Ask, with buttons."""
        turn.say("utter_ask_bill_type_once_bound", buttons=PAPER_BUTTONS)


class ValidateBindForm(ProofForm):
    """Hears the numbers, the yes, the proofs, and how bills are to come."""

    secret_slots = frozenset({"bind_proof"})
    yes_or_no = frozenset({"bind_agreed"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_bind_form"

    def required(self, turn: Turn, slots: list[str]) -> list[str]:
        """Nothing more is asked when nothing could be proven."""
        return [] if turn.slot("bind_proof") == REFUSED else slots

    def hears_cancel(self, slot: str, turn: Turn) -> bool:
        """算了 at the last question leaves the bills as they are; the accounts are bound by then."""
        return slot == "bind_bill_type"

    async def hear_bind_accounts(self, turn: Turn) -> Mapping[str, Any] | None:
        """The numbers, looked up."""
        if turn.values.account_nos:
            return await self._take_numbers(turn, "bind_accounts")
        number = turn.services.utility.account_no
        hotline = turn.services.utility.hotline.phone
        facts = {"digits": number.digits, "where_to_find": number.where_to_find, "hotline": hotline}
        if _WHERE.search(turn.text):
            return self.misheard(turn, "bind_accounts", "utter_where_is_account_no", **facts)
        if _NUMBER.fullmatch(turn.text) and not turn.values.first("phone"):
            said = len(re.sub(r"\D", "", turn.text))
            return self.misheard(turn, "bind_accounts", "utter_account_no_wrong_length", said=said, **facts)
        if digresses(turn) and turn.intent != "bind_account":
            return None
        if turn.values.first("image"):
            return self.misheard(turn, "bind_accounts", "utter_no_number_from_photo", **facts)
        response = "utter_phone_is_no_account_no" if turn.values.first("phone") else "utter_no_account_no_seen"
        return self.misheard(turn, "bind_accounts", response, **facts)

    async def hear_bind_agreed(self, turn: Turn) -> Mapping[str, Any] | None:
        """Yes, no, only some of them, or other numbers."""
        if turn.values.account_nos:
            return await self._take_numbers(turn, "bind_agreed")
        previews = _previews(turn)
        some = by_place(turn, previews)
        if some and len(previews) > 1:
            return {"bind_accounts": _kept(some), "bind_agreed": None}
        answer = agreed(turn)
        if answer:
            return {"bind_agreed": True, **await self._prove_next(turn, previews)}
        if answer is False:
            turn.say("utter_then_which_number", where_to_find=turn.services.utility.account_no.where_to_find)
            return {"bind_accounts": None, "bind_agreed": None, "asked_again": True}
        return None if digresses(turn) else self.misheard(turn, "bind_agreed", "utter_yes_or_no")

    async def hear_bind_proof(self, turn: Turn) -> Mapping[str, Any] | None:
        """A code or a password for the account in question; then the next one, until all are proven."""
        previews = _previews(turn)
        in_question = turn.slot("proof_account")
        if not await turn.services.accounts.is_proven(turn.openid, in_question):
            heard = await self.hear_proof(turn, "bind_proof", also=[each.account_no for each in previews])
            if heard is None or heard["bind_proof"] is None:
                return heard
            if heard["bind_proof"] == REFUSED:
                previews = [each for each in previews if each.account_no != in_question]
        return await self._prove_next(turn, previews)

    async def hear_bind_bill_type(self, turn: Turn) -> Mapping[str, Any] | None:
        """Electronic, or electronic and paper; anything that declines leaves things as they are."""
        wanted = bill_type_in(turn)
        if wanted:
            await set_bill_types(turn, [each.account_no for each in _previews(turn)], wanted)
            return {"bind_bill_type": wanted.value}
        if turn.intent in ("deny", "cancel") or leaves_as_is(turn):
            turn.say("utter_bill_type_unchanged")
            return {"bind_bill_type": "unchanged"}
        return None if digresses(turn) else self.misheard(turn, "bind_bill_type", "utter_which_bill_type")

    async def _take_numbers(self, turn: Turn, asked: str) -> dict[str, Any]:
        found = await _look_up(turn, turn.values.account_nos)
        if found:
            return {"bind_accounts": _kept(found), "bind_agreed": None}
        # Each number has been answered for; the form waits for another.
        return {**self.again(asked), "bind_accounts": None}

    async def _prove_next(self, turn: Turn, previews: Sequence[Preview]) -> dict[str, Any]:
        """Slots that ask for the next proof; when there is none left, bind what is proven."""
        accounts = turn.services.accounts
        proven: list[Preview] = []
        for place, preview in enumerate(previews):
            if await accounts.is_proven(turn.openid, preview.account_no):
                proven.append(preview)
                continue
            proof = await begin_proof(turn, preview)
            if proof is not None:
                if proven:
                    turn.say("utter_next_proof", tail=proven[-1].account_no[-4:])
                return {"bind_accounts": _kept([*proven, *previews[place:]]), "bind_proof": None, **proof}
        return {"bind_accounts": _kept(proven) or [], "bind_proof": await self._bind(turn, proven)}

    @staticmethod
    async def _bind(turn: Turn, proven: Sequence[Preview]) -> str:
        if not proven:
            return REFUSED
        try:
            bound = await turn.services.accounts.bind(turn.openid, [each.account_no for each in proven])
        except (TooManyBindings, ClosedAccount, UnknownAccount) as error:
            _say_why_not(turn, proven[0].account_no, error)
            return REFUSED
        turn.say("utter_bound", accounts=account_lines(bound))
        return PROVEN


class ActionBindFormSubmit(Task):
    """Binding is over: goes on with the task that needed it, or says what can be done now."""

    is_detour = True

    def name(self) -> str:
        """The name in the domain."""
        return "action_bind_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Resume, or forget the task where nothing was bound."""
        if turn.slot("bind_proof") != PROVEN:
            return turn.forget_task()
        focus = SlotSet("account_no", turn.slot("bind_accounts")[0]["account_no"])
        going_on = turn.resume()
        if not going_on:
            turn.say("utter_what_now", buttons=WHAT_NOW)
        return [focus, *going_on]
