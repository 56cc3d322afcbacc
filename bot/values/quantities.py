"""Amounts of money, volumes of water, and positions in a list."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Iterator, Optional, Tuple

from bot.values.numbers import NUMBER, parse_number

Amount = Tuple[int, int, int]  # start, end, fen
Volume = Tuple[int, int, str]  # start, end, m³
Ordinal = Tuple[int, int, int]  # start, end, position

_DIGIT = "[0-9一二两三四五六七八九]"
_YUAN = re.compile(
    rf"(?P<yuan>{NUMBER}) ?(?:元|圆|块)(?:钱|整)?"
    rf"(?:(?:零)?(?P<jiao>{_DIGIT})(?:角|毛)?(?:(?P<fen>{_DIGIT})分?)?(?![0-9吨方个月年号笔户天期.])|(?P<half>半))?钱?"
)
_SIGN = re.compile(rf"[¥￥] ?(?P<yuan>{NUMBER})")
_JIAO = re.compile(rf"(?P<jiao>{_DIGIT})(?:角|毛)(?:(?P<fen>{_DIGIT})分?)?钱?(?!病)")
_FEN = re.compile(rf"(?P<fen>{NUMBER})分钱")
# A sum named without its unit, after a word for paying in: 充200, 先存五百吧
_BARE = re.compile(
    rf"(?:充值?|预存|存|交|缴|付|冲)(?:进去?|上|个|了|费)?(?P<yuan>{NUMBER})(?=$|[,。，！!？?~ ]|吧|进去|进来|就|得了|行)"
)
_BARE_MOST = 100_000  # yuan; longer numbers are something else
# 一块 alone means "together" (一块交了) unless money follows.
_TOGETHER = re.compile(r"一块(?!钱|[0-9一二两三四五六七八九半]|整)")

_VOLUME = re.compile(
    rf"(?P<number>{NUMBER}) ?(?:(?:个)?(?:吨|立方米|立方|m3|m³|方(?![面法式便案向块程针圆]))|度(?=水))(?P<half>半)?"
)
_SPOKEN_PARTIES = re.compile(r"[一二三两多双第]方")

_MEASURES = "个|条|笔|户|张|项|单|份|家|套|行|号|位"
_NTH = re.compile(rf"(?P<from_end>倒数)?第(?P<number>{NUMBER})(?:(?:{_MEASURES})(?![月季阶])|(?=$|[,。，！!？? 和]))")
_LAST = re.compile(rf"(?:最后|最末|末尾)(?:那|这)?一?(?:{_MEASURES})|(?:最后|末尾)的(?=$|那)")
_FIRST = re.compile(rf"(?:头一|首|最前面那?一?|最上面那?一?)(?:{_MEASURES})")
_ONLY_A_NUMBER = re.compile(r"(?:选|我选)?\s*(?P<number>[1-9][0-9]?|[一二两三四五六七八九十])\s*(?:吧|[。.、])?")


def find_amounts(text: str) -> Iterator[Amount]:
    """Sums of money in fen (八十六块四, 三毛五, ¥12.5, 1.2万元, 充200)."""
    together = [match.start() for match in _TOGETHER.finditer(text)]
    for pattern in (_SIGN, _YUAN, _JIAO, _FEN, _BARE):
        for match in pattern.finditer(text):
            fen = None if match.start() in together else _fen(match)
            if fen is None or (pattern is _BARE and fen > _BARE_MOST * 100):
                continue
            yield match.start("yuan") if pattern is _BARE else match.start(), match.end(), fen


def _fen(match: re.Match[str]) -> Optional[int]:
    parts = match.groupdict()
    yuan = parse_number(parts["yuan"]) if parts.get("yuan") else Decimal(0)
    jiao = parse_number(parts["jiao"]) if parts.get("jiao") else Decimal(0)
    fen = parse_number(parts["fen"]) if parts.get("fen") else Decimal(0)
    if yuan is None or jiao is None or fen is None:
        return None
    half = 50 if parts.get("half") else 0
    return int((yuan * 100 + jiao * 10 + fen + half).quantize(Decimal(1), ROUND_HALF_UP))


def find_volumes(text: str) -> Iterator[Volume]:
    """Volumes in m³ as plain decimal strings (三百二十一吨半 → ``321.5``)."""
    for match in _VOLUME.finditer(text):
        number = parse_number(match["number"])
        if number is None or _SPOKEN_PARTIES.fullmatch(match.group()):
            continue
        volume = number + (Decimal("0.5") if match["half"] else 0)
        yield match.start(), match.end(), format(volume.normalize(), "f")


def find_ordinals(text: str) -> Iterator[Ordinal]:
    """Positions in a list, from 1; from the end they are negative (最后一个 → -1)."""
    for match in _NTH.finditer(text):
        number = parse_number(match["number"])
        if number and number == int(number):
            yield match.start(), match.end(), -int(number) if match["from_end"] else int(number)
    for match in _LAST.finditer(text):
        yield match.start(), match.end(), -1
    for match in _FIRST.finditer(text):
        yield match.start(), match.end(), 1
    alone = _ONLY_A_NUMBER.fullmatch(text.strip())
    number = parse_number(alone["number"]) if alone else None
    if number:
        start = text.index(text.strip())
        yield start, start + len(text.strip()), int(number)
