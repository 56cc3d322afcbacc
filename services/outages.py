"""Outages: which notices concern a place, and when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from runxia.utility import Utility
from services.website import OutageKind, OutageNotice, Published, Website

__all__ = ["OutageBoard", "OutageKind", "OutageNotice", "Outages", "Place", "covers", "known_place"]

# 云栖路93号16幢 → street 云栖路, number 93. A street's name is read backwards from its last character.
_STREET = r"[一-龥]{1,8}?(?:大道|路|街|巷|弄|道)"
_ADDRESS = re.compile(rf"(?P<street>{_STREET})(?P<number>\d{{1,5}})?号?")
_NUMBERS = re.compile(
    r"(?P<first>\d{1,5})号?\s*(?:至|到|-|—|–|－|~|～)\s*(?P<last>\d{1,5})号?(?:[（(]?(?P<parity>单号|双号)侧?[)）]?)?$",
)
_WHOLE = re.compile(r"(?:全区|全域|沿线|全线|全路段|一带|附近|周边)$")
_CITY = re.compile(r"^[一-龥]{2,6}市")
_DISTRICT = re.compile(r"^[一-龥]{1,5}?[区县]")
_NOISE = re.compile(r"[\s,，。、；;:：]+")
# A street or compound that no notice names, in running text; what stands before its name is cut off.
_NAMED = re.compile(
    r"(?P<name>[一-龥]{1,6}?(?:大道|路|街|巷|小区|花苑|花园|家园|公寓|新村|雅苑|名苑))(?:(?P<number>\d{1,5})号)?",
)
_BEFORE = re.compile(
    r"^.*(?:我们|我家|我妈|我爸|我|住在|住|在|的|查查|查|看看|看|问问|问|下|家|今天|明天|后天|昨天|今晚|今|现在|这两天|最近|请|帮|给|和|跟|到|那|就是|是|吗)",
)
_NO_NAMES = frozenset(
    {"整条街", "整条路", "那条路", "那条街", "这条路", "这条街", "整个小区", "我们小区", "这个小区", "哪个小区", "哪些小区"},
)
_FULL_WIDTH = str.maketrans("０１２３４５６７８９", "0123456789")


@dataclass(frozen=True, slots=True)
class Place:
    """Where: a district, and a street, compound or area in it; either may be unknown. ``number``: the house number."""

    district: str | None
    name: str | None
    number: int | None = None

    @classmethod
    def parse(cls, address: str, districts: Iterable[str]) -> Place:
        """Read an address as a customer or CSMS writes it: ``临江市滨江区云栖路93号16幢1单元1201室``."""
        text = _CITY.sub("", _NOISE.sub("", address.translate(_FULL_WIDTH)))
        district = next((each for each in districts if text.startswith((each, short_district(each)))), None)
        if district:
            text = text.removeprefix(district) if text.startswith(district) else text.removeprefix(short_district(district))
        elif found := _DISTRICT.match(text):
            district, text = found.group(), text[found.end():]
        if street := _ADDRESS.match(text):
            number = street["number"]
            return cls(district, street["street"], int(number) if number else None)
        return cls(district, text or None)


def short_district(district: str) -> str:
    """``滨江`` for ``滨江区``."""
    return district[:-1] if district[-1:] in "区县" and len(district) > 2 else district


def covers(area: str, place: Place, districts: Iterable[str]) -> bool:
    """Whether a notice's area concerns a place. Of a place that is only a district or a street, each part counts."""
    text = _NOISE.sub("", area.translate(_FULL_WIDTH))
    numbers = _NUMBERS.search(text)
    if numbers:
        text = text[:numbers.start()]
    there = Place.parse(_WHOLE.sub("", text), districts)
    if there.district and place.district and there.district != place.district:
        return False
    if place.name is None:
        return place.district is not None and there.district == place.district
    if there.name is None:
        return there.district is not None and there.district == place.district
    if there.name not in place.name and place.name not in there.name:
        return False
    return numbers is None or place.number is None or _within(numbers, place.number)


def _within(numbers: re.Match[str], number: int) -> bool:
    odd_or_even = {"单号": 1, "双号": 0}.get(numbers["parity"] or "")
    return int(numbers["first"]) <= number <= int(numbers["last"]) and odd_or_even in (None, number % 2)


def known_place(text: str, notices: Sequence[OutageNotice], districts: Sequence[str]) -> Place | None:
    """A place named in running text: a street or compound of a notice, anything that looks like one, or a district."""
    text = _NOISE.sub("", text.translate(_FULL_WIDTH))
    district = next((each for each in districts if each in text), None)
    if district is None:
        district = next((each for each in districts if short_district(each) in text), None)
    names = {
        name for notice in notices for area in notice.areas
        if (name := Place.parse(_WHOLE.sub("", _NUMBERS.sub("", area)), districts).name)
    }
    for name in sorted(names, key=len, reverse=True):
        if (start := text.find(name)) >= 0:
            number = re.match(r"(\d{1,5})号", text[start + len(name):])
            return Place(district, name, int(number[1]) if number else None)
    for found in _NAMED.finditer(text):
        name = _BEFORE.sub("", found["name"]).removeprefix(district or "").removeprefix(short_district(district or ""))
        if name not in _NO_NAMES and len(name) > 2:
            return Place(district, name, int(found["number"]) if found["number"] else None)
    return Place(district, None) if district else None


class OutageBoard(Protocol):
    """What other capabilities ask about outages."""

    async def affecting(self, address: str, at: datetime) -> list[OutageNotice]:
        """The notices that keep the water from an address at a moment, those that began last first.

        Raises:
            SystemUnavailable: the website cannot be read.
        """
        ...


class Outages:
    """The outage notices of the official website."""

    def __init__(self, website: Website, utility: Utility) -> None:
        self._website = website
        self._utility = utility

    @property
    def districts(self) -> tuple[str, ...]:
        """The districts served, as written in full."""
        return tuple(area.district for area in self._utility.service_area)

    async def affecting(self, address: str, at: datetime) -> list[OutageNotice]:
        """See :class:`OutageBoard`."""
        board = await self.between(at, at, Place.parse(address, self.districts))
        return sorted(board.items, key=lambda notice: notice.starts_at, reverse=True)

    async def between(self, first: datetime, last: datetime, place: Place | None = None) -> Published[OutageNotice]:
        """The notices in force at any time from ``first`` to ``last``, of one place or of all, in the order of their start.

        Raises:
            SystemUnavailable: the website cannot be read.
        """
        board = await self._website.outages()
        found = [
            notice for notice in board.items
            if notice.starts_at <= last and notice.ends_at >= first and (place is None or self.concerns(notice, place))
        ]
        return Published(tuple(sorted(found, key=lambda notice: notice.starts_at)), board.as_of, board.stale)

    async def place_in(self, text: str) -> Place | None:
        """The place that running text names, if it names one.

        Raises:
            SystemUnavailable: the website cannot be read.
        """
        return known_place(text, (await self._website.outages()).items, self.districts)

    def concerns(self, notice: OutageNotice, place: Place) -> bool:
        """Whether a notice concerns a place."""
        return any(covers(area, place, self.districts) for area in notice.areas)
