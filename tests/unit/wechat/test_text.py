"""Texts cut to WeChat's limit."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.wechat.text import size, split

LINK = '<a href="https://a.example/p?x=1&y=2">去支付</a>'
FAMILY = "👨‍👩‍👧‍👦"
texts = st.lists(st.sampled_from([*"水费ab1 。！\n，", FAMILY, "👍🏽", LINK]), max_size=300).map("".join)


@given(texts, st.integers(80, 400))
def test_pieces_fit_and_hold_everything(text: str, limit: int) -> None:
    pieces = split(text, limit)
    assert all(0 < size(piece) <= limit for piece in pieces)
    assert re.sub(r"\s", "", "".join(pieces)) == re.sub(r"\s", "", text)
    for piece in pieces:
        assert piece.count("<a ") == piece.count("</a>") == piece.count(LINK)
        assert FAMILY[1:] not in piece.replace(FAMILY, "")


@given(st.text(max_size=200), st.integers(4, 40))
def test_any_text_can_be_cut(text: str, limit: int) -> None:
    encodable = text.encode("utf-8", "ignore").decode()
    assert all(size(piece) <= limit for piece in split(encodable, limit))


def test_a_short_text_is_left_alone() -> None:
    assert split("您好，请问有什么可以帮您？") == ["您好，请问有什么可以帮您？"]


def test_a_blank_text_gives_nothing() -> None:
    assert split(" \n　") == []


def test_cuts_fall_after_sentences() -> None:
    first, second = split("本期水费八十六元。请在月底前缴清。" * 2, 80)
    assert first.endswith("。")
    assert second.startswith("请")


def test_without_sentences_cuts_fall_after_pauses() -> None:
    assert split("一月，二月，三月，四月，五月", 35) == ["一月，二月，三月，", "四月，五月"]


@pytest.mark.parametrize("limit", [10, 64])
def test_only_a_link_longer_than_the_limit_is_cut(limit: int) -> None:
    long_link = f'<a href="https://a.example/{"x" * 100}">付款</a>'
    pieces = split(long_link, limit)
    assert "".join(pieces) == long_link
