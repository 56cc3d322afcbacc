"""WeChat's side of the sandbox on a port of its own, before a server that answers as each test wants."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sanic import HTTPResponse, Request, Sanic
from sanic.response import text
from wechatpy.crypto import WeChatCrypto

from runxia.clock import FixedClock, SystemClock
from runxia.settings import Settings, load_settings
from sandbox.wechat import blueprints
from sandbox.wechat.settings import MessageMode, SandboxSettings
from sandbox.wechat.state import WeChat, open_wechat

OPENID = "oTestCustomer000000000000001"
AES_KEY = "c2FuZGJveG9ubHlzYW5kYm94b25seXNhbmRib3hvbmw"
Answer = Callable[[Request, str], Awaitable[HTTPResponse]]


async def nothing(_request: Request, _message: str) -> HTTPResponse:
    """The server's plainest answer."""
    return text("success")


@dataclass
class Server:
    """The official account's server, as simple as can be: keeps what it gets, in clear, and answers with ``answer``."""

    crypto: WeChatCrypto
    mode: MessageMode
    answer: Answer = nothing
    got: list[str] = field(default_factory=list)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def hear(self, request: Request) -> HTTPResponse:
        """Answer a post of WeChat's."""
        message = request.body.decode()
        if self.mode != "plain":
            args = request.args
            message = self.crypto.decrypt_message(message, args.get("msg_signature"), args.get("timestamp"), args.get("nonce"))
        async with self.came:
            self.got.append(message)
            self.came.notify_all()
        return await self.answer(request, message)

    async def until(self, word: str) -> None:
        """Wait for a post that contains ``word``."""
        async with asyncio.timeout(10), self.came:
            await self.came.wait_for(lambda: any(word in message for message in self.got))

    def seal(self, reply: str) -> str:
        """Encrypt a passive reply."""
        return str(self.crypto.encrypt_message(reply, "nonce", "1790000000"))


def passive(content: str, **wrong: str) -> str:
    """A passive text reply; ``wrong`` replaces fields."""
    fields = {"ToUserName": OPENID, "FromUserName": "gh_test", "CreateTime": "1790000000", "MsgType": "text"} | wrong
    return f"<xml>{''.join(f'<{name}>{value}</{name}>' for name, value in fields.items())}<Content>{content}</Content></xml>"


@dataclass
class World:
    """A client of the sandbox, what is behind it, and the server that it posts to."""

    http: httpx.AsyncClient
    wechat: WeChat
    server: Server
    clock: FixedClock

    async def send(self, **doing: Any) -> list[dict[str, Any]]:
        """Do something as the customer; the exchange, rendered."""
        answer = await self.http.post("/sandbox/wechat/send", json={"openid": OPENID, **doing})
        assert answer.status_code == 200, answer.text
        return [message["rendered"] for message in answer.json()["messages"]]

    async def token(self, **more: Any) -> str:
        """An access token."""
        body = {"grant_type": "client_credential", "appid": "wxtest", "secret": "app-secret", **more}
        return str((await self.http.post("/cgi-bin/stable_token", json=body)).json()["access_token"])

    async def call(self, path: str, body: dict[str, Any]) -> int:
        """Call the API with a good token; the errcode."""
        answer = await self.http.post(f"/cgi-bin/{path}", params={"access_token": await self.token()}, json=body)
        return int(answer.json()["errcode"])

    async def custom(self, content: str = "您好") -> int:
        """Send the customer a text through the customer-service API; the errcode."""
        return await self.call("message/custom/send", {"touser": OPENID, "msgtype": "text", "text": {"content": content}})

    def later(self, **by: float) -> None:
        """Let time pass."""
        self.clock.advance(**by)


@asynccontextmanager
async def serving(app: Sanic[Any, Any]) -> AsyncIterator[str]:
    """Serve an application on a free port; its address."""
    app.config.update({"AUTO_EXTEND": False, "TOUCHUP": False, "MOTD": False})
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = await app.create_server(sock=listener, return_asyncio_server=True)
        assert server is not None
        await server.startup()
        await server.before_start()
        await server.start_serving()
        await server.after_start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        await server.before_stop()
        server.close()
        await server.after_stop()


@asynccontextmanager
async def world_of(folder: Path, mode: MessageMode) -> AsyncIterator[World]:
    """Everything, in a folder of its own."""
    server = Server(WeChatCrypto("token", AES_KEY, "wxtest"), mode)
    receiver = Sanic(f"server_{secrets.token_hex(4)}")
    receiver.add_route(server.hear, "/wechat", methods=["POST"])
    async with serving(receiver) as address:
        settings = Settings(
            _env_file=None, data_dir=folder, public_base_url=address, wechat_app_id="wxtest", wechat_app_secret="app-secret",
            wechat_token="token", wechat_aes_key=AES_KEY, wechat_original_id="gh_test",
        )
        async with open_wechat(settings, SandboxSettings(_env_file=None, sandbox_wechat_mode=mode)) as wechat:
            app = Sanic(f"sandbox_{secrets.token_hex(4)}")
            app.ctx.wechat = wechat
            app.blueprint([*blueprints])
            async with serving(app) as sandbox, httpx.AsyncClient(base_url=sandbox, trust_env=False, timeout=30) as http:
                yield World(http, wechat, server, wechat.clock)


@pytest.fixture
def mode() -> MessageMode:
    """How WeChat posts; tests of the modes override it."""
    return "safe"


@pytest.fixture
async def world(tmp_path: Path, mode: MessageMode, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """WeChat, the server, and a clock that stands still."""
    clock = FixedClock(SystemClock().now())
    monkeypatch.setattr("sandbox.wechat.state.clock_from", lambda _path: clock)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    load_settings.cache_clear()
    async with world_of(tmp_path, mode) as world:
        yield world
    load_settings.cache_clear()
