"""Cross-validation on the training examples: what is learnt from four fifths, tried on the last."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple
from typing import Counter as CounterOf

import numpy as np
import numpy.typing as npt
import yaml

from bot.environment import ROOT
from bot.evaluation.examples import Heard, Truth, truth_of
from bot.evaluation.rivals import CACHE, simple_guesses, train_pipeline
from bot.evaluation.scores import (
    Confusion,
    IntentScores,
    Rates,
    confusions,
    rates_of,
    score_entities,
    score_intents,
    share,
)
from bot.evaluation.speed import read_with

FOLDS = 5
SEED = 7
THRESHOLDS = (0.2, 0.3, 0.35, 0.4, 0.5, 0.6)
AMBIGUITIES = (0.0, 0.05, 0.1, 0.15, 0.2)
FEATURES_NODE = "SentenceEmbedding"  # the last featurizer that every message passes
# Components that read the knowledge base's files, where the examples to be tried stand too, or that only cut messages.
NOT_IN_FOLDS = ("FaqRetriever", "RequestSplitter", "RequestJoiner")

Array = npt.NDArray[Any]


class FoldScores(NamedTuple):
    """Figures over all examples, each heard by a model that has not seen it."""

    intents: IntentScores
    entities: Dict[str, Rates]
    confusions: List[Tuple[Confusion, List[str]]]


class QuickScores(NamedTuple):
    """The classifier alone, on features of the trained model.

    ``confidences``: examples × labels.
    """

    truths: List[Truth]
    labels: List[str]
    confidences: Array
    accuracy: float
    macro_f1: float

    @property
    def guesses(self) -> List[str]:
        """The likeliest intent of each example."""
        return [self.labels[place] for place in self.confidences.argmax(axis=1)]

    @property
    def confusions(self) -> List[Tuple[Confusion, List[str]]]:
        """What was taken for what."""
        return confusions(self.truths, [Heard(guess, [guess], None, Counter()) for guess in self.guesses])


def folds(truths: Sequence[Truth]) -> List[Tuple[List[int], List[int]]]:
    """Places to learn from and to try, five times, each intent spread evenly."""
    from sklearn.model_selection import StratifiedKFold

    intents = [truth.intent for truth in truths]
    split = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(intents, intents)
    return [(train.tolist(), test.tolist()) for train, test in split]


def configured_pipeline() -> List[Dict[str, Any]]:
    """The pipeline of ``config.yml`` without what folds cannot have."""
    pipeline = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))["pipeline"]
    return [each for each in pipeline if not each["name"].endswith(NOT_IN_FOLDS)]


def validate_pipeline(pipeline: Sequence[Dict[str, Any]], truths: Sequence[Truth]) -> FoldScores:
    """Train the whole language part anew for each fold, by Rasa itself, and have it read the rest message by message."""
    heard: Dict[int, Heard] = {}
    folder = Path(tempfile.mkdtemp(dir=_made(CACHE)))
    try:
        for number, (train, test) in enumerate(folds(truths), 1):
            print(f"  fold {number} of {FOLDS} ...", flush=True)
            train_pipeline(pipeline, train, folder / "fold.tar.gz")
            reading = read_with(folder / "fold.tar.gz", [truths[place].text for place in test])
            heard.update(zip(test, reading.heard, strict=True))
    finally:
        shutil.rmtree(folder)
    found = [heard[place] for place in range(len(truths))]
    return FoldScores(
        score_intents(truths, found),
        score_entities([truth.entities for truth in truths], [each.entities for each in found]),
        confusions(truths, found),
    )


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def validate_simple(truths: Sequence[Truth]) -> Tuple[float, float]:
    """Accuracy and macro-F1 of TF-IDF with a logistic regression over the same folds."""
    guesses = [""] * len(truths)
    for train, test in folds(truths):
        found = simple_guesses([truths[place] for place in train], [truths[place] for place in test])
        for place, guess in zip(test, found, strict=True):
            guesses[place] = guess
    return accuracy_and_f1([truth.intent for truth in truths], guesses)


def accuracy_and_f1(truth: Sequence[str], guesses: Sequence[str]) -> Tuple[float, float]:
    """Accuracy and macro-F1 of plain guesses."""
    rates = rates_of(truth, guesses)
    right = share(one == other for one, other in zip(truth, guesses, strict=True))
    return right, sum(each.f1 for each in rates.values()) / max(1, len(rates))


def validate_classifier(agent: Any, messages: Sequence[Any]) -> QuickScores:
    """Fit the classifier anew for each fold, on features of the trained model: quicker, and without asking back."""
    import scipy.sparse

    from bot.nlu.intents import LinearHead, sentence_features
    from bot.nlu.looks import TwoLooksClassifier

    truths = [truth_of(message) for message in messages]
    rows = [sentence_features(message) for message in featurise(agent, [truth.text for truth in truths])]
    sparse, dense = scipy.sparse.vstack([row[0] for row in rows]).tocsr(), np.vstack([row[1] for row in rows])
    intents = np.array([truth.intent for truth in truths])
    labels = sorted(set(intents.tolist()))
    confidences = np.zeros((len(truths), len(labels)))
    settings = {**TwoLooksClassifier.get_default_config(), **settings_of("TwoLooksClassifier")}
    for train, test in folds(truths):
        head = LinearHead.fit(sparse[train], dense[train], list(intents[train]), settings)
        confidences[test] = head.confidences(sparse[test], dense[test])
    guesses = np.array(labels)[confidences.argmax(axis=1)]
    return QuickScores(truths, labels, confidences, *accuracy_and_f1(intents.tolist(), guesses.tolist()))


def validate_entities(agent: Any, messages: Sequence[Any]) -> Dict[str, Rates]:
    """Learn names anew for each fold; a find counts if its kind and words are right.

    The folds hold examples without names too, so that what is found where nothing is counts against it.
    """
    from sklearn.model_selection import KFold

    from bot.nlu.names import NameExtractor, NameTagger, Sentence, annotated, lessons

    settings = {**NameExtractor.get_default_config(), **settings_of("NameExtractor")}
    read = featurise(agent, [message.get("text") for message in messages])
    examples = [(Sentence.of(found), annotated(message)) for found, message in zip(read, messages, strict=True)]
    found: Dict[int, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "names"
        for train, test in KFold(FOLDS, shuffle=True, random_state=SEED).split(examples):
            NameTagger.train(path, lessons([examples[at] for at in train], settings), settings)
            tagger = NameTagger(path)
            for at in test:
                found[at] = tagger.find(examples[at][0])
    return score_entities(
        [_words(sentence.text, mentions) for sentence, mentions in examples],
        [_words(sentence.text, found[at]) for at, (sentence, _) in enumerate(examples)],
    )


def _words(text: str, mentions: Sequence[Any]) -> CounterOf[Tuple[str, str]]:
    return Counter((mention.kind, text[mention.start : mention.end]) for mention in mentions)


def settings_of(component: str) -> Dict[str, Any]:
    """What ``config.yml`` sets of a component."""
    pipeline = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))["pipeline"]
    return next(dict(each) for each in pipeline if each["name"].endswith(f".{component}"))


def featurise(agent: Any, texts: Sequence[str], node: str = FEATURES_NODE) -> List[Any]:
    """Messages as they leave a component of the trained model."""
    from rasa.core.channels.channel import UserMessage
    from rasa.engine.constants import PLACEHOLDER_MESSAGE

    runner = agent.processor.graph_runner
    target = [name for name in runner._graph_schema.nodes if node in name][-1]
    found = runner.run(inputs={PLACEHOLDER_MESSAGE: [UserMessage(text) for text in texts]}, targets=[target])
    messages: List[Any] = found[target][: len(texts)]  # after them come the pieces of those that may hold several requests
    return messages


def thresholds(scores: QuickScores) -> Iterator[Tuple[float, float, float, float, float]]:
    """What asking back would do at each pair of settings of the FallbackClassifier.

    Yields:
        threshold, ambiguity threshold, share answered, share of these that is right, share of right ones asked back.
    """
    ordered = np.sort(scores.confidences, axis=1)
    best, margin = ordered[:, -1], ordered[:, -1] - ordered[:, -2]
    right = np.array([truth.intent == guess for truth, guess in zip(scores.truths, scores.guesses, strict=True)])
    for least in THRESHOLDS:
        for gap in AMBIGUITIES:
            answered = (best >= least) & (margin >= gap)
            yield least, gap, float(answered.mean()), float(right[answered].mean()), float((~answered)[right].mean())
