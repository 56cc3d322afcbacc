"""Passwords of staff: how strong they must be, and how they are kept."""

from __future__ import annotations

import asyncio
import re
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from runxia.utility import StaffPasswordRule
from services.errors import WeakStaffPassword

_KINDS = {
    "小写字母": re.compile(r"[a-z]"), "大写字母": re.compile(r"[A-Z]"), "数字": re.compile(r"[0-9]"),
    "符号": re.compile(r"[^A-Za-z0-9\s]"),
}
_RUNS = re.compile(r"(.)\1{3,}")  # aaaa
_SEQUENCES = ("0123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm")
SEQUENCE = 5
FIRST_LENGTH = 16
# Without what is mistaken on paper: 0 O, 1 l I.
_READABLE = ("abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789")

_hasher = PasswordHasher()
_NOBODY = _hasher.hash(secrets.token_hex(16))  # verified where there is no such login, so that it takes as long


def problems(password: str, rules: StaffPasswordRule, login: str = "") -> tuple[str, ...]:
    """What keeps a password from being good: length | kinds | login | simple."""
    kinds = sum(1 for kind in _KINDS.values() if kind.search(password))
    small = password.lower()
    found = {
        "length": not rules.min_length <= len(password) <= rules.max_length,
        "kinds": kinds < rules.kinds,
        "login": bool(login) and login.lower() in small,
        "simple": bool(_RUNS.search(password)) or _has_sequence(small),
    }
    return tuple(name for name, is_so in found.items() if is_so)


def check(password: str, rules: StaffPasswordRule, login: str) -> None:
    """Refuse a weak password.

    Raises:
        WeakStaffPassword: with what is wrong.
    """
    if found := problems(password, rules, login):
        raise WeakStaffPassword(found)


def first_password(rules: StaffPasswordRule) -> str:
    """A random password to begin with, easy to read out; it must be changed."""
    while True:
        letters = "".join(_READABLE)
        body = "".join(secrets.choice(letters) for _ in range(max(FIRST_LENGTH, rules.min_length) - 3))
        made = f"{body[:4]}-{body[4:8]}-{body[8:12]}-{body[12:]}"
        if not problems(made, rules):
            return made


async def hashed(secret: str) -> str:
    """The argon2id hash; in a thread, for it takes tens of milliseconds."""
    return await asyncio.to_thread(_hasher.hash, secret)


async def matches(stored: str | None, secret: str) -> bool:
    """Whether ``secret`` is what ``stored`` was made from; takes as long where there is none."""
    return await asyncio.to_thread(_verify, stored or _NOBODY, secret) and stored is not None


def _verify(stored: str, secret: str) -> bool:
    try:
        return _hasher.verify(stored, secret)
    except (Argon2Error, InvalidHashError):
        return False


def _has_sequence(text: str) -> bool:
    parts = {
        row[start:start + SEQUENCE] for line in _SEQUENCES for row in (line, line[::-1])
        for start in range(len(line) - SEQUENCE + 1)
    }
    return any(part in text for part in parts)
