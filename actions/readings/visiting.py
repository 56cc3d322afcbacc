"""预约上门抄表: book somebody to read the meter, put it to another time, take it back, look it up."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from rasa_sdk.events import EventType

from actions.flow import ANSWERS, Form, Need, Question, Task, agreed, payload
from actions.readings import figures
from actions.readings.following import Submit, hotline, label_of, newest, say_refused, say_unknown, see_to
from actions.readings.saying import CANCEL, LOOK, MOVE, Time, part_of, time_said, wish_said
from actions.turn import Buttons, Turn
from runxia.clock import today
from runxia.masking import mask_phone
from services.accounts import BoundAccount
from services.errors import ReadingRefused, UnknownAccount, UnknownMeterRequest
from services.readings import DayPart, Filing, Kind, MeterRequest, Slot, State
from services.readings.rules import day_problem, nearest, visit_days

FORM = "visit_form"
SLOTS = (
    "visit_account", "visit_request", "visit_no", "visit_offers", "visit_phone_on_file", "visit_day", "visit_part",
    "visit_phone", "visit_confirmed",
)
OFFERED, NEAREST = 3, 2
FORM_INTENTS = ANSWERS | {"book_onsite_reading"}


class ActionBookOnsiteReading(Task):
    """Starts the form with what was said; or sees to a visit that was booked before."""

    need = Need.VERIFIED

    def name(self) -> str:
        """The name in the domain."""
        return "action_book_onsite_reading"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        if account is None:
            raise TypeError("the task needs an account")
        wish = wish_said(turn)
        if wish in (LOOK, CANCEL):
            events = await see_to(turn, account, Kind.VISIT, wish)
            if events is not None:
                return events
            turn.say("utter_visit_none", account=account.label)
            if wish == CANCEL:
                return []
        try:
            booked = await self._booked(turn, account)
            return await (self._move(turn, booked, wish) if booked else self._book(turn, account))
        except UnknownMeterRequest:
            return say_unknown(turn)
        except ReadingRefused as error:
            await say_refused(turn, error, Kind.VISIT, account.account_no)
        except UnknownAccount:
            turn.say("utter_meter_refused_unknown", account=account.label, **hotline(turn))
        return []

    @staticmethod
    async def _booked(turn: Turn, account: BoundAccount) -> MeterRequest | None:
        found = await newest(turn, account, Kind.VISIT)
        return found if found and found.state is State.BOOKED else None

    async def _move(self, turn: Turn, booked: MeterRequest, wish: str | None) -> list[EventType]:
        """One visit at a time: the one there is can be put to another time."""
        if wish != MOVE and time_said(turn) is None:
            await say_refused(turn, ReadingRefused("open", number=booked.request_no), Kind.VISIT, booked.account_no)
            return []
        held = await turn.services.csms.account(booked.account_no)
        return await _start(turn, booked.account_no, held.phone if held else None, booked)

    @staticmethod
    async def _book(turn: Turn, account: BoundAccount) -> list[EventType]:
        held = await turn.services.readings.may_come(account.account_no, Kind.VISIT)
        return await _start(turn, account.account_no, held.phone, None)


async def _start(turn: Turn, account_no: str, phone: str | None, booked: MeterRequest | None) -> list[EventType]:
    slots = await turn.services.readings.visit_times()
    if not slots:
        turn.say("utter_visit_no_time", buttons=[("找人工", "/human")], **hotline(turn))
        return []
    said = time_said(turn)
    taken, response, facts = settle(turn, said, slots) if said else ({}, None, {})
    if response:
        turn.say(response, **facts)
    return turn.start_form(
        FORM, **{
            **dict.fromkeys(SLOTS), "visit_account": account_no, "visit_request": secrets.token_hex(8),
            "visit_no": booked.request_no if booked else None, "visit_phone_on_file": phone,
            "visit_offers": [_time_of(slot) for slot in slots[:OFFERED]], "visit_phone": turn.values.first("phone"), **taken,
        },
    )


def settle(turn: Turn, said: Time, slots: Sequence[Slot]) -> tuple[dict[str, Any], str | None, dict[str, Any]]:
    """What becomes of a time that was asked for: slots to set, or the response that says why not, with its facts."""
    rules, day = turn.services.utility.readings.visits, today(turn.services.clock)
    of_day = [slot for slot in slots if said.first <= slot.day <= said.last]
    fitting = [slot for slot in of_day if said.part in (None, slot.part)]
    offers = nearest(fitting if fitting else slots, said.first, said.part, NEAREST if not fitting else OFFERED)
    facts = {
        "offers": "、".join(figures.short_time(slot) for slot in offers), "buttons": time_buttons(map(_time_of, offers)),
        "said": figures.full_day(said.first), "first": figures.full_day(visit_days(rules, day)[0]),
        "last": figures.full_day(visit_days(rules, day)[1]), "part": figures.PART_NAMES[said.part] if said.part else "",
    }
    if said.is_evening:
        return {}, "utter_visit_evening", facts
    if not said.is_one_day and fitting:
        return {}, "utter_visit_which_day", facts
    problem = day_problem(rules, day, said.first)
    if problem and not fitting:
        return {}, f"utter_visit_{problem}", facts
    if not fitting:
        return {}, "utter_visit_full", facts
    parts = {slot.part for slot in fitting}
    return {"visit_day": said.first.isoformat(), "visit_part": said.part if len(parts) > 1 else parts.pop()}, None, {}


def time_buttons(times: Any) -> Buttons:
    """Buttons for times as the form keeps them."""
    shown = [(str(each), *str(each).split("/")) for each in times]
    return [
        (figures.short_time(Slot(date.fromisoformat(day), DayPart(part), 1)), payload("inform", visit_time=each))
        for each, day, part in shown
    ]


def _time_of(slot: Slot) -> str:
    return f"{slot.day.isoformat()}/{slot.part}"


class ActionAskVisitDay(Question):
    """Which day."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_visit_day"

    async def ask(self, turn: Turn) -> None:
        """Put the question, with the next times."""
        rules = turn.services.utility.readings.visits
        moves = turn.slot("visit_no")
        turn.say(
            "utter_ask_visit_new_day" if moves else "utter_ask_visit_day", number=moves or "",
            morning=rules.hours["morning"], afternoon=rules.hours["afternoon"], fee=rules.fee,
            buttons=time_buttons(turn.slot("visit_offers") or []),
        )


