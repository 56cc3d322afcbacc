"""Opens the services when the action server starts, and closes them when it stops."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pluggy
from rasa_sdk.plugin import plugin_manager
from sanic import Sanic
from sanic.worker.manager import WorkerManager

from runxia.bootstrap import Services, open_services
from runxia.settings import load_settings

START_TENTHS = 3000  # tenths of a second
_hook = pluggy.HookimplMarker("rasa_sdk")
_services: Services | None = None


def services() -> Services:
    """The services of this process.

    Raises:
        RuntimeError: the action server has not started.
    """
    if _services is None:
        raise RuntimeError("services are not open")
    return _services


def use(opened: Services | None) -> None:
    """Set the services; the listener's part, and a unit test's."""
    global _services
    _services = opened


class _Lifecycle:
    """The plugin that rasa-sdk calls with its sanic app."""

    @_hook
    def attach_sanic_app_extensions(self, app: Sanic[Any, Any]) -> None:
        """Open before the first request, close after the last."""
        stack = AsyncExitStack()

        async def start(_app: Sanic[Any, Any]) -> None:
            use(await stack.enter_async_context(open_services(load_settings())))

        async def stop(_app: Sanic[Any, Any]) -> None:
            use(None)
            await stack.aclose()

        app.register_listener(start, "before_server_start")
        app.register_listener(stop, "after_server_stop")


def register() -> None:
    """Make rasa-sdk call us; harmless twice."""
    # Sanic gives its worker, which imports everything anew, 30 s to come up and then stops. A busy machine needs longer, and
    # rasa-sdk has no option for it.
    WorkerManager.THRESHOLD = START_TENTHS
    manager = plugin_manager()
    if not manager.has_plugin("runxia"):
        manager.register(_Lifecycle(), "runxia")
