"""The second step: six digits from an authenticator app (RFC 6238)."""

from __future__ import annotations

import hmac
from datetime import datetime

import pyotp

DIGITS = 6
DRIFT_STEPS = 1  # phones' clocks go wrong by some seconds: the code before and after is taken too


def new_secret() -> str:
    """160 random bits in base32."""
    return pyotp.random_base32()


def address(secret: str, login: str, issuer: str) -> str:
    """The ``otpauth://`` address that authenticator apps read from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def step_of(secret: str, code: str, now: datetime, after: int) -> int | None:
    """The 30-second step that a code belongs to; none where it is wrong, or no newer than step ``after``."""
    totp = pyotp.TOTP(secret)
    present = totp.timecode(now)
    for step in range(present - DRIFT_STEPS, present + DRIFT_STEPS + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.strip().encode()) and step > after:
            return step
    return None
