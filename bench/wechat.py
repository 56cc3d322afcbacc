"""WeChat's side of one text message: signed, encrypted, posted to the gateway."""

from __future__ import annotations

import hashlib
import itertools
import secrets
import time
from collections.abc import Mapping
from html import escape

import httpx
from wechatpy.crypto import WeChatCrypto

_numbers = itertools.count(int(time.time() * 1000) * 1000)


class Sender:
    """Posts messages as WeChat would, one message id each."""

    def __init__(self, env: Mapping[str, str], http: httpx.AsyncClient) -> None:
        self._env = env
        self._http = http
        self._crypto = WeChatCrypto(env["WECHAT_TOKEN"], env["WECHAT_AES_KEY"], env["WECHAT_APP_ID"])

    async def text(self, openid: str, text: str) -> None:
        """Send a text and wait for the answer.

        Raises:
            httpx.HTTPError: the gateway refused or did not answer.
        """
        stamp, nonce = str(int(time.time())), secrets.token_hex(5)
        xml = (
            f"<xml><ToUserName>{self._env['WECHAT_ORIGINAL_ID']}</ToUserName><FromUserName>{openid}</FromUserName>"
            f"<CreateTime>{stamp}</CreateTime><MsgType>text</MsgType><Content>{escape(text)}</Content>"
            f"<MsgId>{next(_numbers)}</MsgId></xml>"
        )
        sealed = self._crypto.encrypt_message(xml, nonce, stamp)
        signature = sealed.partition("<MsgSignature><![CDATA[")[2].partition("]]>")[0]
        plain = hashlib.sha1("".join(sorted([self._env["WECHAT_TOKEN"], stamp, nonce])).encode()).hexdigest()
        query = {
            "signature": plain, "timestamp": stamp, "nonce": nonce, "openid": openid, "encrypt_type": "aes",
            "msg_signature": signature,
        }
        answer = await self._http.post(f"{self._env['PUBLIC_BASE_URL']}/wechat", params=query, content=sealed)
        answer.raise_for_status()
