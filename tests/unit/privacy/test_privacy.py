"""What is stored about a customer: all of it is known, can be had, and goes when asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from runxia.clock import SHANGHAI, FixedClock
from runxia.utility import load_utility
from services.accounts import Accounts
from services.errors import LinkInvalid, NotVerified, SystemUnavailable
from services.floor import Floor
from services.media import MediaStore
from services.payments.base import OrderState
from services.privacy import ERASED, KEPT, PASSING, Eraser, Privacy
from store import crypto
from store.db import Database
from store.kv import MemoryStore
from store.models import AnswerRating, AuditEntry, Base, Binding, Customer, Erasure, Message, PayOrder, VerifiedSession
from tests.fakes import FakeSms, sample_csms

ROOT = Path(__file__).parents[3]
ME, OTHER = "oMe", "oOther"
ACCOUNT = "1000000001"


@dataclass
class FakeDialogue:
    """The dialogue engine's memory."""

    forgotten: list[str] = field(default_factory=list)
    before: list[datetime] = field(default_factory=list)
    down: bool = False

    async def forget(self, openid: str) -> None:
        if self.down:
            raise SystemUnavailable("rasa")
        self.forgotten.append(openid)

    async def forget_before(self, moment: datetime) -> int:
        self.before.append(moment)
        return 3


@dataclass
class Bureau:
    """The service and what is around it."""

    privacy: Privacy
    eraser: Eraser
    dialogue: FakeDialogue
    media: MediaStore
    db: Database
    clock: FixedClock

    async def count(self, model: type[Base], openid: str = ME) -> int:
        async with self.db.read() as session:
            return len((await session.scalars(select(model).where(model.openid == openid))).all())  # type: ignore[attr-defined]


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    crypto.use(crypto.KeyRing({"k1": bytes(range(32))}))
    clock = FixedClock(datetime(2026, 11, 2, 9, 30, tzinfo=SHANGHAI))
    db = Database(f"sqlite:///{tmp_path / 'runxia.db'}")
    async with db.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    utility, kv, dialogue = load_utility(ROOT / "utility.yml"), MemoryStore(clock), FakeDialogue()
    accounts = Accounts(db, kv, sample_csms(), FakeSms(), clock, utility)
    privacy = Privacy(
        db, accounts, clock, utility, link_key=b"k" * 32, public_base_url="https://wx.example/", data_dir=tmp_path,
    )
    eraser = Eraser(db, clock, utility, dialogue, Floor(kv), tmp_path)
    yield Bureau(privacy, eraser, dialogue, MediaStore(db, clock, tmp_path), db, clock)
    await db.close()


async def settle_in(bureau: Bureau, openid: str = ME, *, proven: bool = True) -> str:
    """A customer with a bound account, a conversation, a photo, a rating and a paid order; the photo's id."""
    now = bureau.clock.now()
    async with bureau.db.begin() as session:
        session.add(Customer(openid=openid, created_at=now, last_seen_at=now))
        await session.flush()
        session.add(Binding(
            openid=openid, account_no=ACCOUNT, owner="林小满", address="滨江区云栖路88号3栋502室", is_default=True,
            created_at=now,
        ))
        if proven:
            session.add(VerifiedSession(openid=openid, account_no=ACCOUNT, until=now + timedelta(minutes=30)))
        for number, state in enumerate(("answered", "received")):
            session.add(Message(
                key=f"{openid}{number}", openid=openid, direction="in", kind="text", content='{"text": "水费多少"}',
                state=state, attempts=0, created_at=now,
            ))
        session.add(AnswerRating(openid=openid, entry="meter_read", message_id=1, score=5, comment="", created_at=now))
        session.add(PayOrder(
            out_trade_no=f"RX{openid}", openid=openid, amount_fen=3900, state=OrderState.SETTLED, excess="refund",
            link_nonce="n", created_at=now, expires_at=now,
        ))
    return await bureau.media.keep(openid, "image", b"\xff\xd8\xff photo", "image/jpeg")


def test_every_table_about_customers_is_of_a_known_kind() -> None:
    about = {table.name for table in Base.metadata.sorted_tables if "openid" in table.c}
    assert about <= set(ERASED) | set(KEPT) | set(PASSING), "say in services/privacy.py what becomes of the new table"


