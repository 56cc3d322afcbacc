"""The payments dialogue over the real services, with fakes for the outside systems."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from actions import runtime
from runxia.bootstrap import Services
from runxia.clock import SHANGHAI, FixedClock
from runxia.utility import load_utility
from services.accounts import Accounts
from services.payments import Payments
from services.secrets import Secrets
from store import crypto
from store.db import Database
from store.kv import MemoryStore
from store.models import Base, Binding, Customer
from tests.fakes import FakeCsms, FakePay, FakeSms, number_of, sample_csms
from tests.unit.accounts.talk import OPENID, Talk

ROOT = Path(__file__).parents[3]


@dataclass
class Counter:
    """A customer with bound accounts, and what stands behind them."""

    talk: Talk
    csms: FakeCsms
    pay: FakePay
    payments: Payments
    db: Database
    clock: FixedClock

    async def bind(self, *roles: str, **aliases: str) -> None:
        """Bind accounts by role; the first is the default. Aliases by role."""
        now = self.clock.now()
        async with self.db.begin() as session:
            session.add(Customer(openid=OPENID, created_at=now, last_seen_at=now))
            await session.flush()
            for place, role in enumerate(roles):
                account = self.csms.accounts[number_of(role)]
                session.add(
                    Binding(
                        openid=OPENID, account_no=account.account_no, alias=aliases.get(role), owner=account.owner,
                        address=account.address, is_default=place == 0, created_at=now,
                    ),
                )

    async def say(self, text: str, intent: str = "pay_bill", **entities: Any) -> str:
        """What the bot answers."""
        return await self.talk.say(text, intent, **entities)

    @property
    def chosen(self) -> list[tuple[str, str]]:
        """Role-less account tail and month of the bills in question."""
        return [(line["account_no"][-2:], line["period"]) for line in self.talk.slots.get("pay_lines") or []]

    @property
    def months(self) -> list[str]:
        """The months in question."""
        return [period for _, period in self.chosen]


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    """Nothing bound yet."""
    crypto.use(crypto.KeyRing({"k1": bytes(range(32))}))
    db = Database(f"sqlite:///{tmp_path / 'talk.db'}")
    async with db.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    clock = FixedClock(datetime(2026, 11, 2, 9, 30, tzinfo=SHANGHAI))
    utility, csms, pay, kv = load_utility(ROOT / "utility.yml"), sample_csms(), FakePay(), MemoryStore(clock)
    payments = Payments(db, csms, pay, clock, utility, link_key=b"link" * 8, public_base_url="https://water.example")
    services = cast(Services, SimpleNamespace(
        utility=utility, clock=clock, db=db, kv=kv, csms=csms, payments=payments, secrets=Secrets(kv),
        accounts=Accounts(db, kv, csms, FakeSms(), clock, utility),
    ))
    runtime.use(services)
    yield Counter(Talk(services), csms, pay, payments, db, clock)
    runtime.use(None)
    await db.close()


def month(period: str, *, excluded: bool = False, text: str = "") -> dict[str, object]:
    """The value component's entity for one month, ``2026-08``."""
    return {
        "from": f"{period}-01", "to": f"{period}-28", "text": text or f"{int(period[5:])}月", "grain": "month",
        "exclude": excluded,
    }
