"""``python -m runxia.prodcheck``: what the environment and ``.env`` lack for production."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError

from runxia.devenv import ROOT, SANDBOX_ENV, read_env_file
from runxia.settings import Settings
from runxia.utility import load_utility
from store.crypto import CryptoError, KeyRing

REQUIRED = (
    "wechat_app_id", "wechat_app_secret", "wechat_token", "wechat_aes_key", "wechat_original_id",
    "wechatpay_mch_id", "wechatpay_api_v3_key", "wechatpay_cert_serial_no", "wechatpay_private_key_file",
    "wechatpay_public_key_file", "wechatpay_public_key_id",
    "csms_base_url", "csms_key", "hotline_base_url", "hotline_key", "sms_base_url", "sms_key", "website_base_url",
    "field_key", "link_key", "rasa_token", "console_base_url", "smtp_host", "mail_from",
)
REMOTE = (
    "public_base_url", "wechat_api_base_url", "wechatpay_base_url", "csms_base_url", "hotline_base_url",
    "sms_base_url", "website_base_url", "console_base_url",
)
AES_KEY_CHARACTERS = 43  # WeChat: EncodingAESKey is 43 characters
V3_KEY_BYTES = 32  # WeChat Pay: APIv3 key is 32 bytes
LINK_KEY_CHARACTERS = 32


def problems(settings: Settings, sandbox: Mapping[str, str]) -> Iterator[str]:
    """Each thing that must change before production, as a sentence."""
    yield from _missing(settings)
    yield from _made_up(settings, sandbox)
    yield from _addresses(settings)
    yield from _keys(settings)
    if settings.clock_file:
        yield "CLOCK_FILE 只用于演示和测试，生产环境不能设置。"
    if settings.console_staff_file:
        yield "CONSOLE_STAFF_FILE 里是演示账号，生产环境不能设置；第一位管理员用 python -m console.admin 建。"
    if settings.smtp_security == "none":
        yield "SMTP_SECURITY 不能是 none：发给员工的验证码要加密传送。"
    if settings.database_url.startswith("sqlite"):
        yield "DATABASE_URL 还是 SQLite：生产环境请用 PostgreSQL。"
    if not settings.redis_url:
        yield "REDIS_URL 没有设置：多个网关或多个 Rasa 副本需要 Redis。"
    if not settings.broker_url:
        yield "BROKER_URL 没有设置：生产环境的后台任务请用 RabbitMQ 或 Redis。"


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")


def _missing(settings: Settings) -> Iterator[str]:
    for name in REQUIRED:
        if not _plain(getattr(settings, name)):
            yield f"{name.upper()} 没有设置。"


def _made_up(settings: Settings, sandbox: Mapping[str, str]) -> Iterator[str]:
    for name, value in sandbox.items():
        if not name.endswith("_KEY_ID") and _plain(getattr(settings, name.lower(), "")) == value:
            yield f"{name} 还是沙箱里的值。"


def _addresses(settings: Settings) -> Iterator[str]:
    for name in REMOTE:
        address = urlsplit(getattr(settings, name))
        if address.netloc and address.scheme != "https":
            yield f"{name.upper()} 必须是 https 地址。"
    if settings.pages_frame_ancestors != "'none'":
        yield "PAGES_FRAME_ANCESTORS 应为 'none'：缴费页面不能被别的网页嵌入。"


def _keys(settings: Settings) -> Iterator[str]:
    try:
        if field_key := _plain(settings.field_key):
            KeyRing.parse(field_key)
    except CryptoError as error:
        yield f"FIELD_KEY 不对：{error}。"
    if 0 < len(_plain(settings.wechat_aes_key)) != AES_KEY_CHARACTERS:
        yield f"WECHAT_AES_KEY 应为 {AES_KEY_CHARACTERS} 个字符。"
    if 0 < len(_plain(settings.wechatpay_api_v3_key).encode()) != V3_KEY_BYTES:
        yield f"WECHATPAY_API_V3_KEY 应为 {V3_KEY_BYTES} 个字节。"
    if 0 < len(_plain(settings.link_key)) < LINK_KEY_CHARACTERS:
        yield f"LINK_KEY 至少要 {LINK_KEY_CHARACTERS} 个字符。"
    for name in ("wechatpay_private_key_file", "wechatpay_public_key_file"):
        path: Path | None = getattr(settings, name)
        if path and not path.is_file():
            yield f"{name.upper()} 指的文件不存在。"


def main() -> None:
    """Print the problems; exit 1 where there are any."""
    os.chdir(ROOT)
    try:
        settings = Settings()
        load_utility(settings.utility_file)
    except ValidationError as error:
        sys.exit(f"设置或 utility.yml 有误：\n{error}")
    found = list(problems(settings, read_env_file(SANDBOX_ENV)))
    if found:
        print("还不能用于生产：")
        sys.exit("\n".join(f"  - {problem}" for problem in found))
    print("可以用于生产。")


if __name__ == "__main__":
    main()
