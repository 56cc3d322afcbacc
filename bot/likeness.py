"""Examples that say the same: word for word but for marks, or nearly so."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any, DefaultDict, Dict, List, NamedTuple, Sequence

import numpy as np
import scipy.sparse

from bot.values.numbers import normalise

NEAR = 0.7  # of the pairs of characters that two texts have, the share that both have
QUESTION_COUNTS = 2  # characters: 嗯 is a yes, 嗯？ is none; a longer question is one without its mark too
_MARKS = re.compile(r"[^\w?]|_", re.ASCII)
_ROWS_AT_ONCE = 1000


class Pair(NamedTuple):
    """Two texts by their places in a list, the first before the second."""

    first: int
    second: int
    likeness: float


def plain(text: str) -> str:
    """A text without marks, spaces and capitals; pictures (👌) stay, they are words of their own."""
    kept = "".join(character for character in normalise(text) if not _is_mark(character))
    words = kept.replace("?", "")
    return kept if len(words) <= QUESTION_COUNTS else words


def _is_mark(character: str) -> bool:
    return character.isspace() or (character.isascii() and bool(_MARKS.match(character))) or character in _CHINESE_MARKS


_CHINESE_MARKS = frozenset("，。、；：“”‘’《》〈〉「」『』【】（）—…～·￥﹏")


def alike(texts: Sequence[str]) -> List[List[int]]:
    """Places of the texts that are the same once plain, in groups of two and more."""
    places: DefaultDict[str, List[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        places[plain(text) or text].append(place)
    return [group for group in places.values() if len(group) > 1]


def near_pairs(texts: Sequence[str], least: float = NEAR) -> List[Pair]:
    """Pairs of texts that share nearly all their pairs of characters, the likest first."""
    grams = _grams(texts)
    sizes = np.asarray(grams.sum(axis=1)).ravel()
    pairs: List[Pair] = []
    for begin in range(0, len(texts), _ROWS_AT_ONCE):
        shared = (grams[begin : begin + _ROWS_AT_ONCE] @ grams.T).tocoo()
        first, second = shared.row + begin, shared.col
        share = shared.data / (sizes[first] + sizes[second] - shared.data)
        near = (first < second) & (share >= least)
        found = zip(first[near], second[near], share[near], strict=True)
        pairs += [Pair(int(one), int(other), float(value)) for one, other, value in found]
    return sorted(pairs, key=lambda pair: (-pair.likeness, pair))


def count_varied(texts: Sequence[str]) -> int:
    """How many of the texts are not nearly the same as one before them."""
    return len(texts) - len({pair.second for pair in near_pairs(texts)})


def _grams(texts: Sequence[str]) -> scipy.sparse.csr_matrix:
    """Texts × pairs of characters, 1 where a text has the pair; the edges of a text are characters too."""
    columns: Dict[str, int] = {}
    rows: List[int] = []
    marked: List[int] = []
    for row, text in enumerate(texts):
        edged = f"<{plain(text) or text}>"
        for gram in {edged[at : at + 2] for at in range(len(edged) - 1)}:
            rows.append(row)
            marked.append(columns.setdefault(gram, len(columns)))
    ones: Any = np.ones(len(rows), dtype=np.float32)
    return scipy.sparse.csr_matrix((ones, (rows, marked)), shape=(len(texts), len(columns)))
