"""Hours of the day between which something shall or shall not be (晚上十点到早上七点, 22:00-7:00, 晚上十点以后)."""

from __future__ import annotations

import re
from typing import Dict, Iterator, Optional, Tuple

from bot.values.dates import PARTS, clock, hour_said
from bot.values.numbers import parse_number

Hours = Tuple[int, int, Dict[str, Optional[str]]]  # start, end, {"from": "22:00", "to": "07:00"}; None: not said

_DAY = 24 * 60
_NOON = 12 * 60
_AFTERNOON = PARTS["afternoon"].split("|")
_TO = r" ?(?:一直)?(?:到|至|[-—–~～]+) ?(?:第二天|次日|隔天|明天)?的? ?"
_BETWEEN = re.compile(rf"(?:每天|每晚)?{clock()}{_TO}{clock('_end')}")
_AFTER = re.compile(rf"(?:每天|每晚|过了)?{clock()}(?:之后|以后|过后|后|往后)")
_UNTIL = re.compile(rf"(?:每天)?{clock()}(?:之前|以前|前)")


def find_time_ranges(text: str) -> Iterator[Hours]:
    """Spans of hours in normalised ``text``."""
    for match in _BETWEEN.finditer(text):
        start, end = _minutes(match, ""), _minutes(match, "_end")
        if start is None or end is None:
            continue
        if not match["part"] and end <= start < _NOON:  # 十点到七点: a night
            start += _NOON
        if match["part"] in _AFTERNOON and not match["part_end"] and start < end + _NOON < _DAY:
            end += _NOON  # 下午两点到四点
        yield match.start(), match.end(), {"from": _written(start), "to": _written(end)}
    for pattern, side in ((_AFTER, "from"), (_UNTIL, "to")):
        for match in pattern.finditer(text):
            minutes = _minutes(match, "") if match["part"] or match["minute"] else None
            if minutes is not None:
                yield match.start(), match.end(), {"from": None, "to": None, side: _written(minutes)}


def _minutes(match: re.Match[str], suffix: str) -> Optional[int]:
    """Minutes after midnight."""
    part, past, minute = (match[f"{name}{suffix}"] for name in ("part", "past", "minute"))
    hour = hour_said(match[f"hour{suffix}"])
    if part and hour < 12 and not _is_before_noon(part, hour):
        hour += 12
    if part and hour == 12 and part.startswith(("晚", "夜", "半", "深", "凌")):
        hour = 24
    minutes = hour * 60 + (int(minute) if minute else _past(past))
    return minutes if minutes <= _DAY else None


def _is_before_noon(part: str, hour: int) -> bool:
    """Whether an hour up to eleven is one of the morning: 凌晨两点, 半夜三点, 中午十一点; not 晚上十点, 下午两点."""
    if part.startswith(("中", "正", "晌")):
        return hour >= 10
    if part.startswith(("半", "深", "后半", "大半", "夜")):
        return hour <= 5
    return not part.startswith(("下", "午", "傍", "晚"))


def _past(said: Optional[str]) -> int:
    if not said:
        return 0
    named = {"半": 30, "一刻": 15, "三刻": 45}
    return named[said] if said in named else int(parse_number(said.rstrip("分")) or 0)


def _written(minutes: int) -> str:
    return f"{minutes % _DAY // 60:02d}:{minutes % 60:02d}"
