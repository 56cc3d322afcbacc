"""Which processes make up Runxia, and how to tell that each is healthy."""

from __future__ import annotations

import shlex
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROBE_SECONDS = 2.0
PROBE_EVERY = 0.25


@dataclass(frozen=True, slots=True)
class Process:
    """A child of the supervisor. ``ready`` is a URL that answers 200, or a file that the process writes when it is up."""

    name: str
    command: str
    ready: str
    sandbox: bool = False


def processes(env: Mapping[str, str]) -> list[Process]:
    """Everything that runs, in the order of starting; the slowest first."""
    python = shlex.quote(sys.executable)
    bot = shlex.quote(str(ROOT / "bot" / ".venv" / "bin" / "python"))
    return [
        Process("rasa", f"{bot} -m bot.serve", f"{env['RASA_URL']}/"),
        Process("csms", f"{python} -m sandbox.csms", f"{env['CSMS_BASE_URL']}/health", sandbox=True),
        Process("hotline", f"{python} -m sandbox.hotline", f"{env['HOTLINE_BASE_URL']}/health", sandbox=True),
        Process("sandbox", f"{python} -m sandbox", f"{env['WECHAT_API_BASE_URL']}/health", sandbox=True),
        Process(
            "actions", f"{python} -m rasa_sdk --actions actions -p {env['ACTIONS_PORT']}", f"{env['ACTIONS_URL']}/health",
        ),
        Process("gateway", f"{python} -m gateway", f"http://127.0.0.1:{env['GATEWAY_PORT']}/health"),
        Process("console", f"{python} -m console", f"http://127.0.0.1:{env['CONSOLE_PORT']}/health"),
        Process("worker", f"{python} -m worker", str(Path(env["DATA_DIR"]) / "worker.ready")),
    ]


def is_ready(process: Process) -> bool:
    """Whether the process answers now."""
    if not process.ready.startswith("http"):
        return Path(process.ready).exists()
    try:
        with urllib.request.urlopen(process.ready, timeout=PROBE_SECONDS) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def wait_ready(
    waiting: Sequence[Process], seconds: float, *, alive: Callable[[], bool], tell: Callable[[str], None],
) -> list[Process]:
    """Wait until all are ready, and tell each one's name as it comes up; those that are not when time or ``alive`` ends."""
    missing = list(waiting)
    end = time.monotonic() + seconds
    while missing and time.monotonic() < end and alive():
        for process in [process for process in missing if is_ready(process)]:
            missing.remove(process)
            tell(process.name)
        time.sleep(PROBE_EVERY)
    return missing


def forget_last_run(everything: Sequence[Process]) -> None:
    """Remove the ready files that an earlier run left."""
    for process in everything:
        if not process.ready.startswith("http"):
            Path(process.ready).unlink(missing_ok=True)
