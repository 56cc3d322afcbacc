"""Staff in the console: signing in, a first password, a right that is missing; every page on a phone and on a desk."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from runxia.devenv import ROOT, SANDBOX_STAFF
from tests.browser.conftest import DESK, PHONE, SCREENSHOTS
from tests.stack import Stack, running

SIZES = pytest.mark.parametrize("page", [PHONE, DESK], indirect=True, ids=["phone", "desk"])
PASSWORDS = {each["login"]: each["password"] for each in json.loads(SANDBOX_STAFF.read_bytes())}
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The console with the sandbox's mail server, and nothing else."""
    with running(tmp_path_factory.mktemp("console"), only=("sandbox", "csms", "hotline", "console")) as stack:
        yield stack


def url(stack: Stack, path: str = "/") -> str:
    """The address of a page."""
    return f"{stack.env['CONSOLE_BASE_URL']}{path}"


def sign_in(page: Page, stack: Stack, login: str, password: str = "") -> None:
    """Fill in the form as somebody would."""
    page.goto(url(stack, "/login"))
    page.get_by_label("登录名").fill(login)
    page.get_by_label("密码", exact=True).fill(password or PASSWORDS[login])
    page.get_by_role("button", name="登录", exact=True).click()


def look(page: Page, name: str) -> None:
    """Keep a picture; nothing sticks out, and axe finds no grave fault."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"console-{name}-{width}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing sticks out"
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate("axe.run().then(result => result.violations)")
    grave = [(each["id"], [node["html"][:160] for node in each["nodes"]][:3]) for each in found if each["impact"] in GRAVE]
    assert grave == []


def menu(page: Page, title: str) -> None:
    """Choose in the sidebar, which is folded on a phone."""
    if page.get_by_role("button", name="菜单").is_visible():
        page.get_by_role("button", name="菜单").click()
    page.get_by_role("link", name=title).click()


@SIZES
def test_every_page_of_an_administrator(console: Stack, page: Page) -> None:
    page.goto(url(console, "/login"))
    look(page, "login")
    page.goto(url(console, "/forgot"))
    look(page, "forgot")
    sign_in(page, console, "admin")
    expect(page.get_by_role("heading", level=1)).to_contain_text("管一凡")
    look(page, "home")
    for title, name in (("员工账号", "staff"), ("角色和权限", "roles"), ("操作日志", "audit")):
        menu(page, title)
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        look(page, name)
    for path, name in (("/me", "me"), ("/me/password", "password"), ("/staff/new", "staff-new"), ("/nowhere", "missing")):
        page.goto(url(console, path))
        look(page, name)
    page.goto(url(console, "/staff"))
    page.get_by_role("link", name="林小溪").click()
    page.locator("summary", has_text="停用账号").click()
    look(page, "staff-one")


@pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["phone"])
def test_the_menu_of_a_phone_opens(console: Stack, page: Page) -> None:
    sign_in(page, console, "admin")
    page.get_by_role("button", name="菜单").click()
    expect(page.get_by_role("link", name="员工账号")).to_be_visible()
    page.wait_for_timeout(400)
    page.screenshot(path=SCREENSHOTS / "console-menu-390.png")


@pytest.mark.parametrize("page", [DESK], indirect=True, ids=["desk"])
def test_a_wrong_password_then_the_right_one(console: Stack, page: Page) -> None:
    sign_in(page, console, "kefu1", "wrong")
    expect(page.get_by_role("alert")).to_contain_text("登录名或密码不对")
    look(page, "login-refused")
    sign_in(page, console, "kefu1")
    expect(page.get_by_role("heading", level=1)).to_contain_text("林小溪")
    look(page, "home-agent")
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_role("status")).to_contain_text("已经退出")


@SIZES
def test_a_right_that_is_missing_is_named(console: Stack, page: Page) -> None:
    sign_in(page, console, "kefu2")
    expect(page.get_by_role("link", name="员工账号")).to_have_count(0)
    page.goto(url(console, "/staff"))
    expect(page.locator("main")).to_contain_text("这里需要“管理员工账号和角色”的权限")
    look(page, "denied")


@pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["phone"])
def test_a_first_password_is_changed_before_anything_else(console: Stack, page: Page) -> None:
    sign_in(page, console, "xinren")
    expect(page.get_by_role("heading", level=1)).to_have_text("先改首次密码")
    look(page, "first-password")
    page.get_by_label("现在的密码").fill(PASSWORDS["xinren"])
    page.get_by_label("新密码", exact=True).fill("Yun-Qi-Road-88")
    page.get_by_label("再输一次新密码").fill("Yun-Qi-Road-88")
    page.get_by_role("button", name="修改密码").click()
    expect(page.locator("#notice")).to_contain_text("密码改好了")


@pytest.mark.parametrize("page", [DESK], indirect=True, ids=["desk"])
def test_a_phone_number_is_shown_for_a_reason_and_the_log_has_it(console: Stack, page: Page) -> None:
    sign_in(page, console, "admin")
    page.goto(url(console, "/staff"))
    page.keyboard.press("/")
    page.keyboard.type("zhuguan")
    expect(page.locator("#staff-rows tbody tr")).to_have_count(1)
    page.get_by_role("link", name="朱敏").click()
    page.locator(".masked", has_text="139****0002").get_by_role("button").click()
    page.get_by_placeholder("为什么要看").fill("看")
    page.get_by_placeholder("为什么要看").evaluate("field => field.removeAttribute('minlength')")
    page.get_by_role("button", name="查看", exact=True).click()
    expect(page.locator("#notice")).to_contain_text("请写清为什么要看")
    page.get_by_placeholder("为什么要看").fill("通知她明天换班")
    page.get_by_role("button", name="查看", exact=True).click()
    expect(page.locator(".unmasked")).to_have_text("13900010002")
    expect(page.locator("#notice")).to_be_empty()
    look(page, "unmasked")
    page.goto(url(console, "/audit?action=unmask"))
    expect(page.locator("tbody tr").first).to_contain_text("通知她明天换班")
    page.get_by_label("做了什么").select_option("login")
    expect(page.locator("tbody tr").first).to_contain_text("登录工作台")


@pytest.mark.parametrize("page", [DESK], indirect=True, ids=["desk"])
def test_a_forgotten_password_by_mail(console: Stack, page: Page, tmp_path: Path) -> None:
    page.goto(url(console, "/login"))
    page.get_by_role("link", name="忘记密码").click()
    page.get_by_label("登录名").fill("zhidu")
    page.get_by_role("button", name="发验证码").click()
    look(page, "forgot-code")
    expect(page.get_by_label("验证码")).to_be_visible()
    page.get_by_label("验证码").fill(_mailed_code(console, "zhongwang@water.linjiang.example"))
    page.get_by_label("新密码", exact=True).fill("Wang-Yue-Lou-6")
    page.get_by_label("再输一次新密码").fill("Wang-Yue-Lou-6")
    page.get_by_role("button", name="重设密码").click()
    sign_in(page, console, "zhidu", "Wang-Yue-Lou-6")
    expect(page.get_by_role("heading", level=1)).to_contain_text("钟望")


def _mailed_code(stack: Stack, to: str) -> str:
    """The code in the newest mail of the sandbox's inbox."""
    with httpx.Client(timeout=30) as http:
        for _ in range(100):
            for each in http.get(f"{stack.sandbox_url}/sandbox/mail", params={"to": to}).json()["mails"]:
                if found := re.search(r"(?<!\d)\d{6}(?!\d)", each["text"]):
                    return found[0]
    raise AssertionError("no mail came")


@pytest.mark.parametrize("page", [DESK], indirect=True, ids=["desk"])
def test_the_second_step_is_set_up_by_a_drawing(console: Stack, page: Page) -> None:
    sign_in(page, console, "shenpi")
    page.goto(url(console, "/me"))
    page.locator("summary", has_text="开启两步验证").click()
    page.get_by_label("先确认密码").fill(PASSWORDS["shenpi"])
    page.get_by_role("button", name="下一步").click()
    expect(page.get_by_alt_text("两步验证的二维码")).to_be_visible()
    assert page.get_by_alt_text("两步验证的二维码").evaluate("image => image.naturalWidth") > 0, "the policy lets it be drawn"
    look(page, "totp")
