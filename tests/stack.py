"""The whole of Runxia with its sandbox, on free ports and in a folder of its own, for tests that drive it from outside."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from runxia.devenv import DEFAULT_PORTS, ROOT, sandbox_environment
from runxia.processes import Process, processes, wait_ready

START_SECONDS = 300.0
STOP_SECONDS = 15.0
# What a developer's own environment may hold must not reach the tests.
FOREIGN = ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "DATA_DIR", "CLOCK_FILE", *DEFAULT_PORTS)


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack."""

    env: Mapping[str, str]
    logs: Path
    children: Mapping[str, subprocess.Popen[bytes]]

    @property
    def sandbox_url(self) -> str:
        """The sandbox: phone page, WeChat's API, controls."""
        return self.env["WECHAT_API_BASE_URL"]

    @property
    def gateway_url(self) -> str:
        """The gateway."""
        return self.env["PUBLIC_BASE_URL"]

    @property
    def csms_url(self) -> str:
        """The billing system."""
        return self.env["CSMS_BASE_URL"]

    @property
    def rasa_url(self) -> str:
        """Rasa's HTTP API."""
        return self.env["RASA_URL"]

    def tail(self, name: str, lines: int = 40) -> str:
        """The last lines that a process printed."""
        return "\n".join((self.logs / f"{name}.log").read_text(errors="replace").splitlines()[-lines:])


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def stack_environment(folder: Path, **settings: str) -> dict[str, str]:
    """The environment of a stack that keeps everything in ``folder``."""
    given = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    ports = dict(zip(DEFAULT_PORTS, map(str, free_ports(len(DEFAULT_PORTS))), strict=True))
    return sandbox_environment({**given, **ports, "DATA_DIR": str(folder), **settings})


@contextmanager
def running(folder: Path, *, only: Collection[str] = (), **settings: str) -> Iterator[Stack]:
    """Start everything, or ``only`` the processes named, wait until it is healthy, and stop it at the end.

    Raises:
        RuntimeError: a process died or did not become healthy; the message has its last lines.
    """
    env = stack_environment(folder, **settings)
    logs = folder / "log"
    logs.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        everything = [each for each in processes(env) if not only or each.name in only]
        children = {each.name: stack.enter_context(_child(each, env, logs)) for each in everything}
        started = Stack(env, logs, children)
        missing = wait_ready(
            everything, START_SECONDS, tell=lambda _name: None,
            alive=lambda: all(child.poll() is None for child in children.values()),
        )
        if missing:
            raise RuntimeError("\n".join(f"--- {each.name} is not healthy\n{started.tail(each.name)}" for each in missing))
        yield started


@contextmanager
def _child(process: Process, env: Mapping[str, str], logs: Path) -> Iterator[subprocess.Popen[bytes]]:
    output: BinaryIO
    with (logs / f"{process.name}.log").open("wb") as output:
        child = subprocess.Popen(
            shlex.split(process.command), env=dict(env), cwd=ROOT, stdout=output, stderr=subprocess.STDOUT,
        )
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
