"""The client of WeChat's API: tokens shared by all processes, bounded retries, typed errors."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx

from connectors.wechat.bubbles import Button
from connectors.wechat.limits import MEDIA_BYTES, TOKEN_EARLY_SECONDS
from runxia.settings import Settings
from services.errors import SystemUnavailable, Undeliverable
from store import crypto
from store.kv import Store

log = logging.getLogger(__name__)

SYSTEM: Final = "wechat"
_TIMEOUT: Final = httpx.Timeout(5.0, connect=2.0)
_MEDIA_SECONDS: Final = 20.0  # for one whole photo, however slowly it drips
_BACK_OFF_SECONDS: Final = (0.2, 0.6)  # between tries when WeChat says that it is busy
_TOKEN_LOCK_SECONDS: Final = 10
_TOKEN_POLL_SECONDS: Final = 0.1

# WeChat's errcodes; see developers.weixin.qq.com/doc/oplatform/Return_codes/Return_code_descriptions_new.html
_TOKEN_BAD: Final = frozenset({40001, 42001, 40014})
_BUSY: Final = frozenset({-1, 45009, 45011})
_WHY: Final = {
    45015: "window", 45047: "quota", 43101: "refused", 43004: "refused", 48001: "forbidden", 40003: "unknown_customer",
    48002: "refused",
}
_NO_SUCH_MEDIA: Final = frozenset({40004, 40007})
_CODE_BAD: Final = frozenset({40029, 40163, 42003})


type _Try[T] = Callable[[], Awaitable[T]]
type _Call[T] = Callable[[str], Awaitable[T]]


class ApiError(Undeliverable):
    """WeChat refuses a call; ``errcode`` is its reason. The customer-service ones have a ``why`` of their own."""

    def __init__(self, errcode: int) -> None:
        super().__init__(_WHY.get(errcode, "rejected"))
        self.errcode = errcode

    def __str__(self) -> str:
        return f"errcode {self.errcode} ({self.why})"


class MediaGone(Exception):
    """The media does not exist, any more or at all, or it is not what it should be: asking again is no use."""


class CodeInvalid(Exception):
    """An OAuth code that is unknown, used, or too old: the page must ask for another."""


@dataclass(frozen=True, slots=True)
class User:
    """What WeChat tells about a follower; others have ``subscribed`` false and nothing else."""

    openid: str
    subscribed: bool
    scene: str = ""


@dataclass(frozen=True, slots=True)
class Article:
    """The one article of a news message."""

    title: str
    description: str
    url: str
    picture_url: str


class WechatApi:
    """WeChat's API for one official account.

    Every method raises ``SystemUnavailable("wechat")`` when WeChat is slow, down, busy or talks nonsense, and
    :class:`ApiError` when it refuses.
    """

    def __init__(self, http: httpx.AsyncClient, kv: Store, app_id: str, secret: str) -> None:
        self._http = http
        self._kv = kv
        self._app_id = app_id
        self._secret = secret
        self._token_key = f"wechat:token:{app_id}"
        self._fetching = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, kv: Store) -> AsyncIterator[WechatApi]:
        """Open the connections; close them at the end."""
        async with httpx.AsyncClient(base_url=settings.wechat_api_base_url, timeout=_TIMEOUT) as http:
            yield cls(http, kv, settings.wechat_app_id, settings.wechat_app_secret.get_secret_value())

    # --- messages

    async def send_text(self, openid: str, text: str) -> None:
        """Send a text of at most 2048 bytes."""
        await self._send(openid, "text", {"content": text})

    async def send_image(self, openid: str, media_id: str) -> None:
        """Send an image that was uploaded."""
        await self._send(openid, "image", {"media_id": media_id})

    async def send_article(self, openid: str, article: Article) -> None:
        """Send a picture-and-text card that opens a page."""
        card = {
            "title": article.title, "description": article.description, "url": article.url, "picurl": article.picture_url,
        }
        await self._send(openid, "news", {"articles": [card]})

    async def send_menu(self, openid: str, text: str, buttons: Sequence[Button]) -> None:
        """Send a text with choices under it."""
        items = [{"id": button.id, "content": button.title} for button in buttons]
        await self._send(openid, "msgmenu", {"head_content": text, "list": items, "tail_content": ""})

    async def show_typing(self, openid: str) -> None:
        """Show 正在输入, until the next message or for 15 seconds."""
        await self._post("/cgi-bin/message/custom/typing", {"touser": openid, "command": "Typing"})

    async def send_template(self, openid: str, template_id: str, data: Mapping[str, str], url: str = "") -> None:
        """Send a template message; ``data`` are its fields."""
        fields = {name: {"value": value} for name, value in data.items()}
        await self._post(
            "/cgi-bin/message/template/send", {"touser": openid, "template_id": template_id, "url": url, "data": fields},
        )

    # --- menu of the account

    async def create_menu(self, buttons: Sequence[Mapping[str, Any]]) -> None:
        """Publish the menu."""
        await self._post("/cgi-bin/menu/create", {"button": list(buttons)})

    async def delete_menu(self) -> None:
        """Take the menu away."""
        await self._get("/cgi-bin/menu/delete", {})

    # --- media

    async def fetch_media(self, media_id: str, kind: str) -> bytes:
        """A photo or recording that a customer sent.

        Raises:
            MediaGone: it has expired, or it is larger than WeChat allows.
        """
        limit = MEDIA_BYTES[kind]
        try:
            async with asyncio.timeout(_MEDIA_SECONDS):
                return await self._with_token(lambda token: self._download(token, media_id, limit))
        except TimeoutError as error:
            raise SystemUnavailable(SYSTEM) from error
        except ApiError as error:
            if error.errcode in _NO_SUCH_MEDIA:
                raise MediaGone(media_id) from error
            raise

    async def upload_image(self, content: bytes, content_type: str) -> str:
        """Upload a picture; its media id, good for three days."""
        async def call(token: str) -> dict[str, Any]:
            files = {"media": (f"image.{content_type.removeprefix('image/')}", content, content_type)}
            return await self._answer(
                self._http.build_request(
                    "POST", "/cgi-bin/media/upload", params={"access_token": token, "type": "image"}, files=files,
                ),
            )

        return _string(await self._with_token(call), "media_id")

    # --- people

    async def user(self, openid: str) -> User:
        """Whether a customer follows the account, and how they came."""
        facts = await self._get("/cgi-bin/user/info", {"openid": openid, "lang": "zh_CN"})
        return User(openid=openid, subscribed=facts.get("subscribe") == 1, scene=str(facts.get("qr_scene_str", "")))

    async def openid_from_code(self, code: str) -> str:
        """Who opened a page, from the code of an OAuth redirect (snsapi_base).

        Raises:
            CodeInvalid: the code is used, expired or made up.
        """
        query = {"appid": self._app_id, "secret": self._secret, "code": code, "grant_type": "authorization_code"}
        try:
            facts = await self._patiently(
                lambda: self._answer(self._http.build_request("GET", "/sns/oauth2/access_token", params=query)),
            )
        except ApiError as error:
            if error.errcode in _CODE_BAD:
                raise CodeInvalid(str(error.errcode)) from error
            raise
        return _string(facts, "openid")

    # --- calls

    async def _send(self, openid: str, kind: str, content: Mapping[str, Any]) -> None:
        await self._post("/cgi-bin/message/custom/send", {"touser": openid, "msgtype": kind, kind: content})

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        # WeChat shows \u escapes to the customer as they are: the JSON must be plain UTF-8.
        content = json.dumps(body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        return await self._with_token(
            lambda token: self._answer(
                self._http.build_request("POST", path, params={"access_token": token}, content=content, headers=headers),
            ),
        )

    async def _get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        return await self._with_token(
            lambda token: self._answer(self._http.build_request("GET", path, params={"access_token": token, **query})),
        )

    async def _with_token[T](self, call: _Call[T]) -> T:
        """Call with the token; once more with a new one when WeChat does not take it."""
        token = await self._token()
        try:
            return await self._patiently(lambda: call(token))
        except ApiError as error:
            if error.errcode not in _TOKEN_BAD:
                raise
        fresh = await self._token(instead_of=token)
        try:
            return await self._patiently(lambda: call(fresh))
        except ApiError as error:
            if error.errcode in _TOKEN_BAD:
                raise SystemUnavailable(SYSTEM) from error
            raise

    async def _patiently[T](self, call: _Try[T]) -> T:
        """Try again, a little later each time, while WeChat says that it is busy."""
        for pause in (*_BACK_OFF_SECONDS, None):
            try:
                return await call()
            except ApiError as error:
                if error.errcode not in _BUSY:
                    raise
                if pause is None:
                    raise SystemUnavailable(SYSTEM) from error
                await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    async def _answer(self, request: httpx.Request) -> dict[str, Any]:
        try:
            response = await self._http.send(request)
        except httpx.HTTPError as error:
            raise SystemUnavailable(SYSTEM) from error
        return _facts(response.status_code, response.content)

    async def _download(self, token: str, media_id: str, limit: int) -> bytes:
        query = {"access_token": token, "media_id": media_id}
        try:
            async with self._http.stream("GET", "/cgi-bin/media/get", params=query) as response:
                content = await _read(response, limit)
        except httpx.HTTPError as error:
            raise SystemUnavailable(SYSTEM) from error
        if response.status_code != httpx.codes.OK or content[:1] == b"{":
            _facts(response.status_code, content)  # raises what WeChat says
            raise MediaGone(media_id)
        return content

    # --- the access token

    async def _token(self, instead_of: str = "") -> str:
        """The shared token; a new one where there is none, or where the shared one is the one that was refused."""
        if (token := await self._shared_token()) and token != instead_of:
            return token
        async with self._fetching:
            lock = f"{self._token_key}:lock"
            for _ in range(int(_TOKEN_LOCK_SECONDS / _TOKEN_POLL_SECONDS)):
                if (token := await self._shared_token()) and token != instead_of:
                    return token
                if await self._kv.add(lock, "1", _TOKEN_LOCK_SECONDS):
                    try:
                        return await self._patiently(lambda: self._fetch_token(force=bool(instead_of)))
                    except ApiError as error:
                        log.error("WeChat gives no access token: %s", error)
                        raise SystemUnavailable(SYSTEM) from error
                    finally:
                        await self._kv.delete(lock)
                await asyncio.sleep(_TOKEN_POLL_SECONDS)
        raise SystemUnavailable(SYSTEM)

    async def _shared_token(self) -> str | None:
        sealed = await self._kv.get(self._token_key)
        if sealed is None:
            return None
        try:
            return crypto.ring().decrypt(sealed, self._token_key).decode()
        except crypto.CryptoError:
            return None

    async def _fetch_token(self, force: bool) -> str:
        asked = {
            "grant_type": "client_credential", "appid": self._app_id, "secret": self._secret, "force_refresh": force,
        }
        facts = await self._answer(self._http.build_request("POST", "/cgi-bin/stable_token", json=asked))
        token, seconds = _string(facts, "access_token"), facts.get("expires_in")
        if not isinstance(seconds, int) or seconds <= 0:
            raise SystemUnavailable(SYSTEM)
        sealed = crypto.ring().encrypt(token.encode(), self._token_key)
        await self._kv.set(self._token_key, sealed, max(seconds - TOKEN_EARLY_SECONDS, 1))
        return token


async def _read(response: httpx.Response, limit: int) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > limit:
            raise MediaGone("too large")
    return bytes(content)


def _facts(status: int, content: bytes) -> dict[str, Any]:
    """WeChat's answer, or what it says is wrong."""
    if status != httpx.codes.OK:
        raise SystemUnavailable(SYSTEM)
    try:
        facts = json.loads(content)
        errcode = int(facts.get("errcode", 0))
    except (ValueError, TypeError, AttributeError) as error:
        raise SystemUnavailable(SYSTEM) from error
    if errcode:
        raise ApiError(errcode)
    return dict(facts)


def _string(facts: Mapping[str, Any], name: str) -> str:
    value = facts.get(name)
    if not isinstance(value, str) or not value:
        raise SystemUnavailable(SYSTEM)
    return value
