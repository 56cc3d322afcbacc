"""自助抄表: the customer's own reading, held against the last one and against usual use, priced, confirmed, sent once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date
from typing import Any

from rasa_sdk.events import EventType

from actions.flow import ANSWERS, Form, Need, Question, Task, agreed, payload
from actions.readings import figures
from actions.readings.following import Submit, hotline, label_of, say_refused, see_to
from actions.readings.saying import EXCHANGED, LOOK, WRONG_NUMBER, Shown, shown_said, wish_said
from actions.turn import Buttons, Turn
from runxia.money import yuan
from services.accounts import BoundAccount
from services.errors import ReadingRefused, UnknownAccount
from services.readings import Filing, Kind, Meter, Verdict
from services.readings.rules import previous_reading, window

FORM = "reading_form"
SLOTS = ("reading_account", "reading_request", "reading_last", "reading_facts", "reading_value", "reading_confirmed")
ELSE: Buttons = [
    ("看错了，重报", payload("inform", meter_choice="again")), ("换过水表", payload("inform", meter_choice="exchanged")),
    ("上次抄错了", "/reading_dispute"),
]


async def assess(turn: Turn, account_no: str, shown: Shown) -> dict[str, Any]:
    """What a reading would mean, as the form keeps it: ``verdict``, ``use``, ``amount_fen``, and the reading before."""
    found = await turn.services.readings.assess(account_no, shown.value)
    judgement = found.judgement
    return {
        "verdict": judgement.verdict, "use": judgement.use, "amount_fen": found.amount_fen,
        "usual": None if judgement.usual is None else round(judgement.usual), "rolled_over": judgement.rolled_over,
        "exchanged": judgement.exchanged, "has_decimals": shown.has_decimals, "previous": figures.whole(judgement.previous),
        "previous_on": judgement.previous.read_on.isoformat(), "estimated": judgement.previous.kind == "estimated",
    }


def problem(facts: Mapping[str, Any]) -> str | None:
    """The response that says why a reading cannot be right; none where it can."""
    if facts["verdict"] == Verdict.LOWER:
        return "utter_reading_below_estimate" if facts["estimated"] else "utter_reading_lower"
    return "utter_reading_too_long" if facts["verdict"] == Verdict.TOO_LONG else None


class ActionSelfReading(Task):
    """Starts the form, with the reading where it was said already."""

    need = Need.VERIFIED

    def name(self) -> str:
        """The name in the domain."""
        return "action_self_reading"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Check that a reading is taken now; hold against the last what was said."""
        if account is None:
            raise TypeError("the task needs an account")
        shown = shown_said(turn)
        if shown is None and wish_said(turn) == LOOK:
            events = await see_to(turn, account, Kind.READING, LOOK)
            if events is not None:
                return events
        try:
            meter = await turn.services.readings.may_send(account.account_no)
        except ReadingRefused as error:
            await self._say_why_not(turn, account, error)
            return []
        except UnknownAccount:
            turn.say("utter_meter_refused_unknown", account=account.label, **hotline(turn))
            return []
        return await self._start(turn, account, meter, shown)

    @staticmethod
    async def _start(turn: Turn, account: BoundAccount, meter: Meter, shown: Shown | None) -> list[EventType]:
        last = previous_reading(meter)
        facts = await assess(turn, account.account_no, shown) if shown else None
        why_not = problem(facts) if facts else None
        if facts and shown and why_not:
            say_problem(turn, why_not, facts, shown.value, meter.digits)
        is_good = bool(shown and not why_not)
        turn.tracker.slots.update({"reading_account": account.account_no})
        if turn.values.first("image"):
            turn.say("utter_reading_photo_later")
        return turn.start_form(
            FORM, reading_account=account.account_no, reading_request=secrets.token_hex(8), reading_confirmed=None,
            reading_last={"value": figures.whole(last), "on": last.read_on.isoformat(), "digits": meter.digits},
            reading_value=shown.value if shown and is_good else None, reading_facts=facts if is_good else None,
        )

    @staticmethod
    async def _say_why_not(turn: Turn, account: BoundAccount, error: ReadingRefused) -> None:
        if error.why != "window":
            await say_refused(turn, error, Kind.READING, account.account_no)
            return
        meter = await turn.services.readings.meter(account.account_no)
        span = window(meter, turn.services.utility.readings.self_reading)
        if span is None or meter.next_on is None:
            turn.say("utter_meter_refused_stopped", account=account.label, what="自报读数", **hotline(turn))
            return
        turn.say(
            "utter_reading_window", account=account.label, next=figures.full_day(meter.next_on),
            first=figures.full_day(span.first), last=figures.full_day(span.last),
            buttons=[("看上次读数", "/reading_query"), ("预约上门抄表", "/book_onsite_reading")],
        )


def say_problem(turn: Turn, response: str, facts: Mapping[str, Any], value: int, digits: int) -> None:
    """Why a reading cannot be right, and what may be behind it."""
    turn.say(response, buttons=ELSE, **_problem_facts(facts, value, digits))


