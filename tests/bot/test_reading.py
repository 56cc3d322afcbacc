"""How a message is read before it is classified: homophones, tokens, bare values, payloads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.training_data.message import Message

from bot.environment import ROOT
from bot.nlu.aliases import find_named
from bot.nlu.bare_values import BareValueClassifier
from bot.nlu.tokenizer import VALUE_SYMBOLS, DomainTokenizer, reading_of
from bot.nlu.values import ValueExtractor


class Reader:
    """The first components of the pipeline."""

    def __init__(self, folder: Path) -> None:
        storage, context = LocalModelStorage(folder), ExecutionContext(GraphSchema({}))
        config: dict[str, Any] = {**DomainTokenizer.get_default_config(), "words_path": str(ROOT / "data/lookups")}
        self.values = ValueExtractor.create({}, storage, Resource("values"), context)
        self.tokenizer = DomainTokenizer.create(config, storage, Resource("tokens"), context)
        self.bare = BareValueClassifier("inform")

    def read(self, text: str) -> Message:
        """The message after these components."""
        message = Message({"text": text, "intent": {"name": "other", "confidence": 0.5}})
        return self.bare.process(self.tokenizer.process(self.values.process([message])))[0]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """Components as training makes them."""
    return Reader(tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("谁费多少", "水费多少"),
        ("帐单呢", "账单呢"),
        ("我要帮定护号", "我要绑定户号"),
        ("水表独数", "水表读数"),
        ("水费谁费心", "水费谁费心"),
        ("交费", "交费"),
        ("Ａ１２", "a12"),
    ],
)
def test_homophones_of_domain_words_are_repaired(reader: Reader, written: str, meant: str) -> None:
    message = reader.read(written)
    assert reading_of(message) == meant
    assert message.get("text") == written


def test_tokens_keep_the_places_of_the_text_and_values_are_one_token(reader: Reader) -> None:
    text = "户号 1002 003 004 上个月谁费"
    tokens = reader.read(text).get("text_tokens")
    assert all(text[token.start : token.end] == token.text or token.lemma == "水费" for token in tokens)
    assert [token.lemma for token in tokens] == ["户号", VALUE_SYMBOLS["account_no"], VALUE_SYMBOLS["period"], "水费"]


@pytest.mark.parametrize("text", ["8月", "是8月的吧", "1002003004", "1002003004、1002003005", "123456", "第二个", "2"])
def test_bare_values_are_informing(reader: Reader, text: str) -> None:
    assert reader.read(text).get("intent") == {"name": "inform", "confidence": 1.0}


@pytest.mark.parametrize("text", ["帮我查下GD202611200001", "JB20261120-0003怎么样了", "看下AZ202611200002这个单子到哪一步了"])
def test_an_orders_number_says_what_is_asked(reader: Reader, text: str) -> None:
    assert reader.read(text).get("intent") == {"name": "inform", "confidence": 1.0}


@pytest.mark.parametrize("text", ["8月水费多少", "你好", "的", "", "GD202611200001取消吧", "帮我查下1002003004"])
def test_other_messages_are_left_to_the_classifier(reader: Reader, text: str) -> None:
    assert reader.read(text).get("intent")["name"] == "other"


@pytest.mark.parametrize("payload", ['/inform{"image": "1002003004"}', "/bill_current", '/inform{"secret": "8月"}'])
def test_nothing_is_found_in_payloads(reader: Reader, payload: str) -> None:
    message = reader.read(payload)
    found: list[Any] = message.get("entities", [])
    assert (found, message.get("text_tokens"), reading_of(message)) == ([], [], None)


@pytest.mark.parametrize(
    ("text", "alias"),
    [
        ("叫它爸妈家吧", "爸妈家"),
        ("把1002003004叫作奶奶家", "奶奶家"),
        ("给这个户号起名叫老房子", "老房子"),
        ("备注成出租房就行", "出租房"),
        ("名字改为“门面”", "门面"),
    ],
)
def test_an_alias_follows_the_word_for_naming(text: str, alias: str) -> None:
    assert [entity["value"] for entity in find_named(text)] == [alias]


@pytest.mark.parametrize("text", ["叫什么名字好", "给户号起个名字", "换个叫法", "备注"])
def test_no_alias_is_made_up(text: str) -> None:
    assert find_named(text) == []


@pytest.mark.parametrize("text", ["。。。", "@#￥%……", "？？！", "~ ~"])
def test_marks_alone_are_no_words(reader: Reader, text: str) -> None:
    assert reader.read(text).get("text_tokens") == []


@pytest.mark.parametrize("text", ["👍", "嗯", "3", "ok"])
def test_a_picture_or_one_sign_is_a_word(reader: Reader, text: str) -> None:
    assert reader.read(text).get("text_tokens")
