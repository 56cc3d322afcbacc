"""The intent classifier: multinomial logistic regression on all features, with calibrated confidences."""

from __future__ import annotations

import json
import warnings
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import numpy.typing as npt
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
from scipy.optimize import minimize_scalar

Array = npt.NDArray[Any]

WEIGHTS_FILE = "weights.npz"
LABELS_FILE = "labels.json"
RANKING_LENGTH = 10
LEAST_TO_CALIBRATE = 5  # examples of the rarest intent


class LinearHead:
    """Weights that turn a message's features into confidences.

    Sparse features are weighted by their rarity and scaled to length 1; dense ones are multiplied by ``dense_weight``.
    Confidences are a softmax over the scores divided by ``temperature``, which is fitted on held-out examples so that messages
    classified with confidence 0.8 are right in about 80 of 100 cases.
    """

    def __init__(
        self,
        labels: List[str],
        rarity: Array,
        weights: Array,
        bias: Array,
        temperature: float,
        dense_weight: float,
    ) -> None:
        self.labels = labels
        self.rarity = rarity
        self.weights = weights  # (sparse + dense) features × labels: so that neither part is copied when it is used
        self.bias = bias
        self.temperature = temperature
        self.dense_weight = dense_weight

    @classmethod
    def fit(cls, sparse: scipy.sparse.csr_matrix, dense: Array, labels: List[str], settings: Dict[str, Any]) -> LinearHead:
        """Learn from examples.

        Args:
            sparse: counts, examples × features.
            dense: embeddings, examples × dimensions.
            labels: the intent of each example.
            settings: see ``LinearIntentClassifier.get_default_config``.
        """
        names = sorted(set(labels))
        targets = np.array([names.index(label) for label in labels])
        rarity = _rarity(sparse)
        weighed = _weigh(sparse, rarity)
        embedded = dense * settings["dense_weight"]
        weights, bias = _fit_weights(weighed, embedded, targets, settings)
        temperature = _held_out_temperature(weighed, embedded, targets, settings)
        return cls(names, rarity, weights, bias, temperature, settings["dense_weight"])

    def confidences(self, sparse: scipy.sparse.csr_matrix, dense: Array) -> Array:
        """Confidence of every label for each message: messages × labels, rows sum to 1."""
        return softmax(
            _scores(_weigh(sparse, self.rarity), dense * self.dense_weight, self.weights, self.bias) / self.temperature
        )


def _rarity(sparse: scipy.sparse.csr_matrix) -> Array:
    """Inverse document frequency; 0 for what only one example has, which teaches nothing."""
    having = sparse.getnnz(axis=0)
    rarity: Array = np.where(having > 1, np.log((1 + sparse.shape[0]) / (1 + having)) + 1, 0.0)
    return rarity


def _weigh(sparse: scipy.sparse.csr_matrix, rarity: Array) -> scipy.sparse.csr_matrix:
    weighted = scipy.sparse.csr_matrix(sparse).multiply(rarity).tocsr()
    lengths = np.sqrt(weighted.multiply(weighted).sum(axis=1)).A1
    scaled = scipy.sparse.diags(1 / np.maximum(lengths, 1e-9)) @ weighted
    return scaled.tocsr().astype(np.float32)  # as the weights are, which would otherwise be converted with every message


def _scores(sparse: scipy.sparse.csr_matrix, dense: Array, weights: Array, bias: Array) -> Array:
    words = sparse.shape[1]
    scores: Array = sparse @ weights[:words] + dense @ weights[words:] + bias
    return scores


