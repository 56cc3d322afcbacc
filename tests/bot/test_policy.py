"""Forms survive digressions: a real agent with a small domain, whose custom actions answer here."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, ClassVar

import pytest
from rasa.core.agent import Agent, load_agent
from rasa.core.utils import AvailableEndpoints
from rasa.model_training import train_core

DOMAIN = """
version: "3.1"
intents: [bind, bill, chain, cancel, inform, switch]
entities: [account_no]
slots:
  account_no: {type: any, mappings: [{type: custom}]}
  email: {type: any, mappings: [{type: custom}]}
forms:
  bind_form: {required_slots: [account_no]}
  contact_form: {required_slots: [email]}
actions: [validate_bind_form, validate_contact_form, action_start, action_bill, action_chain, action_more, action_cancel,
          action_switch, action_bound]
responses:
  utter_ask_account_no: [{text: "which account?"}]
  utter_ask_email: [{text: "which email?"}]
"""
RULES = """
version: "3.1"
rules:
  - {rule: start, steps: [{intent: bind}, {action: action_start}]}
  - {rule: bill, steps: [{intent: bill}, {action: action_bill}]}
  - {rule: chain, steps: [{intent: chain}, {action: action_chain}]}
  - {rule: cancel, steps: [{intent: cancel}, {action: action_cancel}]}
  - {rule: switch, steps: [{intent: switch}, {action: action_switch}]}
  - rule: done
    condition: [{active_loop: bind_form}]
    steps: [{action: bind_form}, {active_loop: null}, {action: action_bound}]
"""
CONFIG = """
recipe: default.v1
language: zh
assistant_id: test
pipeline: []
policies:
  - {name: bot.policy.FormKeepingRulePolicy, enable_fallback_prediction: false}
"""


def _slot(name: str, value: Any) -> dict[str, Any]:
    return {"event": "slot", "name": name, "value": value}


def _followup(name: str) -> dict[str, Any]:
    return {"event": "followup", "name": name}


class Actions:
    """The action server's part: events and texts by the action's name."""

    kwargs: ClassVar[dict[str, Any]] = {}  # of an EndpointConfig

    async def request(self, json: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Run one action."""
        events, texts = getattr(self, json["next_action"])(json["tracker"])
        return {"events": events, "responses": [{"text": text} for text in texts]}

    def action_start(self, tracker: dict[str, Any]) -> Any:
        return [_followup("bind_form")], ["let us bind"]

    def action_bill(self, tracker: dict[str, Any]) -> Any:
        return [], ["the bill"]

    def action_chain(self, tracker: dict[str, Any]) -> Any:
        return [_followup("action_more")], ["first"]

    def action_more(self, tracker: dict[str, Any]) -> Any:
        return [], ["second"]

    def action_cancel(self, tracker: dict[str, Any]) -> Any:
        return [{"event": "active_loop", "name": None}, _slot("requested_slot", None)], ["cancelled"]

    def action_switch(self, tracker: dict[str, Any]) -> Any:
        return [_slot("requested_slot", None), _followup("contact_form")], ["another form"]

    def action_bound(self, tracker: dict[str, Any]) -> Any:
        return [], ["bound"]

    def validate_bind_form(self, tracker: dict[str, Any]) -> Any:
        return self._validate(tracker, "account_no")

    def validate_contact_form(self, tracker: dict[str, Any]) -> Any:
        return self._validate(tracker, "email")

    @staticmethod
    def _validate(tracker: dict[str, Any], slot: str) -> Any:
        heard = tracker["latest_message"]["entities"]
        if tracker["latest_message"]["intent"]["name"] in ("inform", "nlu_fallback"):
            return [_slot(slot, heard[0]["value"] if heard else None)], [] if heard else ["not understood"]
        return [], []


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Agent:
    """An agent trained on the domain above."""
    folder: Path = tmp_path_factory.mktemp("bot")
    for name, text in (("domain.yml", DOMAIN), ("rules.yml", RULES), ("config.yml", CONFIG)):
        (folder / name).write_text(text)
    model = train_core(str(folder / "domain.yml"), str(folder / "config.yml"), str(folder / "rules.yml"), str(folder))
    return asyncio.run(load_agent(model_path=str(model), endpoints=AvailableEndpoints(action=Actions())))


def talk(agent: Agent, sender: str, *messages: str) -> list[list[str]]:
    """What the bot says to each message."""

    async def run() -> list[list[str]]:
        return [[answer["text"] for answer in await agent.handle_text(message, sender_id=sender)] for message in messages]

    return asyncio.run(run())


def test_a_custom_action_hands_on_to_a_form_and_the_form_listens(agent: Agent) -> None:
    assert talk(agent, "form", "/bind") == [["let us bind", "which account?"]]


def test_a_digression_is_answered_and_the_form_asks_again(agent: Agent) -> None:
    _, digression, end = talk(agent, "digress", "/bind", "/bill", '/inform{"account_no": "1"}')
    assert digression == ["the bill", "which account?"]
    assert end == ["bound"]


def test_a_digression_of_several_actions_is_answered_whole_before_the_form_asks_again(agent: Agent) -> None:
    assert talk(agent, "chain", "/bind", "/chain")[1] == ["first", "second", "which account?"]


def test_digressions_may_follow_one_another(agent: Agent) -> None:
    turns = talk(agent, "many", "/bind", "/chain", "/bill", "/chain", '/inform{"account_no": "1"}')
    assert [turn[-1] for turn in turns] == ["which account?"] * 4 + ["bound"]


def test_cancelling_ends_the_form(agent: Agent) -> None:
    turns = talk(agent, "cancel", "/bind", "/cancel", "/bill")
    assert turns[1:] == [["cancelled"], ["the bill"]]


def test_a_digression_may_switch_to_another_form(agent: Agent) -> None:
    assert talk(agent, "switch", "/bind", "/switch")[1] == ["another form", "which email?"]


def test_what_is_not_understood_counts_as_an_answer(agent: Agent) -> None:
    assert talk(agent, "fallback", "/bind", "/nlu_fallback")[1] == ["not understood", "which account?"]


def test_outside_a_form_a_chain_of_actions_ends_in_listening(agent: Agent) -> None:
    assert talk(agent, "outside", "/chain", "/bill") == [["first", "second"], ["the bill"]]
