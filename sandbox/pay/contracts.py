"""WeChat Pay's direct debit contracts (委托代扣, API v2): the page to sign, query, termination, callbacks.

Written apart from the application's client on purpose: a mistake in one of them shows.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import html as html_text
import logging
import secrets
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from sanic import Blueprint, Request, Sanic
from sanic.response import HTTPResponse, html, raw

from runxia.clock import SHANGHAI, Clock
from runxia.settings import Settings, load_settings
from sandbox import faults, sqlite
from sandbox.clock import sandbox_clock
from sandbox.wechat.oauth import COOKIE
from sandbox.wechat.xml import BadReply, build, parse

log = logging.getLogger(__name__)

PAGE_SECONDS = 600  # how old the timestamp of a link to the page may be
REPEATS = (2.0, 5.0, 15.0)  # the real one repeats for a day
USER, MERCHANT = "2", "3"  # contract_termination_mode
_SCHEMA = """
CREATE TABLE IF NOT EXISTS contract (
    contract_id TEXT PRIMARY KEY, contract_code TEXT NOT NULL UNIQUE, plan_id TEXT NOT NULL, openid TEXT NOT NULL,
    shown_as TEXT NOT NULL, serial TEXT NOT NULL, notify_url TEXT NOT NULL, signed_at TEXT NOT NULL, ended_at TEXT,
    mode TEXT NOT NULL, remark TEXT NOT NULL);
"""
_PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><body style="font:17px/1.6 sans-serif;text-align:center;padding:60px 24px;color:#333">{body}"""
_FORM = """<h1 style="font-size:20px">开通自动扣款服务</h1><p>{shown_as}</p><p>{payee}将在扣款日从您的微信支付扣款</p>
<form method="post"><button style="font-size:17px;padding:10px 40px;background:#07c160;color:#fff;border:0;border-radius:6px">
确认开通</button></form>"""
_SIGN_FIELDS = (
    "appid", "mch_id", "plan_id", "contract_code", "request_serial", "contract_display_account", "notify_url", "version",
    "timestamp",
)

bp = Blueprint("pay_contracts")


