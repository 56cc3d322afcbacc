"""Entities in sentences that are in no training data, exact kind and words.

``pytest -s`` prints how well each kind is found.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from bot.importer import read_words
from bot.nlu.names import NAMES, NameExtractor, NameTagger, Sentence, annotated, lessons
from bot.nlu.tokenizer import DomainTokenizer
from bot.nlu.values import VALUE_SPANS
from bot.values import Value, find_values

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 11, 21)
RULED = (
    "account_no", "phone", "email", "id_number", "code", "period", "date", "amount", "volume", "ordinal", "people", "days",
    "tax_number", "work_order_no",
)  # fmt: skip
RULED_AT_LEAST = 0.95  # of each kind
LEARNT_AT_LEAST = {"address": 0.7, "alias": 0.88, "name": 0.7, "org": 0.9}

Entity = tuple[str, str]  # kind, words
Row = tuple[str, Counter[Entity]]


def rows() -> list[Row]:
    lines = (Path(__file__).parent / "entity_sentences.jsonl").read_text(encoding="utf-8").splitlines()
    read = [json.loads(line) for line in lines]
    return [(row["text"], Counter((each["entity"], each["text"]) for each in row["entities"])) for row in read]


def f1_by_kind(found: list[Counter[Entity]], kinds: tuple[str, ...]) -> dict[str, float]:
    """F1 over all sentences, for each kind; prints it with what was missed and what was found for nothing."""
    right: Counter[str] = Counter()
    both: Counter[str] = Counter()
    for (text, marked), heard in zip(rows(), found, strict=True):
        truth = Counter({entity: count for entity, count in marked.items() if entity[0] in kinds})
        for (kind, _), count in (truth & heard).items():
            right[kind] += count
        for (kind, _), count in (truth + heard).items():
            both[kind] += count
        if truth != heard:
            print(f"  {text}  missed {sorted(truth - heard)}  for nothing {sorted(heard - truth)}")
    scores = {kind: 2 * right[kind] / max(1, both[kind]) for kind in kinds}
    print("\n".join(f"  {kind:14} {score:.3f}" for kind, score in scores.items()))
    return scores


def values(text: str) -> list[Value]:
    return find_values(text, TODAY, account_digits=10, code_digits=6)


def test_what_is_found_by_rule() -> None:
    found = [
        Counter((value.entity, text[value.start : value.end]) for value in values(text) if value.entity in RULED)
        for text, _ in rows()
    ]
    weak = {kind: score for kind, score in f1_by_kind(found, RULED).items() if score < RULED_AT_LEAST}
    assert not weak


def test_what_is_learnt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rasa.shared.importers.importer import TrainingDataImporter
    from rasa.shared.nlu.training_data.message import Message

    monkeypatch.chdir(ROOT)
    words = sorted({word for path in sorted((ROOT / "data/lookups").glob("*.txt")) for word in read_words(path)})
    tokenizer = DomainTokenizer(DomainTokenizer.get_default_config(), None, None, words)  # type: ignore[arg-type]

    def read(message: Message) -> Sentence:
        message.set(VALUE_SPANS, [(value.start, value.end, value.entity) for value in values(message.get("text"))])
        message.set("text_tokens", tokenizer.tokenize(message, "text"))
        return Sentence.of(message)

    importer = TrainingDataImporter.load_from_config("config.yml", "domain.yml", ["data"])
    examples = [(read(example), annotated(example)) for example in importer.get_nlu_data("zh").intent_examples]
    settings = NameExtractor.get_default_config()
    NameTagger.train(tmp_path / "names", lessons(examples, settings), settings)
    tagger = NameTagger(tmp_path / "names")
    sentences = [read(Message({"text": text})) for text, _ in rows()]
    found = [
        Counter((mention.kind, sentence.text[mention.start : mention.end]) for mention in tagger.find(sentence))
        for sentence in sentences
    ]
    scores = f1_by_kind(found, NAMES)
    assert not {kind: score for kind, score in scores.items() if score < LEARNT_AT_LEAST[kind]}
