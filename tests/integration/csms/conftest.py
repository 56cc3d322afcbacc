"""The sandbox's billing system and its other half, on ports of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.csms import CsmsClient
from runxia.clock import Clock, clock_from
from runxia.settings import Settings
from tests.stack import Stack, running


@pytest.fixture(scope="package")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """``python -m sandbox.csms`` and ``python -m sandbox``."""
    with running(tmp_path_factory.mktemp("outside"), only=("csms", "hotline", "sandbox")) as started:
        yield started


@pytest.fixture
def settings(outside: Stack) -> Settings:
    """The application's settings for these systems."""
    given = {name.lower(): value for name, value in outside.env.items() if name.lower() in Settings.model_fields}
    return Settings.model_validate(given)


@pytest.fixture
def clock(settings: Settings) -> Clock:
    """The sandbox's clock."""
    return clock_from(settings.clock_file)


class Controls:
    """The sandbox's controls."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Turn a control."""
        answer = await self.http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def fault(self, system: str, mode: str, **more: float) -> None:
        """Make a system misbehave."""
        await self.post("/sandbox/faults", system=system, mode=mode, **more)

    async def role(self, role: str) -> dict[str, Any]:
        """The account of a role, from the fixture."""
        accounts = (await self.http.get("/sandbox/fixture")).json()["accounts"]
        return dict(next(account for account in accounts if account["role"] == role))


@pytest.fixture
def on_time(outside: Stack) -> Iterator[None]:
    """The sandbox's clock shows the machine's time, before and after."""
    Path(outside.env["CLOCK_FILE"]).unlink(missing_ok=True)
    yield
    Path(outside.env["CLOCK_FILE"]).unlink(missing_ok=True)


@pytest.fixture
async def controls(outside: Stack, on_time: None) -> AsyncIterator[Controls]:
    """The sandbox as on its first day."""
    async with httpx.AsyncClient(base_url=outside.sandbox_url, timeout=30, trust_env=False) as http:
        turned = Controls(http)
        await turned.post("/sandbox/reset")
        yield turned


@pytest.fixture
async def csms(settings: Settings, clock: Clock, controls: Controls) -> AsyncIterator[CsmsClient]:
    """The client under test."""
    async with CsmsClient.open(settings, clock) as client:
        yield client
