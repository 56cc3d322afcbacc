"""A real gateway over HTTP, between a minimal WeChat and a fake dialogue engine."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sanic import Request, Sanic
from sanic.response import HTTPResponse, raw
from sqlalchemy import select

from gateway.app import create_app
from gateway.conversation import Conversation
from runxia.devkeys import ensure_pay_keys
from runxia.settings import Settings
from store.models import Message, Outbox
from tests.databases import postgres_database
from tests.integration.minimal_wechat import Account, MinimalWechat

ACCOUNT = Account(
    app_id="wx0123456789abcdef", secret="minimal-app-secret", token="minimaltoken",
    aes_key=base64.b64encode(bytes(range(32))).decode().rstrip("="), original_id="gh_0123456789ab",
)
LOCAL = "127.0.0.1"
_names = (f"test{number}" for number in itertools.count())

type Handler = Callable[[httpx.Request], Awaitable[httpx.Response]]


@dataclass
class FakeRasa:
    """Answers by rule: ``say`` maps a message to Rasa's answers, and may take its time or fail."""

    say: Callable[[str], Any] = lambda message: [{"text": f"答：{message}"}]
    heard: list[tuple[str, str, int]] = field(default_factory=list)  # sender, message, message id
    running: int = 0
    most_running: int = 0
    seconds: Callable[[str], float] = lambda _message: 0.0
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    conversations: set[str] = field(default_factory=set)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        """Rasa's HTTP API, as much as the gateway uses."""
        path = request.url.path
        if path == "/webhooks/rest/webhook":
            return await self._webhook(json.loads(request.content))
        if path.endswith("/tracker/events"):
            self.conversations.add(path.split("/")[2])
            return httpx.Response(200, json={})
        if path.endswith("/tracker"):
            return httpx.Response(200, json={"events": self.events.get(path.split("/")[2], [])})
        if path.endswith("/trigger_intent"):
            if path.split("/")[2] not in self.conversations:
                return httpx.Response(404, json={"message": "Conversation ID not found."})
            facts = json.loads(request.content)
            return httpx.Response(200, json={"messages": self.say(f"{facts['name']} {facts['entities']}")})
        return httpx.Response(200, json={"status": "ok"})

    async def _webhook(self, body: Mapping[str, Any]) -> httpx.Response:
        openid, message = body["sender"], body["message"]
        self.heard.append((openid, message, body["metadata"]["message_id"]))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await asyncio.sleep(self.seconds(message))
            said = self.say(message)
        finally:
            self.running -= 1
        if isinstance(said, httpx.Response):
            return said
        self._remember(openid, body["metadata"], said)
        return httpx.Response(200, json=said)

    def _remember(self, openid: str, metadata: Any, said: list[dict[str, Any]]) -> None:
        self.conversations.add(openid)
        events = self.events.setdefault(openid, [])
        events.append({"event": "user", "metadata": metadata})
        events.extend({"event": "bot", "text": s.get("text"), "data": s, "metadata": {}} for s in said)


@asynccontextmanager
async def serve(app: Sanic[Any, Any]) -> AsyncIterator[str]:
    """Run a sanic application in this event loop; its address."""
    app.config.TOUCHUP = False  # sanic rewrites its own classes at start, which works once per process
    listener = socket.create_server((LOCAL, 0))
    server = await app.create_server(sock=listener, return_asyncio_server=True, access_log=False)
    assert server is not None
    await server.startup()
    await server.before_start()
    await server.after_start()
    try:
        yield f"http://{LOCAL}:{listener.getsockname()[1]}"
    finally:
        await server.before_stop()
        server.close()
        await server.after_stop()


def standing_in(handler: Handler) -> Sanic[Any, Any]:
    """An application that passes every request to ``handler``."""
    app: Sanic[Any, Any] = Sanic(next(_names), configure_logging=False)

    @app.route("/<path:path>", methods=["GET", "POST"])
    async def any_path(request: Request, path: str) -> HTTPResponse:
        asked = httpx.Request(request.method, request.url, headers=dict(request.headers), content=request.body)
        answer = await handler(asked)
        return raw(answer.content, status=answer.status_code, content_type=answer.headers.get("content-type", ""))

    return app


@dataclass
class World:
    """One gateway and what is around it."""

    wechat: MinimalWechat
    rasa: FakeRasa
    settings: Settings
    gateways: list[Sanic[Any, Any]]
    stack: AsyncExitStack

    @property
    def conversation(self) -> Conversation:
        """The first gateway's conversation."""
        found: Conversation = self.gateways[0].ctx.conversation
        return found

    async def start_gateway(self) -> httpx.AsyncClient:
        """One more gateway process, as it were; a client of it."""
        app = create_app(self.settings, next(_names))
        address = await self.stack.enter_async_context(serve(app))
        self.gateways.append(app)
        return await self.stack.enter_async_context(httpx.AsyncClient(base_url=address, timeout=20, verify=False))

    async def messages(self, **equal: Any) -> list[Message]:
        """Stored messages in order."""
        async with self.gateways[0].ctx.services.db.read() as session:
            return list(await session.scalars(select(Message).filter_by(**equal).order_by(Message.id)))

    async def outbox(self) -> list[Outbox]:
        """What is left to the worker."""
        async with self.gateways[0].ctx.services.db.read() as session:
            return list(await session.scalars(select(Outbox).order_by(Outbox.id)))

    def move_clock(self, seconds: float) -> None:
        """Move the gateway's clock, and WeChat's with it."""
        assert self.settings.clock_file is not None
        self.settings.clock_file.write_text(str(seconds))
        self.wechat.now = lambda: time.time() + seconds

    async def eventually(self, check: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
        """Wait until something is true."""
        async with asyncio.timeout(seconds):
            while not await check():  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """SQLite; tests that should hold on PostgreSQL as well say so by parametrizing indirectly."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'gateway.db'}"
        return
    with postgres_database() as url:
        yield url


@pytest.fixture
async def world(tmp_path: Path, database_url: str) -> AsyncIterator[World]:
    """A gateway that is up."""
    keys = tmp_path / "keys"
    keys.mkdir()
    ensure_pay_keys(keys)
    key = base64.b64encode(bytes(32)).decode()
    async with AsyncExitStack() as stack:
        rasa = FakeRasa()
        wechat = MinimalWechat(ACCOUNT, httpx.AsyncClient(verify=False))
        settings = Settings(
            _env_file=None, data_dir=tmp_path, clock_file=tmp_path / "clock", database_url=database_url,
            rasa_url=await stack.enter_async_context(serve(standing_in(rasa.handle))),
            wechat_api_base_url=await stack.enter_async_context(serve(standing_in(wechat.api))),
            wechat_app_id=ACCOUNT.app_id, wechat_app_secret=ACCOUNT.secret, wechat_token=ACCOUNT.token,
            wechat_aes_key=ACCOUNT.aes_key, wechat_original_id=ACCOUNT.original_id,
            wechatpay_mch_id="1900000001", wechatpay_api_v3_key="k" * 32, wechatpay_cert_serial_no="5A17D0B0" * 5,
            wechatpay_public_key_id="PUB_KEY_ID_01", wechatpay_private_key_file=keys / "merchant_key.pem",
            wechatpay_public_key_file=keys / "platform_public.pem", wechatpay_base_url="http://127.0.0.1:9",
            csms_base_url="http://127.0.0.1:9", csms_key="c", sms_base_url="http://127.0.0.1:9", sms_key="s",
            field_key=f"k1:{key}", link_key=key,
        )
        world = World(wechat, rasa, settings, [], stack)
        wechat.gateway = await world.start_gateway()
        yield world
