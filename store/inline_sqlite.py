"""SQLite without a thread for each connection: what :func:`sqlalchemy.ext.asyncio.create_async_engine` takes for aiosqlite.

A statement on the embedded database takes tens of microseconds; handing it to aiosqlite's thread and back takes ten times
that, dozens of times for each message. So it is run at once, in the event loop's own thread. The one thing that may take long,
waiting for another process to finish writing, is left to :class:`store.db.Database`, which waits without holding up the loop.
"""

from __future__ import annotations

import sqlite3
from asyncio import Future
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self


class InlineCursor:
    """A cursor with the methods of aiosqlite's that SQLAlchemy calls."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Self:
        """Run a statement."""
        self._cursor.execute(statement, parameters)
        return self

    async def executemany(self, statement: str, parameters: Iterable[Sequence[Any]]) -> Self:
        """Run a statement for each row of parameters."""
        self._cursor.executemany(statement, parameters)
        return self

    async def fetchall(self) -> list[Any]:
        """The rows."""
        return self._cursor.fetchall()

    async def close(self) -> None:
        """Close."""
        self._cursor.close()

    @property
    def description(self) -> Any:
        """The columns of the result; none for a statement without."""
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The id of the row inserted last."""
        return self._cursor.lastrowid


class _AtOnce:
    """aiosqlite's queue of work for its thread, through which SQLAlchemy sets the isolation level."""

    def put_nowait(self, work: tuple[Future[Any], Callable[[], Any]]) -> None:
        future, function = work
        future.set_result(function())


class InlineConnection:
    """A connection with the members of aiosqlite's that SQLAlchemy uses."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._conn = raw
        self._connection: sqlite3.Connection | None = raw
        self._tx = _AtOnce()

    @property
    def isolation_level(self) -> str | None:
        """None where transactions are begun by hand."""
        return self._conn.isolation_level

    def cursor(self) -> InlineCursor:
        """A new cursor."""
        return InlineCursor(self._conn.cursor())

    async def create_function(self, *arguments: Any, **options: Any) -> None:
        """Register an SQL function."""
        self._conn.create_function(*arguments, **options)

    async def commit(self) -> None:
        """Commit."""
        self._conn.commit()

    async def rollback(self) -> None:
        """Roll back."""
        self._conn.rollback()

    async def close(self) -> None:
        """Close."""
        self.stop()

    def stop(self) -> None:
        """Close at once."""
        self._connection = None
        self._conn.close()


async def connect(database: str, **options: Any) -> InlineConnection:
    """Open a database file. A pool may hand the connection to another thread's loop, never to two at once."""
    return InlineConnection(sqlite3.connect(database, **{**options, "check_same_thread": False}))
