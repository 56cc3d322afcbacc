"""The embedded broker: kombu's SQLAlchemy transport on a SQLite file, with what it lacks for a worker that never stops.

kombu's own keeps every delivered message for ever, syncs each to disk, and cannot be told how often to look for new ones.
"""

from __future__ import annotations

from json import loads
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import sqlalchemy as stock
from sqlalchemy import Engine, create_engine, delete, event, select

from store.db import prepare_sqlite

POLL_SECONDS = 0.5
SCHEME = "embedded"


class Channel(stock.Channel):
    """Messages are deleted as they are taken."""

    def _engine_from_config(self) -> Engine:
        engine = create_engine(self.connection.client.hostname)
        event.listen(engine, "connect", lambda raw, _record: prepare_sqlite(raw))
        return engine

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        queue_id = self._get_or_create(queue).id  # type: ignore[no-untyped-call]
        self.session.rollback()
        message = self.message_cls
        with self.session.begin():
            first = select(message.id).where(message.queue_id == queue_id).order_by(message.id).limit(1)
            taken = self.session.execute(
                delete(message).where(message.id == first.scalar_subquery()).returning(message.payload),
                execution_options={"synchronize_session": False},
            ).scalar_one_or_none()
        if taken is None:
            raise Empty
        return loads(taken)


class Transport(stock.Transport):
    """The transport of :func:`embedded_url`."""

    Channel = Channel
    polling_interval = POLL_SECONDS


def embedded_url(folder: Path) -> str:
    """The broker in ``folder``, for where ``BROKER_URL`` is not set."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
    folder.mkdir(parents=True, exist_ok=True)
    return f"{SCHEME}+sqlite:///{folder.resolve() / 'broker.db'}"
