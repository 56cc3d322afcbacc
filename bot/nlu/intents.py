"""What decides between intents: multinomial logistic regression on n-grams and embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np
import numpy.typing as npt
import scipy.sparse
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from scipy.optimize import minimize

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
        ``iterations``: at most; ``temperature``: under 1 makes confidences surer of themselves.
        """
        return {
            "strength": 10.0, "dense_weight": 1.0, "iterations": 60, "temperature": 0.8,
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
    """Weights (features × labels) and bias of a multinomial logistic regression in which every label counts alike.

    All n-grams take part: reducing them to their leading directions first, which is faster, costs three points of accuracy.
    """
    rows, words = sparse.shape
    labels = int(targets.max()) + 1
    importance = (rows / (labels * np.bincount(targets)))[targets].astype(np.float32)[:, None]
    shape = (words + dense.shape[1] + 1, labels)
    across = sparse.T.tocsr()
    plain = dense.astype(np.float32)

    def loss(flat: Array) -> Tuple[float, Array]:
        table = flat.reshape(shape)
        weights = table.astype(np.float32)
        shares = softmax(sparse @ weights[:words] + plain @ weights[words:-1] + weights[-1])
        surprise = -np.log(np.maximum(shares[np.arange(rows), targets], 1e-12))
        shares[np.arange(rows), targets] -= 1
        shares *= importance
        slopes = np.vstack([across @ shares, plain.T @ shares, shares.sum(axis=0, keepdims=True)]).astype(np.float64)
        slopes[:-1] += table[:-1] / settings["strength"]
        size = float((table[:-1] ** 2).sum()) / (2 * settings["strength"])
        return float((surprise * importance[:, 0]).sum()) + size, slopes.ravel()

    # The limit of iterations is meant: it regularises as well.
    found = minimize(
        loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": settings["iterations"], "maxcor": 5}
    )
    table = found.x.reshape(shape).astype(np.float32)
    return np.ascontiguousarray(table[:-1]), table[-1]


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
