"""The REST channel tells what a turn was made of, where it is asked."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from rasa.core.channels.channel import UserMessage
from rasa.core.processor import MessageProcessor
from rasa.shared.core.events import ActionExecuted, ActiveLoop, SlotSet, UserUttered
from rasa.shared.core.slots import AnySlot
from rasa.shared.core.trackers import DialogueStateTracker

from bot import channel
from bot.channel import TurnRestInput, keep_turns, turn_of


def said(text: str, intent: str) -> UserUttered:
    return UserUttered(text, {"name": intent, "confidence": 0.9}, [], {"intent_ranking": []}, metadata={"message_id": 7})


def conversation() -> DialogueStateTracker:
    tracker = DialogueStateTracker("o1", [AnySlot("account_no", mappings=[{}])])
    for event in (
        said("你好", "greet"), ActionExecuted("action_answer"), ActionExecuted("action_listen"),
        said("水费", "bill_current"), ActionExecuted("action_bill", "FormKeepingRulePolicy", 1.0),
        SlotSet("account_no", "1000000001"), ActiveLoop("bind_form"), ActionExecuted("action_listen"),
    ):
        tracker.update(event)
    return tracker


def test_a_turn_is_the_last_message_and_what_was_done_for_it() -> None:
    turn = turn_of(conversation())
    assert [each.get("text") or each.get("name") for each in turn["events"]] == ["水费", "action_bill", "action_listen"]
    assert turn["events"][1]["policy"] == "FormKeepingRulePolicy"
    assert (turn["slots"]["account_no"], turn["active_loop"]) == ("1000000001", {"name": "bind_form"})


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Any:
    async def save(_processor: Any, _tracker: Any) -> None:
        await asyncio.sleep(0)

    async def answer(message: UserMessage) -> None:
        if message.text == "坏了":
            await message.output_channel.send_text_message("o1", "先说了一句")
            raise ValueError
        await message.output_channel.send_text_message("o1", "共36元")
        await MessageProcessor.save_tracker(None, conversation())  # type: ignore[arg-type]

    monkeypatch.setattr(MessageProcessor, "save_tracker", save)
    keep_turns()
    return next(each.handler for each in TurnRestInput().blueprint(answer)._future_routes if each.uri == "/webhook")


class Request:
    def __init__(self, text: str, **args: str) -> None:
        self.args, self.json = args, {"sender": "o1", "message": text}


def answered(response: Any) -> Any:
    return json.loads(asyncio.run(response).body)


def test_the_turn_comes_with_the_answers(webhook: Any) -> None:
    told = answered(webhook(Request("水费", turn="true")))
    assert [each["text"] for each in told["answers"]] == ["共36元"]
    assert told["turn"]["events"][0]["text"] == "水费"
    assert channel._turns.get() is None


def test_who_does_not_ask_gets_what_rasa_gives(webhook: Any) -> None:
    assert [each["text"] for each in answered(webhook(Request("水费")))] == ["共36元"]


def test_a_turn_that_breaks_off_has_answers_and_no_understanding(webhook: Any) -> None:
    told = answered(webhook(Request("坏了", turn="true")))
    assert ([each["text"] for each in told["answers"]], told["turn"]) == (["先说了一句"], None)
