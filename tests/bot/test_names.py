"""Names: how they are learnt, and what is made of what the field finds."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import jieba
import pytest
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.nlu.tokenizers.tokenizer import Token
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.names import Mention, NameExtractor, Sentence, _fit, _labels, _mentions, sample

MARK = re.compile(r"\[([^\]]+)\]\((\w+)\)")
LESSONS = [
    "我叫[李桂芳](name)", "我叫[王强](name)", "户主是[张秀英](name)", "联系人[何美玲](name)", "姓名：[赵雅琴](name)",
    "[西湖区文三路12号](address)", "地址是[江南大道188号](address)", "在[解放路](address)", "门牌[吴山巷17号](address)",
    "抬头[云帆科技有限公司](org)", "单位名称：[润泽物业管理有限公司](org)", "开给[海天物流有限公司](org)",
    "叫它[爸妈家](alias)", "备注成[出租房](alias)", "就叫[老房子](alias)吧",
    "上个月水费多少", "我要交水费", "是的", "不对", "水是黄的", "有人吗", "怎么办", "谢谢",
]  # fmt: skip
PLACES_READ = 200
MILLISECONDS_A_MESSAGE = 10  # generous: below one on an idle core


def message(example: str, intent: str = "inform", values: Any = ()) -> Message:
    """An example as the components before this one leave it."""
    entities, text = [], MARK.sub(r"\1", example)
    for match in MARK.finditer(example):
        start = len(MARK.sub(r"\1", example[: match.start()]))
        entities.append({"entity": match[2], "start": start, "end": start + len(match[1]), "value": match[1]})
    tokens = [Token(word, start) for word, start, _ in jieba.tokenize(text, HMM=False)]
    return Message(
        {"text": text, "intent": intent, "entities": entities, "text_tokens": tokens, "value_spans": list(values)},
    )


@pytest.fixture(scope="module")
def extractor(tmp_path_factory: pytest.TempPathFactory) -> NameExtractor:
    """Trained on a few lessons and loaded again."""
    return trained(tmp_path_factory.mktemp("model"))


def trained(folder: Path) -> NameExtractor:
    storage, resource, context = LocalModelStorage(folder), Resource("names"), ExecutionContext(GraphSchema({}))
    config = NameExtractor.get_default_config()
    NameExtractor.create(config, storage, resource, context).train(TrainingData([message(each) for each in LESSONS]))
    return NameExtractor.load(config, storage, resource, context)


def found(extractor: NameExtractor, text: str, intent: str = "inform", values: Any = ()) -> list[tuple[str, str]]:
    heard = message(text, values=values)
    heard.set("intent", {"name": intent})
    heard.set("entities", [])
    return [(entity["entity"], entity["value"]) for entity in extractor.process([heard])[0].get("entities")]


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("我叫刘海涛", "name", "刘海涛"), ("户主是孙长贵", "name", "孙长贵"), ("门牌体育场路9号", "address", "体育场路9号"),
        ("地址是中山路56号", "address", "中山路56号"), ("抬头恒瑞纺织有限公司", "org", "恒瑞纺织有限公司"),
    ],
)  # fmt: skip
def test_names_are_learnt_from_examples(extractor: NameExtractor, text: str, entity: str, value: str) -> None:
    assert found(extractor, text) == [(entity, value)]


@pytest.mark.parametrize("text", ["上个月水费多少", "是的", "", "怎么办"])
def test_nothing_is_found_where_nothing_is(extractor: NameExtractor, text: str) -> None:
    assert found(extractor, text) == []


def test_what_follows_the_word_for_naming_is_an_alias_when_an_account_is_named(extractor: NameExtractor) -> None:
    assert found(extractor, "给它取名为桃花坞吧", "set_alias") == [("alias", "桃花坞")]


def test_training_twice_gives_the_same(extractor: NameExtractor, tmp_path: Path) -> None:
    texts = ["我叫刘海涛，住中山路56号", "抬头恒瑞纺织有限公司", "叫它姥姥家"]
    assert [found(trained(tmp_path), text) for text in texts] == [found(extractor, text) for text in texts]


def test_examples_without_names_are_sampled() -> None:
    examples = [(Sentence(str(number), [], []), [Mention(0, 1, "name")] if number < 3 else []) for number in range(20)]
    assert len(sample(examples, 5, 7)) == 8
    assert sample(examples, 5, 7) == sample(examples, 5, 7)
    assert sample(examples, 100, 7)[:3] == examples[:3]


def test_labels_hold_mentions_side_by_side() -> None:
    mentions = [Mention(0, 2, "name"), Mention(2, 3, "alias"), Mention(4, 7, "address")]
    assert _mentions(_labels(8, mentions)) == mentions


@pytest.mark.parametrize(
    ("text", "caught", "kind", "whole"),
    [
        ("住文三路188号3幢2单元501室", "住文三路188号", "address", "文三路188号3幢2单元501室"),
        ("位置是中山路56号", "位置是中山路56号", "address", "中山路56号"), ("北京中山路", "中山路", "address", "北京中山路"),
        ("马超吧", "马超吧", "name", "马超"), ("我叫方圆", "方圆", "name", "方圆"), ("找3个", "3个", "name", None),
        ("爸妈家的", "爸妈家的", "alias", "爸妈家"), ("路", "路", "address", None),
    ],
)  # fmt: skip
def test_names_are_made_whole(text: str, caught: str, kind: str, whole: str | None) -> None:
    start = text.index(caught)
    words = [(first, last) for _, first, last in jieba.tokenize(text, HMM=False)]
    fitted = _fit(Mention(start, start + len(caught), kind), Sentence(text, words, []))
    assert (text[fitted.start : fitted.end] if fitted else None) == whole


def test_values_found_by_rule_are_no_names() -> None:
    phone = [(0, 11, "phone")]
    assert _fit(Mention(0, 11, "alias"), Sentence("13812345678", [(0, 11)], phone)) is None
    assert _fit(Mention(9, 13, "address"), Sentence("13812345678路口", [(0, 11), (11, 13)], phone)) is None
    house = Sentence("文三路1-1-602", [(0, 3), (3, 10)], [(3, 10, "code")])
    assert _fit(Mention(0, 10, "address"), house) == Mention(0, 10, "address")


def test_speed(extractor: NameExtractor) -> None:
    started = time.process_time()
    for _ in range(PLACES_READ):
        found(extractor, "我在滨江区江南大道188号门口，水管爆了，水冒得老高，快叫人来")
    assert (time.process_time() - started) / PLACES_READ * 1000 < MILLISECONDS_A_MESSAGE