def _problem_facts(facts: Mapping[str, Any], value: int, digits: int) -> dict[str, Any]:
    return {
        "value": value, "previous": facts["previous"], "previous_on": figures.dated(date.fromisoformat(facts["previous_on"])),
        "digits": digits,
    }


class ActionAskReadingValue(Question):
    """What the meter shows."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_reading_value"

    async def ask(self, turn: Turn) -> None:
        """Put the question, with the last reading."""
        last = turn.slot("reading_last")
        turn.say(
            "utter_ask_reading_value", account=await label_of(turn, turn.slot("reading_account")), previous=last["value"],
            previous_on=figures.dated(date.fromisoformat(last["on"])),
        )


class ActionAskReadingConfirmed(Question):
    """Everything once more, what is odd about it, and a yes."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_reading_confirmed"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        facts = turn.slot("reading_facts")
        is_high = facts["verdict"] == Verdict.HIGH
        turn.say(
            "utter_reading_confirm_high" if is_high else "utter_reading_confirm",
            account=await label_of(turn, turn.slot("reading_account")), value=turn.slot("reading_value"),
            previous=facts["previous"], previous_on=figures.dated(date.fromisoformat(facts["previous_on"])), use=facts["use"],
            amount=yuan(facts["amount_fen"] or 0), notes=self._notes(facts), usual=self._usual(facts),
            buttons=[
                ("没错，报上去" if is_high else "确认报数", "/affirm"),
                ("数字不对，重报", payload("inform", meter_choice="again")), ("先不报", "/deny"),
            ],
        )

    @staticmethod
    def _notes(facts: Mapping[str, Any]) -> str:
        notes = (
            ("小数（红色数字）不用报，已经去掉", facts["has_decimals"]),
            ("水表走满一圈从头开始，用量按满圈算", facts["rolled_over"]),
            ("上次抄表后换过水表，从新表的起数算", facts["exchanged"]),
            ("上次是估抄，这次会多退少补", facts["estimated"]),
        )
        said = [note for note, applies in notes if applies]
        return f"\n（{'；'.join(said)}）" if said else ""

    @staticmethod
    def _usual(facts: Mapping[str, Any]) -> str:
        return f"（平时到这时候大约{facts['usual']}吨）" if facts["usual"] is not None else ""


class ValidateReadingForm(Form):
    """Hears the reading, and the yes."""

    yes_or_no = frozenset({"reading_confirmed"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_reading_form"

    def required(self, turn: Turn, slots: list[str]) -> list[str]:
        """A no ends the form at once."""
        return [] if turn.slot("reading_confirmed") is False else slots

    async def hear_reading_value(self, turn: Turn) -> Mapping[str, Any] | None:
        """A number of whole m³ that can be right."""
        if turn.values.first("image"):
            turn.say("utter_reading_photo_later")
            return self.again("reading_value")
        shown = shown_said(turn)
        if shown is not None:
            return await self._take(turn, shown)
        if turn.values.first("meter_choice") == "exchanged" or EXCHANGED.search(turn.text):
            turn.say("utter_reading_exchanged", buttons=[
                ("预约上门抄表", "/book_onsite_reading"), ("申请读数复核", "/reading_dispute"), ("找人工", "/human"),
            ], **hotline(turn))
            return self.again("reading_value")
        if turn.values.first("meter_choice") == "again" or turn.intent == "self_reading":
            return {"reading_value": None}
        if turn.intent not in ANSWERS:
            return None
        return self.misheard(turn, "reading_value", "utter_reading_number_please")

    async def _take(self, turn: Turn, shown: Shown) -> Mapping[str, Any]:
        facts = await assess(turn, turn.slot("reading_account"), shown)
        why_not = problem(facts)
        if why_not is None:
            return {"reading_value": shown.value, "reading_facts": facts, "reading_confirmed": None}
        digits = turn.slot("reading_last")["digits"]
        said = self.misheard(turn, "reading_value", why_not, buttons=ELSE, **_problem_facts(facts, shown.value, digits))
        return {**said, "reading_confirmed": None}

    async def hear_reading_confirmed(self, turn: Turn) -> Mapping[str, Any] | None:
        """A yes or a no; or another number."""
        shown = shown_said(turn)
        if shown is not None and shown.value != turn.slot("reading_value"):
            return await self._take(turn, shown)
        if turn.values.first("image"):
            turn.say("utter_reading_photo_later")
            return self.again("reading_confirmed")
        if turn.values.first("meter_choice") == "again" or WRONG_NUMBER.search(turn.text):
            return {"reading_value": None, "reading_confirmed": None}
        yes = True if shown else agreed(turn)
        if yes is not None:
            return {"reading_confirmed": yes}
        return self.misheard(turn, "reading_confirmed", "utter_reading_yes_or_no") if turn.intent in ANSWERS else None


class ActionReadingFormSubmit(Submit):
    """Sends the reading."""

    kind = Kind.READING
    agreed_slot, request_slot, slots = "reading_confirmed", "reading_request", SLOTS

    def name(self) -> str:
        """The name in the domain."""
        return "action_reading_form_submit"

    def filing(self, turn: Turn) -> Filing:
        """See :class:`Submit`."""
        return Filing(Kind.READING, turn.slot("reading_account"), value=turn.slot("reading_value"))