async def test_all_that_is_stored_is_counted_and_handed_out(bureau: Bureau) -> None:
    await settle_in(bureau)
    counts = await bureau.privacy.counts(ME)
    assert counts == {"身份验证状态": 1, "绑定的户号": 1, "照片和录音": 1, "聊天记录": 2, "评价": 1, "缴费订单": 1}
    token = (await bureau.privacy.link(ME)).rpartition("/")[2]
    holdings = {each.name: each.rows for each in await bureau.privacy.export(token, ME)}
    assert holdings["binding"][0]["owner"] == "林小满"
    assert holdings["message"][0]["content"] == {"text": "水费多少"}
    assert holdings["pay_order"][0]["amount_fen"] == 3900
    assert "openid" not in holdings["message"][0]


async def test_accounts_that_are_not_proven_are_masked(bureau: Bureau) -> None:
    await settle_in(bureau, proven=False)
    token = (await bureau.privacy.link(ME)).rpartition("/")[2]
    binding = next(each for each in await bureau.privacy.export(token, ME) if each.name == "binding")
    assert "林小满" not in str(binding.rows)
    assert "502" not in str(binding.rows)


async def test_a_link_is_only_for_whom_it_was_made_and_for_a_while(bureau: Bureau) -> None:
    token = (await bureau.privacy.link(ME)).rpartition("/")[2]
    for broken, openid, why in ((token, OTHER, "foreign"), ("x", ME, "forged"), (token[:-1] + "~", ME, "foreign")):
        with pytest.raises(LinkInvalid) as refused:
            await bureau.privacy.export(broken, openid)
        assert refused.value.why == why
    bureau.clock.moment = bureau.clock.now() + timedelta(minutes=31)
    with pytest.raises(LinkInvalid) as late:
        await bureau.privacy.export(token, ME)
    assert late.value.why == "expired"


async def test_deletion_keeps_what_the_law_requires_and_what_is_others(bureau: Bureau, tmp_path: Path) -> None:
    await settle_in(bureau)
    await settle_in(bureau, OTHER)
    assert await bureau.privacy.erase(ME)
    for model, left in ((Binding, 0), (AnswerRating, 0), (VerifiedSession, 0), (Message, 1), (PayOrder, 1)):
        assert await bureau.count(model) == left, model
    assert await bureau.count(Binding, OTHER) == 1
    assert await bureau.count(Message, OTHER) == 2
    assert len([path for path in (tmp_path / "media").rglob("*") if path.is_file()]) == 1
    async with bureau.db.read() as session:
        audit = (await session.scalars(select(AuditEntry).where(AuditEntry.actor == ME))).all()
    assert [entry.action for entry in audit] == ["erase_data"]


async def test_deletion_twice_does_no_harm(bureau: Bureau) -> None:
    await settle_in(bureau)
    assert await bureau.privacy.erase(ME)
    assert not await bureau.privacy.erase(ME)
    assert await bureau.count(Erasure) == 1


async def test_deletion_needs_a_proof_where_an_account_is_bound(bureau: Bureau) -> None:
    await settle_in(bureau, proven=False)
    with pytest.raises(NotVerified):
        await bureau.privacy.erase(ME)
    assert await bureau.count(Binding) == 1


async def test_the_worker_finishes_once_the_conversation_is_over(bureau: Bureau) -> None:
    await settle_in(bureau)
    await bureau.privacy.erase(ME)
    assert await bureau.eraser.finish_due() == 0
    bureau.clock.moment = bureau.clock.now() + timedelta(seconds=61)
    bureau.dialogue.down = True
    assert await bureau.eraser.finish_due() == 0
    assert await bureau.count(Erasure) == 1
    bureau.dialogue.down = False
    assert await bureau.eraser.finish_due() == 1
    assert bureau.dialogue.forgotten == [ME]
    assert await bureau.count(Erasure) == 0
    assert await bureau.eraser.finish_due() == 0


async def test_what_was_kept_long_enough_goes(bureau: Bureau, tmp_path: Path) -> None:
    await settle_in(bureau)
    assert await bureau.eraser.prune() == 3
    bureau.clock.moment = bureau.clock.now() + timedelta(days=181)
    assert await bureau.eraser.prune() == 2 + 1 + 3
    assert await bureau.count(Message) == 0
    assert await bureau.count(Binding) == 1
    assert not [path for path in (tmp_path / "media").rglob("*") if path.is_file()]
    assert bureau.dialogue.before[-1] == bureau.clock.now() - timedelta(days=180)
