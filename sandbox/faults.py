"""Faults on demand: which system misbehaves now, and how. One file for all sandbox processes, ``DATA_DIR/faults.json``."""

from __future__ import annotations

import asyncio
import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from sanic.response import HTTPResponse, html
from sanic.response import json as json_answer

from runxia.settings import load_settings

System = Literal["csms", "sms", "pay", "wechat", "website", "hotline", "mail"]
Mode = Literal["ok", "slow", "down", "garbage", "lose_callback", "duplicate_callback", "late_callback"]
API_MODES: tuple[Mode, ...] = ("slow", "down", "garbage")
CALLBACK_MODES: tuple[Mode, ...] = ("lose_callback", "duplicate_callback", "late_callback")
DEFAULT_SECONDS = 10.0
MAINTENANCE = {"code": "maintenance", "message": "down for maintenance"}
GARBAGE = "<html><body>502 Bad Gateway</body></html>"


class Fault(BaseModel):
    """How a system misbehaves: ``seconds`` of delay for slow and late_callback, for the next ``times`` only (none: on)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Mode = "ok"
    seconds: float = Field(default=DEFAULT_SECONDS, ge=0, le=24 * 3600)
    times: int | None = Field(default=None, ge=1)


OK = Fault()


def get(system: System, *modes: Mode) -> Fault:
    """The fault that befalls this one occasion; a fault with ``times`` is counted down.

    Args:
        system: whose.
        modes: which modes matter here, all when none are given; other faults are left alone.
    """
    if _read(_file()).get(system, OK).mode == "ok":
        return OK
    with _locked() as faults:
        fault = faults.get(system, OK)
        if modes and fault.mode not in modes:
            return OK
        if fault.times == 1:
            del faults[system]
        elif fault.times is not None:
            faults[system] = fault.model_copy(update={"times": fault.times - 1})
        return fault


async def misbehave(system: System, down: Mapping[str, str]) -> HTTPResponse | None:
    """Misbehave as an HTTP API does, if ``system`` is to: the answer to give instead, or none, maybe after a delay.

    Args:
        system: whose API is called.
        down: the JSON of its answer, with status 503, when it is down.
    """
    fault = get(system, *API_MODES)
    if fault.mode == "down":
        return json_answer(down, 503)
    if fault.mode == "garbage":
        return html(GARBAGE)
    if fault.mode == "slow":
        await asyncio.sleep(fault.seconds)
    return None


def put(system: System, fault: Fault) -> None:
    """Make a system misbehave, or behave again with mode ``ok``."""
    with _locked() as faults:
        faults[system] = fault


def clear() -> None:
    """All systems behave."""
    with _locked() as faults:
        faults.clear()


def current() -> dict[System, Fault]:
    """The systems that misbehave now."""
    return {system: fault for system, fault in _read(_file()).items() if fault.mode != "ok"}


@contextmanager
def _locked() -> Iterator[dict[System, Fault]]:
    file = _file()
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = _read(file)
        faults = dict(before)
        yield faults
        if faults != before:
            part = file.with_suffix(".part")
            part.write_text(json.dumps({system: fault.model_dump() for system, fault in faults.items()}), encoding="utf-8")
            part.replace(file)


def _read(file: Path) -> dict[System, Fault]:
    try:
        return {system: Fault.model_validate(fault) for system, fault in json.loads(file.read_bytes()).items()}
    except FileNotFoundError:
        return {}


def _file() -> Path:
    return load_settings().data_dir / "faults.json"