def _fit_weights(
    sparse: scipy.sparse.csr_matrix, dense: Array, targets: Array, settings: Dict[str, Any]
) -> Tuple[Array, Array]:
    """Weights (features × labels) and bias of a multinomial logistic regression.

    It is fitted on the leading directions of the sparse features beside the dense ones, which is many times faster than on
    all of them and as good; being linear, it is then written as weights of the features themselves.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.linear_model import LogisticRegression

    directions = min(settings["directions"], min(sparse.shape) - 1)
    reduction = TruncatedSVD(directions, random_state=settings["seed"]).fit(sparse)
    features = np.hstack([reduction.transform(sparse), dense]).astype(np.float32)
    model = LogisticRegression(C=settings["strength"], max_iter=settings["iterations"], tol=1e-3, class_weight="balanced")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the limit of iterations is meant: it regularises as well
        model.fit(features, targets)
    weights = np.hstack([model.coef_[:, :directions] @ reduction.components_, model.coef_[:, directions:]])
    return np.ascontiguousarray(weights.T, dtype=np.float32), model.intercept_.astype(np.float32)


def _held_out_temperature(
    sparse: scipy.sparse.csr_matrix, dense: Array, targets: Array, settings: Dict[str, Any]
) -> float:
    """The temperature at which a held-out fifth of the examples is likeliest; 1 where there are too few to hold any out."""
    from sklearn.model_selection import train_test_split

    if np.bincount(targets).min() < LEAST_TO_CALIBRATE:
        return 1.0
    kept, held_out = train_test_split(np.arange(len(targets)), test_size=0.2, stratify=targets, random_state=settings["seed"])
    weights, bias = _fit_weights(sparse[kept], dense[kept], targets[kept], settings)
    scores = _scores(sparse[held_out], dense[held_out], weights, bias)

    def surprise(log_temperature: float) -> float:
        likelihoods = softmax(scores / np.exp(log_temperature))[np.arange(len(held_out)), targets[held_out]]
        return float(-np.log(np.maximum(likelihoods, 1e-12)).mean())

    return float(np.exp(minimize_scalar(surprise, bounds=(-3, 3), method="bounded").x))


def softmax(scores: Array) -> Array:
    """Of each row."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Array = shifted / shifted.sum(axis=1, keepdims=True)
    return shares


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class LinearIntentClassifier(GraphComponent, IntentClassifier):
    """Predicts the intent of a message from the sentence features of all featurizers before it."""

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Settings of the regression.

        ``strength``: inverse of regularisation (C); ``dense_weight``: how much embeddings count beside words;
        ``directions``: of the sparse features that are kept for fitting; ``iterations``: at most; ``seed``: of all chance.
        """
        return {"strength": 20.0, "dense_weight": 1.0, "directions": 300, "iterations": 100, "seed": 7}

    def __init__(
        self, config: Dict[str, Any], storage: ModelStorage, resource: Resource, head: Optional[LinearHead] = None
    ) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self._head = head

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> LinearIntentClassifier:
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
    ) -> LinearIntentClassifier:
        """A classifier with the weights of the model."""
        with model_storage.read_from(resource) as folder:
            weights = np.load(folder / WEIGHTS_FILE)
            labels = json.loads((folder / LABELS_FILE).read_text(encoding="utf-8"))
        head = LinearHead(
            labels,
            weights["rarity"],
            weights["weights"],
            weights["bias"],
            float(weights["temperature"]),
            config["dense_weight"],
        )
        return cls(config, model_storage, resource, head)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from the examples and keep the weights in the model."""
        examples = [example for example in training_data.intent_examples if example.get(TOKENS_NAMES[TEXT])]
        rows = [sentence_features(example) for example in examples]
        head = LinearHead.fit(
            scipy.sparse.vstack([row[0] for row in rows]).tocsr(),
            np.vstack([row[1] for row in rows]),
            [example.get(INTENT) for example in examples],
            self._config,
        )
        with self._storage.write_to(self._resource) as folder:
            np.savez(
                folder / WEIGHTS_FILE, rarity=head.rarity, weights=head.weights, bias=head.bias, temperature=head.temperature
            )
            (folder / LABELS_FILE).write_text(json.dumps(head.labels), encoding="utf-8")
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Set intent and ranking; a message without words has no intent."""
        for message in messages:
            ranking = self._rank(message) if message.get(TOKENS_NAMES[TEXT]) else []
            best = ranking[0] if ranking else {INTENT_NAME_KEY: None, PREDICTED_CONFIDENCE_KEY: 0.0}
            message.set(INTENT, best, add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages

    def _rank(self, message: Message) -> List[Dict[str, Any]]:
        if self._head is None:
            return []
        confidences = self._head.confidences(*sentence_features(message))[0]
        order = np.argsort(confidences)[::-1][:RANKING_LENGTH]
        return [
            {INTENT_NAME_KEY: self._head.labels[index], PREDICTED_CONFIDENCE_KEY: float(confidences[index])} for index in order
        ]


def sentence_features(message: Message) -> Tuple[scipy.sparse.csr_matrix, Array]:
    """Sentence features of a message: a sparse and a dense row, either of which may be empty."""
    _, sparse = message.get_sparse_features(TEXT)
    _, dense = message.get_dense_features(TEXT)
    return (
        scipy.sparse.csr_matrix(sparse.features) if sparse else scipy.sparse.csr_matrix((1, 0)),
        dense.features if dense else np.zeros((1, 0)),
    )
