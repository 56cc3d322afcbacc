"""The real client of WeChat Pay before a small WeChat Pay of the tests' own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.wechatpay import WechatPay
from runxia.clock import SHANGHAI, FixedClock
from runxia.settings import Settings
from tests.integration.pay.server import API_KEY, APP_ID, KEY_ID, MCH_ID, SERIAL, PayServer, serving

NOW = datetime(2026, 11, 10, 9, tzinfo=SHANGHAI)
KEYS = PayServer()  # made once: RSA keys take their time


@pytest.fixture
def pay_server() -> Iterator[PayServer]:
    """A WeChat Pay that knows nothing yet."""
    with serving(PayServer(KEYS.merchant, KEYS.platform)) as server:
        yield server


@pytest.fixture
def settings(pay_server: PayServer, tmp_path: Path) -> Settings:
    """The settings of a merchant of that WeChat Pay."""
    private, public = pay_server.write_keys(tmp_path)
    return Settings(
        _env_file=None, wechat_app_id=APP_ID, wechatpay_mch_id=MCH_ID, wechatpay_api_v3_key=SecretStr(API_KEY),
        wechatpay_cert_serial_no=SERIAL, wechatpay_private_key_file=private, wechatpay_public_key_file=public,
        wechatpay_public_key_id=KEY_ID, wechatpay_base_url=pay_server.url, public_base_url="https://water.example",
        link_key=SecretStr("test-link-key"), wechat_oauth_base_url="https://open.weixin.example",
        wechat_jssdk_url="https://res.example/jweixin.js", pages_frame_ancestors="'none'",
    )


@pytest.fixture
def clock() -> FixedClock:
    """Stands still."""
    return FixedClock(NOW)


@pytest.fixture
async def pay(settings: Settings, clock: FixedClock) -> AsyncIterator[WechatPay]:
    """The client."""
    async with WechatPay.open(settings, clock) as client:
        yield client
