"""The REST channel, which also tells what a turn was made of where it is asked: ``POST .../webhook?turn=true``.

Rasa's own channel answers with what was said only. What a message was understood as would have to be read from the tracker
store afterwards, which loads and replays the whole conversation; here it is taken from the tracker that the turn has just
used, and costs nothing.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Any, Awaitable, Callable, Dict, List, Optional

from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.core.channels.rest import RestInput
from rasa.core.processor import MessageProcessor
from rasa.shared.core.trackers import DialogueStateTracker
from sanic import Blueprint
from sanic.response import json

log = logging.getLogger(__name__)

TOLD = frozenset({"user", "action"})  # the kinds of events that tell how a message was understood
_turns: ContextVar[Optional[List[Dict[str, Any]]]] = ContextVar("turns", default=None)


class TurnRestInput(RestInput):
    """``/webhooks/rest/webhook``: a list of answers as ever, or ``{"answers": [...], "turn": {...} | null}``."""

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The routes of Rasa's channel, without the stream that nobody here reads."""
        routes = Blueprint("rest_with_turns")

        @routes.route("/", methods=["GET"])
        async def health(_request: Any) -> Any:
            return json({"status": "ok"})

        @routes.route("/webhook", methods=["POST"])
        async def receive(request: Any) -> Any:
            turns: List[Dict[str, Any]] = []
            mark = _turns.set(turns)
            said = CollectingOutputChannel()
            try:
                await on_new_message(
                    UserMessage(
                        self._extract_message(request), said, await self._extract_sender(request),
                        input_channel=self._extract_input_channel(request), metadata=self.get_metadata(request),
                    )
                )
            except Exception:  # as Rasa's own channel does: what was said before it failed is still an answer
                log.exception("a message could not be answered to its end")
            finally:
                _turns.reset(mark)
            if request.args.get("turn") != "true":
                return json(said.messages)
            return json({"answers": said.messages, "turn": turns[-1] if turns else None})

        return routes


def keep_turns() -> None:
    """Have Rasa's processor hand over each turn that it saves. To be called before the server starts."""
    save = MessageProcessor.save_tracker

    async def save_and_tell(processor: MessageProcessor, tracker: DialogueStateTracker) -> None:
        await save(processor, tracker)
        turns = _turns.get()
        if turns is not None:
            turns.append(turn_of(tracker))

    MessageProcessor.save_tracker = save_and_tell


def turn_of(tracker: DialogueStateTracker) -> Dict[str, Any]:
    """The last message's events, and the slots and the form as they are after it: the parts of Rasa's own tracker state."""
    events: List[Dict[str, Any]] = []
    for event in reversed(tracker.events):
        if event.type_name in TOLD:
            events.append(event.as_dict())
        if event.type_name == "user":
            break
    return {
        "events": events[::-1], "slots": tracker.current_slot_values(), "active_loop": {"name": tracker.active_loop_name},
    }
