"""How bills are delivered: electronic only, or on paper as well."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rasa_sdk.events import EventType

from actions.flow import Form, Need, Question, Task, digresses, payload
from actions.turn import Buttons, Turn
from services.accounts import BoundAccount
from services.errors import NotBound, NotVerified
from services.ports import BillType

PAPER_BUTTONS: Buttons = [
    ("只要电子账单", payload("inform", bill_type=BillType.ELECTRONIC.value)),
    ("电子和纸质都要", payload("inform", bill_type=BillType.BOTH.value)),
]
_NO_PAPER = re.compile("(?:不|别|甭|停|取消|免|退)[^，。！]{0,6}(?:纸|寄)|(?:纸)[^，。！]{0,8}(?:不要|不用|别|取消|停|免)")
_PAPER = re.compile("纸|邮寄|寄|信箱|两[种个样]都|都要|一样一份")
_AS_IT_IS = re.compile("随便|都行|都可以|无所谓|照旧|照常|不变|先?不改|跟原来|和以前|老样子")
_ELECTRONIC = re.compile("电子|微信上?[看发收]|手机上?[看发收]|环保")


def bill_type_in(turn: Turn) -> BillType | None:
    """The kind of bill that the message asks for. Paper always comes with electronic: this chat shows bills anyway."""
    named = turn.values.first("bill_type")
    if named in (BillType.ELECTRONIC, BillType.BOTH):
        return BillType(named)
    if _NO_PAPER.search(turn.text):
        return BillType.ELECTRONIC
    if _PAPER.search(turn.text):
        return BillType.BOTH
    return BillType.ELECTRONIC if _ELECTRONIC.search(turn.text) else None


def leaves_as_is(turn: Turn) -> bool:
    """随便, 照旧."""
    return bool(_AS_IT_IS.search(turn.text))


async def set_bill_types(turn: Turn, account_nos: Sequence[str], wanted: BillType) -> None:
    """Set it for each account, and say so."""
    for account_no in account_nos:
        await turn.services.accounts.set_bill_type(turn.openid, account_no, wanted)
    turn.say(f"utter_bill_type_{wanted.value}")


class ActionBillType(Task):
    """电子账单还是纸质的."""

    need = Need.VERIFIED

    def name(self) -> str:
        """The name in the domain."""
        return "action_bill_type"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Do what was said at once, since it can be undone as easily; else ask."""
        account_no = account.account_no if account else ""
        wanted = bill_type_in(turn)
        if wanted:
            await set_bill_types(turn, [account_no], wanted)
            return []
        return turn.start_form("bill_type_form", bill_type_account=account_no, bill_type_choice=None)


class ActionAskBillTypeChoice(Question):
    """Which kind."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_bill_type_choice"

    async def ask(self, turn: Turn) -> None:
        """Ask, saying for which account."""
        bound = await turn.services.accounts.bindings(turn.openid)
        account = next((each.label for each in bound if each.account_no == turn.slot("bill_type_account")), "")
        turn.say("utter_ask_bill_type", account=account, buttons=PAPER_BUTTONS)


class ValidateBillTypeForm(Form):
    """Hears which kind, and sets it."""

    def name(self) -> str:
        """The name in the domain."""
        return "validate_bill_type_form"

    async def hear_bill_type_choice(self, turn: Turn) -> Mapping[str, Any] | None:
        """The kind; a no leaves it as it is."""
        wanted = bill_type_in(turn)
        if wanted:
            try:
                await set_bill_types(turn, [turn.slot("bill_type_account")], wanted)
            except (NotBound, NotVerified):  # unbound, or the verified session is over
                turn.say("utter_no_longer_verified")
            return {"bill_type_choice": wanted.value}
        if turn.intent == "deny" or leaves_as_is(turn):
            turn.say("utter_bill_type_unchanged")
            return {"bill_type_choice": "unchanged"}
        return None if digresses(turn) else self.misheard(turn, "bill_type_choice", "utter_which_bill_type")


class ActionBillTypeFormSubmit(Task):
    """The choice is made; goes on with what was interrupted."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_bill_type_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Nothing is left to do."""
        return []
