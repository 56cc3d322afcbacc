"""Finds what an account is to be called by the word for naming (叫它爸妈家吧)."""

from __future__ import annotations

import re
from typing import Any, Dict, List

from rasa.shared.nlu.constants import (
    ENTITY_ATTRIBUTE_END,
    ENTITY_ATTRIBUTE_START,
    ENTITY_ATTRIBUTE_TYPE,
    ENTITY_ATTRIBUTE_VALUE,
)

ALIAS = "alias"
# 叫它爸妈家吧, 备注成出租房, 名字改为“老房子”
_NAMED = re.compile(
    r"(?:叫做|叫作|叫它|叫成|叫|称为|称作|命名为|(?:备注|标注|标|改名|改|起名|取名)(?:成|为|作))\s*[“\"「]?"
    r"(?P<alias>[\u4e00-\u9fffA-Za-z0-9]{2,10}?)"
    r"[”\"」]?(?:这个名字?|就行了?|就好了?|好了|就可以了?|可以吗|行吗|吧|了|呢|啊|哈)*[\s,，。.!！?？~]*$"
)
_NO_NAME = re.compile(r"什么.*|啥.*|[吧了呢啊吗]+|别的.*|个?名字?")


def find_named(text: str) -> List[Dict[str, Any]]:
    """The alias that follows a word for naming at the end of ``text``, as an entity; none if there is none."""
    named = _NAMED.search(text)
    if not named or _NO_NAME.fullmatch(named["alias"]):
        return []
    return [
        {
            ENTITY_ATTRIBUTE_TYPE: ALIAS,
            ENTITY_ATTRIBUTE_START: named.start("alias"),
            ENTITY_ATTRIBUTE_END: named.end("alias"),
            ENTITY_ATTRIBUTE_VALUE: named["alias"],
        }
    ]
