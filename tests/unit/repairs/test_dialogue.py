"""What the repair actions hear in messages: scores, wishes, what is left of a complaint."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest

from actions.repairs.asking import added, takes_what_is_offered
from actions.repairs.feedback import said_of_it
from actions.repairs.orders import AMEND, CANCEL, LOOK, REMIND, wish_of
from actions.repairs.rating import score_of
from actions.repairs.reporting import _NUMBERED, renumbered
from actions.turn import Turn, Values


def turn(text: str, **entities: Any) -> Turn:
    """A message as the readers see it."""
    return Mock(spec=Turn, text=text, values=Values([{"entity": name, "value": value} for name, value in entities.items()]))


@pytest.mark.parametrize(("text", "score"), [
    ("5分", 5), ("四星", 4), ("给3分吧", 3), ("⭐⭐", 2), ("满分", 5), ("很满意", 5), ("满意", 4), ("不满意", 2),
    ("非常不满意", 1), ("一般般", 3), ("师傅很快", 5), ("还在漏呢", 1), ("1", 1), ("谢谢", None),
    ("查水费", None), ("12分钟", None),
])
def test_scores(text: str, score: int | None) -> None:
    assert score_of(turn(text)) == score


def test_a_tapped_score() -> None:
    assert score_of(turn("/inform", ordinal=4)) == 4
    assert score_of(turn("/inform", ordinal=9)) is None


@pytest.mark.parametrize(("text", "wish"), [
    ("报修进度", LOOK), ("GD202611210001到哪步了", LOOK), ("催一下", REMIND), ("都三天了怎么还没来", REMIND),
    ("不用修了", CANCEL), ("自己弄好了，把单子撤了", CANCEL), ("地址写错了", AMEND), ("补充一句，在三楼", AMEND),
])
def test_wishes(text: str, wish: str) -> None:
    assert wish_of(turn(text)) == wish


@pytest.mark.parametrize(("text", "kept"), [
    ("我要投诉", False), ("怎么投诉你们", False), ("提个小建议", False), ("抄表员骂人", True), ("投诉你们营业厅态度差", True),
])
def test_an_opening_is_no_complaint_yet(text: str, kept: bool) -> None:
    assert (said_of_it(turn(text)) is not None) is kept


@pytest.mark.parametrize(("text", "place"), [
    ("地址是文三路398号2幢1单元，我电话", "文三路398号2幢1单元"), ("江南大道288号门口在喷水", "江南大道288号门口"),
    ("我在庆春东路66号那个路口", "庆春东路66号那个路口"), ("路上冒水", None),
])
def test_a_street_with_a_number_is_an_address(text: str, place: str | None) -> None:
    found = _NUMBERED.search(text)
    assert (found["place"] if found else None) == place


def test_words_are_kept_once_and_within_bounds() -> None:
    assert added("漏水", "漏水") == "漏水"
    assert added("漏水", "在三楼") == "漏水；在三楼"
    assert len(added("漏" * 700, "水" * 700)) == 800


@pytest.mark.parametrize(("place", "text", "corrected"), [
    ("江南大道288号", "等等，是286号不是288", "江南大道286号"), ("江南大道288号", "不是288，是286", "江南大道286号"),
    ("文三路12号3单元501", "3单元写错了，是2单元不是3单元", "文三路12号2单元501"),
    ("江南大道288号", "不是我家，是邻居家", None), ("江南大道288号", "是5号不是9号", None),
    ("江南大道1288号", "是286不是288", None),
])
def test_a_number_of_the_address_is_put_right(place: str, text: str, corrected: str | None) -> None:
    assert renumbered(place, text) == corrected


@pytest.mark.parametrize(("text", "is_it"), [
    ("用这个号码行", True), ("就这个号可以", True), ("打这个电话", True), ("别打这个，换一个", False), ("这个号码不行", False),
    ("报修电话多少", False),
])
def test_the_phone_that_was_offered(text: str, is_it: bool) -> None:
    assert takes_what_is_offered(turn(text)) is is_it
