"""What customers want to be told of unasked, and when not; and who wants to hear of something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from runxia.utility import Range, Utility
from services.audit import record
from services.errors import NotBound, OutOfRange
from services.outages import Outages, Place
from services.website import OutageNotice
from store.db import Database, insert_for
from store.models import Binding, Customer, NotifySetting, QuietTime, Subscription

FEN = 100


class Topic(StrEnum):
    """What can be subscribed to."""

    OUTAGE = "outage"
    QUALITY = "quality"


@dataclass(frozen=True, slots=True)
class Reminders:
    """When a customer wants a word about an account; none: not wanted."""

    overuse_volume: Decimal | None = None  # m³ in one billing period
    overuse_fen: int | None = None
    pay_days: int | None = None
    balance_fen: int | None = None

    def __bool__(self) -> bool:
        return self != Reminders()


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which nothing is sent unasked; over midnight where the end is before the start."""

    starts: time
    ends: time

    def end_after(self, at: datetime) -> datetime:
        """The moment from which one may write: ``at`` itself outside the quiet hours, else their end."""
        clock = at.timetz().replace(tzinfo=None)
        over_midnight = self.starts > self.ends
        quiet = clock >= self.starts or clock < self.ends if over_midnight else self.starts <= clock < self.ends
        if not quiet:
            return at
        day = at.date() + timedelta(days=1 if over_midnight and clock >= self.starts else 0)
        return datetime.combine(day, self.ends, at.tzinfo)


@dataclass(frozen=True, slots=True)
class Change:
    """What a customer sets; none leaves a setting as it is."""

    overuse_volume: Decimal | None = None
    overuse_fen: int | None = None
    pay_days: int | None = None
    balance_fen: int | None = None
    quiet: Quiet | None = None

    def __bool__(self) -> bool:
        return self != Change()


@dataclass(frozen=True, slots=True)
class Overview:
    """All that a customer has set: by account number, and the quiet hours."""

    topics: dict[str, frozenset[Topic]]
    reminders: dict[str, Reminders]
    quiet: Quiet | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is set at all."""
        return not (any(self.topics.values()) or any(self.reminders.values()) or self.quiet)


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Someone to be told, and for which account; ``address`` is whole, to be compared with and never to be shown."""

    openid: str
    account_no: str
    address: str


