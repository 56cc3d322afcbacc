"""A WeChat user of the sandbox: writes, taps, sends photos, and reads what comes back, through the sandbox's public API."""

from __future__ import annotations

import asyncio
import html
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

ANSWER_SECONDS = 30.0
SEND_SECONDS = 60.0  # WeChat itself gives up after three tries of five seconds
POLL_SECONDS = 0.1
OPENID_LENGTH = 28


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


def new_openid() -> str:
    """An identity of a follower that nobody has."""
    return ("o" + secrets.token_urlsafe(OPENID_LENGTH))[:OPENID_LENGTH]


@dataclass
class Phone:
    """The phone of one follower of the official account."""

    sandbox_url: str
    http: httpx.AsyncClient
    openid: str = field(default_factory=new_openid)
    seen: int = 0
    shown: list[Shown] = field(default_factory=list)

    async def say(self, text: str) -> str:
        """Write; what the bot answers."""
        return await self.send(type="text", content=text)

    async def send(self, **message: Any) -> str:
        """Send any message through the sandbox; the answer as text with the buttons' titles."""
        answer = await self.http.post(
            f"{self.sandbox_url}/sandbox/wechat/send", json={"openid": self.openid, **message}, timeout=SEND_SECONDS,
        )
        answer.raise_for_status()
        return await self.hear()

    async def tap(self, title: str) -> str:
        """Tap the newest button with this title.

        Raises:
            LookupError: no such button was offered.
        """
        for message in reversed(self.shown):
            if title in message.buttons:
                return await self.send(type="text", content=title, menu_id=message.buttons[title])
        raise LookupError(f"no button {title!r} was offered; last: {self.shown[-1:]}")

    @property
    def offered(self) -> list[str]:
        """Titles of the buttons in the newest messages, those of the last that has any."""
        return next((list(message.buttons) for message in reversed(self.shown) if message.buttons), [])

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
            f"{self.sandbox_url}/sandbox/wechat/messages", params={"openid": self.openid, "after": self.seen},
        )
        answer.raise_for_status()
        rendered = [message.get("rendered", message) for message in answer.json()["messages"]]
        return [Shown.from_sandbox(message) for message in rendered if message["direction"] == "out"]
