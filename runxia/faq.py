"""The knowledge base ``data/faq/<category>.yml``, as the dialogue engine trains on it and as answers are taken from it.

Only the standard library and PyYAML: the dialogue engine's environment has no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path("data/faq")
INTENT = "faq"  # the retrieval intent; an entry's response key is faq/<category>
LEAST_PHRASINGS = 5
_NEEDED = {"id", "question", "phrasings", "answer", "keywords"}
_ALLOWED = _NEEDED | {"searched", "intent", "source"}


class BrokenFaq(ValueError):
    """A file of the knowledge base that cannot be used; the message names the file and what is wrong with it."""


@dataclass(frozen=True)
class FaqEntry:
    """One question and its answer.

    ``phrasings`` are examples of the intent; ``searched`` are found by the retriever too, but by ``docs/intents.md`` belong
    to the service ``intent`` and are no examples. ``source`` is the document that a stated rule comes from.
    """

    id: str
    category: str
    question: str
    phrasings: tuple[str, ...]
    answer: str
    keywords: tuple[str, ...]
    searched: tuple[str, ...] = ()
    intent: str | None = None
    source: str | None = None

    @property
    def key(self) -> str:
        """Rasa's response key."""
        return f"{INTENT}/{self.category}"

    @property
    def texts(self) -> tuple[str, ...]:
        """All that a customer may say for it."""
        return (self.question, *self.phrasings, *self.searched)


@dataclass(frozen=True)
class FaqCategory:
    """Questions of one kind, under a title that customers read."""

    name: str
    title: str
    entries: tuple[FaqEntry, ...]


def read_faq(folder: Path = FOLDER) -> tuple[FaqCategory, ...]:
    """The whole knowledge base, in the order in which customers browse it.

    Raises:
        BrokenFaq: a file is not in the right shape, or an id is used twice.
    """
    found = sorted((_read_category(path) for path in folder.glob("*.yml")), key=lambda pair: pair[0])
    categories = tuple(category for _, category in found)
    seen: set[str] = set()
    for entry in (entry for category in categories for entry in category.entries):
        if entry.id in seen:
            raise BrokenFaq(f"{folder}: the id {entry.id} is used twice")
        seen.add(entry.id)
    return categories


def _read_category(path: Path) -> tuple[int, FaqCategory]:
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        entries = tuple(_entry(path, each) for each in raw["entries"])
        return int(raw["order"]), FaqCategory(path.stem, str(raw["title"]), entries)
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise BrokenFaq(f"{path}: must hold order, title and entries: {error}") from error


def _entry(path: Path, raw: dict[str, Any]) -> FaqEntry:
    name = raw.get("id", "an entry without id")
    if missing := _NEEDED - set(raw):
        raise BrokenFaq(f"{path}: {name} has no {', '.join(sorted(missing))}")
    if unknown := set(raw) - _ALLOWED:
        raise BrokenFaq(f"{path}: {name} has {', '.join(sorted(unknown))}, which means nothing here")
    entry = FaqEntry(
        id=str(raw["id"]), category=path.stem, question=str(raw["question"]), phrasings=_strings(raw["phrasings"]),
        answer=str(raw["answer"]), keywords=_strings(raw["keywords"]), searched=_strings(raw.get("searched")),
        intent=raw.get("intent"), source=raw.get("source"),
    )
    if len(entry.phrasings) + len(entry.searched) < LEAST_PHRASINGS:
        raise BrokenFaq(f"{path}: {name} needs at least {LEAST_PHRASINGS} phrasings")
    return entry


def _strings(raw: Any) -> tuple[str, ...]:
    return tuple(str(each) for each in raw or ())
