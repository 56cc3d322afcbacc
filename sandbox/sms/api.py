"""The provider's API, and the inbox."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sanic import Blueprint, Request, Sanic
from sanic.response import HTTPResponse, json

from runxia.settings import load_settings
from runxia.utility import load_utility
from sandbox import faults
from sandbox.clock import sandbox_clock
from sandbox.signing import Refused, Signing

KEY_ID = "runxia"
# Messages to one phone in a span: what this provider's contract allows.
LIMITS = ((timedelta(minutes=1), 10), (timedelta(hours=1), 60), (timedelta(days=1), 200))
INBOX_LENGTH = 50

bp = Blueprint("sms")


class _Code(BaseModel):
    model_config = ConfigDict(extra="forbid")

    phone: str = Field(pattern=r"^1[3-9]\d{9}$")
    code: str = Field(pattern=r"^\d{4,8}$")
    minutes: int = Field(ge=1, le=60)


class Inbox:
    """Messages by phone, in ``DATA_DIR/sms.db``."""

    def __init__(self) -> None:
        settings = load_settings()
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        self.clock = sandbox_clock()
        self.signing = Signing(KEY_ID, settings.sms_key.get_secret_value(), self.clock)
        self.sender = load_utility(settings.utility_file).short_name
        self._connection = sqlite3.connect(settings.data_dir / "sms.db", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, phone TEXT, at TEXT, text TEXT)")

    def allows(self, phone: str, now: datetime) -> bool:
        """Whether one more message to this phone keeps every limit."""
        return all(self._count(phone, now - span) < most for span, most in LIMITS)

    def deliver(self, phone: str, text: str, now: datetime) -> None:
        """Put a message into the inbox."""
        self._connection.execute("INSERT INTO message (phone, at, text) VALUES (?,?,?)", (phone, now.isoformat(), text))

    def newest(self, phone: str | None) -> list[dict[str, str]]:
        """The newest messages of a phone, or of all, newest first."""
        rows = self._connection.execute(
            "SELECT phone, text, at FROM message WHERE phone = coalesce(?, phone) ORDER BY id DESC LIMIT ?",
            (phone, INBOX_LENGTH),
        )
        return [dict(zip(("phone", "text", "at"), row, strict=True)) for row in rows]

    def clear(self) -> None:
        """Forget every message."""
        self._connection.execute("DELETE FROM message")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _count(self, phone: str, since: datetime) -> int:
        query = "SELECT count(*) FROM message WHERE phone = ? AND at > ?"
        return int(self._connection.execute(query, (phone, since.isoformat())).fetchone()[0])


@bp.before_server_start
async def _open(app: Sanic[Any, Any]) -> None:
    app.ctx.sms = Inbox()


@bp.after_server_stop
async def _close(app: Sanic[Any, Any]) -> None:
    app.ctx.sms.close()


def clear(app: Sanic[Any, Any]) -> None:
    """Forget every message of the sandbox that ``app`` serves."""
    app.ctx.sms.clear()


@bp.post("/sms/codes")
async def send_code(request: Request) -> HTTPResponse:
    """Send a verification code."""
    inbox: Inbox = request.app.ctx.sms
    try:
        inbox.signing.check(request)
    except Refused as error:
        return json({"code": error.code, "message": error.code}, 401)
    if fault := await faults.misbehave("sms", faults.MAINTENANCE):
        return fault
    answer = _accept(inbox, request.body)
    inbox.signing.sign(request, answer)
    return answer


def _accept(inbox: Inbox, body: bytes) -> HTTPResponse:
    try:
        code = _Code.model_validate_json(body)
    except ValidationError:
        return json({"code": "invalid", "message": "phone, code or minutes"}, 422)
    now = inbox.clock.now()
    if not inbox.allows(code.phone, now):
        return json({"code": "too_many", "message": "too many messages to this phone"}, 429)
    text = f"【{inbox.sender}】验证码 {code.code}，{code.minutes} 分钟内有效。请不要告诉任何人，我们的工作人员也不会向您要。"
    inbox.deliver(code.phone, text, now)
    return json({"accepted": True})


@bp.get("/sandbox/sms")
async def inbox(request: Request) -> HTTPResponse:
    """``{"messages": [{phone, text, at}]}``, newest first, of ``?phone=`` or of all."""
    return json({"messages": request.app.ctx.sms.newest(request.args.get("phone"))})
