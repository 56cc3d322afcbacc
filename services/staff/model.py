"""What the console knows of a member of staff and of where they are signed in."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.staff.rights import Right, Role, allowed
from store.models import Staff

ACTIVE, DISABLED = "active", "disabled"
LOGIN_FORM = re.compile(r"[a-z][a-z0-9._-]{1,31}")


class Stage(StrEnum):
    """How far a session has got."""

    TOTP = "totp"  # the password was right, the second step is owed
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Member:
    """A member of staff. E-mail address and phone are in clear: mask before showing."""

    id: int
    login: str
    name: str
    role: Role
    email: str | None
    phone: str | None
    active: bool
    must_change: bool
    has_totp: bool
    locked_until: datetime | None
    created_at: datetime
    last_login_at: datetime | None

    def may(self, right: Right) -> bool:
        """Whether this person may do something now."""
        return self.active and allowed(self.role, right)


@dataclass(frozen=True, slots=True)
class Visit:
    """Where a request comes from. ``device_token``: the cookie by which a browser is known again, empty for a new one."""

    address: str
    device: str
    device_token: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """Who is signed in, in which session."""

    member: Member
    session_id: int
    stage: Stage


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session as its owner sees it."""

    id: int
    device: str
    address: str
    remembered: bool
    created_at: datetime
    last_seen_at: datetime


def member(row: Staff) -> Member:
    """What the row says."""
    return Member(
        id=row.id, login=row.login, name=row.name, role=Role(row.role), email=row.email, phone=row.phone,
        active=row.state == ACTIVE, must_change=row.must_change, has_totp=row.totp_secret is not None,
        locked_until=row.locked_until, created_at=row.created_at, last_login_at=row.last_login_at,
    )


def new_token() -> str:
    """256 random bits for a cookie."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is stored of a token: it has too many random bits to be guessed, so one hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def target(login: str) -> str:
    """How the audit log names a member of staff."""
    return f"staff:{login}"
