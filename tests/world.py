"""The state around a conversation: the sandbox as new, and accounts bound without a dialogue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import SystemClock
from store import crypto
from store.db import Database
from store.models import (
    AutoPayContract,
    Binding,
    Customer,
    Entry,
    Lockout,
    NotifySetting,
    QuietTime,
    SmsChallenge,
    Subscription,
    VerifiedSession,
)
from tests.stack import Stack

SESSION = timedelta(minutes=30)


async def fixture(stack: Stack, http: httpx.AsyncClient) -> dict[str, Mapping[str, Any]]:
    """The fixture's accounts by role; of a role that several share, the first."""
    answer = await http.get(f"{stack.sandbox_url}/sandbox/fixture")
    answer.raise_for_status()
    accounts: dict[str, Mapping[str, Any]] = {}
    for account in answer.json()["accounts"]:
        accounts.setdefault(account["role"], account)
    return accounts


async def as_new(stack: Stack, http: httpx.AsyncClient) -> None:
    """Put the clock, the billing system's data and the faults back, and unbind everybody."""
    for what, body in (("clock", {"now": SystemClock().now().isoformat()}), ("reset", {})):  # the data end at the clock's month
        answer = await http.post(f"{stack.sandbox_url}/sandbox/{what}", json=body, timeout=30)
        answer.raise_for_status()
    async with _database(stack) as db, db.begin() as session:
        for proofs in (VerifiedSession, SmsChallenge, Lockout):
            await session.execute(delete(proofs))
        for kept in (AutoPayContract, Binding):
            await session.execute(delete(kept))
        for told in (QuietTime, Subscription, NotifySetting):
            await session.execute(delete(told))
        await session.execute(delete(Entry).where(Entry.key.startswith("website:")))  # what was read there before


async def kept_settings(stack: Stack, openid: str) -> dict[str, Any]:
    """What a customer has set: by account number a sorted list such as ``[outage, pay_days=5]``, and ``quiet``."""
    found: dict[str, Any] = {}
    async with _database(stack) as db, db.read() as session:
        for row in await session.scalars(select(Subscription).where(Subscription.openid == openid)):
            found.setdefault(row.account_no, []).append(row.topic)
        for settings in await session.scalars(select(NotifySetting).where(NotifySetting.openid == openid)):
            values = {name: getattr(settings, name) for name in ("overuse_volume", "overuse_fen", "pay_days", "balance_fen")}
            said = [f"{name}={Decimal(value).normalize():f}" for name, value in values.items() if value is not None]
            if said:
                found.setdefault(settings.account_no, []).extend(said)
        for quiet in await session.scalars(select(QuietTime).where(QuietTime.openid == openid)):
            found["quiet"] = f"{quiet.starts:%H:%M}-{quiet.ends:%H:%M}"
    return {key: sorted(value) if isinstance(value, list) else value for key, value in found.items()}


async def bind(stack: Stack, openid: str, accounts: Sequence[Mapping[str, Any]]) -> None:
    """Bind accounts to a customer, verified just now; the first is the default."""
    now = SystemClock().now()
    async with _database(stack) as db, db.begin() as session:
        if await session.scalar(select(Customer).where(Customer.openid == openid)) is None:
            session.add(Customer(openid=openid, created_at=now, last_seen_at=now))
            await session.flush()
        for place, account in enumerate(accounts):
            _bind(session, openid, account, is_default=place == 0)


async def bind_each(stack: Stack, accounts: Mapping[str, Mapping[str, Any]]) -> None:
    """Bind one account to each of many new customers."""
    now = SystemClock().now()
    async with _database(stack) as db, db.begin() as session:
        session.add_all(Customer(openid=openid, created_at=now, last_seen_at=now) for openid in accounts)
        await session.flush()
        for openid, account in accounts.items():
            _bind(session, openid, account, is_default=True)


def _bind(session: AsyncSession, openid: str, account: Mapping[str, Any], *, is_default: bool) -> None:
    now = SystemClock().now()
    session.add(
        Binding(
            openid=openid, account_no=account["account_no"], owner=account["owner"], address=account["address"],
            is_default=is_default, created_at=now,
        ),
    )
    session.add(VerifiedSession(openid=openid, account_no=account["account_no"], until=now + SESSION))


@asynccontextmanager
async def _database(stack: Stack) -> AsyncIterator[Database]:
    crypto.use(crypto.KeyRing.parse(stack.env["FIELD_KEY"]))
    db = Database(stack.env["DATABASE_URL"])
    try:
        yield db
    finally:
        await db.close()
