"""Who looks at a page: WeChat's web authorisation (snsapi_base, silent), then a signed cookie.

Cookie and state are bound to one link: an account that is switched on the same phone gets no other's page.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from runxia.settings import Settings

COOKIE = "runxia_payer"
COOKIE_LIFE = timedelta(hours=2)
STATE_LIFE = timedelta(minutes=10)
STATE_MAC_CHARACTERS = 48  # WeChat takes a state of up to 128 letters and digits


@dataclass(frozen=True, slots=True)
class Identity:
    """Makes and checks what says who looks at a page; ``key`` signs."""

    key: bytes
    app_id: str
    oauth_base_url: str
    public_base_url: str
    folder: str = "/p/pay"  # of the pages' addresses

    @classmethod
    def of(cls, settings: Settings, folder: str = "/p/pay") -> Identity:
        """With a deployment's settings."""
        return cls(
            settings.link_key.get_secret_value().encode(), settings.wechat_app_id,
            settings.wechat_oauth_base_url.rstrip("/"), settings.public_base_url.rstrip("/"), folder,
        )

    @property
    def secure(self) -> bool:
        """Whether cookies are for HTTPS only: everywhere but on a developer's machine."""
        return self.public_base_url.startswith("https://")

    def authorize_url(self, token: str, now: datetime) -> str:
        """Where the browser asks WeChat who its user is. The order of the parameters is WeChat's demand."""
        query = urlencode({
            "appid": self.app_id, "redirect_uri": f"{self.public_base_url}{self.folder}/{token}", "response_type": "code",
            "scope": "snsapi_base", "state": self._state(token, int((now + STATE_LIFE).timestamp())),
        })
        return f"{self.oauth_base_url}/connect/oauth2/authorize?{query}#wechat_redirect"

    def state_fits(self, token: str, state: str, now: datetime) -> bool:
        """Whether ``state`` is one that :meth:`authorize_url` made for this link, a short while ago."""
        end = state[STATE_MAC_CHARACTERS:]
        if not (end.isascii() and end.isdigit()) or int(end) <= now.timestamp():
            return False
        return hmac.compare_digest(self._state(token, int(end)).encode(), state.encode())

    def cookie(self, token: str, openid: str, now: datetime) -> str:
        """The cookie's value for a customer."""
        end = int((now + COOKIE_LIFE).timestamp())
        name = urlsafe_b64encode(openid.encode()).decode().rstrip("=")
        return f"{name}.{end}.{self._mac('payer', token, openid, end)}"

    def openid(self, token: str, cookie: str, now: datetime) -> str | None:
        """The customer that a cookie names, or none where it is not ours, of another link, or too old."""
        name, _, rest = cookie.partition(".")
        end, _, mac = rest.partition(".")
        try:
            openid = urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
        except ValueError:
            return None
        if not (end.isascii() and end.isdigit()) or int(end) <= now.timestamp():
            return None
        fits = hmac.compare_digest(self._mac("payer", token, openid, int(end)).encode(), mac.encode())
        return openid if fits else None

    def _state(self, token: str, end: int) -> str:
        return f"{self._mac('state', token, end)[:STATE_MAC_CHARACTERS]}{end}"

    def _mac(self, *parts: str | int) -> str:
        return hmac.digest(self.key, "\n".join(map(str, parts)).encode(), hashlib.sha256).hex()
