"""How every task behaves: what it needs first, how it fails, how it is taken up again; and the same for forms."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import Enum
from typing import Any, ClassVar

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.turn import REQUESTED_SLOT, Turn
from services.accounts import BoundAccount
from services.errors import NotBound, SystemUnavailable

log = logging.getLogger(__name__)

EXPLAIN_AFTER = 2
OFFER_PERSON_AFTER = 3
# Intents that answer a form's question; any other is a digression, unless the form finds its value in the message.
ANSWERS = frozenset({"inform", "affirm", "deny", "nlu_fallback", "oos", ""})
OUTAGES = {"csms": "utter_csms_unavailable", "sms": "utter_sms_unavailable", "pay": "utter_pay_unavailable"}


class Need(Enum):
    """What a task needs before it can start."""

    NOTHING = "nothing"
    ACCOUNT = "account"  # a bound account
    VERIFIED = "verified"  # and a customer who has proved who they are not long ago


class Task(Action, ABC):
    """One piece of work for a customer. ``perform`` is called when everything it needs is there."""

    need: ClassVar[Need] = Need.NOTHING
    follows_up: ClassVar[bool] = False  # whether "那上个月呢" after it means: the same again for last month

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
        done: list[EventType] = [SlotSet("pending_task", None), SlotSet("pending_entities", None)] if mine else []
        if self.follows_up:
            done += [SlotSet("last_task", self.name()), SlotSet("last_entities", turn.values.entities)]
        if account is not None:
            done.append(SlotSet("account_no", account.account_no))
        return done + events

    async def _meet_needs(self, turn: Turn) -> tuple[BoundAccount | None, list[EventType] | None]:
        if self.need is Need.NOTHING:
            return None, None
        accounts = turn.services.accounts
        if not await accounts.bindings(turn.openid):
            turn.say("utter_bind_first")
            return None, turn.detour(self.name(), "action_bind_account")
        try:
            account = await accounts.pick(turn.openid, turn.values.account_nos, turn.text, turn.slot("account_no"))
        except NotBound:
            turn.say("utter_not_your_account", buttons=[("绑定这个户号", "/bind_account"), ("看我的户号", "/list_accounts")])
            return None, []
        if self.need is Need.VERIFIED and not await accounts.is_verified(turn.openid, account.account_no):
            return account, [SlotSet("account_no", account.account_no), *turn.detour(self.name(), "action_verify")]
        return account, None

    def _apologise(self, turn: Turn, error: SystemUnavailable) -> list[EventType]:
        log.warning("%s: %s is unavailable", self.name(), error.system)
        turn.say(OUTAGES.get(error.system, "utter_system_unavailable"), buttons=[("再试一次", "/affirm"), ("算了", "/cancel")])
        return [SlotSet("pending_task", self.name()), SlotSet("pending_entities", turn.values.entities)]


class Form(Action, ABC):
    """Reads the answers of a Rasa form; its name is ``validate_`` and the form's.

    For each slot there is a method ``hear_<slot>(turn)`` that returns the slots to set. It returns none when the message is
    no answer but a digression: the form then lets the rules answer, and asks again afterwards.
    """

    @property
    def form(self) -> str:
        """The form's name."""
        return self.name().removeprefix("validate_")

    def required(self, turn: Turn, slots: list[str]) -> list[str]:
        """The slots still of interest, in order; a form with branches overrides this."""
        return slots

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[EventType]:
        """Hear the answer to the slot asked for, and say which slot is next."""
        turn = Turn(dispatcher, tracker)
        slots: list[str] = domain["forms"][self.form]["required_slots"]
        asked = turn.slot(REQUESTED_SLOT)
        heard: Mapping[str, Any] = {}
        if asked in slots:
            try:
                answer = await getattr(self, f"hear_{asked}")(turn)
            except SystemUnavailable as error:
                turn.say(OUTAGES.get(error.system, "utter_system_unavailable"))
                answer = {asked: None}
            if answer is None:
                return []
            heard = answer
        tracker.slots.update(heard)
        needed = self.required(turn, slots)
        missing = next((slot for slot in needed if tracker.get_slot(slot) is None), None)
        return [*(SlotSet(name, value) for name, value in heard.items()), SlotSet(REQUESTED_SLOT, missing)]

    def misheard(self, turn: Turn, slot: str, response: str, *, secret: bool = False, **facts: Any) -> dict[str, Any]:
        """Slots after an answer that is no good: ``response`` says why; the second time more, the third a person is offered."""
        count = int(turn.slot("wrong_answers") or 0) + 1
        if count >= OFFER_PERSON_AFTER:
            turn.say("utter_offer_person", buttons=[("找人工", "/human"), ("算了", "/cancel")])
        elif secret:
            turn.ask_secret(response, **facts)
        else:
            turn.say(response, **facts)
        if count == EXPLAIN_AFTER:
            turn.say(f"utter_explain_{slot}")
        return {slot: None, "wrong_answers": count}


def digresses(turn: Turn, *entities: str) -> bool:
    """Whether the message is about something else: another intent, and none of the ``entities`` that would answer."""
    if any(turn.values.all(name) for name in entities):
        return False
    return turn.intent not in ANSWERS


def agreed(turn: Turn) -> bool | None:
    """Yes, no, or neither."""
    return {"affirm": True, "deny": False}.get(turn.intent)


class ActionCancel(Action):
    """算了: leave whatever is going on, and say so."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_cancel"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[EventType]:
        """Close the form and forget the task put aside."""
        turn = Turn(dispatcher, tracker)
        busy = bool(tracker.active_loop.get("name") or turn.slot("pending_task"))
        turn.say("utter_cancelled" if busy else "utter_nothing_to_cancel")
        return [
            ActiveLoop(None), SlotSet(REQUESTED_SLOT, None), SlotSet("wrong_answers", 0),
            SlotSet("pending_task", None), SlotSet("pending_entities", None),
        ]


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
        bound = {account.account_no for account in await turn.services.accounts.bindings(turn.openid)}
        if any(number not in bound for number in turn.values.account_nos):
            return [FollowupAction("action_bind_account")]
        if last and (turn.values.periods or turn.values.account_nos or await self._names_account(turn)):
            return [SlotSet("pending_task", last), SlotSet("pending_entities", self._merged(turn)), FollowupAction(last)]
        return [FollowupAction("action_cancel" if turn.intent == "deny" else "action_did_you_mean")]

    @staticmethod
    async def _names_account(turn: Turn) -> bool:
        aliases = [account.alias for account in await turn.services.accounts.bindings(turn.openid)]
        return any(alias and alias in turn.text for alias in aliases)

    @staticmethod
    def _merged(turn: Turn) -> list[dict[str, Any]]:
        """What was said now, and what was said before of other kinds."""
        now = turn.values.entities
        kinds = {entity["entity"] for entity in now}
        return [*now, *(entity for entity in turn.slot("last_entities") or [] if entity["entity"] not in kinds)]
