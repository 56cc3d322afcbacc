"""Alembic's entry: works on the connection that :mod:`store.migrate` hands over, inside its transaction."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection

from store.crypto import EncryptedText
from store.db import Moment
from store.models import Base


def render_item(kind: str, item: Any, _autogenerate: Any) -> str | Literal[False]:
    """Write our column types as what the database sees, so that old migrations do not depend on today's code."""
    if kind == "type" and isinstance(item, EncryptedText):
        return "sa.Text()"
    if kind == "type" and isinstance(item, Moment):
        return "sa.DateTime()"
    return False


def run(connection: Connection) -> None:
    """Run the migrations asked for."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=render_item,
        render_as_batch=True,  # SQLite cannot alter most of a table in place
        compare_type=True,
        transactional_ddl=True,
    )
    context.run_migrations()


run(context.config.attributes["connection"])
