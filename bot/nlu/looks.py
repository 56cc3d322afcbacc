"""The intent classifier. It looks at a message once, and a second time where the first look left doubt.

The first look is at n-grams and the sentence embedding. The second one also takes in a better embedding, which costs more time
than all the rest together, so it is kept for the messages that need it.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import scipy.sparse
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.constants import TOKENS_NAMES
from rasa.shared.nlu.constants import INTENT, INTENT_NAME_KEY, INTENT_RANKING_KEY, PREDICTED_CONFIDENCE_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.kept import key_of, learn_once
from bot.nlu import intents
from bot.nlu.embeddings import SlowEncoder
from bot.nlu.intents import Array, LinearHead, sentence_features
from bot.nlu.requests import IS_PIECE
from bot.nlu.tokenizer import reading_of

FIRST_FILE, SECOND_FILE = "first.npz", "second.npz"
RANKING_LENGTH = 10


class Heads(NamedTuple):
    """What decides at the first look, and at the second."""

    first: LinearHead
    second: LinearHead


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class TwoLooksClassifier(GraphComponent, IntentClassifier):
    """Predicts the intent from the sentence features of all featurizers before it. Pieces of a message get one look only."""

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Settings.

        ``slow_weight``: how much the second look's embedding counts; ``sure``: the least confidence of the likeliest intent at
        which one look is enough; ``first_share``: how much the first look still counts after the second one. The others are of
        the regression, see ``LinearHead.default_settings``.
        """
        return {"slow_weight": 3.0, "sure": 0.9, "first_share": 0.3, **LinearHead.default_settings()}

    def __init__(
        self,
        config: Dict[str, Any],
        storage: ModelStorage,
        resource: Resource,
        heads: Optional[Heads] = None,
        slow: Optional[SlowEncoder] = None,
    ) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self._heads = heads
        self._slow = slow

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> TwoLooksClassifier:
        """A classifier yet to be trained."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> TwoLooksClassifier:
        """A classifier with the weights of the model."""
        with model_storage.read_from(resource) as folder:
            heads = Heads(LinearHead.read(folder / FIRST_FILE), LinearHead.read(folder / SECOND_FILE))
        return cls(config, model_storage, resource, heads, SlowEncoder.shared())

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from the examples and keep the weights in the model."""
        examples = [example for example in training_data.intent_examples if example.get(TOKENS_NAMES[TEXT])]
        kept = learn_heads(examples, self._config)
        with self._storage.write_to(self._resource) as folder:
            shutil.copytree(kept, folder, dirs_exist_ok=True)
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Set intent and ranking; a message without words has no intent."""
        readable = [message for message in messages if message.get(TOKENS_NAMES[TEXT])]
        rankings = dict(zip(map(id, readable), self._look(readable), strict=True))
        for message in messages:
            ranking = rankings.get(id(message), [])
            best = ranking[0] if ranking else {INTENT_NAME_KEY: None, PREDICTED_CONFIDENCE_KEY: 0.0}
            message.set(INTENT, best, add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages

    def _look(self, messages: Sequence[Message]) -> List[List[Dict[str, Any]]]:
        """The ranking of each message."""
        if self._heads is None or not messages:
            return [[] for _ in messages]
        sparse, dense = stack(messages)
        confidences = self._heads.first.confidences(sparse, dense)
        again = [row for row, message in enumerate(messages) if self._needs_second_look(message, confidences[row])]
        if again and self._slow is not None:
            slow = self._slow.encode([str(reading_of(messages[row])) for row in again]) * self._config["slow_weight"]
            second = self._heads.second.confidences(sparse[again], np.hstack([dense[again], slow]))
            share = self._config["first_share"]
            confidences[again] = share * confidences[again] + (1 - share) * second
        return [_rank(row, self._heads.first.labels) for row in confidences]

    def _needs_second_look(self, message: Message, confidences: Array) -> bool:
        return not message.get(IS_PIECE) and bool(confidences.max() < self._config["sure"])


def learn_heads(examples: Sequence[Message], settings: Dict[str, Any]) -> Path:
    """Learn both looks from examples that have their features, and return the folder they are in."""
    sparse, dense = stack(examples)
    labels = [example.get(INTENT) for example in examples]
    slow = SlowEncoder.embed_once([str(reading_of(example)) for example in examples]) * settings["slow_weight"]
    regression = {name: settings[name] for name in LinearHead.default_settings()}
    key = key_of(sparse.indptr, sparse.indices, sparse.data, dense, slow, labels, regression, intents)

    def learn(folder: Path) -> None:
        LinearHead.fit(sparse, dense, labels, regression).write(folder / FIRST_FILE)
        LinearHead.fit(sparse, np.hstack([dense, slow]), labels, regression).write(folder / SECOND_FILE)

    return learn_once("intent classifier", key, learn)


def stack(messages: Sequence[Message]) -> Tuple[scipy.sparse.csr_matrix, Array]:
    """Features of all messages: messages × n-grams and messages × dimensions."""
    rows = [sentence_features(message) for message in messages]
    return scipy.sparse.vstack([row[0] for row in rows]).tocsr(), np.vstack([row[1] for row in rows])


def _rank(confidences: Array, labels: Sequence[str]) -> List[Dict[str, Any]]:
    order = np.argsort(confidences)[::-1][:RANKING_LENGTH]
    return [{INTENT_NAME_KEY: labels[place], PREDICTED_CONFIDENCE_KEY: float(confidences[place])} for place in order]
