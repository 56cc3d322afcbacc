"""Water quality: what was measured, and whether it keeps the standard."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from runxia.utility import Indicator, Utility
from services.outages import Place, short_district
from services.website import Measurement, Published, QualityReport, Website

_NUMBER = re.compile(r"(?P<below>[<≤])?(?P<number>\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Judged:
    """A measurement beside its limit. ``within`` is none where the utility's rules know no limit for it."""

    measurement: Measurement
    indicator: Indicator | None
    within: bool | None

    @property
    def number(self) -> Decimal | None:
        """The value as a number; for ``<5`` the bound."""
        found = _NUMBER.fullmatch(self.measurement.value)
        return Decimal(found["number"]) if found else None

    @property
    def level(self) -> str | None:
        """A plain word for how much that is: 偏软."""
        number = self.number
        if number is None or self.indicator is None:
            return None
        return next((each.word for each in self.indicator.levels if each.up_to is None or number <= each.up_to), None)


@dataclass(frozen=True, slots=True)
class Sample:
    """One report, judged."""

    report: QualityReport
    values: tuple[Judged, ...]

    @property
    def failed(self) -> tuple[Judged, ...]:
        """What does not keep the standard."""
        return tuple(value for value in self.values if value.within is False)

    def value(self, indicator: Indicator) -> Judged | None:
        """What was measured of one indicator, if it was."""
        return next((value for value in self.values if value.indicator is indicator), None)


class Quality:
    """The daily water quality of the official website."""

    def __init__(self, website: Website, utility: Utility) -> None:
        self._website = website
        self._standard = utility.water_quality

    async def samples(self, text: str = "", place: Place | None = None) -> Published[Sample]:
        """The samples of the works that ``text`` names or that serve ``place``, else of all; newest first.

        Raises:
            SystemUnavailable: the website cannot be read.
        """
        published = await self._website.quality()
        reports = _named(published.items, text) or _serving(published.items, place) or list(published.items)
        newest = sorted(reports, key=lambda report: (report.sampled_on, report.published_at), reverse=True)
        return Published(tuple(map(self.judge, newest)), published.as_of, published.stale)

    def judge(self, report: QualityReport) -> Sample:
        """Each value of a report beside its limit."""
        return Sample(report, tuple(self._judged(value, report.point) for value in report.measurements))

    def indicators_in(self, text: str) -> list[Indicator]:
        """The indicators that a sentence asks for, in the order of the standard's list; the longest names first."""
        said = text.casefold()
        found: list[Indicator] = []
        names = [(name.casefold(), each) for each in self._standard.indicators for name in (each.name, *each.also)]
        for name, indicator in sorted(names, key=lambda pair: len(pair[0]), reverse=True):
            if name in said and (len(name) > 1 or re.search(rf"{name}(?:的|含量|多少|高|超|有|[？?吗]|$)", said)):
                said = said.replace(name, " ")
                if indicator not in found:
                    found.append(indicator)
        return [each for each in self._standard.indicators if each in found]

    def _judged(self, value: Measurement, point: str) -> Judged:
        known = (each for each in self._standard.indicators if value.indicator.casefold() in _names(each))
        indicator = next(known, None)
        return Judged(value, indicator, None if indicator is None else _within(value.value, indicator, point))


def latest(samples: Iterable[Sample], day: date | None = None) -> list[Sample]:
    """Of each works and point the newest sample, or the one of ``day``, in the order of the works' names."""
    found: dict[tuple[str, str], Sample] = {}
    for sample in samples:
        if day is None or sample.report.sampled_on == day:
            found.setdefault((sample.report.works, sample.report.point), sample)
    return [found[key] for key in sorted(found)]


def _names(indicator: Indicator) -> set[str]:
    return {name.casefold() for name in (indicator.name, *indicator.also)}


def _within(value: str, indicator: Indicator, point: str) -> bool | None:
    if indicator.words:
        return value in indicator.words
    found = _NUMBER.fullmatch(value)
    if found is None:
        return None
    number = Decimal(found["number"])
    lowest = indicator.at_least_tap if point == "tap" else indicator.at_least_outlet
    lowest = indicator.at_least if lowest is None else lowest
    if lowest is not None and (found["below"] or number < lowest):
        return False if number <= lowest else None
    return indicator.at_most is None or number <= indicator.at_most


def _named(reports: Sequence[QualityReport], text: str) -> list[QualityReport]:
    """Those of a works that is named: 清溪水厂, 城东."""
    return [report for report in reports if _core(report.works) and _core(report.works) in text]


def _core(works: str) -> str:
    """``清溪`` for ``临江清溪水厂``: what people call it by."""
    return works.removesuffix("水厂")[-2:]


def _serving(reports: Sequence[QualityReport], place: Place | None) -> list[QualityReport]:
    if place is None or place.district is None:
        return []
    short = short_district(place.district)
    return [report for report in reports if any(short in area for area in report.areas)]
