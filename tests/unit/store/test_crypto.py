"""Field encryption: what it refuses, and what it leaves in the database."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from runxia.clock import FixedClock
from store import crypto
from store.crypto import CryptoError, KeyRing
from store.db import Database
from store.models import ConversationRecord
from tests.unit.store.conftest import NEW_KEY, OLD_KEY


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_was_encrypted_can_be_read_in_its_own_place(value: bytes, context: str) -> None:
    ring = KeyRing({"k1": OLD_KEY})
    assert ring.decrypt(ring.encrypt(value, context), context) == value


def test_the_same_value_never_looks_the_same_twice(ring: KeyRing) -> None:
    assert ring.encrypt(b"13900000001", "a.phone") != ring.encrypt(b"13900000001", "a.phone")


def test_a_value_copied_to_another_column_cannot_be_read(ring: KeyRing) -> None:
    with pytest.raises(CryptoError, match=r"binding\.address"):
        ring.decrypt(ring.encrypt("林小满".encode(), "binding.owner"), "binding.address")


@pytest.mark.parametrize("place", [0, 5, 20, -1])
def test_a_changed_value_cannot_be_read(ring: KeyRing, place: int) -> None:
    key_id, _, body = ring.encrypt(b"secret of some length", "a.b").partition(".")
    raw = bytearray(base64.b64decode(body))
    raw[place] ^= 1
    with pytest.raises(CryptoError):
        ring.decrypt(f"{key_id}.{base64.b64encode(raw).decode()}", "a.b")


@pytest.mark.parametrize("stored", ["", "k1", "k1.", "k1.AAAA", "k1.not base64", "k9.AAAA", "plain text"])
def test_what_we_did_not_encrypt_cannot_be_read(ring: KeyRing, stored: str) -> None:
    with pytest.raises(CryptoError):
        ring.decrypt(stored, "a.b")


def test_a_value_of_a_key_that_was_taken_away_names_the_key(ring: KeyRing) -> None:
    with pytest.raises(CryptoError, match="'k1'"):
        KeyRing({"k2": NEW_KEY}).decrypt(ring.encrypt(b"x", "a.b"), "a.b")


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    old = KeyRing({"k1": OLD_KEY})
    both = KeyRing({"k2": NEW_KEY, "k1": OLD_KEY})
    before = old.encrypt(b"x", "a.b")
    after = both.encrypt(b"x", "a.b")
    assert both.decrypt(before, "a.b") == both.decrypt(after, "a.b") == b"x"
    assert (both.is_current(before), both.is_current(after)) == (False, True)


@pytest.mark.parametrize(
    "setting",
    ["", "k1", "k1:short", f"k1:{base64.b64encode(b'x' * 16).decode()}", "k1:%%%", f":{'A' * 43}=", f"a.b:{'A' * 43}="],
)
def test_a_field_key_that_is_no_key_is_refused_at_start(setting: str) -> None:
    with pytest.raises(CryptoError, match="FIELD_KEY"):
        KeyRing.parse(setting)


def test_an_error_never_tells_the_key() -> None:
    with pytest.raises(CryptoError) as caught:
        KeyRing.parse("k1:bm90IHRoaXJ0eS10d28gYnl0ZXM=")
    assert "bm90IHRo" not in str(caught.value)


async def test_the_database_holds_no_plain_text(db: Database, clock: FixedClock) -> None:
    async with db.begin() as session:
        now = clock.now()
        session.add(ConversationRecord(
            openid="o1", reason="我要投诉", state="waiting", last_at=now, last_by="customer", created_at=now,
        ))
    async with db.read() as session:
        stored = await session.scalar(text("SELECT reason FROM conversation"))
    assert stored is not None
    assert stored.startswith("k1.")
    assert "投诉" not in stored


def test_a_process_that_set_no_keys_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crypto, "_ring", None)
    with pytest.raises(CryptoError, match=r"store\.crypto\.use"):
        crypto.ring()
