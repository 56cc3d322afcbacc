"""Chinese and Arabic numbers, as written in chat."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Optional

DIGITS = {
    "零": 0, "〇": 0, "○": 0, "洞": 0, "一": 1, "幺": 1, "壹": 1, "二": 2, "两": 2, "贰": 2, "三": 3, "叁": 3, "四": 4, "肆": 4,
    "五": 5, "伍": 5, "六": 6, "陆": 6, "七": 7, "柒": 7, "拐": 7, "八": 8, "捌": 8, "九": 9, "玖": 9,
}  # fmt: skip
UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
MYRIADS = {"万": 10**4, "亿": 10**8}

_HAN = "零〇一二两三四五六七八九壹贰叁肆伍陆柒捌玖十拾百佰千仟万亿"
# A number inside other text: 1,200.5  1.2万  3千  三百二十一  三点五  半
NUMBER = rf"(?:(?<![0-9.])(?:[0-9]{{1,3}}(?:,[0-9]{{3}})+|[0-9]+)(?:\.[0-9]+)?[百千万亿]?|[{_HAN}]+(?:点[{_HAN}]+)?|半)"

_ARABIC = re.compile(r"([0-9]+(?:\.[0-9]+)?)([百千万亿]?)")


def normalise(text: str) -> str:
    """Full-width letters, digits and signs as their plain forms, small letters; every character keeps its place."""
    return "".join(_plain(character) for character in text)


def _plain(character: str) -> str:
    plain = unicodedata.normalize("NFKC", character).lower()
    return plain if len(plain) == 1 else character


def parse_number(text: str) -> Optional[Decimal]:
    """The number that all of ``text`` writes (三百二十一, 一百五, 1.2万, 三点五, 半, 二零二六), or None if it is not one."""
    text = text.replace(",", "")
    if text == "半":
        return Decimal("0.5")
    arabic = _ARABIC.fullmatch(text)
    if arabic:
        return Decimal(arabic[1]) * {**UNITS, **MYRIADS, "": 1}[arabic[2]]
    whole, point, fraction = text.partition("点")
    parsed = _parse_whole(whole)
    if parsed is None or not point:
        return None if parsed is None else Decimal(parsed)
    digits = parse_digits(fraction)
    return Decimal(f"{parsed}.{digits}") if digits else None


def parse_digits(text: str) -> Optional[str]:
    """Digits read one by one (幺三六 → ``136``), or None if ``text`` has anything else."""
    digits = [character if character.isascii() and character.isdigit() else DIGITS.get(character) for character in text]
    return None if None in digits or not digits else "".join(str(digit) for digit in digits)


def _parse_whole(text: str) -> Optional[int]:
    if not text or any(character not in DIGITS and character not in UNITS and character not in MYRIADS for character in text):
        return None
    if not any(character in UNITS or character in MYRIADS for character in text):
        return int(parse_digits(text) or 0)
    return _parse_with_units(text)


def _parse_with_units(text: str) -> Optional[int]:
    """Numbers with 十百千万亿, also with the last unit left out: 一百五 is 150, 三千二 is 3200, 一万二 is 12000."""
    total, section, digit, last_unit, after_zero = 0, 0, None, 1, False
    for character in text:
        if character in DIGITS:
            if digit:
                return None  # two digits side by side
            digit = DIGITS[character]
            after_zero = after_zero or digit == 0
        elif character in UNITS:
            if digit is None and character not in "十拾":
                return None
            section += (1 if digit is None else digit) * UNITS[character]
            digit, last_unit, after_zero = None, UNITS[character], False
        else:
            if not section and not digit:
                return None
            total = (total + section + (digit or 0)) * MYRIADS[character]
            section, digit, last_unit, after_zero = 0, None, MYRIADS[character], False
    if digit and not after_zero and last_unit >= 100:
        digit *= last_unit // 10
    return total + section + (digit or 0)
