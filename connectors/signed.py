r"""JSON over HTTP, signed both ways with a shared key: how the utility's own systems are asked.

A request carries ``X-Runxia-Key``, ``-Timestamp``, ``-Nonce`` and ``-Signature``, the hex HMAC-SHA256 over
``METHOD\ntarget\ntimestamp\nnonce\nhex sha256(body)``. An answer carries the same nonce, its own timestamp, and the
signature over ``status\nnonce\ntimestamp\nhex sha256(body)``, so that what a proxy puts in its place is not believed.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import httpx
from pydantic import SecretStr, TypeAdapter, ValidationError

from runxia.clock import Clock
from services.errors import ServiceError, SystemUnavailable

log = logging.getLogger(__name__)

CONNECT_SECONDS, READ_SECONDS = 1.0, 2.5
# For one question with its retry: a turn that asks once still answers within WeChat's five seconds.
TOTAL_SECONDS = 3.5
FRESH_SECONDS = 300
MAX_ANSWER_BYTES = 4 * 1024 * 1024
SUCCESS = range(200, 300)
CLIENT_ERROR = range(400, 500)
UNAUTHORIZED, TOO_MANY_REQUESTS = 401, 429


@dataclass(frozen=True, slots=True)
class Answer:
    """An authentic answer: 2xx, or a 4xx that says why not."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the system did what it was asked."""
        return self.status in SUCCESS

    @property
    def code(self) -> str:
        """The system's word for why not; empty where it gives none."""
        try:
            problem = json.loads(self.body)
        except ValueError:
            return ""
        return str(problem.get("code", "")) if isinstance(problem, dict) else ""


class SignedClient:
    """Asks one system. Every failure to get an authentic answer is ``SystemUnavailable(system)``."""

    def __init__(self, http: httpx.AsyncClient, system: str, key_id: str, key: str, clock: Clock) -> None:
        self._http = http
        self._system = system
        self._key_id = key_id
        self._key = key.encode()
        self._clock = clock

    async def get(self, *path: str, query: Mapping[str, str] | None = None) -> Answer:
        """Read. Asked once more where the connection broke before an answer."""
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                try:
                    return await self._ask("GET", path, query, b"", "")
                except (httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError):
                    return await self._ask("GET", path, query, b"", "")
        except (httpx.HTTPError, TimeoutError) as error:
            raise self._unavailable(type(error).__name__) from error

    async def send(self, method: str, *path: str, json_body: Any) -> Answer:
        """Change something, once: whoever calls decides whether it may be repeated."""
        return await self.upload(method, *path, content=json.dumps(json_body).encode(), content_type="application/json")

    async def upload(self, method: str, *path: str, content: bytes, content_type: str) -> Answer:
        """Send any content, once."""
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                return await self._ask(method, path, None, content, content_type)
        except (httpx.HTTPError, TimeoutError) as error:
            raise self._unavailable(type(error).__name__) from error

    def nonsense(self, why: str) -> SystemUnavailable:
        """The error for an authentic answer that makes no sense; ``why`` must hold no personal data."""
        return self._unavailable(why)

    async def _ask(
        self, method: str, path: tuple[str, ...], query: Mapping[str, str] | None, content: bytes, content_type: str,
    ) -> Answer:
        target = "/" + "/".join(quote(part, safe="") for part in path)
        headers = {"Content-Type": content_type} if content_type else {}
        request = self._http.build_request(method, target, params=query or None, content=content, headers=headers)
        nonce = secrets.token_hex(16)
        self._sign(request, nonce, content)
        response = await self._http.send(request, stream=True)
        try:
            body = await self._read(response)
        finally:
            await response.aclose()
        self._check(response, nonce, body)
        return Answer(response.status_code, body)

    def _sign(self, request: httpx.Request, nonce: str, content: bytes) -> None:
        timestamp = str(int(self._clock.now().timestamp()))
        target = request.url.raw_path.decode("ascii")
        request.headers.update({
            "X-Runxia-Key": self._key_id, "X-Runxia-Timestamp": timestamp, "X-Runxia-Nonce": nonce,
            "X-Runxia-Signature": self._mac(request.method, target, timestamp, nonce, _digest(content)),
        })

    async def _read(self, response: httpx.Response) -> bytes:
        parts = bytearray()
        async for part in response.aiter_bytes():
            parts += part
            if len(parts) > MAX_ANSWER_BYTES:
                raise self._unavailable("answer too long")
        return bytes(parts)

    def _check(self, response: httpx.Response, nonce: str, body: bytes) -> None:
        status, head = response.status_code, response.headers
        if status == UNAUTHORIZED:
            log.error("%s does not accept our key or our clock", self._system)
        timestamp = head.get("X-Runxia-Timestamp", "")
        expected = self._mac(str(status), nonce, timestamp, _digest(body))
        authentic = hmac.compare_digest(expected.encode(), head.get("X-Runxia-Signature", "").encode())
        if not authentic or abs(self._clock.now().timestamp() - int(timestamp)) > FRESH_SECONDS:
            raise self._unavailable(f"status {status}, not authentic")
        if status not in SUCCESS and (status not in CLIENT_ERROR or status == TOO_MANY_REQUESTS):
            raise self._unavailable(f"status {status}")

    def _mac(self, *parts: str) -> str:
        return hmac.new(self._key, "\n".join(parts).encode(), hashlib.sha256).hexdigest()

    def _unavailable(self, why: str) -> SystemUnavailable:
        log.warning("%s is unavailable: %s", self._system, why)
        return SystemUnavailable(self._system)


class SystemClient:
    """What the clients of single systems share; each opens itself, and says what the system's refusals mean."""

    def __init__(self, client: SignedClient) -> None:
        self._client = client

    @classmethod
    @asynccontextmanager
    async def _open(cls, system: str, base_url: str, key_id: str, key: SecretStr, clock: Clock) -> AsyncIterator[Self]:
        if base_url and not key.get_secret_value():
            raise ValueError(f"there is no key to sign with for {system}")
        timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        async with httpx.AsyncClient(base_url=base_url, timeout=timeout, trust_env=False) as http:
            yield cls(SignedClient(http, system, key_id, key.get_secret_value(), clock))

    def _parse[Thing](self, adapter: TypeAdapter[Thing], answer: Answer) -> Thing:
        self._accept(answer)
        try:
            return adapter.validate_json(answer.body, strict=True)
        except ValidationError as error:
            places = {".".join(map(str, found["loc"])) for found in error.errors(include_input=False, include_url=False)}
            raise self._client.nonsense(f"answer does not parse at {sorted(places)[:5]}") from None

    def _accept(self, answer: Answer) -> None:
        """Nothing where the system did what it was asked.

        Raises:
            ServiceError: why it did not.
        """
        if not answer.ok:
            raise self._refusal(answer)

    def _refusal(self, answer: Answer) -> ServiceError:
        """What an answer means that is not ``ok``."""
        return self._client.nonsense(f"refused with {answer.status} {answer.code[:40]}")

    def _require(self, condition: bool, otherwise: str) -> None:
        if not condition:
            raise self._client.nonsense(otherwise)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
