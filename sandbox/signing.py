"""The utility's side of signed HTTP, as docs/csms.openapi.yaml and docs/sms.openapi.yaml describe it.

Written apart from the application's client on purpose: a mistake in one of them shows.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from itertools import takewhile

from sanic import Request
from sanic.response import BaseHTTPResponse

from runxia.clock import Clock

FRESH = timedelta(minutes=5)
MIN_NONCE_LENGTH = 16


class Refused(Exception):
    """The request is not what its sender signed; ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Signing:
    """Checks requests and signs answers with one shared key."""

    def __init__(self, key_id: str, key: str, clock: Clock) -> None:
        self._key_id = key_id
        self._key = key.encode()
        self._clock = clock
        self._seen: dict[str, float] = {}  # nonces and until when to know them, oldest first

    def check(self, request: Request) -> None:
        """Let a request through once.

        Raises:
            Refused: unknown key, stale, wrongly signed, or seen before.
        """
        head = {name: request.headers.get(f"x-runxia-{name}", "") for name in ("key", "timestamp", "nonce", "signature")}
        if head["key"] != self._key_id or len(head["nonce"]) < MIN_NONCE_LENGTH:
            raise Refused("unknown_key")
        self._check_fresh(head["timestamp"])
        signed = "\n".join((request.method, request.raw_url.decode(), head["timestamp"], head["nonce"], _digest(request.body)))
        if not hmac.compare_digest(self._mac(signed), head["signature"]):
            raise Refused("wrong_signature")
        self._use(head["nonce"])

    def sign(self, request: Request, response: BaseHTTPResponse) -> None:
        """Sign an answer, bound to the nonce of its request."""
        nonce, timestamp = request.headers.get("x-runxia-nonce", ""), str(int(self._clock.now().timestamp()))
        signed = "\n".join((str(response.status), nonce, timestamp, _digest(response.body or b"")))
        response.headers.update({
            "X-Runxia-Nonce": nonce, "X-Runxia-Timestamp": timestamp, "X-Runxia-Signature": self._mac(signed),
        })

    def _check_fresh(self, timestamp: str) -> None:
        if not timestamp.isascii() or not timestamp.isdigit():
            raise Refused("stale")
        if abs(self._clock.now().timestamp() - int(timestamp)) > FRESH.total_seconds():
            raise Refused("stale")

    def _use(self, nonce: str) -> None:
        now = self._clock.now().timestamp()
        for seen in list(takewhile(lambda seen: self._seen[seen] <= now, self._seen)):
            del self._seen[seen]
        if nonce in self._seen:
            raise Refused("replayed")
        self._seen[nonce] = now + 2 * FRESH.total_seconds()

    def _mac(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