class Contracts:
    """Contracts of one merchant."""

    def __init__(self, path: Path, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._connection = sqlite.connect(path, "synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)
        self._http = httpx.AsyncClient(timeout=5.0, trust_env=False)
        self._calls: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Let go of everything."""
        for call in self._calls:
            call.cancel()
        await self._http.aclose()
        self._connection.close()

    def why_not(self, fields: Mapping[str, str]) -> str | None:
        """Why the page to sign does not open; none if it does."""
        if any(not fields.get(name) for name in (*_SIGN_FIELDS, "sign")):
            return "参数错误"
        if not self.authentic(fields):
            return "签名错误"
        if not fields["timestamp"].isdigit() or abs(self._clock.now().timestamp() - int(fields["timestamp"])) > PAGE_SECONDS:
            return "页面已过期"
        if self.find(fields["contract_code"]) is not None:
            return "签约协议号重复"
        return None

    def authentic(self, fields: Mapping[str, str]) -> bool:
        """Whether the merchant signed these fields, and they are meant for this template."""
        ours = (self._settings.wechat_app_id, self._settings.wechatpay_mch_id)
        right = hmac.compare_digest(self._signature(fields).encode(), fields.get("sign", "").encode())
        return right and (fields.get("appid"), fields.get("mch_id")) == ours

    def sign(self, fields: Mapping[str, str], openid: str) -> None:
        """The customer signs; the merchant is called back."""
        contract_id = f"Wx{secrets.token_hex(14)}"
        self._connection.execute("INSERT INTO contract VALUES (?,?,?,?,?,?,?,?,?,?,?)", (
            contract_id, fields["contract_code"], fields["plan_id"], openid, fields["contract_display_account"],
            fields["request_serial"], fields["notify_url"], self._clock.now().isoformat(), None, "0", "",
        ))
        self._call_back(fields["contract_code"], "ADD")

    def end(self, contract_code: str, mode: str, remark: str) -> bool:
        """End a contract; whether there was one to end. The merchant is called back."""
        done = self._connection.execute(
            "UPDATE contract SET ended_at = ?, mode = ?, remark = ? WHERE contract_code = ? AND ended_at IS NULL",
            (self._clock.now().isoformat(), mode, remark, contract_code),
        ).rowcount
        if done:
            self._call_back(contract_code, "DELETE")
        return bool(done)

    def find(self, number: str) -> sqlite3.Row | None:
        """A contract by either number."""
        row: sqlite3.Row | None = self._connection.execute(
            "SELECT * FROM contract WHERE contract_code = ? OR contract_id = ?", (number, number),
        ).fetchone()
        return row

    def of(self, openid: str) -> sqlite3.Row | None:
        """The newest contract of a customer that is in force."""
        row: sqlite3.Row | None = self._connection.execute(
            "SELECT * FROM contract WHERE openid = ? AND ended_at IS NULL ORDER BY rowid DESC", (openid,),
        ).fetchone()
        return row

    def answer(self, **fields: str) -> HTTPResponse:
        """A signed answer."""
        told = {"return_code": "SUCCESS", "appid": self._settings.wechat_app_id, "mch_id": self._settings.wechatpay_mch_id}
        told |= fields
        return raw(build({**told, "sign": self._signature(told)}).encode(), content_type="text/xml")

    def show(self, row: sqlite3.Row) -> dict[str, str]:
        """A contract as a query tells it."""
        names = ("contract_id", "contract_code", "plan_id", "openid")
        return {
            **{name: row[name] for name in names}, "request_serial": row["serial"],
            "contract_display_account": row["shown_as"], "contract_state": "1" if row["ended_at"] else "0",
            "contract_signed_time": _local(row["signed_at"]),
            **({"contract_terminated_time": _local(row["ended_at"])} if row["ended_at"] else {}),
            "contract_termination_mode": row["mode"],
        }

    def _call_back(self, contract_code: str, change: str) -> None:
        row = self.find(contract_code)
        if row is None or faults.get("pay", *faults.CALLBACK_MODES).mode == "lose_callback":
            return
        call = asyncio.create_task(self._post(row, change))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _post(self, row: sqlite3.Row, change: str) -> None:
        fields = {
            "return_code": "SUCCESS", "result_code": "SUCCESS", "mch_id": self._settings.wechatpay_mch_id,
            "contract_code": row["contract_code"], "plan_id": row["plan_id"], "openid": row["openid"],
            "contract_id": row["contract_id"], "request_serial": row["serial"], "change_type": change,
            "operate_time": _local(row["ended_at"] or row["signed_at"]),
            **({"contract_termination_mode": row["mode"]} if change == "DELETE" else {}),
        }
        body = build({**fields, "sign": self._signature(fields)}).encode()
        for pause in (*REPEATS, None):
            with contextlib.suppress(httpx.HTTPError):
                answer = await self._http.post(row["notify_url"], content=body, headers={"Content-Type": "text/xml"})
                if b"SUCCESS" in answer.content:
                    return
            if pause is not None:
                await asyncio.sleep(pause)
        log.warning("the merchant did not take the callback of contract %s", row["contract_code"])

    def _signature(self, fields: Mapping[str, str]) -> str:
        pairs = sorted((name, value) for name, value in fields.items() if name != "sign" and value)
        pairs.append(("key", self._settings.wechatpay_api_v2_key.get_secret_value()))
        joined = "&".join("=".join(pair) for pair in pairs)
        return hashlib.md5(joined.encode(), usedforsecurity=False).hexdigest().upper()


def _local(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


@bp.before_server_start
async def _open(app: Sanic[Any, Any]) -> None:
    settings = load_settings()
    app.ctx.contracts = Contracts(settings.data_dir / "pay-contracts.db", settings, sandbox_clock())


@bp.after_server_stop
async def _close(app: Sanic[Any, Any]) -> None:
    await app.ctx.contracts.close()


@bp.get("/papay/entrustweb", name="entrust_page")
@bp.post("/papay/entrustweb", name="entrust_button")
async def entrust(request: Request) -> HTTPResponse:
    """The page to sign, inside WeChat; the button posts to the same address."""
    contracts: Contracts = request.app.ctx.contracts
    fields = {name: request.args.get(name, "") for name in request.args}
    openid = request.cookies.get(COOKIE)
    problem = contracts.why_not(fields) if openid else "请在微信客户端打开链接"
    if problem or openid is None:
        return html(_PAGE.format(title="提示", body=html_text.escape(problem or "")), status=400)
    if request.method == "GET":
        shown = html_text.escape(fields["contract_display_account"])
        return html(_PAGE.format(title="自动扣款", body=_FORM.format(shown_as=shown, payee="自来水公司")))
    contracts.sign(fields, openid)
    return html(_PAGE.format(title="自动扣款", body="<h1>开通成功</h1><p>请返回公众号查看</p>"))


@bp.post("/papay/querycontract")
async def query(request: Request) -> HTTPResponse:
    """查询签约关系."""
    contracts: Contracts = request.app.ctx.contracts
    fields = await _read(request)
    if isinstance(fields, HTTPResponse):
        return fields
    row = contracts.find(fields.get("contract_id") or fields.get("contract_code", ""))
    if row is None:
        return contracts.answer(result_code="FAIL", err_code="CONTRACT_NOT_EXIST", err_code_des="签约关系不存在")
    return contracts.answer(result_code="SUCCESS", **contracts.show(row))


@bp.post("/papay/deletecontract")
async def delete(request: Request) -> HTTPResponse:
    """申请解约."""
    contracts: Contracts = request.app.ctx.contracts
    fields = await _read(request)
    if isinstance(fields, HTTPResponse):
        return fields
    row = contracts.find(fields.get("contract_id") or fields.get("contract_code", ""))
    if row is None or not contracts.end(row["contract_code"], MERCHANT, fields.get("contract_termination_remark", "")):
        return contracts.answer(result_code="FAIL", err_code="CONTRACT_TERMINATED", err_code_des="已解约")
    return contracts.answer(result_code="SUCCESS", contract_id=row["contract_id"])


@bp.post("/sandbox/pay/contracts/end")
async def end(request: Request) -> HTTPResponse:
    """The customer ``{"openid"}`` ends the newest contract in WeChat's own settings."""
    contracts: Contracts = request.app.ctx.contracts
    row = contracts.of(str((request.json or {}).get("openid", "")))
    if row is None:
        return raw(b"{}", status=404)
    contracts.end(row["contract_code"], USER, "")
    return raw(b"{}", content_type="application/json")


async def _read(request: Request) -> dict[str, str] | HTTPResponse:
    """The fields of a signed request, or the answer to one that is not."""
    contracts: Contracts = request.app.ctx.contracts
    if answer := await faults.misbehave("pay", {"code": "SYSTEM_ERROR"}):
        return answer
    try:
        root = parse(request.body.decode())
    except (BadReply, UnicodeDecodeError):
        return raw(build({"return_code": "FAIL", "return_msg": "XML格式错误"}).encode(), content_type="text/xml")
    fields = {child.tag: child.text or "" for child in root}
    if not contracts.authentic(fields):
        return raw(build({"return_code": "FAIL", "return_msg": "签名错误"}).encode(), content_type="text/xml")
    return fields
