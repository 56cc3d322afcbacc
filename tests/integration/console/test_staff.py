"""Signing in, sessions, forgotten passwords and administering staff, on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio

import pyotp
import pytest
from sqlalchemy import text

from services.audit import AuditQuery
from services.errors import (
    LoginRefused,
    LoginTaken,
    StaffRefused,
    UnknownStaff,
    WeakStaffPassword,
    WrongCode,
    WrongPassword,
)
from services.staff import Entered, Profile, Role, Signed, Stage, Visit
from tests.integration.console.conftest import OFFICE, PASSWORD, World

NEW = "Yun-Qi-Road-88"


async def enter(
    world: World, login: str = "lin", password: str = PASSWORD, visit: Visit = OFFICE, *, remember: bool = False,
) -> Entered:
    return await world.staff.logins.enter(login, password, visit, remember=remember)


async def signed(world: World, entered: Entered) -> Signed:
    found = await world.staff.sessions.find(entered.token)
    assert found is not None
    return found


async def outcomes(world: World, action: str) -> list[str]:
    return [each.outcome for each in (await world.staff.audit.page(AuditQuery(action=action))).entries]


# --- signing in


async def test_the_right_password_opens_a_session(world: World) -> None:
    await world.hire("lin", Role.SUPERVISOR)
    who = await signed(world, await enter(world, " LIN "))
    assert (who.member.login, who.member.role, who.stage) == ("lin", Role.SUPERVISOR, Stage.OPEN)
    assert await outcomes(world, "login") == ["ok"]


@pytest.mark.parametrize(("login", "password"), [("lin", "wrong"), ("nobody", PASSWORD), ("lin", ""), ("", "")])
async def test_what_is_wrong_is_not_told(world: World, login: str, password: str) -> None:
    await world.hire("lin")
    with pytest.raises(LoginRefused):
        await enter(world, login, password)


async def test_wrong_passwords_lock_the_account_for_a_while_and_its_owner_is_told(world: World) -> None:
    await world.hire("lin")
    for _ in range(5):
        with pytest.raises(LoginRefused):
            await enter(world, password="wrong")
    with pytest.raises(LoginRefused):
        await enter(world)
    await world.settle()
    assert [subject for _, subject, _ in world.post.mails] == ["【临江水务客服工作台】账号已锁定"]
    world.clock.advance(minutes=16)
    await enter(world)


async def test_guesses_made_at_once_cannot_outrun_the_lock(world: World) -> None:
    await world.hire("lin")
    await asyncio.gather(*(enter(world, password=f"wrong-{n}") for n in range(12)), return_exceptions=True)
    assert (await outcomes(world, "login")).count("wrong_password") == 5
    with pytest.raises(LoginRefused):
        await enter(world)


async def test_a_new_browser_is_told_to_the_owner_and_the_first_one_is_not(world: World) -> None:
    await world.hire("lin")
    first = await enter(world, visit=Visit("10.0.0.8", "Chrome · Windows"))
    known = Visit("10.0.0.9", "Chrome · Windows", first.device_token)
    await enter(world, visit=known)
    await world.settle()
    assert world.post.mails == []
    await enter(world, visit=Visit("203.0.113.7", "Safari · iPhone"))
    await world.settle()
    to, subject, body = world.post.mails[0]
    assert (to, subject) == ("lin@water.example", "【临江水务客服工作台】新的登录地点")
    assert "Safari · iPhone" in body
    assert "203.0.113.7" in body


async def test_a_dead_mail_server_keeps_nobody_out(world: World) -> None:
    await world.hire("lin")
    await enter(world)
    world.post.down = True
    await enter(world, visit=Visit("203.0.113.7", "Safari · iPhone"))
    await world.settle()


# --- sessions


async def test_an_unused_session_ends_and_a_remembered_one_does_not(world: World) -> None:
    await world.hire("lin")
    ordinary, remembered = await enter(world), await enter(world, remember=True)
    assert (ordinary.lasts, remembered.lasts is not None) == (None, True)
    world.clock.advance(minutes=61)
    assert await world.staff.sessions.find(ordinary.token) is None
    assert await world.staff.sessions.find(remembered.token) is not None
    world.clock.advance(days=14)
    assert await world.staff.sessions.find(remembered.token) is None


async def test_a_session_in_use_lasts_a_working_day_and_no_longer(world: World) -> None:
    await world.hire("lin")
    entered = await enter(world)
    for _ in range(23):
        world.clock.advance(minutes=30)
        assert await world.staff.sessions.find(entered.token) is not None
    world.clock.advance(minutes=31)
    assert await world.staff.sessions.find(entered.token) is None


async def test_the_token_itself_is_stored_nowhere(world: World) -> None:
    await world.hire("lin")
    entered = await enter(world)
    async with world.db.read() as session:
        stored = str((await session.execute(text("SELECT * FROM staff_session"))).all())
        stored += str((await session.execute(text("SELECT * FROM staff_device"))).all())
        people = str((await session.execute(text("SELECT * FROM staff"))).all())
    assert entered.token not in stored
    assert entered.device_token not in stored
    assert "lin@water.example" not in people
    assert "13900010001" not in people


async def test_sessions_are_listed_and_ended_by_their_owner_only(world: World) -> None:
    await world.hire("lin")
    await world.hire("jiang")
    here, there = await signed(world, await enter(world)), await enter(world, visit=Visit("1.2.3.4", "Safari · iPhone"))
    stranger = await signed(world, await enter(world, "jiang"))
    other = (await signed(world, there)).session_id
    assert {each.id for each in await world.staff.sessions.of(here.member.id)} == {here.session_id, other}
    with pytest.raises(UnknownStaff):
        await world.staff.sessions.end(stranger.member, other)
    await world.staff.sessions.end(here.member, other)
    assert await world.staff.sessions.find(there.token) is None
    with pytest.raises(UnknownStaff):
        await world.staff.sessions.end(here.member, other)


async def test_old_sessions_and_codes_are_forgotten(world: World) -> None:
    await world.hire("lin")
    await enter(world)
    assert await world.staff.sessions.prune() == 0
    world.clock.advance(days=60)
    assert await world.staff.sessions.prune() == 1


# --- the second step


async def set_up(world: World, login: str = "lin") -> tuple[Signed, pyotp.TOTP]:
    who = await signed(world, await enter(world, login))
    draft = await world.staff.own.start_totp(who.member, PASSWORD)
    app = pyotp.TOTP(draft.secret)
    await world.staff.own.confirm_totp(who.member, who.session_id, app.at(world.clock.now()))
    world.clock.advance(minutes=2)
    return who, app


async def test_the_second_step_is_asked_for_and_its_session_is_a_new_one(world: World) -> None:
    await world.hire("lin")
    _, app = await set_up(world)
    half = await enter(world)
    assert half.stage is Stage.TOTP
    who = await signed(world, half)
    whole = await world.staff.logins.second_step(who, app.at(world.clock.now()), OFFICE, trust=False)
    assert (await signed(world, whole)).stage is Stage.OPEN
    assert await world.staff.sessions.find(half.token) is None


async def test_a_code_cannot_be_used_twice_and_wrong_ones_lock(world: World) -> None:
    await world.hire("lin")
    _, app = await set_up(world)
    code = app.at(world.clock.now())
    await world.staff.logins.second_step(await signed(world, await enter(world)), code, OFFICE, trust=False)
    half = await signed(world, await enter(world))
    for _ in range(5):
        with pytest.raises(WrongCode):
            await world.staff.logins.second_step(half, code, OFFICE, trust=False)
    world.clock.advance(minutes=1)
    with pytest.raises(WrongCode):
        await world.staff.logins.second_step(half, app.at(world.clock.now()), OFFICE, trust=False)


async def test_one_code_used_at_once_in_two_places_opens_one_session(world: World) -> None:
    await world.hire("lin")
    _, app = await set_up(world)
    halves = [await signed(world, await enter(world)) for _ in range(2)]
    code = app.at(world.clock.now())
    results = await asyncio.gather(
        *(world.staff.logins.second_step(half, code, OFFICE, trust=False) for half in halves), return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in results) == ["Entered", "WrongCode"]


async def test_a_trusted_browser_is_not_asked_until_the_password_changes(world: World) -> None:
    await world.hire("lin")
    _, app = await set_up(world)
    half = await signed(world, await enter(world))
    await world.staff.logins.second_step(half, app.at(world.clock.now()), OFFICE, trust=True)
    again = await enter(world)
    assert again.stage is Stage.OPEN
    assert (await enter(world, visit=Visit("1.2.3.4", "Chrome · Linux", "another-browser-0000002"))).stage is Stage.TOTP
    who = await signed(world, again)
    await world.staff.own.change_password(who.member, who.session_id, PASSWORD, NEW)
    assert (await enter(world, password=NEW)).stage is Stage.TOTP


async def test_a_half_session_ends_after_five_minutes(world: World) -> None:
    await world.hire("lin")
    await set_up(world)
    half = await enter(world)
    world.clock.advance(minutes=6)
    assert await world.staff.sessions.find(half.token) is None


async def test_setting_up_needs_the_password_and_a_right_code(world: World) -> None:
    await world.hire("lin")
    who = await signed(world, await enter(world))
    with pytest.raises(WrongPassword):
        await world.staff.own.start_totp(who.member, "wrong")
    with pytest.raises(WrongCode):
        await world.staff.own.confirm_totp(who.member, who.session_id, "123456")
    await world.staff.own.start_totp(who.member, PASSWORD)
    with pytest.raises(WrongCode):
        await world.staff.own.confirm_totp(who.member, who.session_id, "000000")
    assert (await enter(world)).stage is Stage.OPEN


async def test_the_second_step_can_be_given_up_with_the_password(world: World) -> None:
    await world.hire("lin")
    who, _ = await set_up(world)
    await world.staff.own.stop_totp(who.member, PASSWORD)
    assert (await enter(world)).stage is Stage.OPEN


# --- passwords


async def test_a_new_password_ends_the_sessions_elsewhere(world: World) -> None:
    await world.hire("lin", must_change=True)
    here, there = await enter(world), await enter(world)
    who = await signed(world, here)
    assert who.member.must_change
    await world.staff.own.change_password(who.member, who.session_id, PASSWORD, NEW)
    assert not (await signed(world, here)).member.must_change
    assert await world.staff.sessions.find(there.token) is None
    with pytest.raises(LoginRefused):
        await enter(world)


@pytest.mark.parametrize(("current", "new", "error"), [
    ("wrong", NEW, WrongPassword), (PASSWORD, PASSWORD, WeakStaffPassword), (PASSWORD, "short", WeakStaffPassword),
])
async def test_a_bad_change_of_password_is_refused(world: World, current: str, new: str, error: type[Exception]) -> None:
    await world.hire("lin")
    who = await signed(world, await enter(world))
    with pytest.raises(error):
        await world.staff.own.change_password(who.member, who.session_id, current, new)
    await enter(world)


async def ask(world: World, channel: str = "mail", login: str = "lin") -> None:
    world.staff.recovery.ask(login, channel)  # type: ignore[arg-type]
    await world.settle()


async def test_a_forgotten_password_is_set_anew_by_mail_and_lifts_the_lock(world: World) -> None:
    await world.hire("lin")
    entered = await enter(world)
    for _ in range(5):
        with pytest.raises(LoginRefused):
            await enter(world, password="wrong")
    await ask(world)
    await world.staff.recovery.reset("lin", world.post.mailed_code(), NEW)
    assert await world.staff.sessions.find(entered.token) is None
    await enter(world, password=NEW)


async def test_a_code_by_text_message_is_good_once(world: World) -> None:
    await world.hire("lin")
    await ask(world, "sms")
    phone, code = world.post.codes[0]
    assert phone == "13900010001"
    await world.staff.recovery.reset("LIN", code, NEW)
    with pytest.raises(WrongCode):
        await world.staff.recovery.reset("lin", code, "Yet-Another-91")


async def test_codes_are_few_short_lived_and_not_to_be_guessed(world: World) -> None:
    await world.hire("lin")
    await ask(world, "sms")
    await ask(world, "sms")
    assert len(world.post.codes) == 1, "a second one within the minute"
    code = world.post.codes[0][1]
    wrong = "0" * 6 if code != "0" * 6 else "1" * 6
    for _ in range(5):
        with pytest.raises(WrongCode):
            await world.staff.recovery.reset("lin", wrong, NEW)
    with pytest.raises(WrongCode):
        await world.staff.recovery.reset("lin", code, NEW)
    for _ in range(10):
        world.clock.advance(minutes=2)
        await ask(world, "sms")
    assert len(world.post.codes) == 5, "a day's worth"
    world.clock.advance(minutes=11)
    with pytest.raises(WrongCode):
        await world.staff.recovery.reset("lin", world.post.codes[-1][1], NEW)


async def test_nobody_learns_who_has_an_account(world: World) -> None:
    staff_id = await world.hire("lin")
    await ask(world, login="nobody")
    await world.hire("boss", Role.ADMIN)
    await world.staff.roster.disable("boss", staff_id, "离职了")
    await ask(world)
    assert world.post.mails == []
    with pytest.raises(WrongCode):
        await world.staff.recovery.reset("nobody", "123456", NEW)


async def test_a_code_that_could_not_be_sent_keeps_no_other_waiting(world: World) -> None:
    await world.hire("lin")
    world.post.down = True
    await ask(world)
    world.post.down = False
    await ask(world)
    assert len(world.post.mails) == 1
    assert sorted(await outcomes(world, "send_staff_code")) == ["ok", "ok", "unavailable"]


async def test_a_weak_new_password_does_not_use_the_code_up(world: World) -> None:
    await world.hire("lin")
    await ask(world)
    with pytest.raises(WeakStaffPassword):
        await world.staff.recovery.reset("lin", world.post.mailed_code(), "weak")
    await world.staff.recovery.reset("lin", world.post.mailed_code(), NEW)


# --- administering


async def test_a_new_account_has_a_first_password_that_must_be_changed(world: World) -> None:
    password = await world.staff.roster.create("boss", "Zhou", Role.TRAINER, Profile("周宁"))
    who = await signed(world, await enter(world, "zhou", password))
    assert who.member.must_change
    with pytest.raises(LoginTaken):
        await world.staff.roster.create("boss", "zhou", Role.AGENT, Profile("周二"))


@pytest.mark.parametrize(("login", "profile", "why"), [
    ("a", Profile("林"), "bad_login"), ("林小溪", Profile("林"), "bad_login"), ("1abc", Profile("林"), "bad_login"),
    ("lin", Profile(" "), "bad_name"), ("lin", Profile("林" * 41), "bad_name"), ("lin", Profile("林", "nowhere"), "bad_email"),
    ("lin", Profile("林", "a@b.cn\nBcc: x@y.cn"), "bad_email"), ("lin", Profile("林", "", "12345"), "bad_phone"),
])
async def test_a_bad_account_is_refused(world: World, login: str, profile: Profile, why: str) -> None:
    with pytest.raises(StaffRefused, match=why):
        await world.staff.roster.create("boss", login, Role.AGENT, profile)


async def test_shutting_an_account_ends_its_sessions_at_once_and_says_why(world: World) -> None:
    await world.hire("boss", Role.ADMIN)
    staff_id = await world.hire("lin")
    entered = await enter(world)
    await world.staff.roster.disable("boss", staff_id, "调去营业厅，电话 13812345678")
    assert await world.staff.sessions.find(entered.token) is None
    with pytest.raises(LoginRefused):
        await enter(world)
    written = (await world.staff.audit.page(AuditQuery(target="staff:lin", action="disable_staff"))).entries[0]
    assert (written.actor, written.reason) == ("boss", "调去营业厅，电话 138****78")
    await world.staff.roster.enable("boss", staff_id, "调回来了")
    await enter(world)


async def test_a_role_changes_with_the_next_request(world: World) -> None:
    await world.hire("boss", Role.ADMIN)
    staff_id = await world.hire("lin")
    entered = await enter(world)
    await world.staff.roster.change_role("boss", staff_id, Role.READONLY, "试用期")
    assert (await signed(world, entered)).member.role is Role.READONLY


async def test_the_last_administrator_stays_one(world: World) -> None:
    boss, other = await world.hire("boss", Role.ADMIN), await world.hire("other", Role.ADMIN)
    results = await asyncio.gather(
        world.staff.roster.change_role("boss", other, Role.AGENT, "轮岗"),
        world.staff.roster.change_role("other", boss, Role.AGENT, "轮岗"),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in results) == ["NoneType", "StaffRefused"]
    admins = [each.login for each in await world.staff.roster.everybody() if each.role is Role.ADMIN]
    assert len(admins) == 1


async def test_nobody_changes_their_own_rights_or_leaves_no_reason(world: World) -> None:
    boss, other = await world.hire("boss", Role.ADMIN), await world.hire("other", Role.ADMIN)
    for change in (world.staff.roster.disable, world.staff.roster.reset_password, world.staff.roster.reset_totp):
        with pytest.raises(StaffRefused, match="own_account"):
            await change("boss", boss, "试试")
        with pytest.raises(StaffRefused, match="no_reason"):
            await change("boss", other, "  ")
    with pytest.raises(UnknownStaff):
        await world.staff.roster.disable("boss", 4711, "试试")


async def test_a_reset_password_and_a_taken_away_second_step_let_somebody_back_in(world: World) -> None:
    await world.hire("boss", Role.ADMIN)
    staff_id = await world.hire("lin")
    await set_up(world)
    password = await world.staff.roster.reset_password("boss", staff_id, "忘了密码")
    assert (await enter(world, password=password)).stage is Stage.TOTP
    await world.staff.roster.reset_totp("boss", staff_id, "手机丢了")
    assert (await enter(world, password=password)).stage is Stage.OPEN


async def test_an_administrator_unlocks_before_the_time(world: World) -> None:
    await world.hire("boss", Role.ADMIN)
    staff_id = await world.hire("lin")
    for _ in range(5):
        with pytest.raises(LoginRefused):
            await enter(world, password="wrong")
    await world.staff.roster.unlock("boss", staff_id, "本人来电")
    await enter(world)


async def test_the_first_administrator_is_made_only_where_there_is_none(world: World) -> None:
    password = await world.staff.roster.create_first("guan", "管一凡")
    assert (await signed(world, await enter(world, "guan", password))).member.role is Role.ADMIN
    with pytest.raises(StaffRefused, match="last_admin"):
        await world.staff.roster.create_first("guan2", "管二")


# --- the audit log


async def test_the_log_is_read_in_pages_without_gaps_or_repeats(world: World) -> None:
    for number in range(7):
        await world.staff.audit.record("lin", "unmask", detail=str(number))
        world.clock.advance(seconds=number % 2)
    seen: list[str] = []
    page = await world.staff.audit.page(AuditQuery(actor="lin"), size=3)
    seen += [each.detail or "" for each in page.entries]
    await world.staff.audit.record("lin", "unmask", detail="new")
    while page.after:
        page = await world.staff.audit.page(AuditQuery(actor="lin"), page.after, size=3)
        seen += [each.detail or "" for each in page.entries]
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


async def test_the_log_is_searched_by_who_what_when_and_account(world: World) -> None:
    await world.staff.audit.record("lin", "unmask", account_no="1000000001", reason="核对欠费")
    began = world.clock.now()
    world.clock.advance(days=1)
    await world.staff.audit.record("jiang", "export_audit")
    for query, count in (
        (AuditQuery(actor="lin"), 1), (AuditQuery(action="export_audit"), 1), (AuditQuery(account_no="1000000001"), 1),
        (AuditQuery(until=began), 0), (AuditQuery(since=began), 2), (AuditQuery(since=world.clock.now()), 1),
        (AuditQuery(outcome="locked"), 0), (AuditQuery(), 2),
    ):
        assert len((await world.staff.audit.page(query)).entries) == count, query
    assert [each.actor async for each in world.staff.audit.export(AuditQuery(), 1)] == ["jiang"]
