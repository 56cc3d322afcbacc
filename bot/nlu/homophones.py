"""Repairs domain words that were typed with other characters of the same sound (谁费 → 水费)."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import Callable, Dict, FrozenSet, Iterable, List, Sequence, Tuple

from pypinyin import Style, lazy_pinyin, pinyin

# Variant characters that mean the same in this field and are words of their own, so that sound alone would not tell.
VARIANTS = str.maketrans({"帐": "账", "囗": "口", "覽": "览"})

Tokens = Sequence[Tuple[str, int, int]]


@lru_cache(maxsize=8192)
def _readings(character: str) -> FrozenSet[str]:
    return frozenset(pinyin(character, style=Style.NORMAL, heteronym=True)[0])


class HomophoneRepairer:
    """Knows the domain's words by their sound.

    A stretch of text is replaced only if it sounds like a domain word syllable for syllable, begins and ends at borders
    between words, and holds no word of the language itself: 谁费 in 谁费心 stays, as does 交费.
    """

    def __init__(self, words: Iterable[str], tokenize: Callable[[str], Tokens]) -> None:
        """Learn the sounds.

        Args:
            words: domain words; those of one character are left out.
            tokenize: splits a text into words with their places.
        """
        self._tokenize = tokenize
        self._words = frozenset(word for word in words if len(word) > 1)
        self._by_length: Dict[int, List[Tuple[str, List[str]]]] = defaultdict(list)
        for word in sorted(self._words):
            self._by_length[len(word)].append((word, lazy_pinyin(word)))

    def repair(self, text: str) -> str:
        """The text with domain words as they are usually written; every character keeps its place."""
        text = text.translate(VARIANTS)
        for start, end in self._unknown_stretches(text):
            text = self._repair_stretch(text, start, end)
        return text

    def _unknown_stretches(self, text: str) -> List[Tuple[int, int]]:
        """Runs of neighbouring single characters, in which a misspelt word falls apart."""
        runs: List[Tuple[int, int]] = []
        for word, start, end in self._tokenize(text):
            if len(word) > 1 or not "\u4e00" <= word <= "\u9fff":
                continue
            if runs and runs[-1][1] == start:
                runs[-1] = (runs[-1][0], end)
            else:
                runs.append((start, end))
        return [run for run in runs if run[1] - run[0] > 1]

    def _repair_stretch(self, text: str, start: int, end: int) -> str:
        at = start
        while at < end - 1:
            word = self._sounding_like(text[at:end])
            if word:
                text = text[:at] + word + text[at + len(word) :]
                at += len(word)
            else:
                at += 1
        return text

    def _sounding_like(self, text: str) -> str:
        """The longest domain word that the beginning of ``text`` sounds like, or an empty string."""
        for length in sorted(self._by_length, reverse=True):
            heard = text[:length]
            if len(heard) < length or heard in self._words:
                continue
            for word, syllables in self._by_length[length]:
                if all(syllable in _readings(character) for character, syllable in zip(heard, syllables, strict=True)):
                    return word
        return ""
