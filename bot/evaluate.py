"""Tells how well messages are understood: ``python -m bot.evaluate [--phrasings FILE]``, after training.

Intents are cross-validated (5 folds, stratified): the classifier is trained anew for each fold, on features of the trained
model; so are the learnt entities. With ``--phrasings``, a JSON-lines file of ``{"text", "topic"}`` is also put to the whole
model; topics that are no intents are left out. Retrieval from the knowledge base is measured with each phrasing left out in
turn.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Tuple

from bot.environment import MODEL_FILE, ROOT, configure_logging, models_dir, prepare

FOLDS = 5
SEED = 7
WORST = 25
CONFIDENCES = (0.2, 0.3, 0.4, 0.5, 0.6)
MARGINS = (0.0, 0.05, 0.1, 0.15, 0.2)
FEATURES_NODE = "SentenceEmbedding"  # the last featurizer of config.yml

Example = Tuple[str, str]  # text, intent


def main() -> None:
    """Print accuracy, macro-F1, the worst confusions, thresholds, and the time a message takes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--phrasings", type=Path, help="JSON lines of text and topic, from real customers")
    arguments = parser.parse_args()
    prepare()
    from rasa.core.agent import load_agent

    configure_logging()
    agent = asyncio.run(load_agent(model_path=str(models_dir() / MODEL_FILE)))
    cross_validate(agent)
    cross_validate_entities(agent)
    print_retrieval()
    if arguments.phrasings:
        lines = arguments.phrasings.read_text(encoding="utf-8").splitlines()
        asyncio.run(try_phrasings(agent, [json.loads(line) for line in lines]))


def cross_validate(agent: Any) -> None:
    """Cross-validate the intent classifier on the training examples."""
    import numpy as np
    import scipy.sparse
    from sklearn.metrics import accuracy_score, f1_score
    from sklearn.model_selection import StratifiedKFold

    from bot.nlu.intents import LinearHead, LinearIntentClassifier, sentence_features

    examples = read_examples()
    started = time.perf_counter()
    messages = _featurise(agent, [text for text, _ in examples])
    spent = time.perf_counter() - started
    rows = [sentence_features(message) for message in messages]
    sparse, dense = scipy.sparse.vstack([row[0] for row in rows]).tocsr(), np.vstack([row[1] for row in rows])
    truth = np.array([intent for _, intent in examples])
    labels = sorted(set(truth))
    confidences = np.zeros((len(truth), len(labels)))
    settings = {**LinearIntentClassifier.get_default_config(), **_settings_of("LinearIntentClassifier")}
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(rows, truth):
        head = LinearHead.fit(sparse[train], dense[train], list(truth[train]), settings)
        confidences[test] = head.confidences(sparse[test], dense[test])
    guesses = np.array(labels)[confidences.argmax(axis=1)]
    print(f"{len(truth)} examples of {len(labels)} intents; features take {1000 * spent / len(truth):.1f} ms a message")
    print(f"accuracy {accuracy_score(truth, guesses):.3f}, macro-F1 {f1_score(truth, guesses, average='macro'):.3f}")
    _print_confusions(examples, list(guesses))
    _print_thresholds(confidences, guesses == truth)


def cross_validate_entities(agent: Any) -> Dict[str, Score]:
    """Cross-validate the entities that are learnt, print how well each kind is found, and return it.

    A find counts if its kind and both ends are right. The folds hold examples without entities too, so that what is found
    where nothing is counts against it.

    Returns:
        precision, recall, F1 and number of annotated entities, by kind and for ``all``.
    """
    import tempfile

    from sklearn.model_selection import KFold

    from bot.nlu.names import NameExtractor, NameTagger, Sentence, annotated, sample

    settings = {**NameExtractor.get_default_config(), **_settings_of("NameExtractor")}
    messages = _training_messages()
    read = _featurise(agent, [message.get("text") for message in messages])
    examples = [(Sentence.of(found), annotated(message)) for found, message in zip(read, messages, strict=True)]
    right: Counter[str] = Counter()
    found_at_all: Counter[str] = Counter()
    marked: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "names"
        for train, test in KFold(FOLDS, shuffle=True, random_state=SEED).split(examples):
            NameTagger.train(path, sample([examples[at] for at in train], settings["unmarked"], settings["seed"]), settings)
            tagger = NameTagger(path)
            for sentence, truth in (examples[at] for at in test):
                found = tagger.find(sentence)
                right.update(mention.kind for mention in set(found) & set(truth))
                found_at_all.update(mention.kind for mention in found)
                marked.update(mention.kind for mention in truth)
    scores = {kind: Score.of(right[kind], found_at_all[kind], marked[kind]) for kind in sorted(marked)}
    scores["all"] = Score.of(right.total(), found_at_all.total(), marked.total())
    print("\nlearnt entities, exact: precision, recall, F1, how many")
    for kind, score in scores.items():
        print(f"  {kind:8} {score.precision:.3f} {score.recall:.3f} {score.f1:.3f} {score.marked}")
    return scores


