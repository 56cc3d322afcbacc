"""What is stored, in words."""

from __future__ import annotations

from typing import Any

import pytest

from pages.holdings import HIDDEN, LABELS, said, sections
from services.privacy import _INTERNAL, ERASED, KEPT, Holding
from store.models import Base

# Columns that Privacy does not hand out, or that the page shows in another way.
SHOWN_OTHERWISE = {"direction", "content", "withdrawn", "owner", "facts"}


@pytest.mark.parametrize(("name", "value", "words"), [
    ("is_default", True, "是"), ("amount_fen", 3615, "36.15元"), ("size", 20_480, "20 KB"), ("size", 7, "1 KB"),
    ("invoice_nos", '["26000001", "26000002"]', "26000001、26000002"), ("topic", "outage", "停水通知"),
    ("state", "settled", "已入账"), ("alias", "爸妈家", "爸妈家"),
    ("facts", {"kind": "install", "name": "方志远", "people": None, "x": 1}, "类型 报装，名称 方志远"),
    ("facts", {"kind": "visit", "day": "2026-11-24", "part": "morning"}, "类型 上门抄表，日期 2026-11-24，时段 上午"),
    ("facts", {"use": "residential", "people": 6}, "用途 居民，人数 6"),
])
def test_values(name: str, value: Any, words: str) -> None:
    assert said(name, value) == words


def test_a_photo_without_words_is_called_one() -> None:
    rows = ({"direction": "in", "kind": "image", "content": {"shown": "", "photo": "M1"}, "created_at": "2026-11-02 09:30"},)
    assert sections([Holding("message", "聊天记录", rows)]) == [
        ("聊天记录", 1, [[("2026-11-02 09:30　您", "（照片）")]]),
    ]


def test_every_column_has_a_label_or_is_left_out() -> None:
    tables = [table for name in ERASED | KEPT if (table := Base.metadata.tables.get(name)) is not None]
    columns = {column.name for table in tables for column in table.c}
    assert columns - _INTERNAL - LABELS.keys() - HIDDEN - SHOWN_OTHERWISE == set(), "give the new column a label"