class ActionAskVisitPart(Question):
    """Morning or afternoon."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_visit_part"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        rules, day = turn.services.utility.readings.visits, turn.slot("visit_day")
        turn.say("utter_ask_visit_part", day=figures.full_day(date.fromisoformat(day)), buttons=[
            (f"{name} {rules.hours[part.value]}", payload("inform", visit_time=f"{day}/{part}"))
            for part, name in figures.PART_NAMES.items()
        ])


class ActionAskVisitPhone(Question):
    """Whom to call."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_visit_phone"

    async def ask(self, turn: Turn) -> None:
        """Offer the phone on file."""
        ask_phone(turn, turn.slot("visit_phone_on_file"))


def ask_phone(turn: Turn, on_file: str | None) -> None:
    """Ask for a phone, offering the one on file."""
    if on_file:
        turn.say("utter_ask_meter_phone_on_file", phone=mask_phone(on_file), buttons=[("就打这个", "/affirm")])
    else:
        turn.say("utter_ask_meter_phone")


def phone_said(turn: Turn, on_file: str | None) -> str | None:
    """The phone in an answer: another one, or a yes to the one on file."""
    said = turn.values.first("phone")
    if said:
        return str(said)
    is_yes = agreed(turn) is True or "就打这个" in turn.text or "就这个" in turn.text
    return on_file if is_yes and on_file else None


