"""The account service: what it allows, what it refuses, and what happens when things happen at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from sqlalchemy import select

from runxia.clock import FixedClock
from runxia.utility import Utility
from services.accounts import Accounts, Purpose
from services.accounts.accounts import LOOK_UPS
from services.errors import (
    AliasRefused,
    AlreadyBound,
    ClosedAccount,
    CodeTooSoon,
    ExpiredCode,
    Locked,
    NoPassword,
    NoPhone,
    NotBound,
    NotVerified,
    ServiceError,
    SystemUnavailable,
    TooManyBindings,
    TooManyCodes,
    TooManyLookUps,
    UnknownAccount,
    WeakPassword,
    WrongProof,
)
from services.ports import BillType
from store.db import Database
from store.kv import MemoryStore
from store.models import AuditEntry, Binding, SmsChallenge, VerifiedSession
from tests.fakes import PASSWORD, PHONE, FakeCsms, FakeSms, account, number_of

ME, OTHER = "oMe", "oOther"
ORDINARY = number_of("ordinary")
A, B = number_of("neighbour_a"), number_of("neighbour_b")
NEIGHBOURS_PHONE = "13900000003"


async def bind(accounts: Accounts, *numbers: str, openid: str = ME) -> None:
    for number in numbers:
        await accounts.prove_by_password(openid, number, PASSWORD)
    await accounts.bind(openid, numbers)


async def outcomes(*calls: Awaitable[Any]) -> list[Any]:
    """What calls made at once return or raise."""
    return list(await asyncio.gather(*calls, return_exceptions=True))


# --- codes


async def test_a_code_proves_every_account_of_that_phone(accounts: Accounts, sms: FakeSms) -> None:
    await bind(accounts, ORDINARY)
    assert await accounts.send_code(ME, A) == "139****0003"
    assert await accounts.prove_by_code(ME, A, sms.code(NEIGHBOURS_PHONE), also=[B, number_of("arrears")]) == [A, B]
    assert await accounts.is_proven(ME, B)
    assert not await accounts.is_proven(ME, number_of("arrears"))
    assert not await accounts.is_proven(OTHER, A)


async def test_codes_are_kept_as_hashes_and_phones_encrypted(accounts: Accounts, sms: FakeSms, db: Database) -> None:
    await accounts.send_code(ME, ORDINARY)
    async with db.engine.connect() as connection:
        row = (await connection.exec_driver_sql("SELECT code_hash, phone FROM sms_challenge")).one()
    assert row.code_hash.startswith("$argon2id$")
    assert sms.code() not in row.code_hash
    assert PHONE not in row.phone


async def test_a_code_works_once_even_at_the_same_moment(accounts: Accounts, sms: FakeSms) -> None:
    await accounts.send_code(ME, ORDINARY)
    code = sms.code()
    results = await outcomes(*(accounts.prove_by_code(ME, ORDINARY, code) for _ in range(2)))
    assert sorted(type(each).__name__ for each in results) == ["ExpiredCode", "list"]
    with pytest.raises(ExpiredCode):
        await accounts.prove_by_code(ME, ORDINARY, code)


async def test_a_code_expires_and_the_newest_counts(accounts: Accounts, sms: FakeSms, clock: FixedClock) -> None:
    await accounts.send_code(ME, ORDINARY)
    first = sms.code()
    clock.advance(minutes=5)
    with pytest.raises(ExpiredCode):
        await accounts.prove_by_code(ME, ORDINARY, first)
    await accounts.send_code(ME, ORDINARY)
    while sms.code() == first:
        clock.advance(minutes=2)
        await accounts.send_code(ME, ORDINARY)
    with pytest.raises(ExpiredCode):
        await accounts.prove_by_code(ME, ORDINARY, first)
    assert await accounts.prove_by_code(ME, ORDINARY, sms.code()) == [ORDINARY]


async def test_a_code_that_was_never_sent_is_no_guess(accounts: Accounts) -> None:
    for _ in range(5):
        with pytest.raises(ExpiredCode):
            await accounts.prove_by_code(ME, ORDINARY, "123456")


async def test_a_code_is_good_for_its_purpose_only(accounts: Accounts, sms: FakeSms) -> None:
    await bind(accounts, ORDINARY)
    await accounts.send_code(ME, ORDINARY, Purpose.EMAIL)
    with pytest.raises(ExpiredCode):
        await accounts.change_phone(ME, ORDINARY, "13800000009", sms.code())


async def test_a_code_is_no_good_when_the_phone_on_file_has_changed(accounts: Accounts, sms: FakeSms, csms: FakeCsms) -> None:
    await accounts.send_code(ME, ORDINARY)
    csms.accounts[ORDINARY] = account(ORDINARY, phone="13800000009")
    with pytest.raises(ExpiredCode):
        await accounts.prove_by_code(ME, ORDINARY, sms.code())
    assert not await accounts.is_proven(ME, ORDINARY)


async def test_one_code_a_minute_even_when_asked_at_once(accounts: Accounts, sms: FakeSms, clock: FixedClock) -> None:
    results = await outcomes(*(accounts.send_code(ME, ORDINARY) for _ in range(4)))
    assert len(sms.sent) == 1
    assert sum(isinstance(each, CodeTooSoon) for each in results) == 3
    clock.advance(seconds=59)
    with pytest.raises(CodeTooSoon) as too_soon:
        await accounts.send_code(ME, ORDINARY)
    assert (too_soon.value.seconds, too_soon.value.phone) == (1, "139****0001")
    clock.advance(seconds=1)
    await accounts.send_code(ME, ORDINARY)


async def test_ten_codes_a_day_for_a_customer_and_for_strangers_to_an_account(accounts: Accounts, clock: FixedClock) -> None:
    await bind(accounts, ORDINARY, openid="oHolder")
    for _ in range(10):
        await accounts.send_code(ME, ORDINARY)
        clock.advance(minutes=1)
    for openid, number in ((ME, A), (OTHER, ORDINARY)):
        with pytest.raises(TooManyCodes):
            await accounts.send_code(openid, number)
    await accounts.send_code("oHolder", ORDINARY)
    clock.advance(days=1)
    await accounts.send_code(ME, A)


async def test_a_code_that_could_not_be_sent_does_not_count(accounts: Accounts, sms: FakeSms) -> None:
    sms.failures.append(SystemUnavailable("sms"))
    with pytest.raises(SystemUnavailable):
        await accounts.send_code(ME, ORDINARY)
    await accounts.send_code(ME, ORDINARY)


async def test_no_phone_no_code(accounts: Accounts) -> None:
    with pytest.raises(NoPhone):
        await accounts.send_code(ME, number_of("no_phone"))


# --- wrong tries


async def test_three_wrong_tries_of_either_kind_lock_for_thirty_minutes(
    accounts: Accounts, sms: FakeSms, clock: FixedClock,
) -> None:
    await accounts.send_code(ME, ORDINARY)
    wrong = f"{(int(sms.code()) + 1) % 1_000_000:06d}"
    with pytest.raises(WrongProof) as first:
        await accounts.prove_by_code(ME, ORDINARY, wrong)
    assert first.value.tries_left == 2
    with pytest.raises(WrongProof):
        await accounts.prove_by_password(ME, ORDINARY, "Wrong1pass")
    with pytest.raises(Locked):
        await accounts.prove_by_code(ME, ORDINARY, wrong)
    for attempt in (
        accounts.prove_by_code(ME, ORDINARY, sms.code()), accounts.prove_by_password(ME, ORDINARY, PASSWORD),
        accounts.send_code(ME, ORDINARY),
    ):
        with pytest.raises(Locked):
            await attempt
    clock.advance(minutes=29)
    with pytest.raises(Locked):
        await accounts.prove_by_password(ME, ORDINARY, PASSWORD)
    clock.advance(minutes=1)
    assert await accounts.prove_by_password(ME, ORDINARY, PASSWORD) == [ORDINARY]


async def test_guesses_made_at_once_are_counted_one_by_one(accounts: Accounts, csms: FakeCsms) -> None:
    results = await outcomes(*(accounts.prove_by_password(ME, ORDINARY, f"Wrong1pass{place}") for place in range(8)))
    assert all(isinstance(each, (WrongProof, Locked)) for each in results)
    assert sum(name == "check_password" for name, _ in csms.calls) == 3


async def test_a_lock_is_one_customers_and_one_accounts(accounts: Accounts) -> None:
    for _ in range(2):
        with pytest.raises(WrongProof):
            await accounts.prove_by_password(ME, ORDINARY, "Wrong1pass")
    with pytest.raises(Locked):
        await accounts.prove_by_password(ME, ORDINARY, "Wrong1pass")
    assert await accounts.prove_by_password(OTHER, ORDINARY, PASSWORD)
    assert await accounts.prove_by_password(ME, A, PASSWORD)


async def test_wrong_tries_are_forgotten_with_success_and_with_time(accounts: Accounts, clock: FixedClock) -> None:
    async def two_wrong() -> None:
        for _ in range(2):
            with pytest.raises(WrongProof):
                await accounts.prove_by_password(ME, ORDINARY, "Wrong1pass")

    await two_wrong()
    await accounts.prove_by_password(ME, ORDINARY, PASSWORD)
    await two_wrong()
    clock.advance(minutes=31)
    await two_wrong()


async def test_csms_down_is_no_wrong_try(accounts: Accounts, csms: FakeCsms) -> None:
    original = csms.check_password

    async def down(account_no: str, password: str) -> bool:
        raise SystemUnavailable("csms")

    csms.check_password = down  # type: ignore[method-assign]
    for _ in range(4):
        with pytest.raises(SystemUnavailable):
            await accounts.prove_by_password(ME, ORDINARY, PASSWORD)
    csms.check_password = original  # type: ignore[method-assign]
    assert await accounts.prove_by_password(ME, ORDINARY, PASSWORD)


async def test_an_account_without_password_takes_none(accounts: Accounts) -> None:
    with pytest.raises(NoPassword):
        await accounts.prove_by_password(ME, number_of("no_password"), PASSWORD)


# --- sessions


async def test_a_session_ends(accounts: Accounts, clock: FixedClock) -> None:
    await bind(accounts, ORDINARY)
    clock.advance(minutes=29)
    assert await accounts.is_verified(ME, ORDINARY)
    clock.advance(minutes=1)
    assert not await accounts.is_verified(ME, ORDINARY)


async def test_a_bound_device_may_see_but_not_change(
    db: Database, csms: FakeCsms, sms: FakeSms, clock: FixedClock, utility: Utility,
) -> None:
    trusting = utility.model_copy(
        update={"security": utility.security.model_copy(update={"sensitive_rule": "bound_device"})},
    )
    accounts = Accounts(db, MemoryStore(clock), csms, sms, clock, trusting)
    await bind(accounts, ORDINARY)
    clock.advance(days=1)
    assert await accounts.is_verified(ME, ORDINARY)
    assert not await accounts.is_verified(ME, A)
    assert not await accounts.is_proven(ME, ORDINARY)
    with pytest.raises(NotVerified):
        await accounts.set_password(ME, ORDINARY, "Qing7Shui8")


# --- looking up and binding


async def test_a_look_up_shows_no_more_than_its_owner_needs(accounts: Accounts) -> None:
    shown = await accounts.look_up(ME, ORDINARY)
    assert (shown.owner, shown.phone, shown.has_password) == ("林*满", "139****0001", True)
    assert "502" not in shown.address


@pytest.mark.parametrize(
    ("number", "refusal"), [("1999999999", UnknownAccount), (number_of("closed"), ClosedAccount), (A, AlreadyBound)],
)
async def test_refuses_to_look_up(accounts: Accounts, number: str, refusal: type[ServiceError]) -> None:
    await bind(accounts, A)
    with pytest.raises(refusal):
        await accounts.look_up(ME, number)


async def test_nobody_walks_through_the_account_numbers(accounts: Accounts) -> None:
    for place in range(LOOK_UPS):
        with pytest.raises(UnknownAccount):
            await accounts.look_up(ME, f"19{place:08d}")
    with pytest.raises(TooManyLookUps):
        await accounts.look_up(ME, ORDINARY)
    assert await accounts.look_up(OTHER, ORDINARY)


async def test_binds_only_what_is_proven(accounts: Accounts) -> None:
    await accounts.prove_by_password(ME, A, PASSWORD)
    with pytest.raises(NotVerified):
        await accounts.bind(ME, [A, B])
    assert await accounts.bindings(ME) == []


async def test_binding_again_changes_nothing(accounts: Accounts) -> None:
    await bind(accounts, A)
    await accounts.bind(ME, [A])
    assert [each.account_no for each in await accounts.bindings(ME)] == [A]


async def test_binding_at_once_makes_one_binding_and_one_default(accounts: Accounts) -> None:
    for number in (A, B):
        await accounts.prove_by_password(ME, number, PASSWORD)
    await outcomes(*(accounts.bind(ME, [number]) for number in (A, B, A, B)))
    bound = await accounts.bindings(ME)
    assert {each.account_no for each in bound} == {A, B}
    assert [each.is_default for each in bound] == [True, False]


async def test_as_many_bindings_as_the_rules_allow(accounts: Accounts, csms: FakeCsms, utility: Utility) -> None:
    mine = [f"20000000{place:02d}" for place in range(utility.limits.accounts_per_customer + 1)]
    for number in mine:
        csms.accounts[number] = account(number)
        csms.passwords[number] = PASSWORD
    await bind(accounts, *mine[:-1])
    with pytest.raises(TooManyBindings) as mine_full:
        await bind(accounts, mine[-1])
    assert mine_full.value.whose == "customer"
    for place in range(utility.limits.customers_per_account):
        await bind(accounts, A, openid=f"oFriend{place}")
    with pytest.raises(TooManyBindings) as its_full:
        await accounts.look_up(OTHER, A)
    assert its_full.value.whose == "account"


async def test_csms_down_binds_nothing(accounts: Accounts, csms: FakeCsms) -> None:
    await accounts.prove_by_password(ME, A, PASSWORD)
    csms.down = True
    with pytest.raises(SystemUnavailable):
        await accounts.bind(ME, [A])
    csms.down = False
    assert await accounts.bindings(ME) == []


async def test_personal_data_is_encrypted_and_shown_masked(accounts: Accounts, db: Database) -> None:
    await bind(accounts, ORDINARY)
    async with db.engine.connect() as connection:
        row = (await connection.exec_driver_sql("SELECT owner, address FROM binding")).one()
    assert "林小满" not in row.owner
    assert "云栖路" not in row.address
    assert (await accounts.bindings(ME))[0].owner == "林*满"


# --- choosing


async def test_picks_by_number_alias_tail_focus_and_default(accounts: Accounts) -> None:
    await bind(accounts, ORDINARY, A, B)
    await accounts.set_alias(ME, A, "爸妈家")
    await accounts.set_alias(ME, B, "爸妈家隔壁")
    picks = [
        await accounts.pick(ME, [B], "爸妈家"), await accounts.pick(ME, [], "查下爸妈家的水费", ORDINARY),
        await accounts.pick(ME, [], "爸妈家隔壁多少钱"), await accounts.pick(ME, [], f"尾号{B[-4:]}的"),
        await accounts.pick(ME, [], "水费", A), await accounts.pick(ME, [], "水费", "1999999999"), await accounts.pick(ME, []),
    ]
    assert [each.account_no for each in picks] == [B, A, B, B, A, ORDINARY, ORDINARY]


async def test_never_picks_what_is_not_bound(accounts: Accounts) -> None:
    with pytest.raises(NotBound):
        await accounts.pick(ME, [], "水费")
    await bind(accounts, A)
    with pytest.raises(NotBound):
        await accounts.pick(ME, [A, B])


async def test_the_default_moves_when_it_is_unbound(accounts: Accounts, db: Database) -> None:
    await bind(accounts, A, B)
    await accounts.set_default(ME, B)
    left = await accounts.unbind(ME, B)
    assert left is not None
    assert (left.account_no, left.is_default) == (A, True)
    assert await accounts.unbind(ME, A) is None
    with pytest.raises(NotBound):
        await accounts.unbind(ME, A)
    async with db.read() as session:
        assert (await session.scalars(select(Binding))).all() == []
        assert (await session.scalars(select(VerifiedSession))).all() == []


async def test_an_alias_is_one_customers_own(accounts: Accounts) -> None:
    await bind(accounts, A, B)
    await bind(accounts, A, openid=OTHER)
    assert (await accounts.set_alias(ME, A, " “爸妈家” ")).label == "爸妈家"
    await accounts.set_alias(OTHER, A, "爸妈家")
    with pytest.raises(AliasRefused) as refused:
        await accounts.set_alias(ME, B, "爸妈家")
    assert refused.value.rule == "taken"
    await accounts.set_alias(ME, A, "爸妈家")


# --- what CSMS holds


async def test_changes_the_phone_only_to_the_one_that_got_the_code(accounts: Accounts, sms: FakeSms, csms: FakeCsms) -> None:
    await bind(accounts, ORDINARY)
    assert await accounts.send_code(ME, ORDINARY, Purpose.PHONE, "13800000009") == "138****0009"
    with pytest.raises(ExpiredCode):
        await accounts.change_phone(ME, ORDINARY, "13800000010", sms.code("13800000009"))
    await accounts.change_phone(ME, ORDINARY, "13800000009", sms.code("13800000009"))
    assert csms.accounts[ORDINARY].phone == "13800000009"


async def test_another_phone_need_not_wait_for_the_first(accounts: Accounts, sms: FakeSms) -> None:
    await bind(accounts, ORDINARY)
    await accounts.send_code(ME, ORDINARY, Purpose.PHONE, "13800000009")
    await accounts.send_code(ME, ORDINARY, Purpose.PHONE, "13800000010")
    assert [phone for phone, _, _ in sms.sent] == ["13800000009", "13800000010"]


async def test_a_change_that_csms_did_not_take_can_be_made_with_the_same_code(
    accounts: Accounts, sms: FakeSms, csms: FakeCsms,
) -> None:
    await bind(accounts, ORDINARY)
    await accounts.send_code(ME, ORDINARY, Purpose.EMAIL)
    csms.lost_answer = True
    with pytest.raises(SystemUnavailable):
        await accounts.change_email(ME, ORDINARY, "a@b.cn", sms.code())
    await accounts.change_email(ME, ORDINARY, "a@b.cn", sms.code())
    assert csms.accounts[ORDINARY].email == "a@b.cn"


async def test_changes_nothing_without_binding_or_proof(accounts: Accounts, clock: FixedClock, csms: FakeCsms) -> None:
    with pytest.raises(NotBound):
        await accounts.set_bill_type(ME, ORDINARY, BillType.BOTH)
    await bind(accounts, ORDINARY)
    clock.advance(minutes=31)
    for change in (
        accounts.set_bill_type(ME, ORDINARY, BillType.BOTH), accounts.set_password(ME, ORDINARY, "Qing7Shui8"),
        accounts.change_phone(ME, ORDINARY, "13800000009", "123456"), accounts.change_email(ME, ORDINARY, "a@b.cn", "123456"),
    ):
        with pytest.raises(NotVerified):
            await change
    assert not {name for name, _ in csms.calls} & {"set_bill_type", "set_password", "set_contact"}


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("a1b2c3d", "length"), ("a1" * 11, "length"), ("abcdefgh", "mix"), ("12345678", "mix"), ("密码abc12345", "mix"),
        ("abc 12345", "mix"), (f"a{ORDINARY}", "account"), (f"{PHONE}x", "account"), ("aaaaaaa1", "repeated"),
    ],
)
async def test_weak_passwords_are_refused(accounts: Accounts, csms: FakeCsms, password: str, rule: str) -> None:
    await bind(accounts, ORDINARY)
    with pytest.raises(WeakPassword) as weak:
        await accounts.set_password(ME, ORDINARY, password)
    assert weak.value.rule == rule
    assert csms.passwords[ORDINARY] == PASSWORD


# --- records


async def test_the_audit_log_tells_all_and_holds_nothing_personal(accounts: Accounts, sms: FakeSms, db: Database) -> None:
    await accounts.look_up(ME, ORDINARY)
    await accounts.send_code(ME, ORDINARY)
    with pytest.raises(WrongProof):
        await accounts.prove_by_password(ME, ORDINARY, "Wrong1pass")
    await accounts.prove_by_code(ME, ORDINARY, sms.code())
    await accounts.bind(ME, [ORDINARY])
    await accounts.set_password(ME, ORDINARY, "Qing7Shui8")
    await accounts.unbind(ME, ORDINARY)
    async with db.read() as session:
        entries = list(await session.scalars(select(AuditEntry).order_by(AuditEntry.id)))
    assert [(each.action, each.outcome) for each in entries] == [
        ("look_up", "ok"), ("send_code", "ok"), ("verify", "wrong_password"), ("verify", "ok"), ("bind", "ok"),
        ("set_password", "ok"), ("unbind", "ok"),
    ]
    told = repr([vars(each) for each in entries])
    assert not any(secret in told for secret in (PHONE, sms.code(), "Wrong1pass", "Qing7Shui8", "林小满"))


async def test_prune_keeps_what_rules_look_at(accounts: Accounts, clock: FixedClock, db: Database) -> None:
    await accounts.send_code(ME, ORDINARY)
    await accounts.prove_by_password(ME, A, PASSWORD)
    assert await accounts.prune() == 0
    clock.advance(minutes=31)
    assert await accounts.prune() == 1  # the session
    clock.advance(days=3)
    assert await accounts.prune() == 1  # the code
    async with db.read() as session:
        assert (await session.scalars(select(SmsChallenge))).all() == []
