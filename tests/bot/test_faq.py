"""The retriever: near entries come first, searches are heard, other messages are left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("rasa")

from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.faq import FaqIndex, FaqRetriever, character_grams, learn
from bot.nlu.tokenizer import REPAIRED_TEXT
from runxia.faq import FaqEntry

ENTRIES = [
    FaqEntry("scale", "quality", "水垢是什么", ("壶底白的", "水垢有害吗", "水垢能喝吗"), "钙镁", ("水垢",)),
    FaqEntry("freeze", "freeze", "怎么防冻", ("水管怎么保温", "天冷水表怎么办", "防冻要做什么"), "裹棉布", ("防冻",)),
    FaqEntry("read", "meter", "水表怎么看", ("表上哪个数", "怎么看表", "黑红数字"), "看黑字", ("看表",)),
]


def embed(texts: list[str]) -> Any:
    """Vectors of which kind of character a text has; enough to tell these entries apart."""
    kinds = ("垢壶喝", "冻温冷", "表看字")
    rows = np.array([[sum(text.count(each) for each in kind) + 0.1 for kind in kinds] for text in texts])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def index() -> FaqIndex:
    return learn(ENTRIES, embed, 0.35).index


def hear(index: FaqIndex, text: str, intent: str = "nlu_fallback", confidence: float = 0.4) -> Message:
    """A message as the retriever leaves it."""
    retriever = FaqRetriever(FaqRetriever.get_default_config(), None, None, index, ["水垢", "防冻"])  # type: ignore[arg-type]
    ranking: list[dict[str, Any]] = [{"name": intent, "confidence": confidence}]
    message = Message({"text": text, REPAIRED_TEXT: text, "intent": ranking[0], "intent_ranking": ranking})
    message.add_features(Features(embed([text]), "sentence", "text", "test"))
    return retriever.process([message])[0]


def test_the_nearest_entry_comes_first_in_rasas_shape(index: FaqIndex) -> None:
    found = hear(index, "天冷了水管要保温吗", "faq", 0.9).get("response_selector")["faq"]
    assert found["response"]["intent_response_key"] == "faq/freeze"
    assert found["ranking"][0]["id"] == "freeze"
    assert sum(each["confidence"] for each in found["ranking"]) == pytest.approx(1, abs=0.01)


def test_what_an_entry_holds_word_for_word_is_that_entry(index: FaqIndex) -> None:
    assert hear(index, "怎么看表？").get("response_selector")["faq"]["response"]["score"] == 1.0


@pytest.mark.parametrize(("text", "words"), [("搜 水垢", "水垢"), ("搜一下防冻。", "防冻"), ("水垢", "水垢")])
def test_searches_are_heard(index: FaqIndex, text: str, words: str) -> None:
    message = hear(index, text)
    assert message.get("response_selector")["faq"]["search"] == words
    assert message.get("intent")["name"] == "faq"


def test_what_was_understood_is_left_alone(index: FaqIndex) -> None:
    assert hear(index, "水垢有害吗", "yellow_water", 0.95).get("intent")["name"] == "yellow_water"
    assert hear(index, "水垢", "yellow_water", 0.95).get("intent")["name"] == "yellow_water"


def test_what_was_not_understood_but_is_near_an_entry_is_answered(index: FaqIndex) -> None:
    assert hear(index, "水垢有害吗").get("intent")["name"] == "faq"
    assert hear(index, "今天吃什么").get("intent")["name"] == "nlu_fallback"


def test_grams_are_characters_and_pairs_without_marks() -> None:
    assert character_grams("水表，OK") == ["水", "表", "o", "k", "水表", "表o", "ok"]
