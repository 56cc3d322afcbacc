"""The client of WeChat Pay v3 for JSAPI payments, over the library ``wechatpayv3``.

The library signs, verifies and decrypts; what it leaves open is closed here: it blocks (so it runs in threads), hard-codes
the host, answers ``(status, text)``, raises bare ``Exception``, does not look at a callback's age, and asks WeChat Pay for
certificates when a callback names an unknown key, which would let anybody make us call out.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import secrets
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError
from wechatpayv3 import WeChatPay as Library
from wechatpayv3 import WeChatPayType

from connectors.wechatpay.messages import (
    PrepayAnswer,
    Problem,
    RefundAnswer,
    RefundNotice,
    StatementAnswer,
    TransactionMessage,
)
from runxia.clock import SHANGHAI, Clock
from runxia.settings import Settings
from services.errors import CallbackRefused, OrderPaid, SystemUnavailable
from services.ports import RefundResult, Transaction

log = logging.getLogger(__name__)

SYSTEM = "pay"
THREADS = 8
CONNECT_SECONDS, READ_SECONDS = 3.0, 8.0
# The library's limit is for each read; this one is for the whole call, also with a server that answers byte by byte.
TOTAL_SECONDS = 12.0
# https://pay.weixin.qq.com/doc/v3/merchant/4012071382: refuse a callback whose timestamp is more than 5 minutes off.
CALLBACK_SECONDS = 300
CALLBACK_BYTES = 64 * 1024  # of our own: real ones have about 1 KiB
STATEMENT_BYTES = 256 * 1024 * 1024  # of our own, unpacked: over a million payments in a day
SIGNATURE_TYPE = "WECHATPAY2-SHA256-RSA2048"
SIGNATURE_HEADERS = ("Wechatpay-Signature", "Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Serial")
GZIP_MAGIC, GZIP_WBITS = b"\x1f\x8b", 31


class _Refused(Exception):
    """WeChat Pay understood the request and said no; ``code`` is its word for it."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.code = code


