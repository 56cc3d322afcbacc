"""Runs one action as the action server would, and renders its answer with the real responses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

OPENID = "oCustomer"
_DATA = Path(__file__).parents[2] / "data" / "responses"


@cache
def responses() -> dict[str, list[dict[str, Any]]]:
    """All responses of ``data/responses`` by name."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(_DATA.glob("*.yml")):
        found |= yaml.safe_load(path.read_text(encoding="utf-8"))["responses"]
    return found


@dataclass(frozen=True)
class Answer:
    """What the customer reads, the buttons by title, and the events."""

    text: str
    buttons: Mapping[str, str]
    events: Sequence[Mapping[str, Any]]

    def slot(self, name: str) -> Any:
        """What a slot is set to."""
        return next(event["value"] for event in self.events if event.get("event") == "slot" and event["name"] == name)


async def answer(
    action: Action, text: str = "", *, intent: str = "", entities: Sequence[tuple[str, Any]] = (),
    slots: Mapping[str, Any] | None = None, before: Sequence[Mapping[str, Any]] = (), ranking: Sequence[Mapping[str, Any]] = (),
    found: Mapping[str, Any] | None = None,
) -> Answer:
    """Run the action after the customer said ``text``; every placeholder of its responses must be filled.

    ``found`` is what the knowledge base's retriever said of the message.
    """
    latest = {
        "text": text, "intent": {"name": intent}, "intent_ranking": list(ranking),
        "entities": [{"entity": name, "value": value} for name, value in entities],
        "response_selector": {"faq": dict(found or {})},
    }
    tracker = Tracker(
        OPENID, dict(slots or {}), latest, [*before, {"event": "user", "text": text}], False, None, {}, "action_listen",
    )
    dispatcher = CollectingDispatcher()
    events = await action.run(dispatcher, tracker, {})
    known = responses()
    spoken = [_fill(known[message["response"]][0], message) for message in dispatcher.messages]
    return Answer(
        "\n".join(said for said, _ in spoken), {title: to for _, shown in spoken for title, to in shown.items()}, events,
    )


def _fill(response: Mapping[str, Any], message: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    text = re.sub(r"\{(\w+)\}", lambda hit: str(message[hit[1]]), response["text"])
    buttons = [*response.get("buttons", []), *message["buttons"]]
    return text, {button["title"]: button["payload"] for button in buttons}
