"""校表: explains how a meter is verified and who pays, and has it done."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from rasa_sdk.events import EventType

from actions.flow import ANSWERS, Form, Need, Question, Task, agreed
from actions.readings.following import Submit, hotline, label_of, say_refused, see_to
from actions.readings.saying import CANCEL, LOOK, wish_said
from actions.readings.visiting import ask_phone, phone_said
from actions.turn import Turn
from services.accounts import BoundAccount
from services.errors import ReadingRefused, UnknownAccount
from services.readings import Filing, Kind

FORM = "check_form"
SLOTS = ("check_account", "check_request", "check_phone_on_file", "check_agreed", "check_phone")
FORM_INTENTS = ANSWERS | {"spot_check"}


class ActionSpotCheck(Task):
    """Starts the form; or sees to a check that was asked for before."""

    need = Need.VERIFIED

    def name(self) -> str:
        """The name in the domain."""
        return "action_spot_check"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        if account is None:
            raise TypeError("the task needs an account")
        wish = wish_said(turn)
        if wish in (LOOK, CANCEL):
            events = await see_to(turn, account, Kind.CHECK, wish)
            if events is not None:
                return events
        try:
            held = await turn.services.readings.may_come(account.account_no, Kind.CHECK)
        except ReadingRefused as error:
            await say_refused(turn, error, Kind.CHECK, account.account_no)
            return []
        except UnknownAccount:
            turn.say("utter_meter_refused_unknown", account=account.label, **hotline(turn))
            return []
        return turn.start_form(
            FORM, check_account=account.account_no, check_request=secrets.token_hex(8), check_phone_on_file=held.phone,
            check_agreed=None, check_phone=turn.values.first("phone"),
        )


class ActionAskCheckAgreed(Question):
    """What a check is, what it costs and whom, and whether to ask for it."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_check_agreed"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        rules = turn.services.utility.readings.check
        turn.say(
            "utter_check_explain", account=await label_of(turn, turn.slot("check_account")), rule=rules.rule,
            tolerance=rules.tolerance, days=rules.working_days, fee=rules.fee, qualified=rules.qualified,
            unqualified=rules.unqualified,
            buttons=[("申请校表", "/affirm"), ("水表坏了，报修", "/repair_report"), ("先不申请", "/deny")],
        )


class ActionAskCheckPhone(Question):
    """Whom to call."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_check_phone"

    async def ask(self, turn: Turn) -> None:
        """Offer the phone on file."""
        ask_phone(turn, turn.slot("check_phone_on_file"))


class ValidateCheckForm(Form):
    """Hears the yes, and the phone."""

    yes_or_no = frozenset({"check_agreed", "check_phone"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_check_form"

    def required(self, turn: Turn, slots: list[str]) -> list[str]:
        """A no ends the form at once."""
        return [] if turn.slot("check_agreed") is False else slots

    async def hear_check_agreed(self, turn: Turn) -> Mapping[str, Any] | None:
        """A yes or a no; a phone is a yes with the next answer."""
        phone = turn.values.first("phone")
        if phone:
            return {"check_agreed": True, "check_phone": str(phone)}
        yes = agreed(turn)
        if yes is not None:
            return {"check_agreed": yes}
        return self.misheard(turn, "check_agreed", "utter_check_yes_or_no") if turn.intent in ANSWERS else None

    async def hear_check_phone(self, turn: Turn) -> Mapping[str, Any] | None:
        """A phone."""
        phone = phone_said(turn, turn.slot("check_phone_on_file"))
        if phone:
            return {"check_phone": phone}
        return self.misheard(turn, "check_phone", "utter_meter_phone_please") if turn.intent in FORM_INTENTS else None


class ActionCheckFormSubmit(Submit):
    """Files the check."""

    kind = Kind.CHECK
    agreed_slot, request_slot, slots = "check_agreed", "check_request", SLOTS

    def name(self) -> str:
        """The name in the domain."""
        return "action_check_form_submit"

    def filing(self, turn: Turn) -> Filing:
        """See :class:`Submit`."""
        return Filing(Kind.CHECK, turn.slot("check_account"), phone=turn.slot("check_phone"))
