"""All of WeChat's side, opened once per process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from runxia.clock import Clock, clock_from
from runxia.settings import Settings
from sandbox.wechat.callback import Account, Callback
from sandbox.wechat.database import Database
from sandbox.wechat.inbox import Inbox
from sandbox.wechat.journal import Journal
from sandbox.wechat.media import MediaStore
from sandbox.wechat.menu import Menu
from sandbox.wechat.quota import Quota
from sandbox.wechat.settings import SandboxSettings
from sandbox.wechat.signal import Signal
from sandbox.wechat.tokens import Tokens
from sandbox.wechat.users import Users


@dataclass(frozen=True, slots=True)
class WeChat:
    """What the blueprints share, at ``app.ctx.wechat``."""

    settings: Settings
    clock: Clock
    db: Database
    signal: Signal
    users: Users
    inbox: Inbox
    journal: Journal
    quota: Quota
    tokens: Tokens
    media: MediaStore
    menu: Menu
    callback: Callback
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Do something after the answer to the present request."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


@asynccontextmanager
async def open_wechat(settings: Settings, sandbox: SandboxSettings) -> AsyncIterator[WeChat]:
    """Open the database and the client that posts to the gateway; close both at the end."""
    clock, signal = clock_from(settings.clock_file), Signal()
    db = Database(settings.data_dir / "sandbox.db")
    journal = Journal(db, signal, clock)
    account = Account(
        app_id=settings.wechat_app_id, original_id=settings.wechat_original_id,
        token=settings.wechat_token.get_secret_value(), aes_key=settings.wechat_aes_key.get_secret_value(),
        callback_url=f"{settings.public_base_url.rstrip('/')}/wechat", mode=sandbox.sandbox_wechat_mode,
    )
    try:
        async with httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=None)) as client:
            wechat = WeChat(
                settings=settings, clock=clock, db=db, signal=signal, users=Users(db, clock),
                inbox=Inbox(db, signal, clock), journal=journal, quota=Quota(db, clock), tokens=Tokens(db, clock),
                media=MediaStore(db, settings.data_dir / "wechat-media", clock), menu=Menu(db),
                callback=Callback(account, client, journal, clock),
            )
            yield wechat
            for task in wechat.tasks:
                task.cancel()
            await asyncio.gather(*wechat.tasks, return_exceptions=True)
    finally:
        db.close()
