"""A message that is nothing but values answers a question or corrects one: it needs no statistics.

Nor does one that only asks to look up an order by its number (帮我查下GD202611200001): the number says which kind it is.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, INTENT_NAME_KEY, INTENT_RANKING_KEY, PREDICTED_CONFIDENCE_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.values import VALUE_SPANS

ORDER = "work_order_no"  # says by itself what is asked: how the order stands

# What may stand around bare values: marks, and the particles of 是8月的吧.
_FILLER = re.compile(r"(?:[\s,，。.!！?？、:：~～是的吧呢啊哦嗯和跟到就改]|提前|提早)*")
_ASKING = re.compile(
    r"(?:[\s,，。.!！?？、:：~～是的吧呢啊哦嗯了哈请帮我给你麻烦]|查(?:询|看|查)?|看看?|问问?|一下子?|下|单号|工单号?|编号|单子?|号码?|"
    r"这个|那个|这张|那张|咋样|怎么样|怎样|到哪一?步|到哪|进度|情况|状态|什么|现在)*"
)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class BareValueClassifier(GraphComponent, IntentClassifier):
    """Gives messages made of values only the intent ``inform``, with full confidence."""

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """``intent``: the one that carries bare values."""
        return {"intent": "inform"}

    def __init__(self, intent: str) -> None:
        self._intent = intent

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> BareValueClassifier:
        """Nothing to load."""
        return cls(config["intent"])

    def process(self, messages: List[Message]) -> List[Message]:
        """Set the intent of bare values."""
        for message in messages:
            if _is_bare(str(message.get(TEXT) or ""), message.get(VALUE_SPANS) or []):
                sure = {INTENT_NAME_KEY: self._intent, PREDICTED_CONFIDENCE_KEY: 1.0}
                others = [other for other in message.get(INTENT_RANKING_KEY, []) if other[INTENT_NAME_KEY] != self._intent]
                message.set(INTENT, sure, add_to_output=True)
                ranking = [sure, *({**other, PREDICTED_CONFIDENCE_KEY: 0.0} for other in others)]
                message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages


def _is_bare(text: str, spans: List[Any]) -> bool:
    rest, at = "", 0
    for start, end, _ in spans:
        rest += text[at:start]
        at = end
    filler = _ASKING if any(entity == ORDER for _, _, entity in spans) else _FILLER
    return bool(spans) and bool(filler.fullmatch(rest + text[at:]))
