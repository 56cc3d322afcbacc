"""Finds what a customer calls an account (爸妈家, 老房子), learnt from annotated examples."""

from __future__ import annotations

from typing import Any, Dict, List

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.extractors.crf_entity_extractor import CRFEntityExtractor
from rasa.shared.nlu.constants import ENTITY_ATTRIBUTE_TYPE
from rasa.shared.nlu.training_data.message import Message

ALIAS = "alias"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class AliasExtractor(CRFEntityExtractor):
    """Rasa's CRF for the one entity that has to be learnt; all others belong to the value component."""

    def extract_entities(self, message: Message) -> List[Dict[str, Any]]:
        """Aliases in the message."""
        return [entity for entity in super().extract_entities(message) if entity[ENTITY_ATTRIBUTE_TYPE] == ALIAS]
