"""What was learnt from the same things is not learnt again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rasa")

from bot import kept
from bot.kept import embed_once, key_of, learn_once


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MODELS_DIR", str(tmp_path))
    return tmp_path


def test_keys_tell_everything_apart() -> None:
    keys = [
        key_of(np.zeros(2)), key_of(np.zeros((2, 1))), key_of(np.zeros(2, np.float32)), key_of({"rate": 1}),
        key_of({"rate": 2}), key_of("a", "b"), key_of("ab"), key_of(kept), key_of(np),
    ]  # fmt: skip
    assert len(set(keys)) == len(keys)
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})


def test_a_part_is_learnt_once(capsys: pytest.CaptureFixture[str]) -> None:
    def learn(folder: Path) -> None:
        (folder / "weights").write_text("1")

    def fail(_folder: Path) -> None:
        raise AssertionError

    assert (learn_once("classifier", "k1", learn) / "weights").read_text() == "1"
    assert (learn_once("classifier", "k1", fail) / "weights").read_text() == "1"
    assert capsys.readouterr().out == "  classifier: learning ...\n  classifier: as learnt before\n"


def test_what_failed_leaves_nothing_behind(models: Path) -> None:
    def fail(_folder: Path) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        learn_once("classifier", "k1", fail)
    assert list((models / kept.FOLDER).iterdir()) == []


def test_only_new_sentences_are_embedded() -> None:
    asked: list[str] = []

    def embed(texts: Sequence[str]) -> Any:
        asked.extend(texts)
        return np.array([[len(text)] for text in texts], dtype=np.float32)

    assert embed_once("k", ["水费", "停水了", "水费"], embed).tolist() == [[2], [3], [2]]
    assert embed_once("k", ["停水了", "报修吧吧"], embed).tolist() == [[3], [4]]
    assert asked == ["停水了", "水费", "报修吧吧"]


def test_old_parts_are_thrown_away(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_KEPT", 2)
    for number in range(3):
        learn_once("classifier", str(number), lambda folder: (folder / "weights").write_text("1") and None)
    embed_once("k", ["水费"], lambda texts: np.zeros((len(texts), 1)))
    assert len(list((models / kept.FOLDER).iterdir())) == 2
