"""The environment of a demonstration or test run, in which the sandbox plays the outside world.

``python -m runxia.devenv COMMAND...`` runs a command in it. What is set already wins: the process environment, then ``.env``,
then ``sandbox/sandbox.env``, then what is worked out here from the ports and ``DATA_DIR``.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from dotenv import dotenv_values

from runxia.devkeys import ensure_pay_keys

ROOT = Path(__file__).resolve().parent.parent
SANDBOX_ENV = ROOT / "sandbox" / "sandbox.env"
SANDBOX_STAFF = ROOT / "sandbox" / "staff.json"
DEFAULT_PORTS = {
    "GATEWAY_PORT": "8000", "RASA_PORT": "5005", "ACTIONS_PORT": "5055", "SANDBOX_PORT": "9000", "CSMS_PORT": "9100",
    "HOTLINE_PORT": "9200", "CONSOLE_PORT": "8080", "SANDBOX_SMTP_PORT": "2525",
}

# rasa-sdk listens everywhere unless told otherwise; nobody but Rasa has any business with it.
COMMON = {"SANIC_HOST": "127.0.0.1", "PYTHONUNBUFFERED": "1"}


def sandbox_environment(given: Mapping[str, str]) -> dict[str, str]:
    """The whole environment for every process of a sandbox run.

    Args:
        given: the process environment; its values win.
    """
    settings = {**DEFAULT_PORTS, **read_env_file(SANDBOX_ENV), **read_env_file(ROOT / ".env"), **given}
    data = Path(settings.get("DATA_DIR") or ROOT / "var").resolve()
    (data / "keys").mkdir(parents=True, exist_ok=True, mode=0o700)
    ensure_pay_keys(data / "keys")
    return {**_worked_out(settings, data), **COMMON, **settings, "DATA_DIR": str(data)}


def production_environment(given: Mapping[str, str]) -> dict[str, str]:
    """The environment for every process in production: what is given, then ``.env``, then ports and folders of our own."""
    settings = {**DEFAULT_PORTS, **read_env_file(ROOT / ".env"), **given}
    data = Path(settings.get("DATA_DIR") or ROOT / "var").resolve()
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    ours = {
        "RASA_URL": f"http://127.0.0.1:{settings['RASA_PORT']}",
        "ACTIONS_URL": f"http://127.0.0.1:{settings['ACTIONS_PORT']}",
        "WECHAT_API_BASE_URL": "https://api.weixin.qq.com",
        "CSMS_BASE_URL": "",
        "HOTLINE_BASE_URL": "",
        "CONSOLE_BASE_URL": f"http://127.0.0.1:{settings['CONSOLE_PORT']}",
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{settings['GATEWAY_PORT']}",
        "DATABASE_URL": f"sqlite:///{data / 'runxia.db'}",
    }
    return {**ours, **COMMON, **settings, "DATA_DIR": str(data)}


def _worked_out(settings: Mapping[str, str], data: Path) -> dict[str, str]:
    at = {name.removesuffix("_PORT").lower(): f"http://127.0.0.1:{settings[name]}" for name in DEFAULT_PORTS}
    return {
        "PUBLIC_BASE_URL": at["gateway"],
        "RASA_URL": at["rasa"],
        "ACTIONS_URL": at["actions"],
        "WECHAT_API_BASE_URL": at["sandbox"],
        "WECHAT_OAUTH_BASE_URL": at["sandbox"],
        "WECHAT_JSSDK_URL": f"{at['sandbox']}/sandbox/jssdk.js",
        "WECHATPAY_BASE_URL": at["sandbox"],
        "WECHATPAY_PRIVATE_KEY_FILE": str(data / "keys" / "merchant_key.pem"),
        "WECHATPAY_PUBLIC_KEY_FILE": str(data / "keys" / "platform_public.pem"),
        "CSMS_BASE_URL": at["csms"],
        "HOTLINE_BASE_URL": at["hotline"],
        "SMS_BASE_URL": at["sandbox"],
        "WEBSITE_BASE_URL": f"{at['sandbox']}/website",
        "PAGES_FRAME_ANCESTORS": at["sandbox"],
        "DATABASE_URL": f"sqlite:///{data / 'runxia.db'}",
        "CLOCK_FILE": str(data / "clock"),
        "CONSOLE_BASE_URL": at["console"],
        "CONSOLE_STAFF_FILE": str(SANDBOX_STAFF),
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": settings["SANDBOX_SMTP_PORT"],
        "SMTP_SECURITY": "none",
        "MAIL_FROM": "noreply@water.linjiang.example",
        "FIELD_KEY": f"dev1:{_kept_key(data / 'keys' / 'field')}",
        "LINK_KEY": _kept_key(data / "keys" / "link"),
    }


def read_env_file(path: Path) -> dict[str, str]:
    """What a file of ``NAME=value`` lines sets; nothing where there is no file."""
    return {name: value for name, value in dotenv_values(path).items() if value}


def _kept_key(path: Path) -> str:
    """A random key of 32 bytes, base64, made once. Linking decides between processes that start together."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(base64.b64encode(secrets.token_bytes(32)).decode(), encoding="ascii")
        with suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text(encoding="ascii")


def main() -> None:
    """Run the command given in the sandbox's environment."""
    command = sys.argv[1:]
    if not command:
        sys.exit("usage: python -m runxia.devenv COMMAND...")
    os.execvpe(command[0], command, sandbox_environment(os.environ))


if __name__ == "__main__":
    main()
