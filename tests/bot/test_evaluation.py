"""What the figures of the report mean, on sentences of which every result is known."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bot.evaluation.examples import Heard, SubsetImporter, Truth, entity_sentences, held_out, truth_of, without_known
from bot.evaluation.scores import (
    ALL,
    Rates,
    by_register,
    confusions,
    percentile,
    score_entities,
    score_intents,
    score_requests,
)

ROOT = Path(__file__).parents[2]


def truth(text: str, intent: str, register: str = "普通") -> Truth:
    return Truth(text, intent, register, None, Counter())


def heard(intent: str, *others: str) -> Heard:
    return Heard.of({"text": "", "intent": {"name": intent}, "intent_ranking": [{"name": name} for name in (intent, *others)]})


TRUTHS = [
    truth("水费多少", "bill_current"), truth("这单子吓人", "bill_explain", "委婉"), truth("讲个笑话", "oos"),
    truth("还欠着不", "arrears", "口语"),
]
HEARD = [
    heard("bill_current", "arrears"), heard("nlu_fallback", "bill_current", "bill_explain"), heard("oos"),
    heard("bill_current", "arrears"),
]


def test_asking_back_is_not_right() -> None:
    scores = score_intents(TRUTHS, HEARD)
    assert (scores.total, scores.accuracy, scores.best_guess, scores.asked_back) == (4, 0.5, 0.5, 0.25)
    assert scores.asked_well == 1  # the right one was the second choice
    assert scores.out_of_scope == 1
    assert scores.by_intent["bill_current"] == Rates(0.5, 1.0, pytest.approx(2 / 3), 1)
    assert scores.by_intent["bill_explain"].f1 == 0
    assert scores.macro_f1 == pytest.approx((2 / 3 + 0 + 1 + 0) / 4)


def test_by_register() -> None:
    assert by_register(TRUTHS, HEARD) == {"普通": (2, 1.0), "委婉": (1, 0.0), "口语": (1, 0.0)}


def test_confusions_name_the_sentences() -> None:
    assert confusions(TRUTHS, HEARD) == [
        (("arrears", "bill_current"), ["还欠着不"]), (("bill_explain", "nlu_fallback"), ["这单子吓人"]),
    ]


def test_several_requests_are_measured_whole_and_by_parts() -> None:
    truths = [truth("", "arrears+pay_bill"), truth("", "hotline+outlets"), truth("", "thanks")]
    scores = score_requests(truths, [heard("arrears+pay_bill"), heard("outlets"), heard("thanks+bye")])
    assert (scores.total, scores.exact, scores.torn) == (2, 0.5, 1.0)
    assert scores.parts == Rates(1.0, 0.75, pytest.approx(6 / 7), 4)


def test_entities_are_right_if_kind_and_words_are() -> None:
    truths = [Counter([("period", "上个月"), ("amount", "86块4")]), Counter([("alias", "爸妈家")])]
    found = [Counter([("period", "上个月"), ("amount", "86块"), ("day_part", "上午")]), Counter([("alias", "爸妈家")])]
    scores = score_entities(truths, found)
    assert scores["amount"].f1 == 0
    assert scores[ALL] == Rates(pytest.approx(2 / 3), pytest.approx(2 / 3), pytest.approx(2 / 3), 3)
    assert "day_part" not in scores  # no sentence marks it, so that nobody knows


def test_percentiles() -> None:
    times = [float(number) for number in range(100)]
    assert (percentile(times, 50), percentile(times, 99), percentile([], 50)) == (50.0, 99.0, 0.0)


def test_what_rasa_heard_is_read() -> None:
    parse: dict[str, Any] = {
        "text": "水表怎么看", "intent": {"name": "nlu_fallback"},
        "intent_ranking": [{"name": "nlu_fallback"}, {"name": "faq"}, {"name": "self_reading"}],
        "entities": [{"entity": "alias", "start": 0, "end": 2, "value": "水表"}],
        "response_selector": {"faq": {"ranking": [{"intent_response_key": "faq/meter"}]}},
    }  # fmt: skip
    read = Heard.of(parse)
    assert read == Heard("nlu_fallback", ["faq", "self_reading"], "faq/meter", Counter([("alias", "水表")]))
    assert (read.asks_back, read.best_guess) == (True, "faq")


def test_the_sentences_held_apart_can_be_read_and_are_no_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    from bot.evaluation.examples import training_messages

    examples = [truth_of(message) for message in training_messages()]
    intents = {example.intent for example in examples}
    asked = held_out()
    assert {request for each in asked for request in each.requests} <= intents
    assert len(without_known(asked, [example.text for example in examples])) >= 0.95 * len(asked)
    for each in [*asked, *entity_sentences()]:
        assert all(words in each.text for _, words in each.entities)


def test_a_fold_trains_on_its_examples_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (tmp_path / "subset.json").write_text(json.dumps([0, 3]))
    importer = SubsetImporter("config.yml", "domain.yml", ["data"], subset=str(tmp_path / "subset.json"))
    assert len(importer.get_nlu_data().intent_examples) == 2
