"""How every task behaves: what it needs first, how it fails, how it is taken up again; and the same for forms."""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import Enum
from typing import Any, ClassVar

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.answers import yes_or_no
from actions.turn import REQUESTED_SLOT, REQUESTS_LEFT, Buttons, Turn
from services.accounts import BoundAccount, choose, named_in
from services.errors import NotBound, SystemUnavailable

log = logging.getLogger(__name__)

BIND_FORM = "bind_form"
EXPLAIN_AFTER = 2
OFFER_PERSON_AFTER = 3
LEAVE_AFTER = 3  # other requests in a row: the customer has moved on, and the form lets go
# Intents that answer a form's question; any other is a digression, unless the form finds its value in the message.
ANSWERS = frozenset({"inform", "affirm", "deny", "nlu_fallback", "oos", ""})
TIMES = frozenset({"period", "date"})  # of which a new one takes the place of the other
# Said to the conversation itself: never an answer to what a form asks.
ASIDES = frozenset({"repeat", "restart"})
WHERE_AND_WHEN = frozenset({"action_outage_query", "action_quality_query", "action_outlets"})  # tasks about places and days
OUTAGES = {
    "csms": "utter_csms_unavailable", "sms": "utter_sms_unavailable", "pay": "utter_pay_unavailable",
    "website": "utter_website_unavailable",
    "hotline": "utter_hotline_unavailable",
}


class Need(Enum):
    """What a task needs before it can start."""

    NOTHING = "nothing"
    ACCOUNT = "account"  # a bound account
    VERIFIED = "verified"  # and a customer who may see its sensitive data, by the rule in utility.yml
    PROVEN = "proven"  # and a customer who gave a code or password not long ago, whatever the rule: for changes


