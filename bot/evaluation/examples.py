"""The sentences that are measured: the training examples, and those held apart from training."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple
from typing import Counter as CounterOf

from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.environment import ROOT
from bot.importer import CapabilityImporter
from bot.nlu.requests import SEPARATOR
from runxia.faq import INTENT as FAQ

HELD_OUT_FILES = ("tests/nlu/held_out_a.jsonl", "tests/nlu/held_out_b.jsonl")
ENTITY_FILE = "tests/bot/entity_sentences.jsonl"
FALLBACK = "nlu_fallback"

Entity = Tuple[str, str]  # kind, words


class Truth(NamedTuple):
    """A sentence and how it should be understood.

    ``intent`` is the name that the classifier should give, ``a+b`` for two requests, none where only entities are marked;
    ``category`` the part of the knowledge base that answers it.
    """

    text: str
    intent: str
    register: str
    category: Optional[str]
    entities: CounterOf[Entity]

    @property
    def requests(self) -> List[str]:
        """The intents of its parts."""
        return self.intent.split(SEPARATOR)


class Heard(NamedTuple):
    """How a model understood a sentence.

    ``intent`` may be ``nlu_fallback`` (it asks back); ``guesses`` are the intents by likelihood, without that one.
    """

    intent: str
    guesses: List[str]
    category: Optional[str]
    entities: CounterOf[Entity]

    @classmethod
    def of(cls, parse: Dict[str, Any]) -> Heard:
        """From Rasa's result for a message."""
        ranking = [str(each["name"]) for each in parse.get("intent_ranking") or []]
        text = parse.get("text") or ""
        entities = Counter((each["entity"], text[each["start"] : each["end"]]) for each in parse.get("entities") or [])
        answers = ((parse.get("response_selector") or {}).get(FAQ) or {}).get("ranking") or []
        return cls(
            str((parse.get("intent") or {}).get("name")),
            [name for name in ranking if name != FALLBACK],
            answers[0]["intent_response_key"] if answers else None,
            entities,
        )

    @property
    def asks_back(self) -> bool:
        """Whether the customer is asked what is meant."""
        return self.intent == FALLBACK

    @property
    def best_guess(self) -> str:
        """The likeliest intent, whether or not it is sure enough to be acted on."""
        return self.guesses[0] if self.asks_back and self.guesses else self.intent


def training_messages() -> List[Any]:
    """The training examples, as the importer reads them."""
    from rasa.shared.importers.importer import TrainingDataImporter

    importer = TrainingDataImporter.load_from_config(str(ROOT / "config.yml"), str(ROOT / "domain.yml"), [str(ROOT / "data")])
    return list(importer.get_nlu_data("zh").intent_examples)


def truth_of(message: Any) -> Truth:
    """How a training example says it should be understood."""
    text = message.get("text")
    entities = Counter((each["entity"], text[each["start"] : each["end"]]) for each in message.get("entities") or [])
    return Truth(text, message.get("intent"), "", message.get("intent_response_key"), entities)


def held_out() -> List[Truth]:
    """The sentences held apart: written by others than the examples, and never trained on."""
    return [_read_row(row) for name in HELD_OUT_FILES for row in _rows(name)]


def entity_sentences() -> List[Truth]:
    """Sentences full of entities, whatever their intent."""
    return [_read_row({"intent": "", "register": "", **row}) for row in _rows(ENTITY_FILE)]


def _rows(name: str) -> List[Dict[str, Any]]:
    return [json.loads(line) for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if line.strip()]


def _read_row(row: Dict[str, Any]) -> Truth:
    parts = row["intent"].split(SEPARATOR)
    intent = SEPARATOR.join(part.partition("/")[0] for part in parts)
    category = next((part for part in parts if part.startswith(f"{FAQ}/")), None)
    return Truth(
        row["text"], intent, row["register"], category, Counter((each["entity"], each["text"]) for each in row["entities"])
    )


def without_known(truths: Sequence[Truth], known: Sequence[str]) -> List[Truth]:
    """Those that are not training examples word for word: what was learnt by heart tells nothing."""
    learnt = set(known)
    return [truth for truth in truths if truth.text not in learnt]


class SubsetImporter(CapabilityImporter):
    """Reads only some of the examples: what a fold trains on.

    Args:
        subset: file with the places of the examples to read, as JSON.
    """

    def __init__(self, *arguments: Any, subset: str, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._subset = Path(subset)

    def get_nlu_data(self, language: Optional[str] = "zh") -> TrainingData:
        """The examples in those places."""
        examples = super().get_nlu_data(language).intent_examples
        return TrainingData([examples[place] for place in json.loads(self._subset.read_text())])
