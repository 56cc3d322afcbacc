"""Finds names: of people, companies, addresses, and what an account is called. Learnt from the annotated examples.

A conditional random field over characters, which also sees what spaCy's patterns (``name_rules``) find, and beside it those
patterns themselves where the field finds nothing. ``make evaluate`` cross-validates it; ``tests/bot/test_entities.py``
measures it on sentences of their own.
"""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import pycrfsuite
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import TOKENS_NAMES
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import (
    ENTITIES,
    ENTITY_ATTRIBUTE_END,
    ENTITY_ATTRIBUTE_START,
    ENTITY_ATTRIBUTE_TYPE,
    ENTITY_ATTRIBUTE_VALUE,
    INTENT,
    INTENT_NAME_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.aliases import ALIAS, find_named
from bot.nlu.name_features import HOUSE, Word, character_features, listed_names
from bot.nlu.name_rules import find_by_pattern
from bot.nlu.name_swaps import Swapper
from bot.nlu.tokenizer import DomainTokenizer, words_in
from bot.nlu.values import VALUE_SPANS

NAMES = (ALIAS, "name", "address", "org")
MODEL_FILE = "names.crfsuite"
OUTSIDE = "O"

_SHORTEST, _LONGEST = {"name": 2, "org": 3, "address": 2, ALIAS: 1}, {"name": 4, "org": 40, "address": 60, ALIAS: 16}
# What is caught along with a name and is none of it.
_BEFORE_ADDRESS = re.compile(
    r"(?:地址|位置|地点|门牌号?|住址|包括|标成|备注|还有|从|由|就|我们?|阿拉|伲|家|住|在|位于|是|寄到|送到|到|写|喺|给|铺头|店|[今明]朝|"
    r"[:： ，,])+"
)
_BEFORE_ORG = re.compile(
    r"(?:抬头|单位名?称?|公司名称|户名|名称|开票|开给|开成|开|写成?|给|是|为|叫|改成|我们?|在|[:： ，,])+(?=..)"
)
# What has the form of a name and is none: a floor, a place that anybody may mean, a price.
_NO_ADDRESS = re.compile(r".*的|(?:[0-9一二三四五六七八九十两几]+[间层楼])+.{0,2}|(?:新建|整个|每个|各个|[这那哪挖修走问]).*")
_NO_ORG = re.compile(r".*(?:的|那个|这个|哪个|多少|什么|电话|准备).*")
_NO_PERSON = re.compile(r".*[费住水表钱款户单票房修]")
_AFTER_NAME = re.compile(r"(?:[吧呢吗啊呀了的哈嘛]|可以|就行|就好)+$")
_PERSON = re.compile("[\u4e00-\u9fff·]+")


class Mention(NamedTuple):
    """A name at a place in a text."""

    start: int
    end: int
    kind: str


class Sentence(NamedTuple):
    """A text with the places of its words and of the values that rules found in it, and what the message is about."""

    text: str
    words: List[Word]
    values: List[Tuple[int, int, str]]
    intent: str = ""

    @classmethod
    def of(cls, message: Message) -> Sentence:
        """What the components before this one have read."""
        words = [(token.start, token.end) for token in message.get(TOKENS_NAMES[TEXT]) or []]
        intent = message.get(INTENT)  # of an example its name, of a customer's message what the classifier tells
        name = intent.get(INTENT_NAME_KEY) if isinstance(intent, dict) else intent
        return cls(str(message.get(TEXT) or ""), words, message.get(VALUE_SPANS) or [], name or "")


Example = Tuple[Sentence, List[Mention]]


class NameTagger:
    """A trained field."""

    def __init__(self, path: Path) -> None:
        """Open what ``train`` wrote."""
        self._model = path.read_bytes()  # the tagger reads where it lies and keeps no copy
        self._tagger = pycrfsuite.Tagger()
        self._tagger.open_inmemory(self._model)

    @staticmethod
    def train(path: Path, examples: Sequence[Example], settings: Dict[str, Any]) -> None:
        """Learn from examples and write the model to ``path``; settings as of ``NameExtractor.get_default_config``."""
        trainer = pycrfsuite.Trainer(verbose=False)
        for sentence, mentions in examples:
            trainer.append(_features(sentence), _labels(len(sentence.text), mentions))
        trainer.set_params(
            {"c1": settings["c1"], "c2": settings["c2"], "max_iterations": settings["iterations"]}
        )
        trainer.train(str(path))

    def find(self, sentence: Sentence) -> List[Mention]:
        """Names in a text, in order, none overlapping another."""
        labels = self._tagger.tag(_features(sentence))
        found: List[Mention] = []
        for mention in _mentions(labels):
            fitted = _fit(mention, sentence)
            if fitted and (not found or found[-1].end <= fitted.start):
                found.append(fitted)
        return _with_patterns(found, sentence)


def _features(sentence: Sentence) -> List[List[str]]:
    return character_features(sentence.text, sentence.words, sentence.intent)


def _with_patterns(found: List[Mention], sentence: Sentence) -> List[Mention]:
    """What the field found, and the addresses and companies that the patterns find where it found nothing."""
    for place in find_by_pattern(sentence.text, sentence.words):
        fitted = _fit(Mention(*place), sentence)
        if fitted and all(fitted.end <= other.start or other.end <= fitted.start for other in found):
            found.append(fitted)
    return sorted(found)


def sample(examples: Sequence[Example], unmarked: int, seed: int) -> List[Example]:
    """All examples with names, and of those without as many as told, the same ones every time."""
    marked = [example for example in examples if example[1]]
    others = [example for example in examples if not example[1]]
    return [*marked, *random.Random(seed).sample(others, min(unmarked, len(others)))]


def lessons(examples: Sequence[Example], settings: Dict[str, Any]) -> List[Example]:
    """What the field learns from: a sample of the examples, and those with names again, with other names in their places."""
    chosen = sample(examples, settings["unmarked"], settings["seed"])
    marked = [example for example in chosen if example[1]]
    own: Dict[str, List[str]] = {kind: [] for kind in NAMES}
    for sentence, mentions in marked:
        for start, end, kind in mentions:
            own[kind].append(sentence.text[start:end])
    swapper = Swapper(own, settings["seed"])
    words = words_in(Path(settings["words_path"]))
    tokenizer = DomainTokenizer(DomainTokenizer.get_default_config(), None, None, words)
    return [*chosen, *(_swapped(example, swapper, tokenizer) for _ in range(settings["swaps"]) for example in marked)]


def _swapped(example: Example, swapper: Swapper, tokenizer: DomainTokenizer) -> Example:
    sentence, mentions = example
    text, places = swapper.swap(sentence.text, mentions)
    outside = [value for value in sentence.values if all(value[1] <= start or end <= value[0] for start, end, _ in mentions)]
    moved = [(start + shift, end + shift, kind) for start, end, kind in outside for shift in [_shift(start, mentions, places)]]
    message = Message({TEXT: text, VALUE_SPANS: moved, INTENT: sentence.intent})
    message.set(TOKENS_NAMES[TEXT], tokenizer.tokenize(message, TEXT))
    return Sentence.of(message), [Mention(*place) for place in places]


def _shift(at: int, before: Sequence[Mention], after: Sequence[Tuple[int, int, str]]) -> int:
    """How far what follows some of the names has moved."""
    ends = [(moved[1] - old.end) for old, moved in zip(sorted(before), after, strict=True) if old.end <= at]
    return ends[-1] if ends else 0


def _labels(length: int, mentions: Sequence[Mention]) -> List[str]:
    labels = [OUTSIDE] * length
    for start, end, kind in mentions:
        for at in range(start, end):
            place = "whole" if end - start == 1 else "first" if at == start else "last" if at == end - 1 else "inner"
            labels[at] = f"{place} {kind}"
    return labels


def _mentions(labels: Sequence[str]) -> List[Mention]:
    found: List[Mention] = []
    start: Optional[int] = None
    kind = ""
    for at, label in enumerate([*labels, OUTSIDE]):
        place, _, this = label.partition(" ")
        if start is not None and (this != kind or place in ("first", "whole")):
            found.append(Mention(start, at, kind))
            start = None
        if this and start is None:
            start, kind = at, this
    return found


def _fit(mention: Mention, sentence: Sentence) -> Optional[Mention]:
    """The name with whole words and numbers and without particles; None where it is none after all."""
    start, end, kind = mention
    text = sentence.text
    if kind in ("address", "org"):
        start = _start_of_place(start, sentence)
        lead = (_BEFORE_ADDRESS if kind == "address" else _BEFORE_ORG).match(text, start, end)
        start = lead.end() if lead else start
    if kind == "address":
        house = HOUSE.match(text, end)
        end = house.end() if house else end
    elif (kind == "name" and end - start > 2) or kind == ALIAS:
        end = start + len(_AFTER_NAME.sub("", text[start:end]))
    fits = _SHORTEST[kind] <= end - start <= _LONGEST[kind] and _can_be(kind, text[start:end])
    clashes = any(
        (value_start < end and start < value_end and not (start <= value_start and value_end <= end and kind != "name"))
        or (value_start <= start and end <= value_end)
        for value_start, value_end, _ in sentence.values
    )
    return Mention(start, end, kind) if fits and not clashes else None


def _can_be(kind: str, words: str) -> bool:
    if kind == "name":
        return bool(_PERSON.fullmatch(words)) and not _NO_PERSON.fullmatch(words)
    unlike = {"address": _NO_ADDRESS, "org": _NO_ORG}.get(kind)
    return not (unlike and unlike.fullmatch(words))


def _start_of_place(start: int, sentence: Sentence) -> int:
    """Where the word begins that the name starts in, or a place's name before it (青岛 before 市南区)."""
    values = {(value_start, value_end) for value_start, value_end, _ in sentence.values}
    for word_start, word_end in reversed(sentence.words):
        if (word_start, word_end) in values:
            continue
        if word_start < start < word_end or (
            word_end == start and listed_names().get(sentence.text[word_start:word_end]) == "place"
        ):
            start = word_start
    return start


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class NameExtractor(GraphComponent, EntityExtractorMixin):
    """Adds ``alias``, ``name``, ``address`` and ``org`` to a message. Runs after the intent classifier.

    Where no alias was found in a message that names an account, what follows the word for naming is taken.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Settings of the field.

        ``c1``, ``c2``: how much it is regularised; ``iterations``: at most; ``unmarked``: how many of the examples without
        names it learns from; ``swaps``: how often it sees those with names again, with other names; ``seed``: of all chance;
        ``words_path``: the word lists of the tokenizer; ``naming_intent``: the intent of messages that name an account.
        """
        return {
            "c1": 0.1, "c2": 0.02, "iterations": 120, "unmarked": 9000, "swaps": 2, "seed": 7, "words_path": "data/lookups",
            "naming_intent": "set_alias",
        }

    def __init__(
        self, config: Dict[str, Any], storage: ModelStorage, resource: Resource, tagger: Optional[NameTagger] = None
    ) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self._tagger = tagger
        listed_names()  # loads the list now, not with the first message
        find_by_pattern("水", [(0, 1)])  # and the patterns

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> NameExtractor:
        """An extractor yet to be trained."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> NameExtractor:
        """An extractor with the field of the model."""
        with model_storage.read_from(resource) as folder:
            return cls(config, model_storage, resource, NameTagger(folder / MODEL_FILE))

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from the examples and keep the field in the model."""
        examples = [
            (Sentence.of(example), annotated(example)) for example in training_data.intent_examples if example.get(TEXT)
        ]
        with self._storage.write_to(self._resource) as folder:
            NameTagger.train(folder / MODEL_FILE, lessons(examples, self._config), self._config)
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Add the names of each message to its entities."""
        for message in messages:
            found = self.add_extractor_name(self._find(message))
            message.set(ENTITIES, message.get(ENTITIES, []) + found, add_to_output=True)
        return messages

    def _find(self, message: Message) -> List[Dict[str, Any]]:
        sentence = Sentence.of(message)
        mentions = self._tagger.find(sentence) if self._tagger and sentence.words else []
        entities = [_entity(mention, sentence.text) for mention in mentions]
        if sentence.intent == self._config["naming_intent"] and not any(mention.kind == ALIAS for mention in mentions):
            entities += find_named(sentence.text)
        return entities


def annotated(example: Message) -> List[Mention]:
    """The names that an example of the training data marks."""
    return [
        Mention(entity[ENTITY_ATTRIBUTE_START], entity[ENTITY_ATTRIBUTE_END], entity[ENTITY_ATTRIBUTE_TYPE])
        for entity in example.get(ENTITIES) or []
        if entity[ENTITY_ATTRIBUTE_TYPE] in NAMES
    ]


def _entity(mention: Mention, text: str) -> Dict[str, Any]:
    return {
        ENTITY_ATTRIBUTE_TYPE: mention.kind,
        ENTITY_ATTRIBUTE_START: mention.start,
        ENTITY_ATTRIBUTE_END: mention.end,
        ENTITY_ATTRIBUTE_VALUE: text[mention.start : mention.end],
    }
