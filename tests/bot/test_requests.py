"""Where a message is cut into requests, and when the cut is kept."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.requests import REQUESTS, RequestJoiner, RequestSplitter, find_cuts, trim

SETTINGS = {
    "never": ["greet", "inform"], "families": [["outage", "repair"]],
    "sure": {"word": 0.5, "mark": 0.7, "and": 0.85, "kin": 0.95},
}  # fmt: skip


def pieces(text: str) -> list[str]:
    edges = [0, *(cut.at for cut in find_cuts(text)), len(text)]
    if len(edges) == 2:
        return [text]
    return [trim(text[start:end]) for start, end in pairwise(edges)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("查下水费，再看看附近营业厅", ["查下水费", "再看看附近营业厅"]),
        ("帮我查水费顺便报个修", ["帮我查水费", "报个修"]),
        ("水费多少，另外停水不", ["水费多少", "停水不"]),
        ("查水费 报修", ["查水费", "报修"]),
        ("水费和停水通知", ["水费", "停水通知"]),
        ("再见", ["再见"]),
        ("那再说一遍", ["那再说一遍"]),
        ("还有多少没交", ["还有多少没交"]),
        ("", [""]),
        ("，，，", ["，，，"]),
    ],
)
def test_cuts(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


def test_at_most_three_pieces_at_the_plainest_places() -> None:
    assert pieces("没水了，打不着火，急，另外查下账单，顺便报修") == ["没水了，打不着火，急", "查下账单", "报修"]


def understand(text: str, **guesses: tuple[str, float]) -> Message:
    """The message as the joiner leaves it, where a piece that has one of the words of ``guesses`` is understood so."""
    messages = RequestSplitter().process([Message({"text": text}, output_properties={"text"})])
    for message in messages:
        intent, confidence = next((guess for word, guess in guesses.items() if word in message.get("text")), ("oos", 0.1))
        message.set("intent", {"name": intent, "confidence": confidence}, add_to_output=True)
        message.set("intent_ranking", [message.get("intent")], add_to_output=True)
    (joined,) = RequestJoiner(SETTINGS).process(messages)
    return joined


def names(message: Message) -> Any:
    return message.get("intent")["name"]


def test_two_requests_become_one_intent_with_both_in_order() -> None:
    message = understand("查水费，再报个修", 水费=("bill", 0.9), 修=("repair", 0.8))
    assert names(message) == "bill+repair"
    assert [request["text"] for request in message.get(REQUESTS)] == ["查水费", "再报个修"]
    assert [request["intent"]["name"] for request in message.get(REQUESTS)] == ["bill", "repair"]
    assert message.as_dict(only_output_properties=True)[REQUESTS]


@pytest.mark.parametrize(
    ("text", "guesses"),
    [
        ("你好，查水费", {"你好": ("greet", 1.0), "水费": ("bill", 0.9)}),
        ("没水了，来修", {"没水": ("outage", 0.9), "修": ("repair", 0.9)}),  # one matter told in two clauses
        ("查水费，急死了", {"水费": ("bill", 0.9), "急": ("complaint", 0.4)}),
        ("水费，水费多少", {"水费": ("bill", 0.9)}),
        ("水费和修管", {"水费": ("bill", 0.9), "修": ("repair", 0.8)}),
    ],
)
def test_what_is_one_request_stays_one(text: str, guesses: dict[str, tuple[str, float]]) -> None:
    assert understand(text, **guesses).get(REQUESTS) is None


def test_a_joining_word_makes_two_requests_of_one_matter() -> None:
    assert names(understand("没水了，另外报修", 没水=("outage", 0.9), 修=("repair", 0.9))) == "outage+repair"


def test_two_clauses_that_are_very_plain_are_two_requests_of_one_matter() -> None:
    assert names(understand("没水了，来修", 没水=("outage", 0.97), 修=("repair", 0.96))) == "outage+repair"


def test_payloads_and_stories_are_left_alone() -> None:
    for text in ('/inform{"a": "b，c"}', "查水费，" * 60):
        assert len(RequestSplitter().process([Message({"text": text})])) == 1
