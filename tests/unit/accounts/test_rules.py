"""What an account may be called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.accounts.rules import ALIAS_MAX_LENGTH, clean_alias
from services.errors import AliasRefused


@pytest.mark.parametrize("alias", ["爸妈家", "3栋", "Lily家", "老房子（东）", "店里 2号"])
def test_names_people_use(alias: str) -> None:
    assert clean_alias(f" 「{alias}」 ") == alias


@pytest.mark.parametrize(
    ("alias", "rule"),
    [
        ("", "length"), ("“”", "length"),
        ("一二三四五六七八九十十一十二", "length"), ("1002", "digits"), ("12-3", "digits"),
        ("<b>家</b>", "characters"), ("家\n{name}", "characters"), ("全部", "keyword"), ("第二个", "keyword"),
        ("算了", "keyword"), ("水费", "keyword"),
    ],
)
def test_names_that_would_be_misheard(alias: str, rule: str) -> None:
    with pytest.raises(AliasRefused) as refused:
        clean_alias(alias)
    assert refused.value.rule == rule


@given(st.text(max_size=30))
def test_whatever_is_accepted_is_short_plain_and_no_number(alias: str) -> None:
    try:
        kept = clean_alias(alias)
    except AliasRefused:
        return
    assert 0 < len(kept) <= ALIAS_MAX_LENGTH
    assert not set(kept) & set("<>{}\n\r\t/\\\"")
    assert not kept.isdigit()
    assert clean_alias(kept) == kept
