"""What decides between intents: multinomial logistic regression on n-grams and embeddings."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np
import numpy.typing as npt
import scipy.sparse
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

Array = npt.NDArray[Any]


class LinearHead:
    """Weights that turn a message's features into confidences.

    Sparse features are weighted by their rarity and scaled to length 1; dense ones are multiplied by ``dense_weight``.
    Confidences are a softmax over the scores divided by ``temperature``.
    """

    def __init__(
        self, labels: List[str], rarity: Array, weights: Array, bias: Array, temperature: float, dense_weight: float
    ) -> None:
        self.labels = labels
        self.rarity = rarity
        self.weights = weights  # (sparse + dense) features × labels: so that neither part is copied when it is used
        self.bias = bias
        self.temperature = temperature
        self.dense_weight = dense_weight

    @staticmethod
    def default_settings() -> Dict[str, Any]:
        """Settings of ``fit``.

        ``strength``: inverse of regularisation (C); ``dense_weight``: how much embeddings count beside words;
        ``directions``: of the sparse features that are kept for fitting; ``iterations``: at most; ``temperature``: under 1
        makes confidences surer of themselves; ``seed``: of all chance.
        """
        return {
            "strength": 20.0, "dense_weight": 1.0, "directions": 300, "iterations": 100, "temperature": 0.8, "seed": 7,
        }  # fmt: skip

    @classmethod
    def fit(cls, sparse: scipy.sparse.csr_matrix, dense: Array, labels: List[str], settings: Dict[str, Any]) -> LinearHead:
        """Learn from examples.

        Args:
            sparse: counts, examples × features.
            dense: embeddings, examples × dimensions.
            labels: the intent of each example.
            settings: see ``default_settings``.
        """
        names = sorted(set(labels))
        targets = np.array([names.index(label) for label in labels])
        rarity = _rarity(sparse)
        weights, bias = _fit_weights(_weigh(sparse, rarity), dense * settings["dense_weight"], targets, settings)
        return cls(names, rarity, weights, bias, settings["temperature"], settings["dense_weight"])

    def confidences(self, sparse: scipy.sparse.csr_matrix, dense: Array) -> Array:
        """Confidence of every label for each message: messages × labels, rows sum to 1."""
        return softmax(
            _scores(_weigh(sparse, self.rarity), dense * self.dense_weight, self.weights, self.bias) / self.temperature
        )

    def write(self, path: Path) -> None:
        """Keep it in a file."""
        np.savez(
            path, labels=np.array(self.labels), rarity=self.rarity, weights=self.weights, bias=self.bias,
            temperature=self.temperature, dense_weight=self.dense_weight,
        )  # fmt: skip

    @classmethod
    def read(cls, path: Path) -> LinearHead:
        """What ``write`` kept."""
        with np.load(path) as kept:
            labels = [str(label) for label in kept["labels"]]
            temperature, dense_weight = float(kept["temperature"]), float(kept["dense_weight"])
            return cls(labels, kept["rarity"], kept["weights"], kept["bias"], temperature, dense_weight)


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


def softmax(scores: Array) -> Array:
    """Of each row."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Array = shifted / shifted.sum(axis=1, keepdims=True)
    return shares


def sentence_features(message: Message) -> Tuple[scipy.sparse.csr_matrix, Array]:
    """Sentence features of a message: a sparse and a dense row, either of which may be empty."""
    _, sparse = message.get_sparse_features(TEXT)
    _, dense = message.get_dense_features(TEXT)
    return (
        scipy.sparse.csr_matrix(sparse.features) if sparse else scipy.sparse.csr_matrix((1, 0)),
        dense.features if dense else np.zeros((1, 0)),
    )
