"""A WeChat customer, played through the sandbox's public API: writes, taps, sends photos, pays, and reads what comes back."""

from __future__ import annotations

import asyncio
import html
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.stack import Stack

ANSWER_SECONDS = 30.0
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Shown:
    """One message as the customer sees it."""

    id: int
    kind: str
    text: str
    buttons: dict[str, str]  # title → id
    links: list[str]

    @classmethod
    def from_sandbox(cls, message: dict[str, Any]) -> Shown:
        """Read the sandbox's rendering."""
        markup = str(message.get("text") or "")
        return cls(
            id=int(message["id"]),
            kind=str(message["kind"]),
            text=html.unescape(re.sub(r"<[^>]+>", "", markup)),
            buttons={str(each["title"]): str(each["id"]) for each in message.get("buttons") or []},
            links=[html.unescape(link) for link in re.findall(r'href="([^"]+)"', markup)],
        )


@dataclass
class Customer:
    """One follower of the official account."""

    stack: Stack
    http: httpx.AsyncClient
    openid: str = field(default_factory=lambda: "o" + secrets.token_urlsafe(20)[:27].ljust(27, "x"))
    seen: int = 0
    shown: list[Shown] = field(default_factory=list)

    async def say(self, text: str) -> str:
        """Write; what the bot answers."""
        return await self.send(type="text", content=text)

    async def send(self, **message: Any) -> str:
        """Send any message through the sandbox; the answer as text with the buttons' titles."""
        answer = await self.http.post(
            f"{self.stack.sandbox_url}/sandbox/wechat/send", json={"openid": self.openid, **message}, timeout=60,
        )
        answer.raise_for_status()
        return await self.hear()

    async def tap(self, title: str) -> str:
        """Tap the newest button with this title."""
        for message in reversed(self.shown):
            if title in message.buttons:
                return await self.send(type="text", content=title, menu_id=message.buttons[title])
        raise AssertionError(f"no button {title!r} was offered; last: {self.shown[-1:]}")

    async def hear(self, seconds: float = ANSWER_SECONDS) -> str:
        """Wait for something new, and let it finish: what the customer has been sent since the last time."""
        end = time.monotonic() + seconds
        new: list[Shown] = []
        while time.monotonic() < end:
            new = await self._new()
            if new:
                break
            await asyncio.sleep(POLL_SECONDS)
        self.seen = max([self.seen, *(message.id for message in new)])
        self.shown += new
        return "\n".join("\n".join([message.text, *(f"[{title}]" for title in message.buttons)]) for message in new)

    async def _new(self) -> list[Shown]:
        answer = await self.http.get(
            f"{self.stack.sandbox_url}/sandbox/wechat/messages", params={"openid": self.openid, "after": self.seen},
        )
        answer.raise_for_status()
        rendered = [message.get("rendered", message) for message in answer.json()["messages"]]
        return [Shown.from_sandbox(message) for message in rendered if message["direction"] == "out"]

    async def code(self, phone: str) -> str:
        """The newest verification code sent to a phone."""
        answer = await self.http.get(f"{self.stack.sandbox_url}/sandbox/sms", params={"phone": phone})
        found = re.search(r"\d{6}", answer.json()["messages"][0]["text"])
        assert found, f"no code for {phone}"
        return found.group()

    async def pay(self) -> str:
        """Open the newest payment link as WeChat's browser would, and pay in the cashier; what the bot then says."""
        link = next(link for message in reversed(self.shown) for link in reversed(message.links) if "/p/pay/" in link)
        async with httpx.AsyncClient(follow_redirects=True, timeout=30) as browser:
            page = await browser.get(f"{self.stack.sandbox_url}/sandbox/open", params={"openid": self.openid, "url": link})
            page.raise_for_status()
            prepaid = await browser.post(f"{str(page.url).partition('?')[0]}/prepay", headers={"X-Requested-With": "runxia"})
            prepaid.raise_for_status()
            prepay_id = prepaid.json()["parameters"]["package"].removeprefix("prepay_id=")
            paid = await browser.post(f"{self.stack.sandbox_url}/sandbox/pay/cashier/{prepay_id}/pay")
            paid.raise_for_status()
        return await self.hear()
