"""The audit log: who did what to which account, when, how it ended, and why."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from runxia.masking import mask_text
from store.db import Database
from store.models import AuditEntry

SYSTEM = "system"
PAGE = 50
EXPORT_BATCH = 500


def record(
    session: AsyncSession, clock: Clock, actor: str, action: str, account_no: str | None = None,
    outcome: str = "ok", detail: str | None = None, *, target: str | None = None, reason: str | None = None,
) -> None:
    """Add an entry within the transaction of what it tells about.

    ``reason`` is what a person wrote: long numbers and addresses in it are masked, for the log holds no personal data.
    """
    session.add(AuditEntry(
        at=clock.now(), actor=actor, action=action, account_no=account_no, outcome=outcome, detail=detail, target=target,
        reason=mask_text(reason.strip())[:200] if reason else None,
    ))


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """What is looked for; empty: anything. ``since`` is included, ``until`` is not."""

    actor: str = ""
    action: str = ""
    outcome: str = ""
    account_no: str = ""
    target: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the log a page ended: pages go on behind an entry, whatever was added meanwhile."""

    at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries, newest first; ``after``: where the next page goes on, none at the end."""

    entries: Sequence[AuditEntry]
    after: Place | None


class AuditLog:
    """Searches the audit log."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def page(self, query: AuditQuery, after: Place | None = None, size: int = PAGE) -> AuditPage:
        """One page of what fits the query."""
        statement = select(AuditEntry).where(*_conditions(query), *_behind(after))
        statement = statement.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(size + 1)
        async with self._db.read() as session:
            found = list(await session.scalars(statement))
        more = len(found) > size
        last = found[size - 1] if more else None
        return AuditPage(found[:size], Place(last.at, last.id) if last else None)

    async def export(self, query: AuditQuery, most: int) -> AsyncIterator[AuditEntry]:
        """The newest ``most`` entries that fit, read in batches."""
        after: Place | None = None
        while most > 0:
            page = await self.page(query, after, min(EXPORT_BATCH, most))
            for entry in page.entries:
                yield entry
            most -= len(page.entries)
            after = page.after
            if after is None:
                return

    async def record(
        self, actor: str, action: str, *, target: str | None = None, reason: str | None = None, detail: str | None = None,
        account_no: str | None = None,
    ) -> None:
        """Add an entry about something that changed nothing in the database, such as looking at a phone number."""
        async with self._db.begin() as session:
            record(session, self._clock, actor, action, account_no, detail=detail, target=target, reason=reason)


def _conditions(query: AuditQuery) -> list[ColumnElement[bool]]:
    exact = {
        AuditEntry.actor: query.actor, AuditEntry.action: query.action, AuditEntry.outcome: query.outcome,
        AuditEntry.account_no: query.account_no, AuditEntry.target: query.target,
    }
    found: list[ColumnElement[bool]] = [column == value for column, value in exact.items() if value]
    if query.since:
        found.append(AuditEntry.at >= query.since)
    if query.until:
        found.append(AuditEntry.at < query.until)
    return found


def _behind(after: Place | None) -> list[ColumnElement[bool]]:
    if after is None:
        return []
    return [or_(AuditEntry.at < after.at, and_(AuditEntry.at == after.at, AuditEntry.id < after.id))]
