"""One turn of a conversation as an action sees it: what the customer said, and how to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import runtime
from runxia.bootstrap import Services

Buttons = Sequence[tuple[str, str]]  # title, payload such as "/affirm"
REQUESTED_SLOT = "requested_slot"
DID_YOU_MEAN = "action_did_you_mean"
REQUESTS_LEFT = "requests_left"


@dataclass(frozen=True, slots=True)
class Period:
    """A span of days that the customer named, both ends included. ``excluded``: they said "except"."""

    start: date
    end: date
    text: str
    excluded: bool = False

    @property
    def first_month(self) -> str:
        """``2026-08``: the first billing period touched."""
        return self.start.strftime("%Y-%m")

    @property
    def last_month(self) -> str:
        """``2026-08``: the last billing period touched."""
        return self.end.strftime("%Y-%m")


@dataclass(frozen=True, slots=True)
class Day:
    """A day (or a few, both ends included) that the customer named, and the part of it: for appointments, or since when.

    ``part`` is ``morning``, ``afternoon``, ``evening`` or None.
    """

    start: date
    end: date
    part: str | None
    text: str


class Values:
    """What the message holds, resolved by the bot's value component; see ``docs/architecture.md`` for the shapes."""

    def __init__(self, entities: Sequence[Mapping[str, Any]]) -> None:
        self.entities = [dict(entity) for entity in entities]

    def all(self, name: str) -> list[Any]:
        """The values of one kind, in the order said, each once."""
        found: list[Any] = []
        for entity in self.entities:
            if entity.get("entity") == name and entity.get("value") not in found:
                found.append(entity["value"])
        return found

    def first(self, name: str) -> Any | None:
        """The first value of one kind."""
        return next(iter(self.all(name)), None)

    @property
    def account_nos(self) -> list[str]:
        """Account numbers, whole."""
        return [str(value) for value in self.all("account_no")]

    @property
    def periods(self) -> list[Period]:
        """Billing periods, named with or without "except"; also days that are over, for who asks by the day."""
        days = (value for value in self.all("date") if value.get("past"))
        return [
            Period(
                date.fromisoformat(value["from"]), date.fromisoformat(value["to"]),
                str(value.get("text", "")), bool(value.get("exclude")),
            )
            for value in (*self.all("period"), *days)
        ]

    @property
    def dates(self) -> list[Day]:
        """Days, over or to come."""
        return [
            Day(
                date.fromisoformat(value["from"]), date.fromisoformat(value["to"]),
                value.get("part"), str(value.get("text", "")),
            )
            for value in self.all("date")
        ]

    @property
    def day_part(self) -> str | None:
        """The part of a day that was named, with a day (明天上午), alone (上午) or by hours (两点到四点)."""
        with_day = next((day.part for day in self.dates if day.part), None)
        alone: str | None = with_day or self.first("day_part")
        hours = self.first("time_range")
        start = hours and hours.get("from")
        return alone or (_part_of(int(start[:2])) if start else None)


def _part_of(hour: int) -> str:
    return "morning" if hour < 12 else "afternoon" if hour < 18 else "evening"


class Turn:
    """One message and its answer."""

    def __init__(self, dispatcher: CollectingDispatcher, tracker: Tracker, pending: bool = False) -> None:
        self._dispatcher = dispatcher
        self.tracker = tracker
        self.services: Services = runtime.services()
        self.openid: str = tracker.sender_id
        latest = tracker.latest_message
        self.intent: str = str((latest.get("intent") or {}).get("name") or "")
        self._pending = pending
        kept = tracker.get_slot("pending_entities") if pending else None
        said = _said_before_choosing(tracker) or latest
        self.text: str = str((tracker.get_slot("pending_text") if pending else None) or said.get("text") or "")
        self.values = Values(kept if kept is not None else said.get("entities") or [])

    def slot(self, name: str) -> Any:
        """A slot's value."""
        return self.tracker.get_slot(name)

    def say(
        self, response: str, *, buttons: Buttons = (), custom: Mapping[str, Any] | None = None, **facts: Any,
    ) -> None:
        """Answer with a response of ``data/responses``, its ``{facts}`` filled in."""
        self._dispatcher.utter_message(
            response=response,
            buttons=[{"title": title, "payload": payload} for title, payload in buttons],
            json_message=dict(custom) if custom else None,
            **facts,
        )

    def ask_secret(self, response: str, *, buttons: Buttons = (), **facts: Any) -> None:
        """Answer, and have the gateway keep the customer's next message from the dialogue if it looks like a password."""
        self.say(response, buttons=buttons, custom={"expects": "secret"}, **facts)

    def start_form(self, form: str, **slots: Any) -> list[EventType]:
        """Events that begin a form afresh, with slots set first (none to clear).

        A form that is interrupted by this one is taken up again when no task is left to do.
        """
        active = self.active_form
        return [
            *([SlotSet("interrupted_form", active)] if active not in (None, form) else []),
            SlotSet(REQUESTED_SLOT, None),
            SlotSet("wrong_answers", 0),
            SlotSet("digressions", 0),
            *(SlotSet(name, value) for name, value in slots.items()),
            FollowupAction(form),
        ]

    def put_aside(self, task: str, entities: Sequence[Mapping[str, Any]] | None = None) -> list[EventType]:
        """Events that keep ``task`` for later, with what was said (or other ``entities``)."""
        return [
            SlotSet("pending_task", task),
            SlotSet("pending_entities", self.values.entities if entities is None else list(entities)),
            SlotSet("pending_text", self.text),
        ]

    def detour(self, task: str, start: str) -> list[EventType]:
        """Events that put ``task`` aside and run the action ``start`` first."""
        return [*self.put_aside(task), FollowupAction(start)]

    @staticmethod
    def forget_task() -> list[EventType]:
        """Events that drop the task put aside."""
        return [SlotSet("pending_task", None), SlotSet("pending_entities", None), SlotSet("pending_text", None)]

    def resume(self) -> list[EventType]:
        """Events that go on with the task put aside (this one is not, any more), else with the form interrupted, if any."""
        task = None if self._pending else self.slot("pending_task")
        return [FollowupAction(task)] if task else self.resume_form()

    def resume_form(self) -> list[EventType]:
        """Events that go on with the form that was interrupted by another, if there is one."""
        form = self.slot("interrupted_form")
        if not form or self.active_form:
            return []
        return [SlotSet("interrupted_form", None), SlotSet(REQUESTED_SLOT, None), FollowupAction(form)]

    @property
    def active_form(self) -> str | None:
        """The form that is open now."""
        name: str | None = self.tracker.active_loop.get("name")
        return name

    @property
    def is_fresh(self) -> bool:
        """Whether the customer has just spoken: since then no action has run but the open form."""
        for event in reversed(self.tracker.events):
            if event["event"] == "user":
                return True
            if event["event"] == "action" and event["name"] != self.active_form:
                return False
        return True


def _said_before_choosing(tracker: Tracker) -> Mapping[str, Any] | None:
    """What the customer had said, where the last message only chooses one of the meanings that were offered for it.

    None where it says something itself.
    """
    latest = tracker.latest_message
    if not str(latest.get("text") or "").startswith("/") or latest.get("entities"):
        return None
    offered = False
    chosen = False
    for event in reversed(tracker.events):
        if event.get("event") == "action":
            offered = offered or (chosen and event.get("name") == DID_YOU_MEAN)
        elif event.get("event") == "user":
            if chosen:
                before: Mapping[str, Any] = {**(event.get("parse_data") or {}), "text": event.get("text")}
                return before if offered else None
            chosen = True
    return None