class Task(Action, ABC):
    """One piece of work for a customer. ``perform`` is called when everything it needs is there."""

    need: ClassVar[Need] = Need.NOTHING
    follows_up: ClassVar[bool] = False  # whether "那上个月呢" after it means: the same again for last month
    is_detour: ClassVar[bool] = False  # whether it serves another task, which stays the one to be taken up

    @abstractmethod
    def name(self) -> str:
        """The name in the domain."""

    @abstractmethod
    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Do the work. ``account`` is the one in question where the task needs one."""

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[EventType]:
        """Check the needs, perform, and answer for systems that do not."""
        mine = tracker.get_slot("pending_task") == self.name()
        turn = Turn(dispatcher, tracker, pending=mine)
        try:
            account, detour = await self._meet_needs(turn)
            if detour is not None:
                return detour
            events = await self.perform(turn, account)
        except SystemUnavailable as error:
            return self._apologise(turn, error)
        done: list[EventType] = turn.forget_task() if mine else []
        if self.follows_up:
            done += [SlotSet("last_task", self.name()), SlotSet("last_entities", turn.values.entities)]
        if account is not None:
            done.append(SlotSet("account_no", account.account_no))
        if not _goes_on(events):
            done += _after_digression(turn) if turn.active_form else turn.resume_form()
        return [*done, *events]

    async def _meet_needs(self, turn: Turn) -> tuple[BoundAccount | None, list[EventType] | None]:
        if self.need is Need.NOTHING:
            return None, None
        bound = await turn.services.accounts.bindings(turn.openid)
        if not bound:
            turn.say("utter_bind_first")
            if turn.active_form == BIND_FORM:  # goes on where it was, and then comes to this task
                return None, turn.put_aside(self.name())
            return None, turn.detour(self.name(), "action_bind_account")
        try:
            account = choose(bound, turn.values.account_nos, turn.text, turn.slot("account_no"))
        except NotBound:
            turn.say("utter_not_your_account", buttons=_bind_or_list(turn.values.account_nos))
            return None, []
        if await self._may_go_on(turn, account):
            return account, None
        return account, [SlotSet("account_no", account.account_no), *turn.detour(self.name(), "action_verify")]

    async def _may_go_on(self, turn: Turn, account: BoundAccount) -> bool:
        if self.need is Need.VERIFIED:
            return await turn.services.accounts.is_verified(turn.openid, account.account_no)
        if self.need is Need.PROVEN:
            return await turn.services.accounts.is_proven(turn.openid, account.account_no)
        return True

    def _apologise(self, turn: Turn, error: SystemUnavailable) -> list[EventType]:
        log.warning("%s: %s is unavailable", self.name(), error.system)
        turn.say(
            OUTAGES.get(error.system, "utter_system_unavailable"), hotline=turn.services.utility.hotline.phone,
            buttons=[("再试一次", "/affirm"), ("算了", "/cancel")],
        )
        if self.is_detour and turn.slot("pending_task"):
            return []
        return turn.put_aside(self.name())


class Form(Action, ABC):
    """Reads the answers of a Rasa form; its name is ``validate_`` and the form's.

    For each slot there is a method ``hear_<slot>(turn)`` that returns the slots to set. It returns none when the message is
    no answer but a digression: the form then lets the rules answer, and asks again afterwards. What it returns must hold
    at least one slot; :meth:`misheard` and :meth:`again` make it for answers that are no good.
    """

    secret_slots: ClassVar[frozenset[str]] = frozenset()  # whose answer may be a password: the dialogue gets a handle
    yes_or_no: ClassVar[frozenset[str]] = frozenset()  # whose question is answered with yes or no

    @abstractmethod
    def name(self) -> str:
        """The name in the domain."""

    @property
    def form(self) -> str:
        """The form's name."""
        return self.name().removeprefix("validate_")

    def required(self, turn: Turn, slots: list[str]) -> list[str]:
        """The slots still of interest, in order; a form with branches overrides this."""
        return slots

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[EventType]:
        """Hear the answer to the slot asked for, and say which slot is next.

        The form also comes here when it starts and when it goes on after a digression: then there is nothing to hear.
        """
        turn = Turn(dispatcher, tracker)
        slots: list[str] = domain["forms"][self.form]["required_slots"]
        asked = turn.slot(REQUESTED_SLOT)
        heard: dict[str, Any] = {"asked_again": False}
        if asked in slots and turn.is_fresh:
            answer = await self._hear(turn, asked)
            if answer is None:
                # Rasa rejects a form that sets nothing but this slot, and lets the rules answer.
                return [SlotSet(REQUESTED_SLOT, asked)]
            heard |= {"digressions": 0, **answer}
            if heard.get(asked) is not None:
                heard["wrong_answers"] = 0
        tracker.slots.update(heard)
        needed = self.required(turn, slots)
        missing = next((slot for slot in needed if tracker.get_slot(slot) is None), None)
        return [*(SlotSet(name, value) for name, value in heard.items()), SlotSet(REQUESTED_SLOT, missing)]

    async def _hear(self, turn: Turn, asked: str) -> Mapping[str, Any] | None:
        if asked in self.yes_or_no and turn.intent not in {*ASIDES, "cancel"} and not turn.values.entities:
            turn.intent = yes_or_no(turn.text) or turn.intent
        if turn.intent in ASIDES or (turn.intent == "cancel" and not self.hears_cancel(asked, turn)):
            return None
        try:
            answer: Mapping[str, Any] | None = await getattr(self, f"hear_{asked}")(turn)
        except SystemUnavailable as error:
            log.warning("%s: %s is unavailable", self.name(), error.system)
            self.reply(
                turn, asked, OUTAGES.get(error.system, "utter_system_unavailable"), buttons=[("算了", "/cancel")],
                hotline=turn.services.utility.hotline.phone,
            )
            return self.again(asked)
        return answer

    def hears_cancel(self, slot: str, turn: Turn) -> bool:
        """Whether 算了 answers this question instead of leaving the form."""
        return False

    def again(self, slot: str) -> dict[str, Any]:
        """Slots after an answer that leads no further, when everything has been said about it already."""
        return {slot: None, "asked_again": True}

    def reply(self, turn: Turn, slot: str, response: str, *, buttons: Buttons = (), **facts: Any) -> None:
        """Answer while ``slot`` is still asked for; where that may be a password, the gateway goes on looking out for it."""
        say = turn.ask_secret if slot in self.secret_slots else turn.say
        say(response, buttons=buttons, **facts)

    def misheard(self, turn: Turn, slot: str, response: str, **facts: Any) -> dict[str, Any]:
        """Slots after an answer that is no good: ``response`` says why; the second time more, the third a person is offered."""
        count = int(turn.slot("wrong_answers") or 0) + 1
        if count >= OFFER_PERSON_AFTER:
            self.reply(turn, slot, "utter_offer_person", buttons=[("找人工", "/human"), ("算了", "/cancel")])
        else:
            self.reply(turn, slot, response, **facts)
        if count == EXPLAIN_AFTER:
            turn.say(f"utter_explain_{slot}")
        return {**self.again(slot), "wrong_answers": count}


