"""Texts within WeChat's limit of bytes."""

from __future__ import annotations

import re

from connectors.wechat.limits import TEXT_BYTES

# What must stay whole: a link, or a character with its accents, skin tones, variation selectors and joined emoji.
_ATOM = re.compile(
    r"<a\s[^>]*>.*?</a>|.(?:[\u0300-\u036f\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff]|\u200d.)*",
    re.DOTALL,
)
_CHARACTER = re.compile(r".(?:[\u0300-\u036f\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff]|\u200d.)*", re.DOTALL)
_SENTENCE_END = tuple("。！？!?；;\n…")
_PAUSE = (*"，、,：: ", "</a>")


def size(text: str) -> int:
    """Bytes in UTF-8, which is what WeChat counts."""
    return len(text.encode())


def split(text: str, limit: int = TEXT_BYTES) -> list[str]:
    """Cut ``text`` into pieces of at most ``limit`` bytes.

    Cuts fall after a sentence, else after a pause, else between characters; never within a link or a character. Only a link
    that is longer than ``limit`` by itself is cut. Blanks at the cuts are dropped; a blank text gives no piece.
    """
    pieces: list[str] = []
    atoms = _atoms(text.strip(), limit)
    while atoms:
        count = _fitting(atoms, limit)
        if count < len(atoms):
            count = _good_cut(atoms[:count])
        piece = "".join(atoms[:count]).strip()
        if piece:
            pieces.append(piece)
        atoms = atoms[count:]
    return pieces


def _atoms(text: str, limit: int) -> list[str]:
    atoms: list[str] = []
    for atom in _ATOM.findall(text):
        if size(atom) <= limit:
            atoms.append(atom)
        else:
            characters = _CHARACTER.findall(atom)
            atoms.extend(characters if all(size(character) <= limit for character in characters) else atom)
    return atoms


def _fitting(atoms: list[str], limit: int) -> int:
    used = 0
    for count, atom in enumerate(atoms):
        used += size(atom)
        if used > limit:
            return max(count, 1)
    return len(atoms)


def _good_cut(atoms: list[str]) -> int:
    """How many of the fitting atoms to take: as far as the last sentence that fills at least half, or the last pause."""
    for ends in (_SENTENCE_END, _PAUSE):
        for count in range(len(atoms), len(atoms) // 2, -1):
            if atoms[count - 1].endswith(ends):
                return count
    return len(atoms)
