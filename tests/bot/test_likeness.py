"""Examples that say the same, and how many of an intent's are varied."""

from __future__ import annotations

import pytest

from bot.likeness import alike, count_varied, near_pairs, plain


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("水费多少", "水费，多少？", True), ("Hi", "ｈｉ ！", True), ("嗯", "嗯？", False), ("好", "好👌", False),
        ("什么时候来水", "什么时候来水？", True),
    ],
)  # fmt: skip
def test_marks_spaces_and_capitals_make_no_new_example(one: str, other: str, same: bool) -> None:
    assert (plain(one) == plain(other)) is same


def test_groups_hold_all_that_are_the_same() -> None:
    assert alike(["人工", "水费", "人工！", "人 工", "？？"]) == [[0, 2, 3]]


def test_near_pairs_share_most_of_their_words() -> None:
    texts = ["请帮我查一下上个月的水费", "请帮我查一下上个月水费", "楼下水管爆了"]
    assert [(pair.first, pair.second) for pair in near_pairs(texts)] == [(0, 1)]
    assert count_varied(texts) == 2
