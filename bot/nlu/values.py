"""The value component: puts what ``bot.values`` finds into the message as entities."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any, Dict, List

import yaml
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.constants import INTENT_MESSAGE_PREFIX
from rasa.shared.nlu.constants import (
    ENTITIES,
    ENTITY_ATTRIBUTE_END,
    ENTITY_ATTRIBUTE_START,
    ENTITY_ATTRIBUTE_TYPE,
    ENTITY_ATTRIBUTE_VALUE,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.values import Value, find_values
from bot.values.periods import warm_up
from runxia.clock import clock_from, today

# Places of the values, for the tokenizer: (start, end, entity).
VALUE_SPANS = "value_spans"


@DefaultV1Recipe.register(
    [DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR], is_trainable=False
)
class ValueExtractor(GraphComponent, EntityExtractorMixin):
    """Finds account numbers, phones, codes, periods, amounts and the like by rule; runs before the tokenizer.

    Lengths come from ``utility.yml`` (``UTILITY_FILE``), the day from the clock (``CLOCK_FILE`` where a sandbox moves it).
    """

    def __init__(self, account_digits: int, code_digits: int) -> None:
        self._lengths = {"account_digits": account_digits, "code_digits": code_digits}
        clock_file = os.environ.get("CLOCK_FILE")
        self._clock = clock_from(Path(clock_file) if clock_file else None)

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> ValueExtractor:
        """Read the utility's facts, and load what the first message would otherwise wait for."""
        facts = yaml.safe_load(Path(os.environ.get("UTILITY_FILE", "utility.yml")).read_text(encoding="utf-8"))
        warm_up()
        return cls(facts["account_no"]["digits"], facts["security"]["code_digits"])

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Mark the places of values in the examples; which entities they are annotated with is left as it is."""
        day = today(self._clock)
        for example in training_data.training_examples:
            if example.get(TEXT):
                self._mark(example, day)
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Add the values of each message to its entities."""
        day = today(self._clock)
        for message in messages:
            found = self.add_extractor_name([_entity(value) for value in self._mark(message, day)])
            message.set(ENTITIES, message.get(ENTITIES, []) + found, add_to_output=True)
        return messages

    def _mark(self, message: Message, day: date) -> List[Value]:
        text = str(message.get(TEXT) or "")
        values = [] if text.startswith(INTENT_MESSAGE_PREFIX) else find_values(text, day, **self._lengths)
        message.set(VALUE_SPANS, [(value.start, value.end, value.entity) for value in values])
        return values


def _entity(value: Value) -> Dict[str, Any]:
    return {
        ENTITY_ATTRIBUTE_TYPE: value.entity,
        ENTITY_ATTRIBUTE_START: value.start,
        ENTITY_ATTRIBUTE_END: value.end,
        ENTITY_ATTRIBUTE_VALUE: value.value,
    }
