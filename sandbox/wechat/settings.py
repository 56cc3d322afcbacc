"""Settings of the sandbox's own process; what it shares with the application comes from :mod:`runxia.settings`."""

from __future__ import annotations

from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict

MessageMode = Literal["plain", "compatible", "safe"]


class SandboxSettings(BaseSettings):
    """Where the sandbox listens, and how WeChat posts (明文, 兼容 or 安全模式)."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore")

    sandbox_host: str = "127.0.0.1"
    sandbox_port: int = 9000
    sandbox_smtp_port: int = 2525
    sandbox_wechat_mode: MessageMode = "safe"
