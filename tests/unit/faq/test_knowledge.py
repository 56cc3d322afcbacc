"""The knowledge base: its entries, finding them, and what is kept of opinions."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from actions.basics import TITLES
from runxia.clock import FixedClock
from runxia.faq import BrokenFaq, read_faq
from services.knowledge import Knowledge

ROOT = Path(__file__).parents[3]
CATEGORIES = read_faq(ROOT / "data/faq")
ENTRIES = [entry for category in CATEGORIES for entry in category.entries]
WECHAT_TEXT_BYTES = 2048
CHAT_CHARACTERS = 220  # an answer is read on a phone
TITLE_CHARACTERS = 30
LEAST_ENTRIES = 130
EXPECTED = {
    "bill", "price", "meter", "leak_selfcheck", "quality", "outage", "install", "transfer", "payment", "invoice", "freeze",
    "save_water", "safety", "pipes", "service",
}


def test_there_is_enough_of_every_kind() -> None:
    assert len(ENTRIES) >= LEAST_ENTRIES
    assert {category.name for category in CATEGORIES} == EXPECTED


def test_no_phrasing_belongs_to_two_entries() -> None:
    counts = Counter(text for entry in ENTRIES for text in entry.texts)
    assert [text for text, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_every_answer_is_fit_for_the_chat(entry: object, knowledge: Knowledge) -> None:
    kept = knowledge.entry(entry.id)  # type: ignore[attr-defined]
    assert kept is not None
    answer = knowledge.answer(kept)
    assert "{" not in answer
    assert len(answer) <= CHAT_CHARACTERS
    assert len(f"{kept.question}{answer}".encode()) < WECHAT_TEXT_BYTES
    assert len(kept.question) <= TITLE_CHARACTERS
    assert kept.keywords
    assert kept.intent is None or kept.intent in TITLES


def test_a_rule_that_is_cited_is_named(knowledge: Knowledge) -> None:
    for entry in ENTRIES:
        if "国标" in entry.answer or "《" in entry.answer.replace("{", ""):
            assert entry.source or "《" in entry.answer, entry.id


def test_facts_come_from_the_utility(knowledge: Knowledge) -> None:
    late = knowledge.entry("payment_late_fee")
    assert late is not None
    assert "每天收 0.05%" in knowledge.answer(late)
    year = knowledge.entry("price_tier_reset")
    assert year is not None
    assert "每年 1月1日 重新" in knowledge.answer(year)


def test_a_keyword_finds_what_it_is_about(knowledge: Knowledge) -> None:
    assert {entry.id for entry in knowledge.search("水垢", 3)} >= {"quality_scale"}
    assert knowledge.search("TDS", 3)[0].id == "quality_tds"
    assert [entry.id for entry in knowledge.search("马桶 酱油", 3)] == ["leak_toilet"]
    assert knowledge.search("火星", 3) == []
    assert knowledge.search("  ", 3) == []


def test_related_entries_are_others_of_the_same_matter(knowledge: Knowledge) -> None:
    scale = knowledge.entry("quality_scale")
    assert scale is not None
    related = knowledge.related(scale, 3)
    assert len(related) == 3
    assert scale not in related
    assert all(entry.category == "quality" for entry in related)


async def test_opinions_are_counted_the_latest_of_each_message(knowledge: Knowledge, clock: FixedClock) -> None:
    since = clock.now() - timedelta(days=30)
    await knowledge.rate("o1", "quality_scale", 7, 1, "没用")
    await knowledge.rate("o1", "quality_scale", 7, 5)
    await knowledge.rate("o1", "quality_scale", 8, 4)
    await knowledge.rate("o2", "meter_read", 9, 1, "看不懂" * 1000)
    counts = await knowledge.counts(since)
    assert [(each.entry, each.ratings, each.useful, each.useless) for each in counts] == [
        ("meter_read", 1, 0, 1), ("quality_scale", 2, 2, 0),
    ]
    assert counts[1].mean == 4.5
    assert await knowledge.counts(clock.now() + timedelta(seconds=1)) == []


ENTRY = {"id": "a", "question": "问", "phrasings": ["一", "二", "三", "四", "五"], "answer": "答", "keywords": ["词"]}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"answer": None, "remove": "answer"}, "answer"), ({"phrasings": ["一"]}, "at least 5"), ({"colour": "blue"}, "colour"),
    ],
)
def test_a_broken_entry_is_named(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    entry = {**ENTRY, **change}
    entry.pop(str(entry.pop("remove", "")), None)
    (tmp_path / "x.yml").write_text(yaml.safe_dump({"order": 1, "title": "题", "entries": [entry]}), encoding="utf-8")
    with pytest.raises(BrokenFaq, match=rf"x\.yml.*{reason}"):
        read_faq(tmp_path)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text("entries: [", encoding="utf-8")
    with pytest.raises(BrokenFaq, match=r"x\.yml"):
        read_faq(tmp_path)
    (tmp_path / "x.yml").write_text(yaml.safe_dump({"order": 1, "title": "题", "entries": [ENTRY, ENTRY]}), encoding="utf-8")
    with pytest.raises(BrokenFaq, match="twice"):
        read_faq(tmp_path)
