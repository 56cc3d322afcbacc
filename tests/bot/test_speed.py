"""What Rasa does once instead of with every message still does what it did."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import ValidationError
from rasa.core.actions.action import RemoteAction
from rasa.shared.core.events import Event, SlotSet, UserUttered
from rasa.shared.utils import common

from bot.speed import make_quick


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RemoteAction, "_validate_action_result", RemoteAction._validate_action_result)
    monkeypatch.setattr(common, "all_subclasses", common.all_subclasses)
    make_quick()


SLOT = {"event": "slot", "name": "account_no", "value": "1002003004", "timestamp": None}


@pytest.mark.parametrize("answer", [{"events": [SLOT], "responses": []}, {"events": [], "responses": [{"text": "好"}]}])
def test_an_answer_in_the_right_form_is_taken(answer: dict[str, Any]) -> None:
    assert RemoteAction("action_x", None)._validate_action_result(answer)


@pytest.mark.parametrize("answer", [{"events": "none"}, {"responses": {}}, {"events": [{"name": "slot"}]}])
def test_any_other_answer_is_refused(answer: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RemoteAction("action_x", None)._validate_action_result(answer)


def test_events_are_read_from_the_tracker_store() -> None:
    assert Event.from_parameters({"event": "slot", "name": "account_no", "value": "1"}) == SlotSet("account_no", "1")
    said = Event.from_parameters({"event": "user", "text": "水费", "parse_data": {}})
    assert isinstance(said, UserUttered)
    assert said.text == "水费"
