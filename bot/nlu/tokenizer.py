"""Splits messages into words, with the field's own words known and values as one token each."""

from __future__ import annotations

import json
import logging
import unicodedata
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import jieba
from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.constants import INTENT_MESSAGE_PREFIX
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.importer import read_words
from bot.nlu.homophones import HomophoneRepairer
from bot.nlu.values import VALUE_SPANS
from bot.values.numbers import normalise

# The text as the other components should read it: homophones repaired, full-width characters plain. Same length as the text.
REPAIRED_TEXT = "repaired_text"
# One private-use character per kind of value: to features, every account number is the same word.
VALUE_SYMBOLS = {
    entity: chr(0xE000 + index)
    for index, entity in enumerate(
        (
            "account_no", "phone", "email", "code", "id_number", "period", "amount", "volume", "number", "ordinal",
            "date", "day_part", "time_range", "people", "days", "tax_number", "work_order_no",
        )
    )
}  # fmt: skip
WORDS_FILE = "words.json"

jieba.setLogLevel(logging.WARNING)  # it tells of its dictionary at DEBUG, unasked


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=True)
class DomainTokenizer(Tokenizer):
    """jieba with the words of ``data/lookups/*.txt``. The words are kept in the model.

    Sets ``repaired_text`` for the featurizers; tokens keep the places of the text as the customer wrote it.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """``words_path``: the folder of word lists."""
        return {"words_path": "data/lookups", "intent_tokenization_flag": False, "intent_split_symbol": "_"}

    def __init__(self, config: Dict[str, Any], storage: ModelStorage, resource: Resource, words: List[str]) -> None:
        super().__init__(config)
        self._storage = storage
        self._resource = resource
        self._words = words
        self._jieba = jieba.Tokenizer()
        self._jieba.initialize()
        for word in words:
            self._jieba.add_word(word)
        self._repairer = HomophoneRepairer(words, self._split)

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> DomainTokenizer:
        """A tokenizer for training, with the words as they are in the folder now."""
        return cls(config, model_storage, resource, words_in(Path(config["words_path"])))

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> DomainTokenizer:
        """A tokenizer with the words of the model."""
        with model_storage.read_from(resource) as folder:
            words = json.loads((folder / WORDS_FILE).read_text(encoding="utf-8"))
        return cls(config, model_storage, resource, words)

    def train(self, training_data: TrainingData) -> Resource:
        """Keep the words in the model."""
        with self._storage.write_to(self._resource) as folder:
            (folder / WORDS_FILE).write_text(json.dumps(self._words, ensure_ascii=False), encoding="utf-8")
        return self._resource

    def tokenize(self, message: Message, attribute: str) -> List[Token]:
        """Words and values with their places; none for a payload of the gateway (``/intent{...}``)."""
        written = str(message.get(attribute))
        if written.startswith(INTENT_MESSAGE_PREFIX):
            return []
        text = self._repairer.repair(normalise(written))
        if not any(says_something(sign) for sign in text):
            return []
        if attribute == TEXT:
            message.set(REPAIRED_TEXT, text)
        spans: List[Tuple[int, int, str]] = message.get(VALUE_SPANS, []) if attribute == TEXT else []
        tokens: List[Token] = []
        at = 0
        for start, end, entity in [*spans, (len(text), len(text), "")]:
            tokens += [Token(word, at + first) for word, first, _ in self._split(text[at:start]) if word.strip()]
            if entity:
                tokens.append(Token(written[start:end], start, lemma=VALUE_SYMBOLS[entity]))
            at = end
        return tokens

    def _split(self, text: str) -> List[Tuple[str, int, int]]:
        return list(self._jieba.tokenize(text, HMM=False)) if text else []


def words_in(folder: Path) -> List[str]:
    """The words of all lists in a folder."""
    return sorted({word for path in folder.glob("*.txt") for word in read_words(path)})


def reading_of(message: Message) -> Optional[str]:
    """The repaired text of a message, or None if it has no text to read (a payload)."""
    text: Optional[str] = message.get(REPAIRED_TEXT)
    return text


def says_something(sign: str) -> bool:
    """Whether a character is a letter, a digit or a picture, not just a mark: nothing is understood from 。。。 alone."""
    category = unicodedata.category(sign)
    return category[0] in "LN" or category == "So"