class Question(Action, ABC):
    """Asks for a form's slot where a plain response is not enough; its name is ``action_ask_`` and the slot's."""

    @abstractmethod
    def name(self) -> str:
        """The name in the domain."""

    @abstractmethod
    async def ask(self, turn: Turn) -> None:
        """Put the question."""

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[EventType]:
        """Ask, unless the form has just said what was wrong with the answer and so asked again."""
        turn = Turn(dispatcher, tracker)
        if not (turn.slot("asked_again") and turn.is_fresh):
            await self.ask(turn)
        return []


def digresses(turn: Turn, *entities: str) -> bool:
    """Whether the message is about something else: another intent, and none of the ``entities`` that would answer."""
    if any(turn.values.all(name) for name in entities):
        return False
    return turn.intent not in ANSWERS


def agreed(turn: Turn) -> bool | None:
    """Yes, no, or neither."""
    return {"affirm": True, "deny": False}.get(turn.intent)


def payload(intent: str, **entities: Any) -> str:
    """What a button sends: ``/inform{"ordinal": 2}``."""
    return f"/{intent}{json.dumps(entities, ensure_ascii=False)}" if entities else f"/{intent}"


def _goes_on(events: list[EventType]) -> bool:
    return any(event["event"] in ("followup", "active_loop") for event in events)


def _after_digression(turn: Turn) -> list[EventType]:
    """Count what was asked in a row besides the open form's question; after too much of it, close the form."""
    count = int(turn.slot("digressions") or 0) + 1
    if count < LEAVE_AFTER:
        return [SlotSet("digressions", count)]
    return [ActiveLoop(None), SlotSet(REQUESTED_SLOT, None), SlotSet("digressions", 0), *turn.forget_task()]


def _bind_or_list(account_nos: list[str]) -> Buttons:
    bind = payload("bind_account", account_no=account_nos[0]) if account_nos else "/bind_account"
    return [("绑定这个户号", bind), ("看我的户号", "/list_accounts")]


