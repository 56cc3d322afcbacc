"""What the dialogue engine tells of a turn, as we keep it; whatever it sends."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.rasa import understood_in
from services.desk.model import Done, Outcome, Understood

TURN: dict[str, Any] = {
    "events": [
        {
            "event": "user", "text": "查8月水费", "parse_data": {
                "intent": {"name": "bill_history", "confidence": 0.71},
                "intent_ranking": [
                    {"name": "nlu_fallback", "confidence": 0.5}, {"name": "bill_history", "confidence": 0.71},
                    {"name": "bill_current", "confidence": 0.2},
                ],
                "entities": [{"entity": "period", "value": {"text": "8月"}, "start": 1, "end": 3, "extractor": "x"}],
            },
        },
        {"event": "action", "name": "action_extract_slots"},
        {"event": "action", "name": "action_bill_history", "policy": "policy_0_RulePolicy", "confidence": 1.0},
        {"event": "action", "name": "action_listen", "policy": "policy_0_RulePolicy", "confidence": 1.0},
    ],
    "slots": {"account_no": "1000000001", "requested_slot": "pay_confirmed", "pay_lines": None, "requests_left": []},
    "active_loop": {"name": "pay_form"},
}


def test_a_turn_is_read() -> None:
    assert understood_in(TURN) == Understood(
        "bill_history", 0.71, "bill_current", 0.2, [{"entity": "period", "value": {"text": "8月"}, "start": 1, "end": 3}],
        {"account_no": "1000000001"}, [Done("action_bill_history", "policy_0_RulePolicy", 1.0)], "pay_form", "pay_confirmed",
    )


@pytest.mark.parametrize("turn", [
    None, [], "x", {}, {"events": []}, {"events": [{}]}, {"events": [{"parse_data": None}]},
    {"events": [{"parse_data": {"intent": {"name": "x", "confidence": "high"}}}]}, {"events": None},
])
def test_a_turn_that_makes_no_sense_is_no_understanding(turn: object) -> None:
    assert understood_in(turn) is None


@pytest.mark.parametrize(("what", "task", "outcome"), [
    (Understood("bill_current", 0.9, actions=[Done("action_bill")]), "action_bill", Outcome.ANSWERED),
    (Understood("pay_bill", 0.9, actions=[Done("action_pay")], form="pay_form"), "pay_form", Outcome.UNDER_WAY),
    (Understood("affirm", 0.9, actions=[Done("validate_pay_form"), Done("action_pay_form_submit")]),
     "action_pay_form_submit", Outcome.DONE),
    (Understood("nlu_fallback", 0.3), None, Outcome.NOT_UNDERSTOOD),
    (Understood("nlu_fallback", 0.3, form="pay_form"), "pay_form", Outcome.UNDER_WAY),
    (Understood("human", 0.9, actions=[Done("action_human")]), "action_human", Outcome.HANDED_OVER),
])
def test_task_and_outcome(what: Understood, task: str | None, outcome: Outcome) -> None:
    assert (what.task, what.outcome) == (task, outcome)
    kept = Understood.load(what.intent, what.confidence, what.runner_up, what.runner_up_confidence, what.dump())
    assert kept.task == task
