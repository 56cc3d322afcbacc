"""Fixtures that tests of every kind share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from runxia.devenv import ROOT
from tests.customer import Customer
from tests.dialogue.conversation import Player
from tests.stack import Stack, running
from tests.world import as_new, fixture


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system, started once for all tests that drive it from outside."""
    if not (ROOT / "models" / "runxia.tar.gz").exists():
        pytest.fail("there is no model: run `make train` first")
    folder: Path = tmp_path_factory.mktemp("stack")
    with running(folder) as started:
        yield started


@pytest.fixture
async def player(stack: Stack) -> AsyncIterator[Player]:
    """A new customer in a sandbox that is as new."""
    async with httpx.AsyncClient(timeout=30) as http:
        await as_new(stack, http)
        yield Player(stack, http, await fixture(stack, http), Customer(stack, http))
        await as_new(stack, http)