class Score(NamedTuple):
    """How well one kind of entity is found."""

    precision: float
    recall: float
    f1: float
    marked: int

    @classmethod
    def of(cls, right: int, found: int, marked: int) -> Score:
        """From counts of the right ones, those found and those annotated."""
        precision, recall = right / max(1, found), right / max(1, marked)
        return cls(precision, recall, 2 * right / max(1, found + marked), marked)


def read_examples() -> List[Example]:
    """The training examples, as the importer reads them."""
    return [(message.get("text"), message.get("intent")) for message in _training_messages()]


def _training_messages() -> List[Any]:
    from rasa.shared.importers.importer import TrainingDataImporter

    importer = TrainingDataImporter.load_from_config(str(ROOT / "config.yml"), str(ROOT / "domain.yml"), [str(ROOT / "data")])
    return list(importer.get_nlu_data("zh").intent_examples)


def _settings_of(component: str) -> Dict[str, Any]:
    import yaml

    pipeline = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))["pipeline"]
    return next(dict(each) for each in pipeline if each["name"].endswith(f".{component}"))


def _featurise(agent: Any, texts: List[str]) -> List[Any]:
    """Messages with the features that the trained model gives them."""
    from rasa.core.channels.channel import UserMessage
    from rasa.engine.constants import PLACEHOLDER_MESSAGE

    runner = agent.processor.graph_runner
    node = next(name for name in runner._graph_schema.nodes if FEATURES_NODE in name)
    found = runner.run(inputs={PLACEHOLDER_MESSAGE: [UserMessage(text) for text in texts]}, targets=[node])
    messages: List[Any] = found[node][: len(texts)]  # after them come the pieces of those that may hold several requests
    return messages


def _print_confusions(examples: List[Example], guesses: List[str]) -> None:
    wrong = Counter((intent, guess) for (_, intent), guess in zip(examples, guesses, strict=True) if intent != guess)
    print("\nmost confused (what it was → what was heard):")
    for (intent, guess), count in wrong.most_common(WORST):
        sample = next(text for (text, truth), heard in zip(examples, guesses, strict=True) if (truth, heard) == (intent, guess))
        print(f"  {count:3d}  {intent} → {guess}    {sample}")


def _print_thresholds(confidences: Any, right: Any) -> None:
    """What asking back would do at each pair of thresholds of the FallbackClassifier."""
    import numpy as np

    ordered = np.sort(confidences, axis=1)
    best, margin = ordered[:, -1], ordered[:, -1] - ordered[:, -2]
    print("\nthreshold, ambiguity: share answered, of these right; share of right ones asked back for nothing")
    for least in CONFIDENCES:
        for gap in MARGINS:
            answered = (best >= least) & (margin >= gap)
            print(
                f"  {least:.1f} {gap:.2f}: {answered.mean():.3f} {right[answered].mean():.3f} {(~answered)[right].mean():.3f}"
            )


def print_retrieval() -> None:
    """How often the knowledge base's right entry is first, or among the first three, for a phrasing it has not learnt."""
    import numpy as np

    from bot.nlu.faq import FaqRetriever, learn_folder

    settings = FaqRetriever.get_default_config()
    learnt = learn_folder(ROOT / settings["path"], settings["embedding_weight"])
    order = np.argsort(-learnt.held_out, axis=1)
    first = order[:, 0] == learnt.truth
    among = (order[:, :3] == learnt.truth[:, None]).any(axis=1)
    sure = np.array([learnt.index.confidences(scores).max() for scores in learnt.held_out])
    keys = np.array([key for _, key in learnt.index.entries])
    print(f"\nknowledge base: {len(keys)} entries, {len(first)} phrasings, each left out in turn")
    category = keys[order[:, 0]] == keys[learnt.truth]
    print(f"first {first.mean():.3f}, among three {among.mean():.3f}, category {category.mean():.3f}")
    print("confidence: share answered at once, of these right; of the others, right one among the three offered")
    for least in CONFIDENCES:
        at_once = sure >= least
        print(f"  {least:.1f}: {at_once.mean():.3f} {first[at_once].mean():.3f} {among[~at_once].mean():.3f}")
    misses = [(learnt.truth[row], order[row, 0], learnt.phrasings[row]) for row in np.flatnonzero(~among)]
    print("not even among three (what it was → what was found):")
    for truth, found, text in misses[:WORST]:
        print(f"  {learnt.index.entries[truth][0]} → {learnt.index.entries[found][0]}    {text}")


async def try_phrasings(agent: Any, rows: List[Dict[str, str]]) -> None:
    """Put real customers' messages to the model and compare with their topics."""
    intents = {intent for _, intent in read_examples()}
    known = [row for row in rows if row["topic"] in intents]
    results: Counter[str] = Counter()
    started = time.perf_counter()
    for row in known:
        heard = (await agent.parse_message(row["text"]))["intent"]["name"]
        results["right" if heard == row["topic"] else "asked back" if heard == "nlu_fallback" else "wrong"] += 1
        if heard != row["topic"]:
            print(f"  {row['topic']} → {heard}    {row['text']}")
    spent = (time.perf_counter() - started) / max(1, len(known))
    print(f"\nreal messages: {len(known)} of {len(rows)} have a topic that is an intent")
    print(f"{dict(results)}; {1000 * spent:.0f} ms each")


if __name__ == "__main__":
    main()
