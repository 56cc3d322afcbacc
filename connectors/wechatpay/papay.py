"""WeChat Pay's contracts for direct debit (委托代扣), API v2: XML, signed with MD5 over the sorted fields and the v2 key.

Sources: https://pay.weixin.qq.com/wiki/doc/api/pap.php?chapter=18_1&index=1 (signing), chapter=18_2&index=7 (query),
chapter=18_4&index=8 (termination), chapter=18_15 (callback). MD5 is WeChat Pay's demand for these calls; the key keeps it safe
from forgery, and TLS from reading.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

import httpx
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from runxia.clock import SHANGHAI, Clock
from runxia.settings import Settings
from services.auto_pay.ports import Contract
from services.errors import CallbackRefused, SystemUnavailable

log = logging.getLogger(__name__)

SYSTEM = "pay"
CONNECT_SECONDS, READ_SECONDS = 3.0, 8.0
MAX_BYTES = 64 * 1024
SIGNED, TERMINATED = "0", "1"  # contract_state
NO_CONTRACT = frozenset({"CONTRACT_NOT_EXIST", "CONTRACTNOTEXIST", "USER_CONTRACT_NOT_EXIST"})
ALREADY_ENDED = NO_CONTRACT | {"CONTRACT_TERMINATED", "CONTRACTTERMINATED"}
OPERATION_TIME = "%Y-%m-%d %H:%M:%S"


class WechatPapay:
    """:class:`services.auto_pay.ports.Papay` over HTTPS. Open with :meth:`open`."""

    def __init__(self, http: httpx.AsyncClient, settings: Settings, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._key = settings.wechatpay_api_v2_key.get_secret_value()
        self._merchant = {"appid": settings.wechat_app_id, "mch_id": settings.wechatpay_mch_id}
        self._plan_id = settings.wechatpay_papay_plan_id
        self._base_url = settings.wechatpay_base_url.rstrip("/")
        self._notify_url = f"{settings.public_base_url.rstrip('/')}/pay/contract"

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, clock: Clock) -> AsyncIterator[WechatPapay]:
        """Open the connections; close them at the end."""
        timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        async with httpx.AsyncClient(base_url=settings.wechatpay_base_url, timeout=timeout, trust_env=False) as http:
            yield cls(http, settings, clock)

    @property
    def offered(self) -> bool:
        """See :class:`services.auto_pay.ports.Papay`."""
        return bool(self._plan_id and self._key)

    def sign_url(self, contract_code: str, serial: int, shown_as: str) -> str:
        """See :class:`services.auto_pay.ports.Papay`."""
        fields = {
            **self._merchant, "plan_id": self._plan_id, "contract_code": contract_code, "request_serial": str(serial),
            "contract_display_account": shown_as, "notify_url": self._notify_url, "version": "1.0",
            "timestamp": str(int(self._clock.now().timestamp())), "return_web": "1",
        }
        return f"{self._base_url}/papay/entrustweb?{urlencode({**fields, 'sign': signature(fields, self._key)})}"

    async def query(self, contract_code: str) -> Contract | None:
        """See :class:`services.auto_pay.ports.Papay`."""
        answer = await self._ask("querycontract", {"plan_id": self._plan_id, "contract_code": contract_code})
        if answer.get("result_code") != "SUCCESS":
            if answer.get("err_code", "").upper() in NO_CONTRACT:
                return None
            raise self._nonsense(f"query refused with {answer.get('err_code', '')[:40]}")
        active = answer.get("contract_state") == SIGNED
        when = answer.get("contract_signed_time" if active else "contract_terminated_time", "")
        if answer.get("contract_code") != contract_code or answer.get("contract_state") not in (SIGNED, TERMINATED):
            raise self._nonsense("an answer about another contract")
        return Contract(contract_code, answer.get("contract_id", ""), active, answer.get("openid", ""), self._moment(when))

    async def terminate(self, contract_id: str, reason: str) -> None:
        """See :class:`services.auto_pay.ports.Papay`."""
        answer = await self._ask("deletecontract", {"contract_id": contract_id, "contract_termination_remark": reason})
        if answer.get("result_code") != "SUCCESS" and answer.get("err_code", "").upper() not in ALREADY_ENDED:
            raise self._nonsense(f"termination refused with {answer.get('err_code', '')[:40]}")

    def parse_callback(self, body: bytes) -> Contract:
        """See :class:`services.auto_pay.ports.Papay`."""
        fields = _fields(body)
        if not self.offered or fields is None:
            raise CallbackRefused("malformed")
        if not hmac.compare_digest(signature(fields, self._key).encode(), fields.get("sign", "").encode()):
            raise CallbackRefused("signature")
        if fields.get("mch_id") != self._merchant["mch_id"] or fields.get("plan_id") != self._plan_id:
            raise CallbackRefused("merchant")
        needed = ("contract_code", "contract_id", "openid", "change_type")
        if fields.get("result_code") != "SUCCESS" or not all(fields.get(name) for name in needed):
            raise CallbackRefused("malformed")
        if fields["change_type"] not in ("ADD", "DELETE"):
            raise CallbackRefused("malformed")
        return Contract(
            fields["contract_code"], fields["contract_id"], fields["change_type"] == "ADD", fields["openid"],
            self._moment(fields.get("operate_time", "")),
        )

    def _moment(self, text: str) -> datetime:
        """A moment as these calls write it: seconds since 1970, or Shanghai's time of day; now where it is neither."""
        if text.isascii() and text.isdigit() and len(text) == 10:
            return datetime.fromtimestamp(int(text), SHANGHAI)
        try:
            return datetime.strptime(text, OPERATION_TIME).replace(tzinfo=SHANGHAI)
        except ValueError:
            return self._clock.now()

    async def _ask(self, what: str, fields: Mapping[str, str]) -> dict[str, str]:
        asked = {**self._merchant, **fields, "version": "1.0"}
        asked["sign"] = signature(asked, self._key)
        try:
            answer = await self._http.post(f"/papay/{what}", content=_xml(asked), headers={"Content-Type": "text/xml"})
        except httpx.HTTPError as error:
            raise self._nonsense(type(error).__name__) from error
        told = _fields(answer.content) if answer.status_code == httpx.codes.OK else None
        if told is None or told.get("return_code") != "SUCCESS":
            raise self._nonsense(f"{what}: status {answer.status_code}")
        if not hmac.compare_digest(signature(told, self._key).encode(), told.get("sign", "").encode()):
            raise self._nonsense(f"{what}: not authentic")
        return told

    @staticmethod
    def _nonsense(why: str) -> SystemUnavailable:
        log.warning("WeChat Pay's contracts are unavailable: %s", why)
        return SystemUnavailable(SYSTEM)


def signature(fields: Mapping[str, str], key: str) -> str:
    """MD5 over the fields that are not empty, sorted by name, and the key. https://pay.weixin.qq.com/wiki/doc/api/pap.php?chapter=4_3."""
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "sign" and fields[name])
    return hashlib.md5(f"{text}&key={key}".encode(), usedforsecurity=False).hexdigest().upper()


def _xml(fields: Mapping[str, str]) -> bytes:
    root = Element("xml")
    for name, value in fields.items():
        SubElement(root, name).text = value
    return bytes(tostring(root, encoding="utf-8"))


def _fields(body: bytes) -> dict[str, str] | None:
    """The flat fields of a message, or none where it is not one."""
    if len(body) > MAX_BYTES:
        return None
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return None
    return {child.tag: (child.text or "").strip() for child in root} if root.tag == "xml" else None
