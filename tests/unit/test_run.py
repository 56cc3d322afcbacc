"""The supervisor: a child that dies is named, and everything stops; Ctrl-C stops everything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from runxia.devenv import ROOT

SAFETY_SECONDS = 60


def supervise(tmp_path: Path, **commands: str) -> subprocess.Popen[str]:
    """A supervisor over made-up children, in a process of its own."""
    script = textwrap.dedent(f"""
        import sys
        from contextlib import ExitStack
        from runxia import run
        from runxia.processes import Process
        children = {commands!r}
        made_up = [Process(name, command, {str(tmp_path)!r} + f"/{{name}}.ready") for name, command in children.items()]
        run.processes = lambda env: made_up
        env = {{"DATA_DIR": {str(tmp_path)!r}, "PUBLIC_BASE_URL": "http://gateway", "WECHAT_API_BASE_URL": "http://sandbox",
               "CONSOLE_BASE_URL": "http://console",
               "PATH": {os.environ["PATH"]!r}}}
        with ExitStack() as stack:
            sys.exit(run.Supervisor(env, sandbox=False, stack=stack).run())
    """)
    return subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def stays_up(tmp_path: Path, name: str) -> str:
    return f"sh -c 'echo $$ > {tmp_path}/{name}.ready; sleep {SAFETY_SECONDS}'"


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(path: Path) -> None:
    end = time.monotonic() + SAFETY_SECONDS
    while not path.exists() or not path.read_text():
        assert time.monotonic() < end, f"{path} did not appear"
        time.sleep(0.05)


def test_a_child_that_dies_is_named_with_its_last_words_and_stops_the_rest(tmp_path: Path) -> None:
    supervisor = supervise(
        tmp_path, gateway=stays_up(tmp_path, "gateway"), rasa="sh -c 'sleep 1; echo no model here; exit 3'",
    )
    told, _ = supervisor.communicate(timeout=SAFETY_SECONDS)
    assert supervisor.returncode == 1
    assert "对话引擎（rasa）退出了" in told
    assert "no model here" in told
    assert not is_alive(int((tmp_path / "gateway.ready").read_text()))


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_and_is_no_failure(tmp_path: Path, sign: signal.Signals) -> None:
    supervisor = supervise(tmp_path, gateway=stays_up(tmp_path, "gateway"), rasa=stays_up(tmp_path, "rasa"))
    wait_for(tmp_path / "gateway.ready")
    wait_for(tmp_path / "rasa.ready")
    time.sleep(1)
    supervisor.send_signal(sign)
    told, _ = supervisor.communicate(timeout=SAFETY_SECONDS)
    assert supervisor.returncode == 0
    assert "润下已启动" in told
    assert "已全部停止" in told
    assert not is_alive(int((tmp_path / "rasa.ready").read_text()))
