"""Migrations: complete, safe when several processes start, and fit for SQL Server."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.dialects import mssql
from sqlalchemy.schema import CreateIndex, CreateTable

from store.db import sync_url
from store.migrate import differences, main, upgrade
from store.models import Base


def _tables(url: str) -> set[str]:
    engine = create_engine(sync_url(url))
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_the_migrations_make_what_the_models_say(url: str) -> None:
    upgrade(url)
    assert differences(url) == []
    assert _tables(url) == {*Base.metadata.tables, "alembic_version"}


def test_an_up_to_date_database_is_left_alone(url: str) -> None:
    upgrade(url)
    upgrade(url)
    assert differences(url) == []


def test_processes_that_start_at_once_do_not_collide(url: str) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as processes:
        list(processes.map(upgrade, [url] * 4))
    assert differences(url) == []


def test_the_folder_of_a_sqlite_file_is_made(tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path / 'deep' / 'down' / 'x.db'}")
    assert (tmp_path / "deep" / "down" / "x.db").exists()


@pytest.mark.parametrize("table", Base.metadata.sorted_tables, ids=lambda table: table.name)
def test_sql_server_takes_every_table(table: object) -> None:
    dialect = mssql.dialect()
    assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=dialect))  # type: ignore[arg-type]
    for index in table.indexes:  # type: ignore[attr-defined]
        assert "INDEX" in str(CreateIndex(index).compile(dialect=dialect))


def test_a_wrong_command_says_how_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["store.migrate", "downgrade"])
    with pytest.raises(SystemExit, match="usage"):
        main()
