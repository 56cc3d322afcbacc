"""Posting to the official account's server: signed, encrypted, five seconds, three tries, and the reading of the answer."""

from __future__ import annotations

import secrets
import struct
import time
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

import httpx
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import WeChatException
from wechatpy.utils import WeChatSigner

from runxia.clock import Clock
from sandbox.wechat import xml
from sandbox.wechat.journal import Journal
from sandbox.wechat.limits import PUSH_ATTEMPTS, PUSH_SECONDS
from sandbox.wechat.settings import MessageMode


@dataclass(frozen=True, slots=True)
class Account:
    """The official account as its owner set it up at WeChat."""

    app_id: str
    original_id: str
    token: str
    aes_key: str
    callback_url: str
    mode: MessageMode


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a post: a passive reply, nothing, or a fault with its reason for engineers."""

    raw: str = ""
    reply: Element | None = None
    kind: str = ""
    fault: str | None = None


class Callback:
    """The way to the server."""

    def __init__(self, account: Account, client: httpx.AsyncClient, journal: Journal, clock: Clock) -> None:
        self.account = account
        self._clock = clock
        self._client = client
        self._journal = journal
        self._crypto = WeChatCrypto(account.token, account.aes_key, account.app_id)

    async def post(self, openid: str, fields: dict[str, Any]) -> Answer:
        """Post a message or event; after a time-out or a failure again, with the same MsgId."""
        message = xml.build(fields)
        answer = Answer(fault="never posted")
        for attempt in range(1, PUSH_ATTEMPTS + 1):
            answer, again = await self._post_once(openid, message, attempt)
            if not again:
                break
        return answer

    async def _post_once(self, openid: str, message: str, attempt: int) -> tuple[Answer, bool]:
        url, body = self._seal(openid, message)
        started, answered = time.monotonic(), ""
        try:
            response = await self._client.post(
                url, content=body.encode(), headers={"Content-Type": "text/xml"}, timeout=httpx.Timeout(PUSH_SECONDS),
            )
            answered = response.text
            if response.status_code != httpx.codes.OK:
                answer, again = Answer(fault=f"HTTP {response.status_code}"), True
            else:
                answer, again = self._read(answered, openid), False
        except httpx.TimeoutException:
            answer, again = Answer(fault=f"no answer within {PUSH_SECONDS:g} s"), True
        except httpx.HTTPError as error:
            answer, again = Answer(fault=f"{type(error).__name__}: the server cannot be reached"), True
        await self._journal.note(
            "callback", f"POST {url} #{attempt}", _both(message, body), _both(answer.raw, answered),
            answer.fault or "ok", time.monotonic() - started,
        )
        return answer, again

    def _seal(self, openid: str, message: str) -> tuple[str, str]:
        stamp, nonce = str(int(self._clock.now().timestamp())), str(secrets.randbelow(10**10))
        query = {"signature": _sign(self.account.token, stamp, nonce), "timestamp": stamp, "nonce": nonce, "openid": openid}
        body = message
        if self.account.mode != "plain":
            sealed = xml.parse(self._crypto.encrypt_message(message, nonce, stamp))
            query |= {"encrypt_type": "aes", "msg_signature": xml.field(sealed, "MsgSignature")}
            encrypted = f"<Encrypt><![CDATA[{xml.field(sealed, 'Encrypt')}]]></Encrypt></xml>"
            to = f"<ToUserName><![CDATA[{self.account.original_id}]]></ToUserName>"
            body = f"<xml>{to}{encrypted}" if self.account.mode == "safe" else message.removesuffix("</xml>") + encrypted
        return f"{self.account.callback_url}?{httpx.QueryParams(query)}", body

    def _read(self, body: str, openid: str) -> Answer:
        if body.strip() in ("", "success"):
            return Answer(raw=body)
        plain = body
        try:
            root = xml.parse(body)
            if self._must_open(root):
                plain = self._open(root)
                root = xml.parse(plain)
            return Answer(raw=plain, reply=root, kind=xml.check_reply(root, openid, self.account.original_id))
        except xml.BadReply as broken:
            return Answer(raw=plain, fault=str(broken))

    def _must_open(self, root: Element) -> bool:
        encrypted = root.find("Encrypt") is not None
        if self.account.mode == "safe" and not encrypted:
            raise xml.BadReply("the answer is not encrypted")
        return encrypted and self.account.mode != "plain"

    def _open(self, root: Element) -> str:
        try:
            return str(self._crypto.decrypt_message(
                {"Encrypt": xml.field(root, "Encrypt")}, xml.field(root, "MsgSignature"), xml.field(root, "TimeStamp"),
                xml.field(root, "Nonce"),
            ))
        except (WeChatException, ValueError, IndexError, struct.error) as error:
            raise xml.BadReply("the answer's signature or encryption is wrong") from error


def _sign(*parts: str) -> str:
    signer = WeChatSigner()
    signer.add_data(*parts)
    return str(signer.signature)


def _both(plain: str, sealed: str) -> str:
    return plain if plain == sealed or not plain else f"{plain}\n\n{sealed}"
