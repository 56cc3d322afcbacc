"""The applications dialogue and service over a real database, with fakes for the outside systems."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import select

from actions import runtime
from runxia.bootstrap import Services
from runxia.clock import SHANGHAI, FixedClock
from runxia.utility import load_utility
from services.accounts import Accounts
from services.applications import Applications
from services.billing import Billing
from services.media import MediaStore
from services.secrets import Secrets
from store import crypto
from store.db import Database
from store.kv import MemoryStore
from store.models import Base, Binding, Customer, Outbox, VerifiedSession
from tests.fakes import FakeCsms, FakeSms, number_of, sample_csms
from tests.unit.accounts.talk import OPENID, Talk
from tests.unit.applications.desk import FakeDesk

ROOT = Path(__file__).parents[3]


@dataclass
class Counter:
    """A customer, and what stands behind them."""

    talk: Talk
    csms: FakeCsms
    desk: FakeDesk
    service: Applications
    media: MediaStore
    db: Database
    clock: FixedClock

    async def bind(self, *roles: str, openid: str = OPENID, proven: bool = True) -> None:
        """Bind accounts by role, proven just now; the first is the default."""
        now = self.clock.now()
        async with self.db.begin() as session:
            session.add(Customer(openid=openid, created_at=now, last_seen_at=now))
            await session.flush()
            for place, role in enumerate(roles):
                account = self.csms.accounts[number_of(role)]
                session.add(
                    Binding(
                        openid=openid, account_no=account.account_no, alias=None, owner=account.owner,
                        address=account.address, is_default=place == 0, created_at=now,
                    ),
                )
                if proven:
                    session.add(
                        VerifiedSession(openid=openid, account_no=account.account_no, until=now + timedelta(minutes=30)),
                    )

    async def say(self, text: str, intent: str = "inform", **entities: Any) -> str:
        """What the bot answers."""
        return await self.talk.say(text, intent, **entities)

    async def photo(self, openid: str = OPENID) -> str:
        """A photo in the media store; its id."""
        return await self.media.keep(openid, "image", b"\xff\xd8\xff picture", "image/jpeg")

    async def told(self) -> list[tuple[str, str]]:
        """What waits in the outbox: intent and payload."""
        async with self.db.read() as session:
            return [(row.kind, row.payload) for row in await session.scalars(select(Outbox).order_by(Outbox.id))]


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    """Nothing bound yet."""
    crypto.use(crypto.KeyRing({"k1": bytes(range(32))}))
    db = Database(f"sqlite:///{tmp_path / 'talk.db'}")
    async with db.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    clock = FixedClock(datetime(2026, 11, 2, 9, 30, tzinfo=SHANGHAI))
    utility, csms, kv, desk = load_utility(ROOT / "utility.yml"), sample_csms(), MemoryStore(clock), FakeDesk(clock)
    accounts, billing = Accounts(db, kv, csms, FakeSms(), clock, utility), Billing(csms, clock, utility)
    media = MediaStore(db, clock, tmp_path)
    service = Applications(db, desk, csms, accounts, billing, media, clock, utility)
    services = cast(Services, SimpleNamespace(
        utility=utility, clock=clock, db=db, kv=kv, csms=csms, accounts=accounts, billing=billing, applications=service,
        secrets=Secrets(kv),
    ))
    runtime.use(services)
    yield Counter(Talk(services), csms, desk, service, media, db, clock)
    runtime.use(None)
    await db.close()


def day(when: date, until: date | None = None) -> dict[str, object]:
    """The value component's entity for a day."""
    return {"from": when.isoformat(), "to": (until or when).isoformat(), "part": None, "text": f"{when.month}月{when.day}日"}
