"""The client of the official website's feeds.

Public pages carry no signature: the address is https, answers are bounded, and what makes no sense is not believed. A feed is
asked again only when what is kept has become old; while the site does not answer, what is kept is told with its time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

import httpx
from pydantic import AwareDatetime, StringConstraints, TypeAdapter, ValidationError
from pydantic import Field as Limited
from pydantic.dataclasses import dataclass as checked

from connectors.signed import CONNECT_SECONDS, READ_SECONDS
from runxia.clock import SHANGHAI, Clock
from runxia.settings import Settings
from services.errors import SystemUnavailable
from services.website import Measurement, OutageKind, OutageNotice, Published, QualityReport
from store.kv import Store

log = logging.getLogger(__name__)

SYSTEM = "website"
OK = 200
TOTAL_SECONDS = 3.5
MAX_ANSWER_BYTES = 1 << 20
MAX_ITEMS = 500
KEPT = timedelta(hours=24)      # older notices are not told, even when the site is down
PAUSE = timedelta(seconds=30)   # after a failure the site is left alone for so long

# Text without control characters, so that a notice can neither break a message nor hide in it.
_Text = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f<>{}]+$")]
_Number = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,32}$")]
_Places = Annotated[tuple[_Text, ...], Limited(min_length=1, max_length=60)]


@checked(frozen=True, slots=True)
class _Notice:
    notice_no: _Number
    kind: OutageKind
    areas: _Places
    reason: _Text
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    published_at: AwareDatetime


@checked(frozen=True, slots=True)
class _Outages:
    notices: Annotated[tuple[_Notice, ...], Limited(max_length=MAX_ITEMS)]


@checked(frozen=True, slots=True)
class _Value:
    indicator: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f<>{}]{1,20}$")]
    value: Annotated[str, StringConstraints(pattern=r"^(?:[<≤]?\d{1,6}(?:\.\d{1,6})?|无|未检出|无异臭、异味)$")]


@checked(frozen=True, slots=True)
class _Report:
    report_no: _Number
    works: _Text
    areas: _Places
    point: Annotated[str, StringConstraints(pattern=r"^(?:outlet|tap)$")]
    sampled_on: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    published_at: AwareDatetime
    measurements: Annotated[tuple[_Value, ...], Limited(min_length=1, max_length=120)]


@checked(frozen=True, slots=True)
class _Quality:
    reports: Annotated[tuple[_Report, ...], Limited(max_length=MAX_ITEMS)]


_OUTAGES, _QUALITY = TypeAdapter(_Outages), TypeAdapter(_Quality)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A feed as it was last read."""

    read_at: datetime
    body: str


_KEPT = TypeAdapter(_Kept)


@dataclass(slots=True)
class _Feed:
    """One feed: only one reader asks at a time, and nobody for a while after a failure."""

    path: str
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    failed_at: datetime | None = None


