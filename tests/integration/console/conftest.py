"""Staff services on a database of each kind, with mail and text messages that land in lists."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from runxia.clock import SHANGHAI, FixedClock
from runxia.utility import load_utility
from services.errors import SystemUnavailable
from services.staff import Newcomer, Profile, Role, StaffServices, Visit, passwords, staff_services
from store import crypto
from store.db import Database
from store.models import Base
from tests.databases import postgres_database

PASSWORD = "Yun-Shan-Water7"
OFFICE = Visit("10.0.0.8", "Chrome · Windows", "office-browser-token-0001")


@dataclass
class Post:
    """Mail and text messages."""

    mails: list[tuple[str, str, str]] = field(default_factory=list)
    codes: list[tuple[str, str]] = field(default_factory=list)
    down: bool = False

    async def send(self, to: str, subject: str, text: str) -> None:
        """See :class:`services.ports.Mail`."""
        if self.down:
            raise SystemUnavailable("mail")
        self.mails.append((to, subject, text))

    async def send_code(self, phone: str, code: str, minutes: int) -> None:
        """See :class:`services.ports.Sms`."""
        if self.down:
            raise SystemUnavailable("sms")
        self.codes.append((phone, code))

    def mailed_code(self) -> str:
        """The code in the newest mail."""
        found = re.search(r"\d{6}", self.mails[-1][2])
        assert found
        return found[0]


@dataclass
class World:
    """The services and what is behind them."""

    staff: StaffServices
    db: Database
    clock: FixedClock
    post: Post

    async def settle(self) -> None:
        """Wait for mails under way."""
        await self.staff.background.settle()

    async def hire(self, login: str, role: Role = Role.AGENT, *, must_change: bool = False) -> int:
        """Somebody with an account; the id."""
        profile = Profile(f"员工{login}", f"{login}@water.example", "13900010001")
        await self.staff.roster.seed([Newcomer(login, PASSWORD, role, profile, must_change)])
        return next(each.id for each in await self.staff.roster.everybody() if each.login == login)


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that cost next to nothing: tests/unit/staff looks at the real ones."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", quick)
    monkeypatch.setattr(passwords, "_NOBODY", quick.hash("nobody"))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'runxia.db'}"
        return
    with postgres_database() as made:
        yield made


@pytest.fixture
async def world(url: str) -> AsyncIterator[World]:
    """Services over an empty database."""
    crypto.use(crypto.KeyRing({"k1": bytes(range(32))}))
    db, clock, post = Database(url), FixedClock(datetime(2026, 11, 2, 9, 30, tzinfo=SHANGHAI)), Post()
    async with db.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    world = World(staff_services(db, clock, load_utility(Path("utility.yml")), post, post), db, clock, post)
    yield world
    await world.settle()
    await db.close()
