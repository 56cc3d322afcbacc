"""Several requests in one message: each is put to the rules as if the customer had just said it, in the order said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActionExecuted, EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.basics import TITLES
from actions.turn import REQUESTS_LEFT, Turn

REQUESTS = "requests"  # key of the bot's parse (bot/nlu/requests.py): text, intent and entities of each request
FORGOTTEN_AFTER = timedelta(hours=1)  # as long as a conversation lasts; see session_config in domain.yml


class ActionNextRequest(Action):
    """Takes the next of the customer's requests: the first when they have just spoken, another when the one before is done."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_next_request"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[EventType]:
        """Put the request to the rules and keep the others."""
        turn = Turn(dispatcher, tracker)
        now = turn.services.clock.now()
        said = tracker.latest_message.get(REQUESTS)
        waiting: Mapping[str, Any] = (
            {"since": now.isoformat(), REQUESTS: said} if said else tracker.get_slot(REQUESTS_LEFT) or {}
        )
        requests = list(waiting.get(REQUESTS) or [])
        if not requests or now - datetime.fromisoformat(waiting["since"]) > FORGOTTEN_AFTER:
            return [SlotSet(REQUESTS_LEFT, None)]
        request, *left = requests
        if not _just_asked(tracker):
            turn.say("utter_next_request", title=TITLES.get(request["intent"]["name"], request["text"]))
        return [
            SlotSet(REQUESTS_LEFT, {"since": waiting["since"], REQUESTS: left} if left else None),
            ActionExecuted("action_listen"),
            _as_said(request),
        ]


def _as_said(request: Mapping[str, Any]) -> EventType:
    return {
        "event": "user", "timestamp": None, "text": request["text"], "parse_data": dict(request), "input_channel": None,
        "metadata": {"is_request": True},
    }


def _just_asked(tracker: Tracker) -> bool:
    """Whether the customer has said nothing since they asked for several things."""
    for event in reversed(tracker.events):
        if event["event"] == "user" and not (event.get("metadata") or {}).get("is_request"):
            return bool((event.get("parse_data") or {}).get(REQUESTS))
    return False
