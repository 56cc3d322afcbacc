"""A WeChat customer of the running stack, who also reads text messages and pays."""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable

import httpx

from runxia.phone import Phone
from tests.stack import Stack


class Customer(Phone):
    """One follower of the official account."""

    def __init__(self, stack: Stack, http: httpx.AsyncClient) -> None:
        super().__init__(stack.sandbox_url, http)

    async def code(self, phone: str) -> str:
        """The newest verification code sent to a phone."""
        answer = await self.http.get(f"{self.sandbox_url}/sandbox/sms", params={"phone": phone})
        found = re.search(r"\d{6}", answer.json()["messages"][0]["text"])
        assert found, f"no code for {phone}"
        return found.group()

    async def open(self, part: str) -> str:
        """Open the newest link with ``part`` in it as WeChat's browser would, and tap the page's form button if it has one;
        the text of the page that is shown last.
        """
        link = next(link for message in reversed(self.shown) for link in reversed(message.links) if part in link)
        async with httpx.AsyncClient(follow_redirects=True, timeout=30) as browser:
            page = await browser.get(f"{self.sandbox_url}/sandbox/open", params={"openid": self.openid, "url": link})
            if "<form" in page.text:
                page = await browser.post(str(page.url))
        return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page.text)))

    async def pay(self, how: str = "paid", meanwhile: Callable[[], Awaitable[object]] | None = None) -> str:
        """Open the newest payment link as WeChat's browser would, and pay in the cashier; what the bot then says.

        ``how`` ``begun``: leave when the cashier has opened, without paying. ``meanwhile`` happens at that moment.
        """
        link = next(link for message in reversed(self.shown) for link in reversed(message.links) if "/p/pay/" in link)
        async with httpx.AsyncClient(follow_redirects=True, timeout=30) as browser:
            page = await browser.get(f"{self.sandbox_url}/sandbox/open", params={"openid": self.openid, "url": link})
            page.raise_for_status()
            prepaid = await browser.post(f"{str(page.url).partition('?')[0]}/prepay", headers={"X-Requested-With": "runxia"})
            prepaid.raise_for_status()
            prepay_id = prepaid.json()["parameters"]["package"].removeprefix("prepay_id=")
            if meanwhile is not None:
                await meanwhile()
            if how == "begun":
                return ""
            paid = await browser.post(f"{self.sandbox_url}/sandbox/pay/cashier/{prepay_id}/pay")
            paid.raise_for_status()
        return await self.hear()
