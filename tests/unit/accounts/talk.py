"""A customer who talks to the actions as Rasa would let them: forms, digressions, follow-ups; without language understanding.

The forms, their rules and all wording are the real ones of ``data/``.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from inspect import isabstract
from pathlib import Path
from typing import Any

import yaml
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.utils import all_subclasses

from runxia.bootstrap import Services

OPENID = "oCustomer"
DATA = Path(__file__).parents[3] / "data"
MODULES = (
    "actions.flow", "actions.accounts.binding", "actions.accounts.changing", "actions.accounts.choosing",
    "actions.accounts.papers", "actions.accounts.proving", "actions.payments", "actions.applications.starting",
    "actions.applications.form", "actions.applications.progress", "actions.prepay", "actions.auto_pay", "actions.invoices",
    "actions.refunds", "actions.readings.following", "actions.readings.sending", "actions.readings.query",
    "actions.readings.disputing", "actions.readings.visiting", "actions.readings.checking",
)
CAPABILITIES = ("flow", "accounts", "payments", "applications", "prepay", "auto_pay", "invoices", "refunds", "readings")
LISTEN = "action_listen"


@cache
def _merged(folder: str, section: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in CAPABILITIES:
        found |= yaml.safe_load((DATA / folder / f"{name}.yml").read_text(encoding="utf-8")).get(section) or {}
    return found


@cache
def _actions() -> dict[str, Action]:
    for module in MODULES:
        importlib.import_module(module)
    ours = [each for each in all_subclasses(Action) if each.__module__ in MODULES and not isabstract(each)]
    return {action.name(): action for action in (each() for each in ours)}


@cache
def _by_intent() -> dict[str, str]:
    """The action that a rule runs for an intent outside forms."""
    rules = [
        rule for name in CAPABILITIES
        for rule in yaml.safe_load((DATA / "rules" / f"{name}.yml").read_text(encoding="utf-8"))["rules"]
    ]
    return {rule["steps"][0]["intent"]: rule["steps"][1]["action"] for rule in rules if "intent" in rule["steps"][0]}


class Talk:
    """One conversation: ``slots``, ``events``, the open ``form``, and what was last answered in ``buttons``."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.slots: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []
        self.form: str | None = None
        self.buttons: dict[str, str] = {}
        self.expects_secret = False
        self._said: list[str] = []
        self._latest: dict[str, Any] = {}

    async def say(self, text: str = "", intent: str = "inform", **entities: Any) -> str:
        """What the bot answers to a message understood as ``intent``; an entity may be a list of values."""
        self._said, self.buttons, self.expects_secret = [], {}, False
        values = [(name, each) for name, value in entities.items() for each in (value if isinstance(value, list) else [value])]
        self._latest = {
            "text": text, "intent": {"name": intent}, "entities": [{"entity": name, "value": value} for name, value in values],
        }
        self.events.append({"event": "user", "text": text})
        if self.form is None:
            await self._follow(_by_intent()[intent])
        elif not await self._run_form(self.form, heard=True):
            interrupted = self.form
            if intent in _by_intent():
                await self._follow(_by_intent()[intent])
            if self.form == interrupted and self._last_action() != interrupted:
                await self._run_form(interrupted)
        self.events.append({"event": "action", "name": LISTEN})
        return "\n".join(self._said)

    async def secret(self, password: str) -> str:
        """Type a password as the gateway passes it on."""
        if not self.expects_secret:
            raise AssertionError("the gateway would have let the password through to the dialogue")
        return await self.say("/inform", secret=await self.services.secrets.put(OPENID, password))

    async def tap(self, title: str) -> str:
        """Tap a button of the last answer."""
        intent, _, entities = self.buttons[title].removeprefix("/").partition("{")
        return await self.say(self.buttons[title], intent, **(yaml.safe_load("{" + entities) if entities else {}))

    async def _follow(self, action: str | None) -> None:
        while action is not None:
            if action in _merged("domain", "forms"):
                await self._run_form(action)
                return
            events = await self._run(action)
            self.events.append({"event": "action", "name": action})
            action = next((event["name"] for event in events if event["event"] == "followup"), None)

    async def _run_form(self, form: str, heard: bool = False) -> bool:
        """Rasa's form loop; false where the form rejects the message."""
        if self.form != form:
            self.form, self.slots["requested_slot"] = form, None
        before = len(self.events)
        self.events.append({"event": "action", "name": form})
        changed = [event["name"] for event in await self._run(f"validate_{form}") if event["event"] == "slot"]
        if heard and not set(changed) - {"requested_slot"}:
            del self.events[before:]
            return False
        missing = self.slots["requested_slot"]
        if missing is None:
            self.form = None
            await self._follow(f"action_{form}_submit")
            return True
        if f"action_ask_{missing}" in _actions():
            await self._run(f"action_ask_{missing}")
        else:
            self._utter({"response": f"utter_ask_{missing}"})
        return True

    async def _run(self, name: str) -> Sequence[Mapping[str, Any]]:
        tracker = Tracker(OPENID, dict(self.slots), self._latest, list(self.events), False, None, {"name": self.form}, LISTEN)
        dispatcher = CollectingDispatcher()
        domain = {"forms": _merged("domain", "forms")}
        events: Sequence[Mapping[str, Any]] = await _actions()[name].run(dispatcher, tracker, domain)
        for message in dispatcher.messages:
            self._utter(message)
        for event in events:
            if event["event"] == "slot":
                assert event["name"] in {*_merged("domain", "slots"), "requested_slot"}, event
                self.slots[event["name"]] = event["value"]
            elif event["event"] == "active_loop":
                self.form = event["name"]
        return events

    def _utter(self, message: Mapping[str, Any]) -> None:
        template = _merged("responses", "responses")[message["response"]][0]["text"]
        self._said.append(re.sub(r"\{(\w+)\}", lambda hit: str(message[hit[1]]), template))
        self.buttons |= {button["title"]: button["payload"] for button in message.get("buttons") or []}
        self.expects_secret |= (message.get("custom") or {}).get("expects") == "secret"

    def _last_action(self) -> str | None:
        return next(self._actions_run(), None)

    def _actions_run(self) -> Iterator[str]:
        return (str(event["name"]) for event in reversed(self.events) if event["event"] == "action")
