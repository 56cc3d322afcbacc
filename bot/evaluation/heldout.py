"""The sentences held apart, put to a trained model as a customer's messages are."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from bot.evaluation.examples import Heard, Truth, entity_sentences
from bot.evaluation.scores import (
    Confusion,
    IntentScores,
    Rates,
    RequestScores,
    by_register,
    confusions,
    score_entities,
    score_intents,
    score_requests,
    share,
)
from bot.evaluation.speed import read_with
from runxia.faq import INTENT as FAQ


class FaqScores(NamedTuple):
    """Of questions to the knowledge base: ``heard`` as such, and answered from the right ``category``."""

    total: int
    heard: float
    category: float


class HeldOutScores(NamedTuple):
    """All figures over the sentences held apart; ``intents`` are those of messages with one request."""

    intents: IntentScores
    registers: Dict[str, Tuple[int, float]]
    requests: RequestScores
    faq: Optional[FaqScores]
    entities: Dict[str, Rates]
    entity_sentences: Dict[str, Rates]
    confusions: List[Tuple[Confusion, List[str]]]
    speed: Dict[str, float]


def measure(model: Path, truths: Sequence[Truth]) -> HeldOutScores:
    """Put the sentences, and those full of entities, to the model."""
    marked = entity_sentences()
    reading = read_with(model, [truth.text for truth in [*truths, *marked]])
    heard, heard_marked = reading.heard[: len(truths)], reading.heard[len(truths) :]
    single = [(truth, each) for truth, each in zip(truths, heard, strict=True) if len(truth.requests) == 1]
    ones, ones_heard = [truth for truth, _ in single], [each for _, each in single]
    return HeldOutScores(
        score_intents(ones, ones_heard),
        by_register(ones, ones_heard),
        score_requests(truths, heard),
        _score_faq(ones, ones_heard),
        score_entities([truth.entities for truth in truths], [each.entities for each in heard]),
        score_entities([truth.entities for truth in marked], [each.entities for each in heard_marked]),
        confusions(truths, heard),
        reading.speed,
    )


def _score_faq(truths: Sequence[Truth], heard: Sequence[Heard]) -> Optional[FaqScores]:
    """None for a model that finds no entries."""
    asked = [(truth, each) for truth, each in zip(truths, heard, strict=True) if truth.category]
    if not any(each.category for _, each in asked):
        return None
    return FaqScores(
        len(asked),
        share(each.intent == FAQ for _, each in asked),
        share(each.intent == FAQ and each.category == truth.category for truth, each in asked),
    )
