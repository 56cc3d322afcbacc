"""Codes of authenticator apps."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyotp
import pytest

from runxia.clock import SHANGHAI
from services.staff.totp import address, new_secret, step_of

NOW = datetime(2026, 11, 2, 9, 30, 10, tzinfo=SHANGHAI)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.mark.parametrize(("seconds", "good"), [(0, True), (-30, True), (30, True), (-90, False), (90, False)])
def test_clocks_may_differ_by_half_a_minute(seconds: int, good: bool) -> None:
    code = pyotp.TOTP(SECRET).at(NOW + timedelta(seconds=seconds))
    assert (step_of(SECRET, code, NOW, 0) is not None) is good


def test_a_code_is_good_once() -> None:
    code = pyotp.TOTP(SECRET).at(NOW)
    step = step_of(SECRET, code, NOW, 0)
    assert step is not None
    assert step_of(SECRET, code, NOW, step) is None


@pytest.mark.parametrize("code", ["", "000000", "abcdef", "１２３４５６", "12345", "1234567"])
def test_nonsense_is_no_code(code: str) -> None:
    assert step_of(SECRET, code, NOW, 0) is None


def test_the_address_names_the_utility_and_the_login() -> None:
    assert address(new_secret(), "kefu1", "临江水务客服").startswith("otpauth://totp/")
    assert "kefu1" in address(SECRET, "kefu1", "x")
