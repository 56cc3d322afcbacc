"""The pages on a free port, over the real client of WeChat Pay and a billing system in memory."""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sanic import Sanic

from connectors.wechat.api import CodeInvalid
from connectors.wechatpay import WechatPay
from pages import blueprints
from runxia.clock import FixedClock
from runxia.settings import Settings
from runxia.utility import load_utility
from services.accounts import Accounts
from services.invoices import Invoices
from services.payments import Payments
from services.privacy import Privacy
from store import crypto
from store.db import Database
from store.kv import MemoryStore
from store.models import Base
from tests.fakes import FakeCsms, FakeSms, sample_csms
from tests.unit.invoices.fakes import FakeInvoiceDesk


@dataclass
class FakeWechat:
    """WeChat's OAuth: codes that are good once."""

    codes: dict[str, str] = field(default_factory=dict)

    async def openid_from_code(self, code: str) -> str:
        """Whose code it is."""
        if code not in self.codes:
            raise CodeInvalid(code)
        return self.codes.pop(code)

    def code(self, openid: str) -> str:
        """What WeChat puts into the redirect."""
        code = secrets.token_hex(8)
        self.codes[code] = openid
        return code


@dataclass
class Web:
    """The pages and what is behind them."""

    url: str
    db: Database
    payments: Payments
    invoices: Invoices
    invoice_desk: FakeInvoiceDesk
    privacy: Privacy
    csms: FakeCsms
    wechat: FakeWechat
    clock: FixedClock


@asynccontextmanager
async def serving_pages(settings: Settings, pay: WechatPay, clock: FixedClock, folder: Path) -> AsyncIterator[Web]:
    """Serve the pages, with an empty database."""
    crypto.use(crypto.KeyRing({"test": bytes(32)}))
    db = Database(f"sqlite:///{folder / 'pages.db'}")
    async with db.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    csms, wechat, utility = sample_csms(), FakeWechat(), load_utility(Path("utility.yml"))
    links: Any = {"link_key": settings.link_key.get_secret_value().encode(), "public_base_url": settings.public_base_url}
    payments, desk = Payments(db, csms, pay, clock, utility, **links), FakeInvoiceDesk(csms, clock.now())
    invoices = Invoices(db, csms, desk, clock, utility, **links)
    accounts = Accounts(db, MemoryStore(clock), csms, FakeSms(), clock, utility)
    privacy = Privacy(db, accounts, clock, utility, data_dir=folder, **links)
    app: Sanic = Sanic(f"pages-{secrets.token_hex(4)}")
    app.config.update({"OAS": False, "MOTD": False, "ACCESS_LOG": False, "CORS": False})
    app.config.TOUCHUP = False  # it rewrites Sanic's own code, once in a process only
    app.blueprint(blueprints)
    app.ctx.services = SimpleNamespace(
        settings=settings, utility=utility, clock=clock, payments=payments, invoices=invoices, privacy=privacy,
    )
    app.ctx.wechat = wechat
    listener = socket.create_server(("127.0.0.1", 0))  # sanic takes port 0 for its default
    server = await app.create_server(sock=listener, return_asyncio_server=True)
    assert server is not None
    await server.startup()
    await server.start_serving()
    port = listener.getsockname()[1]
    try:
        yield Web(f"http://127.0.0.1:{port}", db, payments, invoices, desk, privacy, csms, wechat, clock)
    finally:
        server.close()
        await server.wait_closed()
        await db.close()
