"""Counts that mean something of their own: people of a household, days of notice."""

from __future__ import annotations

import re
from typing import Iterator, Tuple

from bot.values.dates import count_said
from bot.values.numbers import NUMBER, parse_number

Count = Tuple[int, int, int]  # start, end, how many

_MOST_PEOPLE = 99
_PEOPLE = re.compile(
    rf"(?P<number>{NUMBER}) ?(?:口子?人|口之家|个人口|人口|口(?![气价井径锅水闸阀头])|"
    r"(?:个|位)?(?:大)?人(?![工民家力士们行生事为防才份次间物均]))"
)
_COUPLE = re.compile(r"(?:小|老)?两口子|(?:小|老)两口")
_LABELLED = re.compile(rf"(?:人口数?|人数)(?:是|为|有|共|[:： ])*(?P<number>{NUMBER})(?![0-9.]|[万吨元块月年])")
# 一个人 is a household where someone lives alone; elsewhere it is anybody (找一个人来, 一人做事一人当).
_ALONE_BEFORE = re.compile(r"(?:就|只有|才|只|家里|家|一共)我?$")
_ALONE_AFTER = re.compile(r"(?:自己|在|单独)?(?:住|过|生活|用水|在家)")

_NUMBER = r"(?:[0-9]{1,3}|[一二两三四五六七八九十]{1,3})"
_LEAD = rf"(?P<lead>(?:(?P<count>{_NUMBER})(?P<unit>天|日|个?(?:周|星期|礼拜)|个?小时)|(?P<half>半)个月))"
_TELL = r"(?:就|再|先|要|给我|请|帮我)*(?:通知|提醒|告诉|告知|发|说|叫|喊|推送|知会)"
_NOTICES = (
    re.compile(rf"(?:提前|提早|早(?!上|晨)|预先)(?:上|大概|个)*{_LEAD}(?!了(?![,，。吧]))"),
    re.compile(rf"(?:到期|截止日?|停水|缴费|交费|扣款|抄表|欠费|停)(?:之|以)?前(?:的)?{_LEAD}"),
    re.compile(rf"前{_LEAD}(?={_TELL})"),
    re.compile(rf"{_LEAD}(?:之|以)?前(?={_TELL})"),
)
_ONLY_DAYS = re.compile(
    rf"\s*(?:就|那就|那|要|改成|改|设|设成)?(?P<lead>(?P<count>{_NUMBER})(?P<unit>天|日))(?:吧|就行|就好|就够了?|可以|[。.!！])*\s*"
)


def find_people(text: str) -> Iterator[Count]:
    """How many people live somewhere (五口人, 6个人, 我们家7口, 两口子)."""
    for match in _COUPLE.finditer(text):
        yield match.start(), match.end(), 2
    for match in (*_PEOPLE.finditer(text), *_LABELLED.finditer(text)):
        number = parse_number(match["number"])
        if number and number == int(number) and 1 <= number <= _MOST_PEOPLE and not (number == 1 and _is_anybody(match)):
            yield match.start(), match.end(), int(number)


def _is_anybody(match: re.Match[str]) -> bool:
    text = match.string
    alone = _ALONE_BEFORE.search(text, 0, match.start()) or _ALONE_AFTER.match(text, match.end())
    return match.re is _PEOPLE and (match.group().endswith("口") or not alone)


def find_days(text: str) -> Iterator[Count]:
    """Days of notice, the place without the word for it (提前三天, 到期前一周).

    A bare number of days only where it is all of the message.
    """
    for pattern in _NOTICES:
        for match in pattern.finditer(text):
            yield from _notice(match)
    alone = _ONLY_DAYS.fullmatch(text)
    if alone:
        yield from _notice(alone)


def _notice(match: re.Match[str]) -> Iterator[Count]:
    said = match.groupdict()
    if said.get("half"):
        yield match.start("lead"), match.end("lead"), 15
        return
    count, unit = count_said(said["count"]), said["unit"]
    if "小时" in unit:
        if count and count % 24 == 0:
            yield match.start("lead"), match.end("lead"), count // 24
    elif count:
        yield match.start("lead"), match.end("lead"), count * (1 if unit in "天日" else 7)
