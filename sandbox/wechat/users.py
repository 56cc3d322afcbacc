"""WeChat users, and whether they follow the account."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass

from runxia.clock import Clock
from sandbox.fixture import CUSTOMERS
from sandbox.wechat.database import Database


@dataclass(frozen=True, slots=True)
class User:
    """A WeChat user. ``spoke_at``: epoch seconds of their last message."""

    openid: str
    nickname: str
    subscribed: bool
    subscribed_at: float | None
    spoke_at: float | None


class Users:
    """Everybody who has a conversation with the account."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        for customer in CUSTOMERS:
            self.add(customer.openid, customer.nickname)

    def all(self) -> list[User]:
        """Every user, in the order in which they came."""
        return [_user(row) for row in self._db.all("SELECT * FROM users ORDER BY rowid")]

    def find(self, openid: str) -> User | None:
        """The user, or none."""
        row = self._db.one("SELECT * FROM users WHERE openid = ?", (openid,))
        return _user(row) if row else None

    def add(self, openid: str, nickname: str, *, subscribed: bool = True) -> User:
        """Make the user known; one who is known stays as they are."""
        now = self._clock.now().timestamp()
        self._db.write(
            "INSERT OR IGNORE INTO users (openid, nickname, subscribed, subscribed_at) VALUES (?, ?, ?, ?)",
            (openid, nickname, subscribed, now if subscribed else None),
        )
        return self.find(openid) or User(openid, nickname, subscribed, now, None)

    def add_stranger(self, nickname: str) -> User:
        """Somebody new, who does not follow the account yet."""
        return self.add(f"oRx{secrets.token_hex(12)}0", nickname, subscribed=False)

    def follow(self, openid: str, follows: bool) -> None:
        """The user follows the account, or no longer."""
        self._db.write(
            "UPDATE users SET subscribed = ?, subscribed_at = ? WHERE openid = ?",
            (follows, self._clock.now().timestamp() if follows else None, openid),
        )

    def spoke(self, openid: str) -> None:
        """Note that the user has just sent a message."""
        self._db.write("UPDATE users SET spoke_at = ? WHERE openid = ?", (self._clock.now().timestamp(), openid))


def _user(row: sqlite3.Row) -> User:
    return User(
        openid=row["openid"], nickname=row["nickname"], subscribed=bool(row["subscribed"]),
        subscribed_at=row["subscribed_at"], spoke_at=row["spoke_at"],
    )
