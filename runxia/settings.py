"""Settings from the environment and ``.env``; every one is described in ``.env.example``."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """All that differs between one deployment and another. The utility's own facts are in ``utility.yml``."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore")

    # --- processes
    gateway_host: str = "127.0.0.1"
    gateway_port: int = 8000
    public_base_url: str = "http://127.0.0.1:8000"
    rasa_url: str = "http://127.0.0.1:5005"
    rasa_token: SecretStr = SecretStr("")
    log_level: str = "INFO"
    utility_file: Path = Path("utility.yml")
    data_dir: Path = Path("var")
    clock_file: Path | None = None
    pages_frame_ancestors: str = "'none'"

    # --- staff console
    console_host: str = "127.0.0.1"
    console_port: int = 8080
    console_base_url: str = ""
    console_proxies: int = 0
    console_staff_file: Path | None = None

    # --- mail to staff
    smtp_host: str = ""
    smtp_port: int = 465
    smtp_security: Literal["tls", "starttls", "none"] = "tls"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    mail_from: str = ""

    # --- WeChat official account
    wechat_app_id: str = ""
    wechat_app_secret: SecretStr = SecretStr("")
    wechat_token: SecretStr = SecretStr("")
    wechat_aes_key: SecretStr = SecretStr("")
    wechat_original_id: str = ""
    wechat_require_encryption: bool = False
    wechat_templates: dict[str, str] = {}
    wechat_api_base_url: str = "https://api.weixin.qq.com"
    wechat_oauth_base_url: str = "https://open.weixin.qq.com"
    wechat_jssdk_url: str = "https://res.wx.qq.com/open/js/jweixin-1.6.0.js"

    # --- WeChat Pay v3 (platform public-key mode)
    wechatpay_mch_id: str = ""
    wechatpay_api_v3_key: SecretStr = SecretStr("")
    wechatpay_cert_serial_no: str = ""
    wechatpay_private_key_file: Path | None = None
    wechatpay_public_key_file: Path | None = None
    wechatpay_public_key_id: str = ""
    wechatpay_base_url: str = "https://api.mch.weixin.qq.com"
    # direct debit (委托代扣), which WeChat Pay offers with its API v2 only; empty: not offered
    wechatpay_papay_plan_id: str = ""
    wechatpay_api_v2_key: SecretStr = SecretStr("")

    # --- the utility's systems
    csms_base_url: str = ""
    csms_key_id: str = "runxia"
    csms_key: SecretStr = SecretStr("")
    hotline_base_url: str = ""
    hotline_key_id: str = "runxia"
    hotline_key: SecretStr = SecretStr("")
    sms_base_url: str = ""
    sms_key: SecretStr = SecretStr("")
    website_base_url: str = ""
    website_cache_seconds: int = 180

    # --- store and work
    database_url: str = "sqlite:///var/runxia.db"
    redis_url: str = ""
    broker_url: str = ""
    field_key: SecretStr = SecretStr("")
    link_key: SecretStr = SecretStr("")


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
