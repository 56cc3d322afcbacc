"""An office over a database of each kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from runxia.clock import SHANGHAI, FixedClock
from runxia.utility import load_utility
from services.delivery import Delivery
from services.desk.desk import Desk
from services.desk.sending import Sending
from services.desk.takeover import Takeover
from services.floor import Floor
from services.handover import Handovers
from services.media import MediaStore
from services.payments import Payments
from services.prompts import Prompts
from services.quota import Quota
from store import crypto
from store.db import Database
from store.kv import MemoryStore
from store.models import Base
from tests.databases import postgres_database
from tests.fakes import FakePay, sample_csms
from tests.unit.desk.office import Bot, Chat, Heard, Office

ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'runxia.db'}"
        return
    with postgres_database() as made:
        yield made


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    crypto.use(crypto.KeyRing({"k1": bytes(range(32))}))
    database = Database(url)
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield database
    await database.close()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 2, 9, 30, tzinfo=SHANGHAI))


@pytest.fixture
async def office(db: Database, clock: FixedClock, tmp_path: Path) -> Office:
    utility = load_utility(ROOT / "utility.yml")
    live, chat, bot, csms = Heard(), Chat(), Bot(), sample_csms()
    desk = Desk.over(db, clock, utility, live)
    kv, quota, media = MemoryStore(clock), Quota(db, clock), MediaStore(db, clock, tmp_path)
    delivery = Delivery(db, clock, chat, bot, media, Floor(kv), Prompts(kv), quota, {})
    takeover = Takeover(db, clock, desk.roster, live, delivery)
    payments = Payments(db, csms, FakePay(), clock, utility, link_key=b"k", public_base_url="https://u.example")
    await desk.ledger.open()
    return Office(
        db=db, clock=clock, utility=utility, chat=chat, bot=bot, live=live, csms=csms, desk=desk, delivery=delivery,
        handovers=Handovers(db, clock, utility, desk.roster, live), quota=quota, takeover=takeover, payments=payments,
        media=media,
        sending=Sending(db, clock, utility, delivery, quota, takeover, desk.ledger, payments, media, live),
    )
