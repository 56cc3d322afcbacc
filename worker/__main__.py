"""``python -m worker``: a worker with its schedule, in one process.

``--no-schedule`` leaves the schedule to another process.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from celery import signals
from celery.beat import EmbeddedService

from runxia import log
from runxia.settings import load_settings
from worker.app import app
from worker.tasks import runtime

READY = "worker.ready"


def main() -> None:
    """Open the services, start the schedule, work until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    parser.add_argument("--no-schedule", action="store_true", help="only work; another process keeps the schedule")
    arguments = parser.parse_args()
    settings = load_settings()
    log.set_up(settings.log_level)
    runtime.start()
    if not arguments.no_schedule:
        EmbeddedService(app, thread=True).start()
    _announce(settings.data_dir / READY)
    app.Worker(quiet=True, without_gossip=True, without_mingle=True).start()


def _announce(path: Path) -> None:
    """Write the file that tells the supervisor that the worker takes tasks, and remove it at the end."""
    signals.worker_ready.connect(lambda **_facts: path.write_text(str(os.getpid())), weak=False)
    signals.worker_shutdown.connect(lambda **_facts: path.unlink(missing_ok=True), weak=False)


if __name__ == "__main__":
    main()
