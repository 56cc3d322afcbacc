"""Faults befall as many occasions as they were set for, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runxia.settings import load_settings
from sandbox import faults
from sandbox.faults import Fault


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    load_settings.cache_clear()
    yield
    load_settings.cache_clear()


def test_no_faults_at_first() -> None:
    assert faults.get("csms").mode == "ok"
    assert faults.current() == {}


def test_a_fault_stays_until_ok() -> None:
    faults.put("csms", Fault(mode="down"))
    assert [faults.get("csms").mode for _ in range(3)] == ["down"] * 3
    assert faults.get("sms").mode == "ok"
    faults.put("csms", Fault(mode="ok"))
    assert faults.get("csms").mode == "ok"


def test_a_fault_for_other_occasions_is_not_used_up() -> None:
    faults.put("pay", Fault(mode="lose_callback", times=1))
    assert faults.get("pay", *faults.API_MODES).mode == "ok"
    assert faults.get("pay", *faults.CALLBACK_MODES).mode == "lose_callback"
    assert faults.current() == {}


def test_several_at_once_share_the_count() -> None:
    faults.put("csms", Fault(mode="garbage", times=7))
    with ThreadPoolExecutor(8) as threads:
        modes = [fault.mode for fault in threads.map(lambda _: faults.get("csms"), range(20))]
    assert modes.count("garbage") == 7