class ActionCancel(Action):
    """算了: leave whatever is going on, and say so."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_cancel"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[EventType]:
        """Close the form and forget the task put aside."""
        turn = Turn(dispatcher, tracker)
        busy = bool(turn.active_form or turn.slot("pending_task"))
        turn.say("utter_cancelled" if busy else "utter_nothing_to_cancel")
        return [
            ActiveLoop(None), SlotSet(REQUESTED_SLOT, None), SlotSet("interrupted_form", None), SlotSet("wrong_answers", 0),
            SlotSet(REQUESTS_LEFT, None), *turn.forget_task(),
        ]


class ActionRestart(Action):
    """重新开始: forget whatever is going on. What is bound, and which account was spoken of, stays.

    Replaces Rasa's own action of this name, which would forget the whole conversation.
    """

    def name(self) -> str:
        """The name in the domain."""
        return "action_restart"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[EventType]:
        """Close the form and clear all other slots."""
        Turn(dispatcher, tracker).say("utter_restarted")
        kept = (REQUESTED_SLOT, "account_no")
        cleared = [SlotSet(name, None) for name, value in tracker.slots.items() if value is not None and name not in kept]
        return [ActiveLoop(None), SlotSet(REQUESTED_SLOT, None), *cleared]


class ActionRepeat(Action):
    """再说一遍: the last answer again; while a form is open its question, which the form puts again by itself."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_repeat"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[EventType]:
        """Say it again."""
        turn = Turn(dispatcher, tracker)
        if turn.active_form:
            turn.say("utter_repeat_form")
            return []
        answers = last_answers(tracker)
        for answer in answers:
            data = answer.get("data") or {}
            buttons = [(button["title"], button["payload"]) for button in data.get("buttons") or []]
            turn.say("utter_repeat_answer", text=answer.get("text") or "", buttons=buttons, custom=data.get("custom"))
        if not answers:
            turn.say("utter_repeat_first")
        return []


def task_of_number(turn: Turn, number: str) -> str:
    """The task that tells how the thing stands that has this number: its first letters say which desk gave it."""
    utility = turn.services.utility
    if number.startswith(utility.applications.number_prefix):
        return "action_application_progress"
    if number.startswith(tuple(utility.readings.number_prefixes.model_dump().values())):
        return "action_meter_request_status"
    return "action_order_status"


def last_answers(tracker: Tracker) -> list[Mapping[str, Any]]:
    """What the bot said before the customer's last message, in order: Rasa's events of its words."""
    said: list[Mapping[str, Any]] = []
    messages = 0
    for event in reversed(tracker.events):
        if event.get("event") == "user":
            if said:
                break
            messages += 1
        elif event.get("event") == "bot" and messages:
            said.insert(0, event)
    return said


async def names_place_or_day(turn: Turn) -> bool:
    """Whether the message goes on with a question about places and days: 那明天呢, 江东区呢."""
    if turn.slot("last_task") not in WHERE_AND_WHEN:
        return False
    if turn.values.dates or turn.values.first("address"):
        return True
    try:
        return await turn.services.outages.place_in(turn.text) is not None
    except SystemUnavailable:
        return False


class ActionContinue(Action):
    """A yes outside any form: go on with the task that was put aside or failed, if there is one."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_continue"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[EventType]:
        """Resume, or just be polite."""
        turn = Turn(dispatcher, tracker)
        events = turn.resume()
        if not events:
            turn.say("utter_okay")
        return events


class ActionInform(Action):
    """A bare value or a correction outside any form: the last task again, for the month or account now named."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_inform"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[EventType]:
        """Find what the value is for."""
        turn = Turn(dispatcher, tracker)
        last = turn.slot("last_task")
        if turn.values.first("image"):
            turn.say("utter_photo_received")
            return []
        if turn.values.first("location"):
            return [FollowupAction("action_outlets")]
        if number := turn.values.first("work_order_no"):
            return [FollowupAction(task_of_number(turn, str(number)))]
        accounts = await turn.services.accounts.bindings(turn.openid)
        bound = {account.account_no for account in accounts}
        if any(number not in bound for number in turn.values.account_nos):
            return [FollowupAction("action_bind_account")]
        named = turn.values.account_nos or named_in(turn.text, accounts) is not None
        if last and (turn.values.periods or named or await names_place_or_day(turn)):
            return [*turn.put_aside(last, self._merged(turn)), FollowupAction(last)]
        return [FollowupAction("action_cancel" if turn.intent == "deny" else "action_did_you_mean")]

    @staticmethod
    def _merged(turn: Turn) -> list[dict[str, Any]]:
        """What was said now, and what was said before of other kinds."""
        now = turn.values.entities
        kinds = {entity["entity"] for entity in now}
        if kinds & TIMES:
            kinds |= TIMES
        return [*now, *(entity for entity in turn.slot("last_entities") or [] if entity["entity"] not in kinds)]
