"""Who the demonstration's WeChat customers are. The utility's accounts are in CSMS: ``sandbox.csms.seed``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

STAFF_FILE = Path(__file__).parent / "staff.json"


@dataclass(frozen=True, slots=True)
class SandboxCustomer:
    """A WeChat user of the demonstration; real openids have 28 characters too."""

    openid: str
    nickname: str


CUSTOMERS = (
    SandboxCustomer("oSandbox0000000000000LinXia1", "林夏"),
    SandboxCustomer("oSandbox000000000000ChenHe02", "老陈"),
    SandboxCustomer("oSandbox00000000000ZhouAyi03", "周阿姨"),
    SandboxCustomer("oSandbox00000000000SuHang004", "苏航"),
    SandboxCustomer("oSandbox0000000000DouJiang05", "豆浆铺小何"),
    SandboxCustomer("oSandbox00000000000XiaoTang6", "小唐"),
)


def customers() -> list[dict[str, str]]:
    """The customers as ``GET /sandbox/fixture`` gives them: openid and nickname."""
    return [asdict(customer) for customer in CUSTOMERS]


def staff() -> list[dict[str, Any]]:
    """The console's demonstration logins as ``GET /sandbox/fixture`` gives them: login, password, role, name, and addresses."""
    found: list[dict[str, Any]] = json.loads(STAFF_FILE.read_bytes())
    return found
