"""Serves the dialogue: ``python -m bot.serve``, with the bot's Python. Binds the loopback; only the gateway talks to it.

Environment: ``RASA_PORT``, ``RASA_HOST``, ``RASA_TOKEN``, ``MODELS_DIR``, ``DATA_DIR``, ``ACTIONS_URL`` or ``ACTIONS_PORT``,
``RASA_TRACKER_URL``, ``REDIS_URL``, ``BOT_LOG_LEVEL``.
"""

from __future__ import annotations

import hmac
import os
from functools import partial
from pathlib import Path
from typing import Any, Dict, MutableMapping, Optional
from urllib.parse import urlsplit

from bot.environment import MODEL_FILE, ROOT, configure_logging, models_dir, prepare
from bot.speed import make_quick

# Fields of Rasa's log records that hold what a customer said or was told.
PRIVATE_FIELDS = frozenset(
    {
        "text", "user_text", "user_message", "message", "json_message", "parse_data_text", "parse_data_entities", "entities",
        "response", "response_text", "rendered_response", "template", "tracker_latest_message", "slots", "prefilled_slots",
        "current_states", "prediction_events", "rasa_events",
    }
)  # fmt: skip
REDIS_PORT = 6379
SQLITE_BUSY_MS = 5000


def main() -> None:
    """Start the server and stay until it is stopped.

    Raises:
        SystemExit: there is no trained model.
    """
    prepare()
    model = models_dir() / MODEL_FILE
    if not model.is_file():
        raise SystemExit(f"There is no model at {model}: run `make train` first.")
    _set_addresses()
    from rasa.core import run
    from rasa.core.utils import AvailableEndpoints

    from bot.channel import keep_turns

    configure_logging(_without_private_fields)
    _make_sqlite_quick()
    make_quick()
    keep_turns()
    endpoints = AvailableEndpoints.read_endpoints(str(ROOT / "endpoints.yml"))
    if os.environ.get("REDIS_URL"):
        endpoints.lock_store = _redis_lock_store(os.environ["REDIS_URL"])
    token = os.environ.get("RASA_TOKEN") or None
    channels = run.create_http_input_channels(None, str(ROOT / "credentials.yml"))
    app = run.configure_app(channels, auth_token=token, endpoints=endpoints)
    if token:
        app.register_middleware(partial(_refuse_strangers, token), "request")
    add_forgetting(app)
    app.register_listener(partial(run.load_agent_on_start, str(model), endpoints, None), "before_server_start")
    app.register_listener(run.close_resources, "after_server_stop")
    app.run(
        host=os.environ.get("RASA_HOST", "127.0.0.1"),
        port=int(os.environ.get("RASA_PORT", "5005")),
        access_log=False,
        motd=False,
    )


def _set_addresses() -> None:
    data = Path(os.environ.get("DATA_DIR") or ROOT / "var").resolve()
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ["ACTIONS_URL"] = os.environ.get("ACTIONS_URL") or f"http://127.0.0.1:{os.environ.get('ACTIONS_PORT', '5055')}"
    os.environ["RASA_TRACKER_URL"] = os.environ.get("RASA_TRACKER_URL") or f"sqlite:///{data / 'rasa.db'}"


def _without_private_fields(_logger: Any, _method: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: logs never hold what was said."""
    return {name: "..." if name in PRIVATE_FIELDS else value for name, value in record.items()}


def _make_sqlite_quick() -> None:
    """Write-ahead logging: a turn's events are committed without waiting for the disk to turn twice."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    event.listen(Engine, "connect", _set_pragmas)


def _set_pragmas(connection: Any, _record: Any) -> None:
    if type(connection).__module__.startswith("sqlite3"):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_MS}")


def _redis_lock_store(url: str) -> Any:
    """Rasa's Redis lock store at ``redis[s]://[user:password@]host[:port][/db]``."""
    from rasa.utils.endpoints import EndpointConfig

    parts = urlsplit(url)
    settings: Dict[str, Any] = {
        "port": parts.port or REDIS_PORT,
        "db": int(parts.path.strip("/") or 0),
        "username": parts.username,
        "password": parts.password,
        "use_ssl": parts.scheme == "rediss",
        "key_prefix": "rasalock",
    }
    return EndpointConfig(url=parts.hostname, type="redis", **settings)


def add_forgetting(app: Any) -> None:
    """``DELETE /conversations/<id>/events`` and ``DELETE /events?before=<seconds>``, which Rasa has no routes for.

    Both answer ``{"deleted": count}``. They need the SQL tracker store of endpoints.yml.
    """
    from sanic.response import json

    async def forget(request: Any, conversation_id: Optional[str] = None) -> Any:
        store = _sql_store(request.app.ctx.agent.tracker_store)
        event = store.SQLEvent
        if conversation_id is not None:
            wanted = event.sender_id == conversation_id
        else:
            wanted = event.timestamp < float(request.args.get("before"))
        with store.session_scope() as session:
            deleted = session.query(event).filter(wanted).delete(synchronize_session=False)
            session.commit()
        return json({"deleted": deleted})

    app.add_route(forget, "/conversations/<conversation_id:path>/events", methods=["DELETE"], name="forget_conversation")
    app.add_route(forget, "/events", methods=["DELETE"], name="forget_old_events")


def _sql_store(store: Any) -> Any:
    """The SQL store itself, out of what Rasa wraps it in."""
    while not hasattr(store, "session_scope"):
        store = store._tracker_store
    return store


def _refuse_strangers(token: str, request: Any) -> Optional[Any]:
    """Ask for the token on the channels too; Rasa asks for it only on its own routes."""
    from sanic.response import json

    given = request.args.get("token") or request.headers.get("x-rasa-token") or ""
    if request.path == "/" or hmac.compare_digest(str(given).encode(), token.encode()):
        return None
    return json({"error": "token is missing or wrong"}, status=401)


if __name__ == "__main__":
    main()
