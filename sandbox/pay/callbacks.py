"""Tells the merchant what happened, again and again until it says that it has understood."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import sqlite3
from base64 import b64encode
from datetime import datetime, timedelta
from typing import Any

import httpx

from sandbox import faults
from sandbox.pay.database import Database, iso
from sandbox.pay.orders import Orders
from sandbox.pay.platform import Platform

log = logging.getLogger(__name__)

# https://pay.weixin.qq.com/doc/v3/merchant/4012791861: when a callback is repeated (24 h 4 min in all), and how long it waits.
REPEATS = tuple(timedelta(seconds=seconds) for seconds in (
    15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600,
))
ANSWER_SECONDS = 5.0
TICK_SECONDS = 0.2
_EVENTS = {"transaction": ("TRANSACTION.SUCCESS", "支付成功"), "refund": ("REFUND.SUCCESS", "退款成功")}


class Callbacks:
    """Sends what is due by the sandbox's clock."""

    def __init__(self, db: Database, orders: Orders, platform: Platform) -> None:
        self._db = db
        self._orders = orders
        self._platform = platform
        self._http = httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False)
        self._sending: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Send until cancelled."""
        try:
            while True:
                self._start_due()
                await asyncio.sleep(TICK_SECONDS)
        finally:
            for task in self._sending.values():
                task.cancel()
            await self._http.aclose()

    async def probe(self, url: str) -> int:
        """Call a merchant as WeChat Pay does to test it: with a forged signature, which must be refused.

        Returns:
            the HTTP status of the merchant's answer.
        """
        body = self._body("transaction", {"out_trade_no": "probe", "trade_state": "SUCCESS"}, secrets.token_hex(16))
        headers = self._platform.signature_headers(body)
        headers["Wechatpay-Signature"] = "WECHATPAY/SIGNTEST/" + b64encode(secrets.token_bytes(240)).decode()
        answer = await self._http.post(url, content=body, headers={**headers, "Content-Type": "application/json"})
        return answer.status_code

    def _start_due(self) -> None:
        now = iso(self._platform.clock.now())
        for callback in self._db.all("SELECT * FROM callbacks WHERE next_at <= ? ORDER BY next_at", now):
            if callback["id"] not in self._sending:
                self._sending[callback["id"]] = asyncio.create_task(self._deliver(callback))

    async def _deliver(self, callback: sqlite3.Row) -> None:
        try:
            await self._try(callback)
        finally:
            del self._sending[callback["id"]]

    async def _try(self, callback: sqlite3.Row) -> None:
        fault = faults.get("pay", *faults.CALLBACK_MODES)
        if fault.mode == "lose_callback":
            self._settle(callback, None, "lost")
        elif fault.mode == "late_callback":
            self._settle(callback, self._platform.clock.now() + timedelta(seconds=fault.seconds), "late")
        else:
            await self._send(callback, times=2 if fault.mode == "duplicate_callback" else 1)

    async def _send(self, callback: sqlite3.Row, times: int) -> None:
        started = self._platform.clock.now()
        resource = self._resource(callback["kind"], callback["number"])
        outcomes = [await self._post(callback, resource) for _ in range(times)]
        if outcomes[-1] in ("200", "204"):
            self._settle(callback, None, outcomes[-1], tried=True)
            return
        log.warning("callback %s try %s: %s", callback["number"], callback["tries"] + 1, outcomes[-1])
        tries = callback["tries"]
        again = started + REPEATS[tries] if tries < len(REPEATS) else None
        self._settle(callback, again, outcomes[-1], tried=True)

    async def _post(self, callback: sqlite3.Row, resource: dict[str, Any]) -> str:
        body = self._body(callback["kind"], resource, callback["id"])
        headers = {**self._platform.signature_headers(body), "Content-Type": "application/json"}
        try:
            return str((await self._http.post(callback["url"], content=body, headers=headers)).status_code)
        except httpx.HTTPError as error:
            return type(error).__name__

    def _resource(self, kind: str, number: str) -> dict[str, Any]:
        if kind == "refund":
            return self._orders.show_refund_callback(self._orders.get_refund(number))
        return self._orders.show(self._orders.get(number)) | {"trade_state": "SUCCESS", "trade_state_desc": "支付成功"}

    def _body(self, kind: str, resource: dict[str, Any], number: str) -> bytes:
        event, summary = _EVENTS[kind]
        notice = {
            "id": number, "create_time": iso(self._platform.clock.now()), "resource_type": "encrypt-resource",
            "event_type": event, "summary": summary, "resource": self._platform.seal(kind, resource),
        }
        return json.dumps(notice, ensure_ascii=False).encode()

    def _settle(self, callback: sqlite3.Row, again: datetime | None, outcome: str, *, tried: bool = False) -> None:
        self._db.run(
            "UPDATE callbacks SET next_at = ?, outcome = ?, tries = tries + ? WHERE id = ?",
            iso(again) if again else None, outcome, int(tried), callback["id"],
        )
