"""A customer binds an account and pays its bill on the phone page, as anyone trying the demonstration would."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import DESK, PHONE, SCREENSHOTS
from tests.stack import Stack

ANSWER_MS = 30_000


@dataclass
class Phone:
    """The phone page in the hands of a new customer."""

    page: Page
    name: str
    shots: int = 0

    def said(self) -> Locator:
        """What the account has said so far."""
        return self.page.locator(".row.theirs, .notice")

    def say(self, text: str, answer: str) -> Locator:
        """Type; the new answer, which must contain the regex ``answer``."""
        before = self.said().count()
        to_keys = self.page.get_by_label("切换到键盘")
        if to_keys.count():
            to_keys.click()
        self.page.get_by_label("输入消息").fill(text)
        self.page.get_by_role("button", name="发送", exact=True).click()
        return self.answer(before, answer)

    def tap(self, title: str, answer: str) -> Locator:
        """Tap the newest line of a menu message; the new answer."""
        before = self.said().count()
        self.page.locator(".choice", has_text=title).last.click()
        return self.answer(before, answer)

    def use_code(self, answer: str) -> Locator:
        """Tap the banner of the text message that has just come, and send the code; the new answer."""
        before = self.said().count()
        self.page.locator(".banner").click(timeout=ANSWER_MS)
        self.page.get_by_role("button", name="发送", exact=True).click()
        return self.answer(before, answer)

    def pay(self) -> None:
        """Pay on the web page that is open: its button, WeChat's cashier, the receipt, and the page's own word."""
        web = self.page.frame_locator(".browser-frame")
        web.get_by_role("button", name=re.compile("支付")).click(timeout=ANSWER_MS)
        confirm = self.page.get_by_role("button", name="确认支付")
        expect(confirm).to_be_visible(timeout=ANSWER_MS)
        self.shoot()
        confirm.click()
        expect(self.page.locator(".receipt")).to_contain_text("支付成功", timeout=ANSWER_MS)
        self.shoot()
        self.page.get_by_role("button", name="完成").click()
        expect(web.locator("body")).to_contain_text("成功", timeout=ANSWER_MS)
        self.shoot()

    def answer(self, before: int, wanted: str) -> Locator:
        """Wait for something after the first ``before`` messages; the newest, which must contain the regex ``wanted``."""
        expect(self.said().nth(before)).to_be_visible(timeout=ANSWER_MS)
        newest = self.said().last
        expect(newest).to_contain_text(re.compile(wanted), timeout=ANSWER_MS)
        self.shoot()
        return newest

    def shoot(self) -> None:
        """Keep a picture."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.shots += 1
        self.page.screenshot(path=SCREENSHOTS / f"{self.name}-{self.shots:02d}.png")


@pytest.fixture
def account(stack: Stack) -> dict[str, Any]:
    """An ordinary account as the billing system has it on its first day."""
    httpx.post(f"{stack.sandbox_url}/sandbox/reset", json={}, timeout=60).raise_for_status()
    return _account(stack)


def _account(stack: Stack) -> dict[str, Any]:
    accounts = httpx.get(f"{stack.sandbox_url}/sandbox/fixture", timeout=60).json()["accounts"]
    found: dict[str, Any] = next(each for each in accounts if each["role"] == "ordinary")
    return found


@pytest.fixture
def phone(stack: Stack, page: Page, request: pytest.FixtureRequest) -> Phone:
    """The page, with a customer who has just followed the account."""
    newcomer = httpx.post(f"{stack.sandbox_url}/sandbox/wechat/users", json={"nickname": "小林"}).json()["openid"]
    page.goto(stack.sandbox_url)
    page.evaluate("openid => localStorage.setItem('sandbox-openid', openid)", newcomer)
    page.reload()
    phone = Phone(page, request.node.originalname)
    phone.shoot()
    page.get_by_role("button", name="关注公众号").click()
    expect(phone.said().first).to_be_visible(timeout=ANSWER_MS)
    phone.shoot()
    return phone


@pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["phone"])
def test_bind_and_pay(stack: Stack, phone: Phone, account: dict[str, Any]) -> None:
    """From following the account to the message that the money has arrived."""
    phone.say(f"绑定{account['account_no']}", "是您要绑的")
    phone.tap("是的", "验证码")
    phone.use_code("绑好了")
    phone.tap("只要电子账单", "电子账单")
    phone.say("这期水费多少钱", r"\d+\.\d\d元")
    phone.say("把这期水费交了", "确认付款吗")
    offer = phone.say("确认", "链接")
    offer.locator("a").click()
    phone.pay()
    phone.page.get_by_label("关闭网页").click()
    expect(phone.said().last).to_contain_text(re.compile(r"收到您付的水费 \d+\.\d\d元"), timeout=ANSWER_MS)
    phone.shoot()
    assert _account(stack)["bills"][0]["status"] == "paid"


@pytest.mark.parametrize("page", [DESK], indirect=True, ids=["desk"])
def test_the_engineers_view_shows_what_went_over_the_wire(phone: Phone) -> None:
    """The menu, a photo and a place from the panel, and the drawer with the XML."""
    phone.say("你好", ".")
    before = phone.said().count()
    phone.page.get_by_label("更多", exact=True).click()
    phone.page.get_by_role("img", name="水表", exact=True).click()
    phone.answer(before, ".")
    expect(phone.page.locator(".row.mine img.picture")).to_be_visible()
    phone.page.get_by_label("工程师视图").first.click()
    newest = phone.page.locator(".exchange", has_text="微信 → 我们").first
    newest.locator("summary").click()
    expect(newest).to_contain_text("<MsgType><![CDATA[image]]></MsgType>")
    phone.shoot()