class WechatPay:
    """:class:`services.ports.Pay` over HTTPS. Open with :meth:`open`."""

    def __init__(self, library: Library, threads: ThreadPoolExecutor, clock: Clock, settings: Settings) -> None:
        self._library = library
        self._threads = threads
        self._clock = clock
        self._app_id = settings.wechat_app_id
        self._mch_id = settings.wechatpay_mch_id
        self._public_key_id = settings.wechatpay_public_key_id

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, clock: Clock) -> AsyncIterator[WechatPay]:
        """Load the keys and be ready.

        Raises:
            ValueError: a key is missing or unreadable; the message names the setting.
        """
        threads = ThreadPoolExecutor(THREADS, thread_name_prefix="wechatpay")
        try:
            yield cls(_library(settings), threads, clock, settings)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)

    async def prepay(self, out_trade_no: str, description: str, amount_fen: int, openid: str, expires_at: datetime) -> str:
        """See :class:`services.ports.Pay`."""
        answer = await self._ask(
            PrepayAnswer, self._library.pay, description=description, out_trade_no=out_trade_no,
            amount={"total": amount_fen, "currency": "CNY"}, payer={"openid": openid},
            time_expire=expires_at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
        )
        return answer.prepay_id

    def jsapi_parameters(self, prepay_id: str) -> dict[str, str]:
        """See :class:`services.ports.Pay`. https://pay.weixin.qq.com/doc/v3/merchant/4012791857."""
        signed = [self._app_id, str(int(self._clock.now().timestamp())), secrets.token_hex(16), f"prepay_id={prepay_id}"]
        names = ("appId", "timeStamp", "nonceStr", "package")
        return {**dict(zip(names, signed, strict=True)), "signType": "RSA", "paySign": str(self._library.sign(signed))}

    async def query(self, out_trade_no: str) -> Transaction | None:
        """See :class:`services.ports.Pay`."""
        try:
            answer = await self._ask(
                TransactionMessage, self._library.query, unless=("ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS"),
                out_trade_no=out_trade_no,
            )
        except _Refused:
            return None
        if (answer.appid, answer.mchid, answer.out_trade_no) != (self._app_id, self._mch_id, out_trade_no):
            log.error("the answer to a query of %s is about another order", out_trade_no)
            raise SystemUnavailable(SYSTEM)
        return answer.transaction()

    async def close(self, out_trade_no: str) -> None:
        """See :class:`services.ports.Pay`."""
        try:
            await self._call(self._library.close, unless=("ORDERPAID", "ORDER_CLOSED"), out_trade_no=out_trade_no)
        except _Refused as refused:
            if refused.code == "ORDERPAID":
                raise OrderPaid from refused

    async def refund(self, out_trade_no: str, out_refund_no: str, amount_fen: int, total_fen: int, reason: str) -> RefundResult:
        """See :class:`services.ports.Pay`."""
        answer = await self._ask(
            RefundAnswer, self._library.refund, out_refund_no=out_refund_no, out_trade_no=out_trade_no, reason=reason,
            amount={"refund": amount_fen, "total": total_fen, "currency": "CNY"},
        )
        return answer.result()

    async def statement(self, day: date) -> bytes | None:
        """See :class:`services.ports.Pay`."""
        try:
            where = await self._ask(
                StatementAnswer, self._library.trade_bill, unless=("NO_STATEMENT_EXIST",), bill_date=day.isoformat(),
            )
        except _Refused:
            return None
        # Only path and query: a signed request goes to no host but WeChat Pay's, whatever the answer names.
        parts = urlsplit(where.download_url)
        packed = await self._call(self._library.download_bill, url=f"{parts.path}?{parts.query}")
        content = _unpacked(packed)
        digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()  # WeChat Pay offers no other
        if not hmac.compare_digest(digest, where.hash_value.lower()):
            log.error("the statement of %s does not have the SHA1 that was announced", day)
            raise SystemUnavailable(SYSTEM)
        return content

    def parse_callback(self, headers: Mapping[str, str], body: bytes) -> Transaction | RefundResult:
        """See :class:`services.ports.Pay`."""
        event, resource = self._opened(self._signature_of(headers, body), body)
        try:
            if event == "TRANSACTION.SUCCESS":
                payment = TransactionMessage.model_validate(resource)
                self._check_merchant(payment.mchid, payment.appid)
                return payment.transaction()
            if event.startswith("REFUND."):
                refund = RefundNotice.model_validate(resource)
                self._check_merchant(refund.mchid, self._app_id)
                return refund.result()
        except ValidationError as error:
            raise CallbackRefused("malformed") from error
        raise CallbackRefused("malformed")

    def _signature_of(self, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """The signature's headers, if they can be right at all."""
        lower = {name.lower(): value for name, value in headers.items()}
        signature = {name: lower.get(name.lower(), "") for name in SIGNATURE_HEADERS}
        if len(body) > CALLBACK_BYTES:
            raise CallbackRefused("malformed")
        if not all(signature.values()) or signature["Wechatpay-Serial"] != self._public_key_id:
            raise CallbackRefused("signature")
        timestamp = signature["Wechatpay-Timestamp"]
        if not (timestamp.isascii() and timestamp.isdigit()):
            raise CallbackRefused("signature")
        if abs(self._clock.now().timestamp() - int(timestamp)) > CALLBACK_SECONDS:
            raise CallbackRefused("stale")
        return {**signature, "Wechatpay-Signature-Type": SIGNATURE_TYPE}

    def _opened(self, signature: dict[str, str], body: bytes) -> tuple[str, Any]:
        """Event and decrypted resource."""
        try:
            opened = self._library.callback(signature, body)
        except Exception as error:  # the library raises whatever its parts do, and bare Exception
            raise CallbackRefused("malformed") from error
        if not opened:
            raise CallbackRefused("signature")
        return str(opened.get("event_type", "")), opened["resource"]

    def _check_merchant(self, mch_id: str, app_id: str) -> None:
        if (mch_id, app_id) != (self._mch_id, self._app_id):
            raise CallbackRefused("merchant")

    async def _ask[M: BaseModel](
        self, model: type[M], function: Callable[..., Any], *, unless: tuple[str, ...] = (), **arguments: Any,
    ) -> M:
        text = await self._call(function, unless=unless, **arguments)
        try:
            return model.model_validate_json(text)
        except ValidationError as error:
            log.error("WeChat Pay's answer to %s makes no sense", function.__name__)
            raise SystemUnavailable(SYSTEM) from error

    async def _call(self, function: Callable[..., Any], *, unless: tuple[str, ...] = (), **arguments: Any) -> str | bytes:
        """Run one call of the library in a thread; its body.

        Raises:
            _Refused: with a code in ``unless``.
            SystemUnavailable: no answer, a wrong signature, or any other refusal.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                status, body = await loop.run_in_executor(self._threads, lambda: function(**arguments))
        except Exception as error:  # the library raises bare Exception for a wrong signature, and what requests raises
            log.warning("WeChat Pay: %s failed: %s", function.__name__, type(error).__name__)
            raise SystemUnavailable(SYSTEM) from error
        if status in (200, 204):
            return bytes(body) if isinstance(body, bytes) else str(body)
        problem = _problem(body)
        if problem.code in unless:
            raise _Refused(status, problem.code)
        log.error("WeChat Pay refused %s: %s %s %s", function.__name__, status, problem.code, problem.message[:200])
        raise SystemUnavailable(SYSTEM)


def _library(settings: Settings) -> Library:
    try:
        library = Library(
            wechatpay_type=WeChatPayType.JSAPI, mchid=settings.wechatpay_mch_id, appid=settings.wechat_app_id,
            private_key=_key(settings.wechatpay_private_key_file, "WECHATPAY_PRIVATE_KEY_FILE"),
            cert_serial_no=settings.wechatpay_cert_serial_no, apiv3_key=settings.wechatpay_api_v3_key.get_secret_value(),
            notify_url=f"{settings.public_base_url.rstrip('/')}/pay/notify", timeout=(CONNECT_SECONDS, READ_SECONDS),
            public_key=_key(settings.wechatpay_public_key_file, "WECHATPAY_PUBLIC_KEY_FILE"),
            public_key_id=settings.wechatpay_public_key_id,
        )
    except ValueError:
        raise
    except Exception as error:  # bare Exception for a key that is none
        raise ValueError("WECHATPAY_PRIVATE_KEY_FILE or WECHATPAY_PUBLIC_KEY_FILE is not a PEM key") from error
    library._core._gate_way = settings.wechatpay_base_url.rstrip("/")
    return library


def _key(file: Path | None, setting: str) -> str:
    try:
        return (file or Path()).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{setting} names no readable PEM file") from error


def _problem(body: str | bytes) -> Problem:
    try:
        return Problem.model_validate(json.loads(body))
    except ValueError:
        return Problem()


def _unpacked(packed: str | bytes) -> bytes:
    """Undo gzip, which the statement is asked in, within bounds.

    Raises:
        SystemUnavailable: damaged, or larger than any day's trade can be.
    """
    content = packed.encode() if isinstance(packed, str) else packed
    if not content.startswith(GZIP_MAGIC):
        return content
    unpacker = zlib.decompressobj(GZIP_WBITS)
    try:
        plain = unpacker.decompress(content, STATEMENT_BYTES)
    except zlib.error as error:
        raise SystemUnavailable(SYSTEM) from error
    if not unpacker.eof:
        raise SystemUnavailable(SYSTEM)
    return plain
