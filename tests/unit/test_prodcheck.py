"""What stands between a set of settings and production."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from runxia.devenv import SANDBOX_ENV, read_env_file, sandbox_environment
from runxia.prodcheck import problems
from runxia.settings import Settings


def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **changes: str) -> Settings:
    monkeypatch.chdir(tmp_path)
    key = base64.b64encode(b"k" * 32).decode()
    (tmp_path / "key.pem").write_text("key")
    values = {
        "public_base_url": "https://wx.water.example",
        "wechat_app_id": "wx1", "wechat_app_secret": "s" * 32, "wechat_token": "t",
        "wechat_aes_key": "a" * 43, "wechat_original_id": "gh_1", "wechatpay_mch_id": "1", "wechatpay_api_v3_key": "v" * 32,
        "wechatpay_cert_serial_no": "5", "wechatpay_private_key_file": str(tmp_path / "key.pem"),
        "wechatpay_public_key_file": str(tmp_path / "key.pem"), "wechatpay_public_key_id": "PUB_1",
        "csms_base_url": "https://csms.water.example", "csms_key": "c", "hotline_base_url": "https://hotline.water.example",
        "hotline_key": "h", "sms_base_url": "https://sms.example", "sms_key": "k", "website_base_url": "https://www.water.example",
        "field_key": f"k1:{key}", "link_key": key, "rasa_token": "r", "database_url": "postgresql://db/runxia",
        "console_base_url": "https://desk.water.example", "smtp_host": "smtp.water.example",
        "mail_from": "noreply@water.example", "redis_url": "redis://r", "broker_url": "amqp://b", **changes,
    }
    for name, value in values.items():
        monkeypatch.setenv(name.upper(), value)
    return Settings()


def found(settings: Settings) -> str:
    return "\n".join(problems(settings, read_env_file(SANDBOX_ENV)))


def test_a_complete_production_environment_has_no_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(production(tmp_path, monkeypatch)) == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("wechat_app_secret", ""), ("csms_base_url", "http://csms.water.example"), ("clock_file", "/tmp/clock"),
        ("database_url", "sqlite:///x.db"), ("wechat_aes_key", "short"), ("field_key", "nonsense"), ("link_key", "short"),
        ("wechatpay_public_key_file", "/nowhere.pem"), ("pages_frame_ancestors", "*"), ("redis_url", ""), ("broker_url", ""),
        ("console_base_url", "http://desk.water.example"), ("console_staff_file", "/tmp/staff.json"), ("smtp_host", ""),
        ("smtp_security", "none"),
    ],
)
def test_each_gap_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert name.upper() in found(production(tmp_path, monkeypatch, **{name: value}))


def test_the_sandbox_environment_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sandbox_environment({"DATA_DIR": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)
    told = found(Settings())
    assert "WECHAT_TOKEN 还是沙箱里的值" in told
    assert "CLOCK_FILE" in told


def test_the_sandbox_names_settings_that_there_are_and_each_once() -> None:
    names = [line.partition("=")[0] for line in SANDBOX_ENV.read_text().splitlines() if line and not line.startswith("#")]
    assert len(names) == len(set(names))
    assert {name.lower() for name in names} <= set(Settings.model_fields)
