"""The knowledge base as it is, over a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from actions import runtime
from runxia.bootstrap import Services
from runxia.clock import SHANGHAI, FixedClock
from runxia.faq import read_faq
from runxia.utility import load_utility
from services.knowledge import Knowledge
from store import crypto
from store.db import Database
from store.models import Base

ROOT = Path(__file__).parents[3]


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still."""
    return FixedClock(datetime(2026, 11, 2, 9, 30, tzinfo=SHANGHAI))


@pytest.fixture
async def knowledge(tmp_path: Path, clock: FixedClock) -> AsyncIterator[Knowledge]:
    """The service, open to actions too."""
    crypto.use(crypto.KeyRing({"k1": bytes(range(32))}))
    db = Database(f"sqlite:///{tmp_path / 'runxia.db'}")
    async with db.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    utility = load_utility(ROOT / "utility.yml")
    service = Knowledge(db, clock, utility, read_faq(ROOT / "data/faq"))
    runtime.use(cast(Services, SimpleNamespace(utility=utility, clock=clock, knowledge=service)))
    yield service
    runtime.use(None)
    await db.close()
