"""The classifier looks twice only where it must, and what it learnt is there again after loading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rasa")

import scipy.sparse
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.embeddings import SlowEncoder
from bot.nlu.looks import TwoLooksClassifier
from bot.nlu.requests import IS_PIECE
from bot.nlu.tokenizer import REPAIRED_TEXT

WORDS = "费交停漏水"
PLAIN = {"bill": "费费", "pay": "交交", "outage": "停停", "repair": "漏漏"}
TORN = "费交"  # bill to the slow encoder


class Slow:
    """Sees what the counts do not show."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def encode(self, texts: list[str]) -> Any:
        self.read += texts
        return np.array([[9.0 if text.startswith("费") else 0.0, 0.0] for text in texts], dtype=np.float32)


def message(text: str, **more: Any) -> Message:
    """As the featurizers leave it."""
    made = Message({"text": text, REPAIRED_TEXT: text, "text_tokens": list(text), **more})
    counts = scipy.sparse.csr_matrix([[text.count(word) for word in WORDS]], dtype=np.float64)
    made.add_features(Features(counts, "sentence", "text", "counts"))
    made.add_features(Features(np.zeros((1, 2), np.float32), "sentence", "text", "embedding"))
    return made


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    encoder = Slow()
    monkeypatch.setattr(SlowEncoder, "shared", lambda: encoder)
    monkeypatch.setattr(SlowEncoder, "embed_once", encoder.encode)
    return encoder


@pytest.fixture
def classifier(slow: Slow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TwoLooksClassifier:
    """Trained on a few lessons and loaded again."""
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "models"))
    (tmp_path / "storage").mkdir()
    storage, resource, context = LocalModelStorage(tmp_path / "storage"), Resource("looks"), ExecutionContext(GraphSchema({}))
    config = {**TwoLooksClassifier.get_default_config(), "sure": 0.7}
    lessons = [message(text * count, intent=intent) for intent, text in PLAIN.items() for count in (1, 2, 3)]
    TwoLooksClassifier.create(config, storage, resource, context).train(TrainingData(lessons))
    slow.read.clear()
    return TwoLooksClassifier.load(config, storage, resource, context)


def test_one_look_is_enough_where_it_is_sure(classifier: TwoLooksClassifier, slow: Slow) -> None:
    messages = classifier.process([message(text) for text in PLAIN.values()])
    assert [each.get("intent")["name"] for each in messages] == list(PLAIN)
    assert slow.read == []


def test_what_is_in_doubt_is_looked_at_again(classifier: TwoLooksClassifier, slow: Slow) -> None:
    plain, torn = classifier.process([message(PLAIN["pay"]), message(TORN)])
    assert slow.read == [TORN]
    assert (plain.get("intent")["name"], torn.get("intent")["name"]) == ("pay", "bill")
    assert torn.get("intent_ranking")[0] == torn.get("intent")
    assert sum(each["confidence"] for each in torn.get("intent_ranking")) == pytest.approx(1)


def test_pieces_of_a_message_are_looked_at_once(classifier: TwoLooksClassifier, slow: Slow) -> None:
    classifier.process([message(TORN, **{IS_PIECE: True})])
    assert slow.read == []


def test_a_message_without_words_has_no_intent(classifier: TwoLooksClassifier) -> None:
    (payload,) = classifier.process([Message({"text": "/bill_current"})])
    assert payload.get("intent") == {"name": None, "confidence": 0.0}
    assert payload.get("intent_ranking") == []
