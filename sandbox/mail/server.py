"""A mail server on this machine that takes every mail and keeps it: ``GET /sandbox/mail?to=``."""

from __future__ import annotations

import asyncio
import email
import sqlite3
from email import policy
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from sanic import Blueprint, Request, Sanic
from sanic.response import HTTPResponse, json

from runxia.settings import load_settings
from sandbox import faults
from sandbox.clock import sandbox_clock
from sandbox.wechat.settings import SandboxSettings

INBOX_LENGTH = 50
MOST_BYTES = 1 << 20

bp = Blueprint("mail")


class Inbox:
    """Mails in ``DATA_DIR/mail.db``; the handler of the SMTP server."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._clock = sandbox_clock()
        self._connection = sqlite3.connect(folder / "mail.db", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(
            'CREATE TABLE IF NOT EXISTS mail (id INTEGER PRIMARY KEY, "to" TEXT, at TEXT, subject TEXT, text TEXT)',
        )

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Take a mail, unless mail is to misbehave."""
        fault = faults.get("mail", *faults.API_MODES)
        if fault.mode == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault.mode != "ok":
            return "451 4.3.2 down for maintenance"
        message = email.message_from_bytes(_raw(envelope), policy=policy.default)
        body = message.get_body(("plain",))
        text = str(body.get_content()) if body else ""
        for to in envelope.rcpt_tos:
            self._connection.execute(
                'INSERT INTO mail ("to", at, subject, text) VALUES (?,?,?,?)',
                (to, self._clock.now().isoformat(), str(message["Subject"]), text),
            )
        return "250 2.0.0 OK"

    def newest(self, to: str | None) -> list[dict[str, str]]:
        """The newest mails to an address, or to all, newest first."""
        rows = self._connection.execute(
            'SELECT "to", subject, text, at FROM mail WHERE "to" = coalesce(?, "to") ORDER BY id DESC LIMIT ?',
            (to, INBOX_LENGTH),
        )
        return [dict(zip(("to", "subject", "text", "at"), row, strict=True)) for row in rows]

    def clear(self) -> None:
        """Forget every mail."""
        self._connection.execute("DELETE FROM mail")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _raw(envelope: Envelope) -> bytes:
    content = envelope.content or b""
    return content.encode() if isinstance(content, str) else content


@bp.before_server_start
async def _open(app: Sanic[Any, Any]) -> None:
    app.ctx.mail = Inbox(load_settings().data_dir)
    loop = asyncio.get_running_loop()
    app.ctx.smtp = await loop.create_server(
        lambda: SMTP(app.ctx.mail, loop=loop, data_size_limit=MOST_BYTES, enable_SMTPUTF8=True),
        "127.0.0.1", SandboxSettings().sandbox_smtp_port,
    )


@bp.after_server_stop
async def _close(app: Sanic[Any, Any]) -> None:
    app.ctx.smtp.close()
    app.ctx.mail.close()


def clear(app: Sanic[Any, Any]) -> None:
    """Forget every mail of the sandbox that ``app`` serves."""
    app.ctx.mail.clear()


@bp.get("/sandbox/mail")
async def inbox(request: Request) -> HTTPResponse:
    """``{"mails": [{to, subject, text, at}]}``, newest first, of ``?to=`` or of all."""
    return json({"mails": request.app.ctx.mail.newest(request.args.get("to"))})
