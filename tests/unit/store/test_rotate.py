"""Key rotation: everything, in batches, resumable, beside writers."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text

from runxia.clock import FixedClock
from store import crypto
from store.crypto import CryptoError, KeyRing, media_context
from store.db import Database
from store.models import Binding, ConversationRecord, Customer, Media, VerifiedSession
from store.rotate import rotate
from tests.unit.store.conftest import NEW_KEY, OLD_KEY

BOTH = KeyRing({"k2": NEW_KEY, "k1": OLD_KEY})
PHOTO = b"\xff\xd8\xff a photo"


def waiting(openid: str, reason: str, now: datetime) -> ConversationRecord:
    return ConversationRecord(
        openid=openid, reason=reason, state="waiting", last_at=now, last_by="customer", created_at=now,
    )


async def _fill(db: Database, folder: Path, now: datetime) -> None:
    async with db.begin() as session:
        for number in range(7):
            session.add(Customer(openid=f"o{number}", created_at=now, last_seen_at=now))
            session.add(waiting(f"o{number}", f"第{number}个", now))
        await session.flush()
        session.add(
            Binding(
                openid="o1", account_no="1000000001", alias=None, owner="林小满", address="云栖路88号",
                created_at=now,
            ),
        )
        session.add(VerifiedSession(openid="o1", account_no="1000000001", until=now))
        session.add(
            Media(
                id="ab", openid="o1", kind="image", content_type="image/jpeg", size=len(PHOTO), path="media/ab", created_at=now,
            ),
        )
    (folder / "media").mkdir()
    (folder / "media" / "ab").write_text(crypto.ring().encrypt(PHOTO, media_context("ab")), "ascii")


async def _keys(db: Database) -> set[str]:
    async with db.read() as session:
        stored = await session.scalars(text("SELECT reason FROM conversation UNION ALL SELECT owner FROM binding"))
        return {value.partition(".")[0] for value in stored}


async def test_everything_gets_the_new_key_and_stays_readable(db: Database, tmp_path: Path, clock: FixedClock) -> None:
    await _fill(db, tmp_path, clock.now())
    counts = await rotate(db, BOTH, tmp_path, batch=3)
    assert {place: count for place, count in counts.items() if count} == {
        "conversation.reason": 7, "binding.owner": 1, "binding.address": 1, "media files": 1,
    }
    assert await _keys(db) == {"k2"}
    only_new = KeyRing({"k2": NEW_KEY})
    crypto.use(only_new)
    async with db.read() as session:
        reasons = (await session.scalars(select(ConversationRecord.reason))).all()
        assert sorted(map(str, reasons)) == [f"第{number}个" for number in range(7)]
        assert (await session.scalars(select(Binding.alias))).all() == [None]
    assert only_new.decrypt((tmp_path / "media" / "ab").read_text(), media_context("ab")) == PHOTO


async def test_a_second_run_finds_nothing_to_do(db: Database, tmp_path: Path, clock: FixedClock) -> None:
    await _fill(db, tmp_path, clock.now())
    await rotate(db, BOTH, tmp_path)
    assert not any((await rotate(db, BOTH, tmp_path)).values())


async def test_a_run_that_was_broken_off_is_taken_up(db: Database, tmp_path: Path, clock: FixedClock) -> None:
    await _fill(db, tmp_path, clock.now())
    async with db.begin() as session:
        await session.execute(text("UPDATE conversation SET reason = 'k0.AAAA' WHERE openid = 'o4'"))
    with pytest.raises(CryptoError, match="'k0'"):
        await rotate(db, BOTH, tmp_path, batch=2)
    assert await _keys(db) == {"k0", "k1", "k2"}
    async with db.begin() as session:
        await session.execute(text("DELETE FROM conversation WHERE openid = 'o4'"))
    await rotate(db, BOTH, tmp_path, batch=2)
    assert await _keys(db) == {"k2"}
