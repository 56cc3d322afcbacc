"""What the desk of customer service speaks of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

SYSTEM = "system"  # who did it, where nobody did
CUSTOMER = "customer"
FALLBACK = "nlu_fallback"
STAFF_CAUSE = "staff:"  # how the cause of a message begins that staff have sent; the login follows


class State(StrEnum):
    """Where a conversation stands."""

    BOT = "bot"
    WAITING = "waiting"
    TAKEN = "taken"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


HELD_BY_STAFF = (State.WAITING, State.TAKEN)  # what counts against an agent's capacity


class Trigger(StrEnum):
    """What brings a conversation to the desk, besides the rules of utility.yml, which have names of their own."""

    ASKED = "asked"
    FALLBACK = "fallback"
    ANGER = "anger"
    STAFF = "staff"


class Step(StrEnum):
    """What happens to a conversation at the desk."""

    QUEUED = "queued"
    GIVEN = "given"  # to an agent, in turn
    TAKEN = "taken"
    ASSIGNED = "assigned"
    TRANSFERRED = "transferred"
    RETURNED = "returned"  # to the bot
    SNOOZED = "snoozed"
    WOKEN = "woken"
    RESOLVED = "resolved"
    RELEASED = "released"  # its agent has gone offline
    ESCALATED = "escalated"
    RATED = "rated"


class Outcome(StrEnum):
    """How the last task of a conversation stands."""

    ANSWERED = "answered"
    UNDER_WAY = "under_way"  # a form is open
    DONE = "done"  # a form came to its end
    NOT_UNDERSTOOD = "not_understood"
    HANDED_OVER = "handed_over"


@dataclass(frozen=True, slots=True)
class Done:
    """An action of the dialogue, the policy that chose it and how sure that was."""

    name: str
    policy: str | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Understood:
    """What a message was understood as, and what the dialogue did for it.

    ``slots`` and ``form`` are those after the turn; ``asks`` is the slot whose question is open.
    """

    intent: str
    confidence: float
    runner_up: str | None = None
    runner_up_confidence: float | None = None
    entities: Sequence[Mapping[str, Any]] = ()
    slots: Mapping[str, Any] = field(default_factory=dict)
    actions: Sequence[Done] = ()
    form: str | None = None
    asks: str | None = None

    @property
    def fell_back(self) -> bool:
        """Whether it was not understood."""
        return self.intent == FALLBACK

    @property
    def task(self) -> str | None:
        """What it was about: the open form, else the first thing done for it."""
        return self.form or next((each.name for each in self.actions if not each.name.startswith("validate_")), None)

    @property
    def outcome(self) -> Outcome:
        """How the task stands after it."""
        if self.fell_back and self.form is None:
            return Outcome.NOT_UNDERSTOOD
        if any(each.name == "action_human" for each in self.actions):
            return Outcome.HANDED_OVER
        if self.form:
            return Outcome.UNDER_WAY
        return Outcome.DONE if any(each.name.endswith("_submit") for each in self.actions) else Outcome.ANSWERED

    def dump(self) -> str:
        """All that has no column of its own, as JSON."""
        return json.dumps(
            {
                "entities": list(self.entities), "slots": dict(self.slots), "form": self.form, "asks": self.asks,
                "actions": [asdict(each) for each in self.actions],
            },
            ensure_ascii=False,
        )

    @classmethod
    def load(
        cls, intent: str, confidence: float, runner_up: str | None, runner_up_confidence: float | None, detail: str,
    ) -> Understood:
        """From the columns of a row and what :meth:`dump` wrote."""
        kept = json.loads(detail)
        actions = [Done(**each) for each in kept.pop("actions")]
        return cls(intent, confidence, runner_up, runner_up_confidence, actions=actions, **kept)
