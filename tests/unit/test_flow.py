"""What all tasks and forms share: needs, detours, failures, digressions, corrections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rasa_sdk import Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from actions import runtime
from actions.flow import ActionCancel, ActionContinue, ActionInform, Form, Need, Question, Task
from actions.turn import Turn, Values
from runxia.bootstrap import Services
from runxia.utility import load_utility
from services.accounts import BoundAccount
from services.errors import NotBound, SystemUnavailable

HOME = BoundAccount("1000000001", None, "林*满", "云栖路88号*栋***室", is_default=True)
FOLKS = BoundAccount("1000000002", "爸妈家", "林*满", "松风巷12号", is_default=False)
AUGUST_5 = {"from": "2026-08-05", "to": "2026-08-05", "part": None, "text": "8月5号", "past": True}
USER = {"event": "user", "text": ""}


class HeldAccounts:
    """The part of the account service that the flow asks."""

    def __init__(self) -> None:
        self.bound = [HOME, FOLKS]
        self.verified = self.proven = True

    async def bindings(self, openid: str) -> list[BoundAccount]:
        return self.bound

    async def pick(self, openid: str, account_nos: Sequence[str], text: str = "", focus: str | None = None) -> BoundAccount:
        wanted = account_nos[0] if account_nos else (FOLKS.account_no if "爸妈家" in text else focus or HOME.account_no)
        for account in self.bound:
            if account.account_no == wanted:
                return account
        raise NotBound

    async def is_verified(self, openid: str, account_no: str) -> bool:
        return self.verified

    async def is_proven(self, openid: str, account_no: str) -> bool:
        return self.proven


@pytest.fixture
def accounts() -> Iterator[HeldAccounts]:
    """Two bound accounts, verified."""
    held = HeldAccounts()
    utility = load_utility(Path(__file__).parents[2] / "utility.yml")
    runtime.use(cast(Services, SimpleNamespace(accounts=held, utility=utility)))
    yield held
    runtime.use(None)


class Billing(Task):
    """Does what it is told, and keeps what it was given."""

    need = Need.VERIFIED
    follows_up = True

    def __init__(self, need: Need = Need.VERIFIED, fails: bool = False) -> None:
        self.need = need  # type: ignore[misc]
        self.fails = fails
        self.given: list[tuple[str, str]] = []

    def name(self) -> str:
        return "action_billing"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        if self.fails:
            raise SystemUnavailable("csms")
        self.given.append((account.account_no if account else "", turn.text))
        return []


class PayForm(Form):
    """One question, and another that a no makes needless."""

    def name(self) -> str:
        return "validate_pay_form"

    def required(self, turn: Turn, slots: list[str]) -> list[str]:
        return slots[:1] if turn.slot("agreed") is False else slots

    async def hear_agreed(self, turn: Turn) -> Mapping[str, Any] | None:
        if turn.text == "坏了":
            raise SystemUnavailable("pay")
        if turn.intent in ("affirm", "deny"):
            return {"agreed": turn.intent == "affirm"}
        return None if turn.intent == "hotline" else self.misheard(turn, "agreed", "utter_yes_or_no")

    async def hear_amount(self, turn: Turn) -> Mapping[str, Any] | None:
        return {"amount": turn.values.first("amount")}


class AskAgreed(Question):
    """A question."""

    def name(self) -> str:
        return "action_ask_agreed"

    async def ask(self, turn: Turn) -> None:
        turn.say("utter_ask_agreed")


def tracker(
    text: str = "", intent: str = "inform", *, slots: Mapping[str, Any] | None = None, form: str | None = None,
    entities: Mapping[str, Any] | None = None, events: Sequence[Mapping[str, Any]] = (USER,),
) -> Tracker:
    latest = {
        "text": text, "intent": {"name": intent},
        "entities": [{"entity": name, "value": value} for name, value in (entities or {}).items()],
    }
    return Tracker("oMe", dict(slots or {}), latest, [dict(event) for event in events], False, None, {"name": form}, None)


async def run(action: Any, at: Tracker, domain: Mapping[str, Any] | None = None) -> tuple[list[str], dict[str, Any], list[str]]:
    """The responses said, the slots set, and what happens next."""
    dispatcher = CollectingDispatcher()
    events = await action.run(dispatcher, at, domain or {"forms": {"pay_form": {"required_slots": ["agreed", "amount"]}}})
    slots = {event["name"]: event["value"] for event in events if event["event"] == "slot"}
    then = [event["name"] for event in events if event["event"] == "followup"]
    return [message["response"] for message in dispatcher.messages], slots, then


# --- tasks


async def test_a_task_with_all_it_needs_is_performed_and_remembered(accounts: HeldAccounts) -> None:
    task = Billing()
    _, slots, then = await run(task, tracker("爸妈家水费", entities={"period": {"from": "2026-08-01"}}))
    assert task.given == [(FOLKS.account_no, "爸妈家水费")]
    assert (slots["account_no"], slots["last_task"], then) == (FOLKS.account_no, "action_billing", [])


async def test_a_task_without_account_binds_first(accounts: HeldAccounts) -> None:
    accounts.bound = []
    said, slots, then = await run(Billing(), tracker("水费"))
    assert (said, then) == (["utter_bind_first"], ["action_bind_account"])
    assert (slots["pending_task"], slots["pending_text"]) == ("action_billing", "水费")


async def test_within_the_binding_form_the_task_just_waits(accounts: HeldAccounts) -> None:
    accounts.bound = []
    _, slots, then = await run(Billing(), tracker("水费", form="bind_form"))
    assert (slots["pending_task"], then) == ("action_billing", [])


@pytest.mark.parametrize("need", [Need.VERIFIED, Need.PROVEN])
async def test_a_task_without_proof_verifies_first(accounts: HeldAccounts, need: Need) -> None:
    accounts.verified = accounts.proven = False
    task = Billing(need)
    _, slots, then = await run(task, tracker("爸妈家水费"))
    assert (slots["account_no"], slots["pending_task"], then) == (FOLKS.account_no, "action_billing", ["action_verify"])
    assert task.given == []


async def test_a_resumed_task_sees_what_was_said_then(accounts: HeldAccounts) -> None:
    task = Billing()
    kept = {"pending_task": "action_billing", "pending_entities": [], "pending_text": "爸妈家水费"}
    _, slots, _ = await run(task, tracker("123456", slots=kept))
    assert task.given == [(FOLKS.account_no, "爸妈家水费")]
    assert slots["pending_task"] is None


async def test_another_customers_account_is_refused(accounts: HeldAccounts) -> None:
    task = Billing()
    said, _, then = await run(task, tracker(entities={"account_no": "1999999999"}))
    assert (said, then, task.given) == (["utter_not_your_account"], [], [])


async def test_a_system_that_is_down_leaves_the_task_for_later(accounts: HeldAccounts) -> None:
    said, slots, _ = await run(Billing(fails=True), tracker("水费"))
    assert (said, slots["pending_task"]) == (["utter_csms_unavailable"], "action_billing")
    _, _, then = await run(ActionContinue(), tracker("再试一次", "affirm", slots=slots))
    assert then == ["action_billing"]


async def test_a_form_that_was_interrupted_comes_back_when_the_task_is_done(accounts: HeldAccounts) -> None:
    _, slots, then = await run(Billing(), tracker(slots={"interrupted_form": "pay_form"}))
    assert (slots["interrupted_form"], then) == (None, ["pay_form"])
    _, _, then = await run(Billing(), tracker(slots={"interrupted_form": "pay_form"}, form="bind_form"))
    assert then == []


def test_a_form_begun_within_another_remembers_it(accounts: HeldAccounts) -> None:
    events = Turn(CollectingDispatcher(), tracker(form="pay_form")).start_form("verify_form")
    assert {"interrupted_form": "pay_form"}.items() <= {
        event["name"]: event["value"] for event in events if event["event"] == "slot"
    }.items()


async def test_a_customer_who_asks_other_things_in_a_row_has_left_the_form(accounts: HeldAccounts) -> None:
    slots: dict[str, Any] = {"pending_task": "action_pay"}
    for count in (1, 2):
        slots |= (await run(Billing(), tracker(slots=slots, form="pay_form")))[1]
        assert slots["digressions"] == count
    dispatcher = CollectingDispatcher()
    events = await Billing().run(dispatcher, tracker(slots=slots, form="pay_form"), {})
    assert {"event": "active_loop", "name": None}.items() <= next(
        event for event in events if event["event"] == "active_loop"
    ).items()
    assert {event["name"]: event["value"] for event in events if event["event"] == "slot"}["pending_task"] is None


# --- forms


async def test_an_answer_sets_the_slot_and_asks_the_next(accounts: HeldAccounts) -> None:
    at = tracker("好", "affirm", slots={"requested_slot": "agreed", "wrong_answers": 2}, form="pay_form")
    _, slots, _ = await run(PayForm(), at)
    assert (slots["agreed"], slots["wrong_answers"], slots["requested_slot"]) == (True, 0, "amount")


async def test_a_branch_not_needed_ends_the_form(accounts: HeldAccounts) -> None:
    _, slots, _ = await run(PayForm(), tracker("不", "deny", slots={"requested_slot": "agreed"}, form="pay_form"))
    assert (slots["agreed"], slots["requested_slot"]) == (False, None)


@pytest.mark.parametrize("intent", ["hotline", "cancel"])
async def test_a_digression_sets_nothing_so_that_rasa_lets_the_rules_answer(accounts: HeldAccounts, intent: str) -> None:
    said, slots, _ = await run(PayForm(), tracker("电话", intent, slots={"requested_slot": "agreed"}, form="pay_form"))
    assert (said, slots) == ([], {"requested_slot": "agreed"})


async def test_after_a_digression_its_message_is_not_heard_again(accounts: HeldAccounts) -> None:
    events = [USER, {"event": "action", "name": "action_answer"}, {"event": "action", "name": "pay_form"}]
    at = tracker("好", "affirm", slots={"requested_slot": "agreed"}, form="pay_form", events=events)
    _, slots, _ = await run(PayForm(), at)
    assert slots == {"asked_again": False, "requested_slot": "agreed"}


async def test_wrong_answers_are_explained_then_a_person_is_offered(accounts: HeldAccounts) -> None:
    heard: list[list[str]] = []
    slots: dict[str, Any] = {"requested_slot": "agreed"}
    for _ in range(3):
        said, now, _ = await run(PayForm(), tracker("嗯？", "oos", slots=slots, form="pay_form"))
        slots |= now
        heard.append(said)
    assert heard == [["utter_yes_or_no"], ["utter_yes_or_no", "utter_explain_agreed"], ["utter_offer_person"]]
    assert slots["requested_slot"] == "agreed"


async def test_a_form_survives_a_system_that_is_down(accounts: HeldAccounts) -> None:
    said, slots, _ = await run(PayForm(), tracker("坏了", slots={"requested_slot": "agreed"}, form="pay_form"))
    assert (said, slots["agreed"], slots["requested_slot"]) == (["utter_pay_unavailable"], None, "agreed")


async def test_a_question_is_not_put_twice_in_one_breath(accounts: HeldAccounts) -> None:
    form_ran = [USER, {"event": "action", "name": "pay_form"}]
    refused = tracker(slots={"asked_again": True}, form="pay_form", events=form_ran)
    assert (await run(AskAgreed(), refused))[0] == []
    digressed = [USER, {"event": "action", "name": "action_answer"}, {"event": "action", "name": "pay_form"}]
    back = tracker(slots={"asked_again": True}, form="pay_form", events=digressed)
    assert (await run(AskAgreed(), back))[0] == ["utter_ask_agreed"]


# --- outside forms


async def test_cancel_forgets_everything(accounts: HeldAccounts) -> None:
    said, slots, _ = await run(ActionCancel(), tracker("算了", "cancel", form="pay_form"))
    assert said == ["utter_cancelled"]
    assert {slots[name] for name in ("pending_task", "pending_text", "interrupted_form", "requested_slot")} == {None}
    assert (await run(ActionCancel(), tracker("算了", "cancel")))[0] == ["utter_nothing_to_cancel"]


async def test_a_bare_value_repeats_the_last_task_with_it(accounts: HeldAccounts) -> None:
    last = {"last_task": "action_billing", "last_entities": [{"entity": "account_no", "value": FOLKS.account_no}]}
    july = {"from": "2026-07-01", "to": "2026-07-31", "text": "7月"}
    _, slots, then = await run(ActionInform(), tracker("不对，是7月的", slots=last, entities={"period": july}))
    assert then == ["action_billing"]
    assert [entity["entity"] for entity in slots["pending_entities"]] == ["period", "account_no"]
    _, slots, then = await run(ActionInform(), tracker("爸妈家的呢", slots=last))
    assert (slots["pending_text"], then) == ("爸妈家的呢", ["action_billing"])


async def test_a_day_takes_the_place_of_the_month_said_before(accounts: HeldAccounts) -> None:
    october = {"entity": "period", "value": {"from": "2026-10-01", "to": "2026-10-31", "text": "10月"}}
    last = {"last_task": "action_billing", "last_entities": [october]}
    _, slots, then = await run(ActionInform(), tracker("那8月5号的呢", slots=last, entities={"date": AUGUST_5}))
    assert (then, [entity["entity"] for entity in slots["pending_entities"]]) == (["action_billing"], ["date"])


def test_days_are_periods_only_when_over() -> None:
    tomorrow = {"from": "2026-11-22", "to": "2026-11-22", "part": "morning", "text": "明天上午", "past": False}
    values = Values([{"entity": "date", "value": tomorrow}, {"entity": "date", "value": AUGUST_5}])
    assert [(day.start, day.part) for day in values.dates] == [(date(2026, 11, 22), "morning"), (date(2026, 8, 5), None)]
    assert [(period.start, period.text) for period in values.periods] == [(date(2026, 8, 5), "8月5号")]
    assert values.day_part == "morning"


@pytest.mark.parametrize(
    ("entity", "value", "part"),
    [
        ("day_part", "evening", "evening"), ("time_range", {"from": "14:00", "to": "16:00"}, "afternoon"),
        ("time_range", {"from": None, "to": "07:00"}, None), ("ordinal", 1, None),
    ],
)
def test_parts_of_a_day(entity: str, value: Any, part: str | None) -> None:
    assert Values([{"entity": entity, "value": value}]).day_part == part


@pytest.mark.parametrize(
    ("entities", "intent", "then"),
    [
        ({"account_no": "1999999999"}, "inform", "action_bind_account"), ({"location": "30,120"}, "inform", "action_outlets"),
        ({}, "deny", "action_cancel"), ({}, "inform", "action_did_you_mean"),
    ],
)
async def test_a_bare_value_finds_its_use(accounts: HeldAccounts, entities: dict[str, Any], intent: str, then: str) -> None:
    assert (await run(ActionInform(), tracker("", intent, entities=entities)))[2] == [then]
