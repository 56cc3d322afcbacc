"""What the utility publishes on its official website, and the port through which it is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol


class OutageKind(StrEnum):
    """Whether an outage was announced before, or happened."""

    PLANNED = "planned"
    SUDDEN = "sudden"


@dataclass(frozen=True, slots=True)
class OutageNotice:
    """One notice. ``areas`` are places as people write them: ``滨江区云栖路2号至120号``, ``江东区望潮街``, ``滨江区白鹭小区``.

    ``ends_at`` is when the water is expected back; the utility moves it when work takes longer.
    """

    notice_no: str
    kind: OutageKind
    areas: tuple[str, ...]
    reason: str
    starts_at: datetime
    ends_at: datetime
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of a water sample: the indicator as GB 5749-2022 names it, the value as published: ``0.52``, ``<1``, ``无``."""

    indicator: str
    value: str


@dataclass(frozen=True, slots=True)
class QualityReport:
    """One day's sample of one water works. ``point``: outlet (出厂水) | tap (管网末梢水)."""

    report_no: str
    works: str
    areas: tuple[str, ...]
    point: str
    sampled_on: date
    published_at: datetime
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True)
class Published[Item]:
    """What was on the website at ``as_of``. ``stale``: the site could not be read again, so this may have changed since."""

    items: tuple[Item, ...]
    as_of: datetime
    stale: bool


class Website(Protocol):
    """The official website.

    Raises:
        SystemUnavailable: it cannot be read, and what was read before is too old to be told.
    """

    async def outages(self) -> Published[OutageNotice]:
        """The outage notices of the last days and those to come."""
        ...

    async def quality(self) -> Published[QualityReport]:
        """The daily water quality of the last days."""
        ...
