"""Brings the database to the newest schema. Every process calls :func:`upgrade` at its start.

By hand: ``python -m store.migrate`` upgrades ``DATABASE_URL``; ``python -m store.migrate revision "what changed"`` writes a
migration from the difference between the models and an up-to-date database.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import URL, make_url

from runxia.settings import load_settings
from store.db import prepare_sqlite, sync_url
from store.models import Base

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_WAIT_MS = 60_000
_ADVISORY_LOCK = 0x52554E58  # any constant will do, as long as nobody else uses it: "RUNX"


def upgrade(url: str) -> None:
    """Apply the migrations that the database lacks.

    Several processes may start at once: one migrates, the others wait for its transaction and find nothing left to do.
    """
    with _connect(url) as connection:
        if _is_current(connection):
            return
        connection.rollback()
        _lock(connection)
        command.upgrade(_config(connection), "head")
        connection.commit()


def revision(url: str, message: str) -> None:
    """Write a migration for what the models have and the database lacks."""
    upgrade(url)
    number = len(list((MIGRATIONS / "versions").glob("*.py"))) + 1
    with _connect(url) as connection:
        command.revision(_config(connection), message, autogenerate=True, rev_id=f"{number:04d}")


def differences(url: str) -> list[object]:
    """What the models and the database disagree on; empty where the migrations are complete."""
    with _connect(url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def _is_current(connection: Connection) -> bool:
    heads = set(ScriptDirectory.from_config(_config(connection)).get_heads())
    return set(MigrationContext.configure(connection).get_current_heads()) == heads


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))


@contextmanager
def _connect(url: str) -> Iterator[Connection]:
    parsed = make_url(sync_url(url))
    engine = create_engine(parsed)
    if parsed.get_backend_name() == "sqlite":
        _make_folder(parsed)
        event.listen(engine, "connect", lambda raw, _record: prepare_sqlite(raw, busy_ms=LOCK_WAIT_MS))
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _make_folder(url: URL) -> None:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)


def main() -> None:
    """The command line."""
    url = load_settings().database_url
    match sys.argv[1:]:
        case []:
            upgrade(url)
        case ["revision", message]:
            revision(url, message)
        case _:
            sys.exit('usage: python -m store.migrate [revision "what changed"]')


if __name__ == "__main__":
    main()