class Subscriptions:
    """Subscriptions and notification settings, kept for each customer and account."""

    def __init__(self, db: Database, clock: Clock, utility: Utility, outages: Outages) -> None:
        self._db = db
        self._clock = clock
        self._rules = utility.notifications
        self._outages = outages

    # --- topics

    async def subscribe(self, openid: str, topics: Iterable[Topic], account_nos: Sequence[str]) -> bool:
        """Tell this customer of the topics for these accounts; whether any of it is new.

        Raises:
            NotBound: one of the accounts is not this customer's.
        """
        new = False
        async with self._db.begin() as session:
            await _require_bound(session, openid, account_nos)
            for topic in topics:
                for account_no in account_nos:
                    row = insert_for(session, Subscription).values(
                        openid=openid, account_no=account_no, topic=topic, created_at=self._clock.now(),
                    )
                    row = row.on_conflict_do_nothing(index_elements=["openid", "account_no", "topic"])
                    written = await session.execute(row.returning(Subscription.topic))
                    if written.scalar_one_or_none() is not None:
                        new = True
                        record(session, self._clock, openid, f"subscribe_{topic}", account_no)
        return new

    async def unsubscribe(self, openid: str, topics: Iterable[Topic], account_nos: Sequence[str]) -> bool:
        """No longer tell this customer of the topics for these accounts; whether that changes anything."""
        async with self._db.begin() as session:
            rows = await session.execute(
                delete(Subscription)
                .where(
                    Subscription.openid == openid, Subscription.account_no.in_(account_nos),
                    Subscription.topic.in_(list(topics)),
                )
                .returning(Subscription.account_no, Subscription.topic),
            )
            gone = rows.tuples().all()
            for account_no, topic in gone:
                record(session, self._clock, openid, f"unsubscribe_{topic}", account_no)
        return bool(gone)

    # --- settings

    def check(self, change: Change) -> None:
        """Whether the rules allow it.

        Raises:
            OutOfRange: a value is beyond what they allow; of quiet hours, when they have no length.
        """
        _check("overuse_volume", change.overuse_volume, self._rules.overuse_volume)
        _check("overuse_fen", change.overuse_fen, self._rules.overuse_yuan, FEN)
        _check("pay_days", change.pay_days, self._rules.pay_days)
        _check("balance_fen", change.balance_fen, self._rules.balance_yuan, FEN)
        if change.quiet and change.quiet.starts == change.quiet.ends:
            raise OutOfRange("quiet", 0, 23)

    async def change(self, openid: str, account_nos: Sequence[str], change: Change) -> None:
        """Set what ``change`` names for these accounts, and the quiet hours for the customer.

        Raises:
            NotBound: one of the accounts is not this customer's.
            OutOfRange: see :meth:`check`.
        """
        self.check(change)
        given = {
            name: value for name in ("overuse_volume", "overuse_fen", "pay_days", "balance_fen")
            if (value := getattr(change, name)) is not None
        }
        async with self._db.begin() as session:
            await _require_bound(session, openid, account_nos)
            for account_no in account_nos if given else ():
                await self._set(session, openid, account_no, given)
            if change.quiet:
                await self._set_quiet(session, openid, change.quiet)

    async def reset(self, openid: str, settings: Iterable[str], account_nos: Sequence[str]) -> bool:
        """Switch off ``settings`` (fields of :class:`Reminders`, or ``quiet``); whether that changes anything."""
        names = set(settings)
        before = await self.overview(openid)
        had = [
            account_no for account_no in account_nos
            if any(getattr(before.reminders.get(account_no, Reminders()), name) is not None for name in names - {"quiet"})
        ]
        quiet = "quiet" in names and before.quiet is not None
        async with self._db.begin() as session:
            for account_no in had:
                await self._set(session, openid, account_no, dict.fromkeys(names - {"quiet"}))
            if quiet:
                await session.execute(delete(QuietTime).where(QuietTime.openid == openid))
        return bool(had) or quiet

    async def overview(self, openid: str) -> Overview:
        """All that a customer has set."""
        async with self._db.read() as session:
            topics: dict[str, frozenset[Topic]] = {}
            for row in await session.scalars(select(Subscription).where(Subscription.openid == openid)):
                topics[row.account_no] = topics.get(row.account_no, frozenset()) | {Topic(row.topic)}
            rows = await session.scalars(select(NotifySetting).where(NotifySetting.openid == openid))
            reminders = {row.account_no: _reminders(row) for row in rows}
            quiet = await _quiet(session, openid)
        return Overview(topics, reminders, quiet)

    async def not_before(self, openid: str, at: datetime) -> datetime:
        """The first moment from ``at`` on at which this customer may be written to unasked: ``enqueue``'s ``not_before``."""
        async with self._db.read() as session:
            quiet = await _quiet(session, openid)
        return quiet.end_after(at) if quiet else at

    # --- who is to be told

    async def subscribers(self, topic: Topic) -> list[Subscriber]:
        """Everybody who wants to hear of a topic and still follows the official account."""
        query = (
            select(Binding)
            .join(
                Subscription,
                (Subscription.openid == Binding.openid) & (Subscription.account_no == Binding.account_no),
            )
            .join(Customer, Customer.openid == Binding.openid)
            .where(Subscription.topic == topic, Customer.subscribed)
            .order_by(Binding.id)
        )
        async with self._db.read() as session:
            return [Subscriber(each.openid, each.account_no, each.address) for each in await session.scalars(query)]

    async def to_be_told_of(self, notice: OutageNotice) -> list[Subscriber]:
        """The subscribers whose address an outage concerns."""
        return [
            each for each in await self.subscribers(Topic.OUTAGE)
            if self._outages.concerns(notice, Place.parse(each.address, self._outages.districts))
        ]

    async def _set(self, session: AsyncSession, openid: str, account_no: str, given: dict[str, Decimal | int | None]) -> None:
        now = self._clock.now()
        row = insert_for(session, NotifySetting).values(openid=openid, account_no=account_no, changed_at=now, **given)
        await session.execute(
            row.on_conflict_do_update(index_elements=["openid", "account_no"], set_={**given, "changed_at": now}),
        )
        record(session, self._clock, openid, "notify_settings", account_no)

    async def _set_quiet(self, session: AsyncSession, openid: str, quiet: Quiet) -> None:
        values = {"starts": quiet.starts, "ends": quiet.ends, "changed_at": self._clock.now()}
        row = insert_for(session, QuietTime).values(openid=openid, **values)
        await session.execute(row.on_conflict_do_update(index_elements=["openid"], set_=values))
        record(session, self._clock, openid, "quiet_hours")


def merged(first: Change, second: Change) -> Change:
    """Both changes; where both name a setting, the second."""
    names = ("overuse_volume", "overuse_fen", "pay_days", "balance_fen", "quiet")
    return replace(first, **{name: value for name in names if (value := getattr(second, name)) is not None})


def _check(setting: str, value: Decimal | int | None, allowed: Range, unit: int = 1) -> None:
    if value is not None and not allowed.lowest * unit <= value <= allowed.highest * unit:
        raise OutOfRange(setting, allowed.lowest, allowed.highest)


async def _require_bound(session: AsyncSession, openid: str, account_nos: Sequence[str]) -> None:
    rows = await session.scalars(select(Binding.account_no).where(Binding.openid == openid))
    if not set(account_nos) <= set(rows):
        raise NotBound


async def _quiet(session: AsyncSession, openid: str) -> Quiet | None:
    row = await session.scalar(select(QuietTime).where(QuietTime.openid == openid))
    return Quiet(row.starts, row.ends) if row else None


def _reminders(row: NotifySetting) -> Reminders:
    return Reminders(row.overuse_volume, row.overuse_fen, row.pay_days, row.balance_fen)
