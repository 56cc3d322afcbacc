"""Short answers to yes-or-no questions."""

from __future__ import annotations

import pytest

from actions.answers import yes_or_no


@pytest.mark.parametrize("text", [
    "嗯", "嗯嗯 好的", "对，提交", "都对，提交吧", "行吧", "OK", "撤", "好的充吧", "就这么办", "确认", "没错", "办吧",
])
def test_a_short_yes(text: str) -> None:
    assert yes_or_no(text) == "affirm"


@pytest.mark.parametrize("text", [
    "不了", "先不办", "别撤", "还是留着吧", "要我出钱？那先不申请", "算了", "再想想", "不用了", "以后再说",
])
def test_a_short_no(text: str) -> None:
    assert yes_or_no(text) == "deny"


@pytest.mark.parametrize("text", [
    "", "好贵啊", "可以退吗", "行不行", "不对，是8月的", "对不起", "好，但是地址不对", "取消", "不知道", "我要投诉", "交钱去哪",
])
def test_what_says_more_or_less_than_yes_or_no(text: str) -> None:
    assert yes_or_no(text) is None
