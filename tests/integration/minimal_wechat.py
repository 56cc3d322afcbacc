"""WeChat's side of an official account, as small as it can be, written from WeChat's documents alone.

It shares no code with the sandbox or with our connectors: what the gateway says to it, it would say to WeChat.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import re
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import httpx
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32
TEXT_LIMIT = 2048


def sign(*parts: str) -> str:
    """The signature of the callback protocol."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


@dataclass
class Account:
    """The official account's settings, and its cipher."""

    app_id: str
    secret: str
    token: str
    aes_key: str
    original_id: str

    def _cipher(self) -> Cipher[modes.CBC]:
        key = base64.b64decode(self.aes_key + "=")
        return Cipher(algorithms.AES(key), modes.CBC(key[:16]))

    def seal(self, xml: str, app_id: str | None = None) -> str:
        """Encrypt a message."""
        body = xml.encode()
        plain = os.urandom(16) + struct.pack(">I", len(body)) + body + (app_id or self.app_id).encode()
        count = BLOCK - len(plain) % BLOCK
        work = self._cipher().encryptor()
        return base64.b64encode(work.update(plain + bytes([count]) * count) + work.finalize()).decode()

    def open(self, sealed: str) -> str:
        """Decrypt a reply, and check whose it is."""
        work = self._cipher().decryptor()
        plain = work.update(base64.b64decode(sealed)) + work.finalize()
        plain = plain[16:-plain[-1]]
        (length,) = struct.unpack(">I", plain[:4])
        assert plain[4 + length :].decode() == self.app_id
        return plain[4 : 4 + length].decode()


@dataclass
class MinimalWechat:
    """Posts to the gateway as WeChat does, and answers its API calls. ``answer`` may change what the API says."""

    account: Account
    gateway: httpx.AsyncClient
    now: Callable[[], float] = time.time
    mode: str = "safe"  # plain | compatible | safe
    sent: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    media: dict[str, bytes] = field(default_factory=dict)
    answer: Callable[[str, dict[str, Any]], dict[str, Any] | None] = lambda _path, _body: None
    _count: int = 0

    # --- towards the gateway

    def message(self, openid: str, kind: str, **fields: object) -> str:
        """The XML of a new message or event."""
        self._count += 1
        facts: dict[str, object] = {
            "ToUserName": self.account.original_id, "FromUserName": openid, "CreateTime": int(self.now()), "MsgType": kind,
        }
        if kind != "event":
            facts["MsgId"] = 24_000_000_000 + self._count
        facts |= fields
        return "<xml>" + "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in facts.items()) + "</xml>"

    async def post(self, xml: str, **query: str) -> httpx.Response:
        """Post it once, signed and encrypted as the mode says; ``query`` replaces parameters."""
        stamp, nonce = str(int(self.now())), os.urandom(5).hex()
        params = {"timestamp": stamp, "nonce": nonce, "signature": sign(self.account.token, stamp, nonce)}
        body = xml
        if self.mode != "plain":
            sealed = self.account.seal(xml)
            params |= {"encrypt_type": "aes", "msg_signature": sign(self.account.token, stamp, nonce, sealed)}
            clear = xml.removeprefix("<xml>").removesuffix("</xml>") if self.mode == "compatible" else ""
            body = f"<xml>{clear}<Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
        return await self.gateway.post("/wechat", params=params | query, content=body.encode())

    async def say(self, openid: str, text: str) -> str | None:
        """A customer writes; the passive reply they see, or none."""
        return self.read(await self.post(self.message(openid, "text", Content=text)), openid)

    def read(self, response: httpx.Response, openid: str) -> str | None:
        """Check a reply as WeChat does."""
        assert response.status_code == 200, response.text
        if response.text in ("", "success"):
            return None
        root = ElementTree.fromstring(response.text)
        if self.mode != "plain":
            facts = [root.findtext(tag) or "" for tag in ("TimeStamp", "Nonce", "Encrypt")]
            assert root.findtext("MsgSignature") == sign(self.account.token, *facts)
            root = ElementTree.fromstring(self.account.open(facts[2]))
        assert root.findtext("ToUserName") == openid
        assert root.findtext("FromUserName") == self.account.original_id
        content = root.findtext("Content") or ""
        assert root.findtext("MsgType") == "text"
        assert 0 < len(content.encode()) <= TEXT_LIMIT
        return content

    # --- the API

    async def api(self, request: httpx.Request) -> httpx.Response:
        """Answer a call of the gateway; for :class:`httpx.MockTransport`."""
        path = request.url.path
        body = json.loads(request.content) if request.headers.get("content-type", "").startswith("application/json") else {}
        if said := self.answer(path, body):
            return httpx.Response(200, json=said)
        if path == "/cgi-bin/stable_token":
            return httpx.Response(200, json=self._issue(body))
        if request.url.params.get("access_token") != (self.tokens or [None])[-1]:
            return httpx.Response(200, json={"errcode": 40001, "errmsg": "invalid credential"})
        if path == "/cgi-bin/media/get":
            return self._media(request.url.params["media_id"])
        assert not re.search(rb"\\u[0-9a-f]{4}", request.content), "WeChat would show the escapes"
        if path == "/cgi-bin/message/custom/send":
            self.sent.append(body)
        await asyncio.sleep(0)
        return httpx.Response(200, json={"errcode": 0, "errmsg": "ok"})

    def _issue(self, body: dict[str, Any]) -> dict[str, Any]:
        if (body["appid"], body["secret"]) != (self.account.app_id, self.account.secret):
            return {"errcode": 40125, "errmsg": "invalid appsecret"}
        if not self.tokens or body.get("force_refresh"):
            self.tokens.append(os.urandom(16).hex())
        return {"access_token": self.tokens[-1], "expires_in": 7200}

    def _media(self, media_id: str) -> httpx.Response:
        if media_id not in self.media:
            return httpx.Response(200, json={"errcode": 40007, "errmsg": "invalid media_id"})
        return httpx.Response(200, content=self.media[media_id], headers={"content-type": "image/jpeg"})