class ActionAskVisitConfirmed(Question):
    """Everything once more, and a yes."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_visit_confirmed"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        rules = turn.services.utility.readings.visits
        moves = turn.slot("visit_no")
        turn.say(
            "utter_visit_confirm_move" if moves else "utter_visit_confirm", number=moves or "",
            account=await label_of(turn, turn.slot("visit_account")), phone=mask_phone(turn.slot("visit_phone")), fee=rules.fee,
            when=figures.time(date.fromisoformat(turn.slot("visit_day")), DayPart(turn.slot("visit_part")), rules),
            buttons=[("确认改期" if moves else "确认预约", "/affirm"), ("不改了" if moves else "先不约", "/deny")],
        )


class ValidateVisitForm(Form):
    """Hears the day, the half of it, the phone, the yes. A time or a phone given out of turn corrects."""

    yes_or_no = frozenset({"visit_phone", "visit_confirmed"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_visit_form"

    def required(self, turn: Turn, slots: list[str]) -> list[str]:
        """A no ends the form at once."""
        return [] if turn.slot("visit_confirmed") is False else slots

    async def hear_visit_day(self, turn: Turn) -> Mapping[str, Any] | None:
        """A day on which somebody can come."""
        said = time_said(turn)
        if said is not None:
            return await self._settle(turn, "visit_day", said)
        if turn.intent not in FORM_INTENTS:
            return None
        return self.misheard(
            turn, "visit_day", "utter_visit_day_please", buttons=time_buttons(turn.slot("visit_offers") or []),
        )

    async def _settle(self, turn: Turn, asked: str, said: Time) -> Mapping[str, Any]:
        taken, response, facts = settle(turn, said, await turn.services.readings.visit_times())
        phone = turn.values.first("phone")
        more = {"visit_phone": str(phone)} if phone else {}
        if response:
            return {**self.misheard(turn, asked, response, **facts), **more, "visit_day": None, "visit_part": None}
        return {asked: None, **taken, **more}

    async def hear_visit_part(self, turn: Turn) -> Mapping[str, Any] | None:
        """Morning or afternoon, as far as there is time."""
        said = time_said(turn)
        if said is not None:
            return await self._settle(turn, "visit_part", said)
        part, day = turn.values.day_part, date.fromisoformat(turn.slot("visit_day"))
        if part:
            said = Time(day, day, part_of(part), is_evening=part == "evening")
            return await self._settle(turn, "visit_part", said)
        if turn.intent not in FORM_INTENTS:
            return None
        return self.misheard(turn, "visit_part", "utter_visit_part_please")

    async def hear_visit_phone(self, turn: Turn) -> Mapping[str, Any] | None:
        """A phone."""
        phone = phone_said(turn, turn.slot("visit_phone_on_file"))
        if phone:
            return {"visit_phone": phone}
        said = time_said(turn)
        if said is not None:
            return {**await self._settle(turn, "visit_day", said), "visit_phone": None}
        return self.misheard(turn, "visit_phone", "utter_meter_phone_please") if turn.intent in FORM_INTENTS else None

    async def hear_visit_confirmed(self, turn: Turn) -> Mapping[str, Any] | None:
        """A yes or a no; or another time or phone."""
        said = time_said(turn)
        if said is None and turn.values.day_part:
            day = date.fromisoformat(turn.slot("visit_day"))
            said = Time(day, day, part_of(turn.values.day_part), is_evening=turn.values.day_part == "evening")
        if said is not None:
            return {**await self._settle(turn, "visit_day", said), "visit_confirmed": None}
        phone = turn.values.first("phone")
        if phone:
            return {"visit_phone": str(phone), "visit_confirmed": None}
        yes = agreed(turn)
        if yes is not None:
            return {"visit_confirmed": yes}
        return self.misheard(turn, "visit_confirmed", "utter_visit_yes_or_no") if turn.intent in FORM_INTENTS else None


class ActionVisitFormSubmit(Submit):
    """Books the visit, or puts it to another time."""

    kind = Kind.VISIT
    agreed_slot, request_slot, slots = "visit_confirmed", "visit_request", SLOTS

    def name(self) -> str:
        """The name in the domain."""
        return "action_visit_form_submit"

    def filing(self, turn: Turn) -> Filing:
        """See :class:`Submit`."""
        day, part = turn.slot("visit_day"), turn.slot("visit_part")
        return Filing(
            Kind.VISIT, turn.slot("visit_account"), day=date.fromisoformat(day) if day else None,
            part=DayPart(part) if part else None, phone=turn.slot("visit_phone"),
        )

    async def file(self, turn: Turn) -> MeterRequest:
        """See :class:`Submit`."""
        number, filing = turn.slot("visit_no"), self.filing(turn)
        if number and filing.day and filing.part and filing.phone:
            return await turn.services.readings.move(turn.openid, number, filing.day, filing.part, filing.phone)
        return await super().file(turn)

    async def refused(self, turn: Turn, error: ReadingRefused) -> list[EventType]:
        """Somebody else was faster: other times are offered, and the rest is kept."""
        if error.why != "full":
            return await super().refused(turn, error)
        day, part = date.fromisoformat(turn.slot("visit_day")), DayPart(turn.slot("visit_part"))
        left = [slot for slot in await turn.services.readings.visit_times() if (slot.day, slot.part) != (day, part)]
        offers = [_time_of(each) for each in nearest(left, day, part, NEAREST)]
        turn.say("utter_visit_taken_meanwhile", when=figures.short_time(Slot(day, part, 0)))
        again = dict.fromkeys(("visit_day", "visit_part", "visit_confirmed"))
        return turn.start_form(FORM, **{slot: turn.slot(slot) for slot in SLOTS} | again | {"visit_offers": offers})