class WebsiteClient:
    """:class:`services.website.Website` over HTTP. Open with :meth:`open`."""

    def __init__(self, http: httpx.AsyncClient, kv: Store, clock: Clock, fresh: timedelta) -> None:
        self._http = http
        self._kv = kv
        self._clock = clock
        self._fresh = fresh
        self._outages = _Feed("feeds/outages.json")
        self._quality = _Feed("feeds/quality.json")

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, kv: Store, clock: Clock) -> AsyncIterator[WebsiteClient]:
        """Open the connections; close them at the end."""
        timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        base = settings.website_base_url.rstrip("/") + "/"
        async with httpx.AsyncClient(base_url=base, timeout=timeout, trust_env=False) as http:
            yield cls(http, kv, clock, timedelta(seconds=settings.website_cache_seconds))

    async def outages(self) -> Published[OutageNotice]:
        """See :class:`services.website.Website`."""
        kept, stale = await self._read(self._outages, _OUTAGES)
        notices = tuple(
            OutageNotice(
                each.notice_no, each.kind, each.areas, each.reason, _here(each.starts_at), _here(each.ends_at),
                _here(each.published_at),
            )
            for each in _OUTAGES.validate_json(kept.body).notices
        )
        return Published(notices, kept.read_at, stale)

    async def quality(self) -> Published[QualityReport]:
        """See :class:`services.website.Website`."""
        kept, stale = await self._read(self._quality, _QUALITY)
        reports = tuple(
            QualityReport(
                each.report_no, each.works, each.areas, each.point, datetime.fromisoformat(each.sampled_on).date(),
                _here(each.published_at), tuple(Measurement(value.indicator, value.value) for value in each.measurements),
            )
            for each in _QUALITY.validate_json(kept.body).reports
        )
        return Published(reports, kept.read_at, stale)

    async def _read(self, feed: _Feed, adapter: TypeAdapter[_Outages] | TypeAdapter[_Quality]) -> tuple[_Kept, bool]:
        """What the feed says, and whether that could not be checked now."""
        async with feed.lock:
            kept = await self._kept(feed)
            now = self._clock.now()
            if kept and now - kept.read_at < self._fresh:
                return kept, False
            if kept and feed.failed_at and timedelta() <= now - feed.failed_at < PAUSE:
                return kept, True
            try:
                body = await self._ask(feed, adapter)
            except SystemUnavailable:
                feed.failed_at = now
                if kept is None:
                    raise
                return kept, True
            feed.failed_at = None
            read = _Kept(now, body)
            await self._kv.set(_key(feed), _KEPT.dump_json(read).decode(), int(KEPT.total_seconds()))
            return read, False

    async def _kept(self, feed: _Feed) -> _Kept | None:
        """What was read last, unless it is from a time yet to come (a clock was put back)."""
        text = await self._kv.get(_key(feed))
        if text is None:
            return None
        kept = _KEPT.validate_json(text)
        return _Kept(_here(kept.read_at), kept.body) if kept.read_at <= self._clock.now() else None

    async def _ask(self, feed: _Feed, adapter: TypeAdapter[_Outages] | TypeAdapter[_Quality]) -> str:
        try:
            async with asyncio.timeout(TOTAL_SECONDS), self._http.stream("GET", feed.path) as response:
                if response.status_code != OK:
                    raise _unavailable(feed, f"status {response.status_code}")
                body = bytearray()
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > MAX_ANSWER_BYTES:
                        raise _unavailable(feed, "answer too long")
        except (httpx.HTTPError, TimeoutError) as error:
            raise _unavailable(feed, type(error).__name__) from error
        try:
            _check(adapter.validate_json(bytes(body)))
        except ValidationError as error:
            places = {".".join(map(str, found["loc"])) for found in error.errors(include_input=False, include_url=False)}
            raise _unavailable(feed, f"answer does not parse at {sorted(places)[:5]}") from None
        except ValueError as error:
            raise _unavailable(feed, str(error)) from None
        return body.decode()


def _check(read: _Outages | _Quality) -> None:
    """What types cannot say; raises ``ValueError``."""
    if isinstance(read, _Outages):
        if any(notice.starts_at >= notice.ends_at for notice in read.notices):
            raise ValueError("an outage that ends before it starts")
        numbers = [notice.notice_no for notice in read.notices]
    else:
        for report in read.reports:
            datetime.fromisoformat(report.sampled_on)
        numbers = [report.report_no for report in read.reports]
    if len(set(numbers)) != len(numbers):
        raise ValueError("a number that is used twice")


def _key(feed: _Feed) -> str:
    return f"website:{feed.path}"


def _here(moment: datetime) -> datetime:
    return moment.astimezone(SHANGHAI)


def _unavailable(feed: _Feed, why: str) -> SystemUnavailable:
    log.warning("website %s is unavailable: %s", feed.path, why)
    return SystemUnavailable(SYSTEM)
