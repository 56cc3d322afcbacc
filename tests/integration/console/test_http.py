"""The console over HTTP: who gets in, who may what, and what every answer carries."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx
import pyotp
import pytest
from sanic import Blueprint, Sanic

from console.access import Access, Needs, UndeclaredRoute, access_of, check_declared
from console.admin import make
from console.app import create_app, seed
from console.frame import HERE, ICONS
from console.guard import local_path
from console.home import TODOS
from console.navigation import ENTRIES
from runxia.devenv import SANDBOX_STAFF
from runxia.run import demo_logins
from runxia.settings import Settings
from sandbox.fixture import staff
from services.audit import AuditQuery
from services.errors import StaffRefused
from services.staff import RIGHT_NAMES, Newcomer, Profile, Right, Role, StaffServices, allowed, staff_services
from tests.integration.console.conftest import PASSWORD, Post
from tests.stack import stack_environment

STAFF = {role: f"tester.{role.value}"[:20] for role in Role}
SAMPLE = {"staff_id": "1", "session_id": "1", "kind": "staff-phone", "key": "1"}


@dataclass
class Web:
    """A console that serves on a free port."""

    url: str
    app: Sanic
    staff: StaffServices
    post: Post

    def browser(self) -> httpx.AsyncClient:
        """A browser that has never been here."""
        return httpx.AsyncClient(base_url=self.url, timeout=30)


def token_in(page: httpx.Response) -> str:
    found = re.search(r'"X-CSRF-Token": "(\w+)"', page.text)
    assert found, page.text[:300]
    return found[1]


async def send(browser: httpx.AsyncClient, path: str, back: str = "/login", **fields: str) -> httpx.Response:
    """Fill in a form: its token comes from the page ``back``."""
    page = await browser.get(back, follow_redirects=True)
    return await browser.post(path, data={**fields, "csrf": token_in(page)})


async def enter(browser: httpx.AsyncClient, login: str, password: str = PASSWORD, **more: str) -> httpx.Response:
    return await send(browser, "/login", login=login, password=password, **more)


@pytest.fixture
async def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Web]:
    for name, value in stack_environment(tmp_path, CONSOLE_STAFF_FILE="").items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CONSOLE_STAFF_FILE")
    app = create_app(Settings(), f"console-{tmp_path.name}")
    listener = socket.create_server(("127.0.0.1", 0))
    server = await app.create_server(sock=listener, return_asyncio_server=True)
    assert server is not None
    await server.startup()
    await server.before_start()
    post = Post()
    here = app.ctx.services
    staff = staff_services(here.db, here.clock, here.utility, post, post)
    app.ctx.services = replace(here, staff=staff)
    for role, login in STAFF.items():
        await staff.roster.seed([_newcomer(login, role)])
    await server.start_serving()
    yield Web(f"http://127.0.0.1:{listener.getsockname()[1]}", app, staff, post)
    await staff.background.settle()
    server.close()
    await server.wait_closed()
    await server.after_stop()


def _newcomer(login: str, role: Role, *, must_change: bool = False) -> Newcomer:

    return Newcomer(login, PASSWORD, role, Profile("测试员", f"{login}@water.example", "13900010001"), must_change)


def routes(web: Web) -> Iterator[tuple[str, str, Access | None]]:
    """Every route with each of its methods: (method, path, what it needs)."""
    for route in web.app.router.routes:
        path = "/" + re.sub(r"<(\w+)(:\w+)?>", lambda hit: SAMPLE.get(hit[1], "x"), route.path)
        for method in sorted(route.methods - {"HEAD", "OPTIONS"}):
            yield method, path, access_of(route)


# --- every route


async def test_a_route_that_does_not_say_who_may_use_it_keeps_the_console_from_starting() -> None:
    app: Sanic = Sanic("undeclared")
    bp = Blueprint("forgotten")
    bp.add_route(lambda request: None, "/secret", name="secret")
    app.blueprint(bp)
    with pytest.raises(UndeclaredRoute, match="secret"):
        check_declared(app)


async def test_a_stranger_gets_nothing_but_the_entrance(web: Web) -> None:
    async with web.browser() as browser:
        for method, path, needs in routes(web):
            if needs is Needs.NOTHING:
                continue
            page = await browser.request(method, path)
            assert (page.status_code, page.headers["Location"].split("?")[0]) == (303, "/login"), path
            fragment = await browser.request(method, path, headers={"HX-Request": "true"})
            assert (fragment.status_code, fragment.headers["HX-Redirect"], fragment.content) == (204, "/login", b""), path


@pytest.mark.parametrize("role", list(Role))
async def test_every_route_asks_for_its_right(web: Web, role: Role) -> None:
    async with web.browser() as browser:
        await enter(browser, STAFF[role])
        token = token_in(await browser.get("/me"))
        for method, path, needs in routes(web):
            if not isinstance(needs, Right) or allowed(role, needs):
                continue
            for headers in ({}, {"HX-Request": "true"}):
                page = await browser.request(method, path, headers={**headers, "X-CSRF-Token": token})
                assert page.status_code == 403, (method, path)
                assert RIGHT_NAMES[needs] in page.text


async def test_every_form_needs_the_token_of_this_browser(web: Web) -> None:
    async with web.browser() as browser, web.browser() as other:
        await enter(browser, STAFF[Role.ADMIN])
        foreign = token_in(await other.get("/login"))
        for method, path, _ in routes(web):
            if method == "GET" or path.startswith("/login/code"):
                continue
            for token in ("", "0" * 64, foreign, "ä"):
                page = await browser.request(method, path, data={"csrf": token})
                assert page.status_code == 403, (method, path)
                assert "页面已过期" in page.text
        assert (await browser.get("/me")).status_code == 200


async def test_every_page_is_safe_in_the_browser(web: Web) -> None:
    async with web.browser() as browser:
        await enter(browser, STAFF[Role.ADMIN])
        for method, path, _ in [*routes(web), ("GET", "/nowhere", None)]:
            if method != "GET":
                continue
            page = await browser.get(path)
            assert page.headers["X-Content-Type-Options"] == "nosniff"
            assert page.headers["Referrer-Policy"] == "same-origin"
            policy = page.headers["Content-Security-Policy"]
            assert "script-src 'self';" in policy
            assert "unsafe" not in policy
            assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=|javascript:", page.text), path
            if "/static/" not in path:
                assert page.headers["Cache-Control"] == "no-store", path


def test_every_icon_that_a_template_draws_is_installed() -> None:
    listed = set((HERE / "icons.txt").read_text().split())
    used = {
        name for file in (HERE / "templates").glob("*.html")
        for call in re.findall(r"icon\(([^)]*)\)", file.read_text()) for name in re.findall(r'"([a-z0-9-]+)"', call)
        if name not in ("iPhone", "Android")
    }
    used |= {entry.icon for entry in ENTRIES} | {todo.icon for todo in TODOS}
    assert used <= listed
    assert all((ICONS / f"{name}.svg").exists() for name in listed)


# --- getting in


async def test_the_session_cookie_is_for_the_server_only(web: Web) -> None:
    async with web.browser() as browser:
        answer = await enter(browser, STAFF[Role.AGENT])
        cookies = answer.headers.get_list("Set-Cookie")
        assert all("HttpOnly" in each and "SameSite=Lax" in each for each in cookies)
        assert not any("Secure" in each or "Max-Age" in each for each in cookies if each.startswith("runxia_staff"))


async def test_cookies_need_tls_where_the_console_has_it(web: Web) -> None:
    secure = web.app.ctx.services.settings.model_copy(update={"console_base_url": "https://desk.water.example"})
    web.app.ctx.services = replace(web.app.ctx.services, settings=secure)
    async with web.browser() as browser:
        page = await browser.get("/login")
        cookie = page.headers["Set-Cookie"]
        assert cookie.startswith("__Host-runxia_visitor=")
        assert "Secure" in cookie
        assert "max-age" in page.headers["Strict-Transport-Security"]
        headers = {"Cookie": cookie.split(";")[0]}
        data = {"login": STAFF[Role.AGENT], "password": PASSWORD, "csrf": token_in(page), "remember": "1"}
        entered = await browser.post("/login", data=data, headers=headers)
        assert entered.status_code == 303
        assert any(
            each.startswith("__Host-runxia_staff=") and "Secure" in each and "Max-Age" in each
            for each in entered.headers.get_list("Set-Cookie")
        )


async def test_a_wrong_password_says_no_more_than_that(web: Web) -> None:
    async with web.browser() as browser:
        known, unknown = await enter(browser, STAFF[Role.AGENT], "wrong"), await enter(browser, "nobody", "wrong")
        assert (known.status_code, unknown.status_code) == (401, 401)
        assert known.text.replace(STAFF[Role.AGENT], "") == unknown.text.replace("nobody", "")


async def test_one_address_cannot_try_for_ever(web: Web) -> None:
    async with web.browser() as browser:
        token = token_in(await browser.get("/login"))
        tries = [{"login": f"x{n}", "password": "p", "csrf": token} for n in range(32)]
        answers = [(await browser.post("/login", data=each)).status_code for each in tries]
        assert answers.count(429) == 2
        assert answers[-1] == 429


@pytest.mark.parametrize(("given", "taken"), [
    ("/audit?actor=lin", "/audit?actor=lin"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil.example", "/"),
    ("/a\r\nSet-Cookie: x=1", "/"), ("", "/"), (None, "/"), ("/login?next=/", "/"),
])
def test_signing_in_leads_to_our_own_pages_only(given: str | None, taken: str) -> None:
    assert local_path(given) == taken


async def test_a_first_password_opens_nothing_but_its_change(web: Web) -> None:
    await web.staff.roster.seed([_newcomer("xinren", Role.ADMIN, must_change=True)])
    async with web.browser() as browser:
        await enter(browser, "xinren")
        for path in ("/", "/staff", "/audit", "/me"):
            assert (await browser.get(path)).headers["Location"] == "/me/password"
        fields = {"current": PASSWORD, "new": "Yun-Qi-Road-88", "again": "Yun-Qi-Road-88"}
        weak = await send(browser, "/me/password", "/me/password", **{**fields, "new": "weak", "again": "weak"})
        assert (weak.status_code, "要 10 到 64 个字符" in weak.text) == (422, True)
        unlike = await send(browser, "/me/password", "/me/password", **{**fields, "again": "x"})
        assert "两次输入的新密码不一样" in unlike.text
        wrong = await send(browser, "/me/password", "/me/password", **{**fields, "current": "x"})
        assert "密码不对" in wrong.text
        done = await send(browser, "/me/password", "/me/password", **fields)
        assert done.headers["Location"] == "/?done=password"
        assert (await browser.get("/staff")).status_code == 200


async def test_the_second_step_from_set_up_to_sign_in(web: Web) -> None:
    login = STAFF[Role.AGENT]
    async with web.browser() as browser:
        await enter(browser, login)
        assert (await send(browser, "/me/totp/start", "/me", password="wrong")).status_code == 422
        await send(browser, "/me/totp/start", "/me", password=PASSWORD)
        page = await browser.get("/me/totp")
        assert "data:image/svg+xml" in page.text
        found = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page.text)
        assert found
        app = pyotp.TOTP(found[1].replace(" ", ""))
        assert (await send(browser, "/me/totp", "/me", code="000000")).status_code == 422
        now = web.app.ctx.services.clock.now()
        assert (await send(browser, "/me/totp", "/me", code=app.at(now))).headers["Location"] == "/me?done=totp_on"
        await send(browser, "/logout", "/me")
        half = await enter(browser, login, next="/roles")
        assert half.headers["Location"] == "/login/code?next=/roles"
        assert (await browser.get("/me")).headers["Location"] == "/login/code"
        assert (await send(browser, "/login/code", "/login/code", code="000000")).status_code == 401
        whole = await send(browser, "/login/code", "/login/code", code=app.at(now + timedelta(seconds=30)), next="/roles")
        assert whole.headers["Location"] == "/roles"
        assert (await browser.get("/me")).status_code == 200
        assert (await send(browser, "/me/totp/off", "/me", password=PASSWORD)).headers["Location"] == "/me?done=totp_off"


async def test_a_forgotten_password_is_set_anew(web: Web) -> None:
    async with web.browser() as browser:
        asked = await send(browser, "/forgot", "/forgot", login=STAFF[Role.AGENT], channel="mail")
        nobody = await send(browser, "/forgot", "/forgot", login="nobody", channel="mail")
        assert asked.text.replace(STAFF[Role.AGENT], "") == nobody.text.replace("nobody", "")
        await web.staff.background.settle()
        fields = {"login": STAFF[Role.AGENT], "channel": "mail", "new": "Yun-Qi-Road-88", "again": "Yun-Qi-Road-88"}
        assert "验证码不对" in (await send(browser, "/forgot/code", "/forgot", code="000000", **fields)).text
        done = await send(browser, "/forgot/code", "/forgot", code=web.post.mailed_code(), **fields)
        assert done.headers["Location"] == "/login?done=reset"
        assert (await enter(browser, STAFF[Role.AGENT], "Yun-Qi-Road-88")).headers["Location"] == "/"


async def test_signing_out_ends_the_session_on_the_server(web: Web) -> None:
    async with web.browser() as browser, web.browser() as thief:
        await enter(browser, STAFF[Role.AGENT])
        thief.cookies.update(browser.cookies)
        await send(browser, "/logout", "/me")
        assert (await thief.get("/me")).status_code == 303


async def test_somebody_elses_session_cannot_be_ended(web: Web) -> None:
    async with web.browser() as browser, web.browser() as other:
        await enter(browser, STAFF[Role.AGENT])
        await enter(other, STAFF[Role.TRAINER])
        for session_id in range(1, 5):
            await send(browser, f"/me/sessions/{session_id}/end", "/me")
        assert (await other.get("/me")).status_code == 200


# --- administering


async def test_an_administrator_makes_an_account_and_hands_over_its_first_password(web: Web) -> None:
    async with web.browser() as browser, web.browser() as newcomer:
        await enter(browser, STAFF[Role.ADMIN])
        given = {"login": "zhou", "role": "agent", "name": "<b>周宁</b>", "email": "", "phone": ""}
        made = await send(browser, "/staff", "/staff/new", **given)
        found = re.search(r'id="first-password" class="secret">([^<]+)<', made.text)
        assert found
        assert (await send(browser, "/staff", "/staff/new", **given)).status_code == 422
        assert (await send(browser, "/staff", "/staff/new", **{**given, "role": "king"})).status_code == 422
        assert "&lt;b&gt;周宁" in (await browser.get("/staff")).text
        await enter(newcomer, "zhou", found[1])
        assert (await newcomer.get("/")).headers["Location"] == "/me/password"
        staff_id = next(each.id for each in await web.staff.roster.everybody() if each.login == "zhou")
        shut = await send(browser, f"/staff/{staff_id}/disable", "/staff/new", reason="离职")
        assert shut.headers["Location"] == f"/staff/{staff_id}?done=staff_disable"
        assert (await newcomer.get("/")).headers["Location"] == "/login"


async def test_contact_data_is_masked_until_a_reason_is_given_and_written_down(web: Web) -> None:
    async with web.browser() as browser:
        await enter(browser, STAFF[Role.ADMIN])
        staff_id = next(each.id for each in await web.staff.roster.everybody() if each.login == STAFF[Role.AGENT])
        page = await browser.get(f"/staff/{staff_id}")
        assert "139****0001" in page.text
        assert "13900010001" not in page.text
        htmx = {"HX-Request": "true", "X-CSRF-Token": token_in(page)}
        address = f"/unmask/staff-phone/{staff_id}"
        assert "为什么要看" in (await browser.get(address, headers=htmx)).text
        vague = await browser.post(address, data={"reason": "看"}, headers=htmx)
        assert (vague.status_code, vague.headers["HX-Retarget"]) == (422, "#notice")
        shown = await browser.post(address, data={"reason": "通知他明天换班"}, headers=htmx)
        assert "13900010001" in shown.text
        written = (await web.staff.audit.page(AuditQuery(action="unmask"))).entries
        assert [(each.actor, each.target, each.reason) for each in written] == [
            (STAFF[Role.ADMIN], f"staff:{STAFF[Role.AGENT]}", "通知他明天换班"),
        ]
        for address in ("/unmask/staff-phone/999", "/unmask/staff-phone/x", "/unmask/nothing/1"):
            assert (await browser.post(address, data={"reason": "通知他明天换班"}, headers=htmx)).status_code == 404


async def test_the_log_is_paged_and_taken_away_as_a_table(web: Web) -> None:
    for number in range(60):
        await web.staff.audit.record("=cmd()", "unmask", detail=str(number))
    async with web.browser() as browser:
        await enter(browser, STAFF[Role.ADMIN])
        page = await browser.get("/audit", params={"action": "unmask"})
        found = re.search(r'hx-get="(/audit\?[^"]+)"[^>]*>更早', page.text)
        assert found
        further = await browser.get(found[1].replace("&amp;", "&"), headers={"HX-Request": "true", "HX-Target": "audit-more"})
        assert (page.text.count("=cmd()</td>"), further.text.count("=cmd()</td>")) == (50, 10)
        assert "<html" not in further.text
        table = await browser.get("/audit/log.csv", params={"action": "unmask"})
        lines = table.text.removeprefix("\ufeff").splitlines()
        assert len(lines) == 61
        assert lines[1].split(",")[1:3] == ["'=cmd()", "查看完整信息"]
        assert table.headers["Content-Disposition"].startswith("attachment")
        assert len((await web.staff.audit.page(AuditQuery(action="export_audit"))).entries) == 1
        assert (await browser.get("/audit", params={"since": "2026-13-99"})).status_code == 422
        assert (await browser.get("/audit", params={"after": "9" * 17 + ".1"})).status_code == 200


async def test_each_role_finds_its_own_things(web: Web) -> None:
    for role, login in STAFF.items():
        async with web.browser() as browser:
            await enter(browser, login)
            page = await browser.get("/")
            assert page.status_code == 200
            assert ('href="/staff"' in page.text) is allowed(role, Right.STAFF_MANAGE)
            assert ('href="/audit"' in page.text) is allowed(role, Right.AUDIT_READ)


async def test_a_fault_of_ours_tells_nothing_of_itself(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        raise RuntimeError("postgresql://user:secret@db")
    async with web.browser() as browser:
        await enter(browser, STAFF[Role.ADMIN])
        monkeypatch.setattr(type(web.staff.roster), "everybody", lambda _self: fail())
        page = await browser.get("/staff")
        assert (page.status_code, "系统出错了" in page.text, "secret" in page.text) == (500, True, False)


# --- from the command line, and the demonstration


async def test_the_first_administrator_comes_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in stack_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    password = await make(Settings(), "guan", "管一凡")
    assert len(password) >= 10
    with pytest.raises(StaffRefused, match="last_admin"):
        await make(Settings(), "guan2", "管二")


async def test_the_demonstration_has_somebody_in_every_role(web: Web) -> None:
    await seed(web.app.ctx.services, SANDBOX_STAFF)
    await seed(web.app.ctx.services, SANDBOX_STAFF)
    made = [each for each in await web.staff.roster.everybody() if each.login not in STAFF.values()]
    assert {each.role for each in made} == set(Role)
    assert len(made) == len(staff()) == len(demo_logins(SANDBOX_STAFF))
    async with web.browser() as browser:
        for each in staff():
            await send(browser, "/logout", "/login")
            assert (await enter(browser, each["login"], each["password"])).status_code == 303
