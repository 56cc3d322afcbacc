"""``python -m runxia.run``: the supervisor behind ``make run`` and ``make start``.

Starts every process, waits until each is healthy, prints the addresses. A child that dies is named, its last lines are shown,
and everything stops; Ctrl-C stops everything. What the children print is in ``DATA_DIR/log/<name>.log``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from honcho.manager import SYSTEM_PRINTER_NAME, Manager
from honcho.printer import Message, Printer

from runxia.devenv import production_environment, sandbox_environment
from runxia.processes import ROOT, forget_last_run, processes, wait_ready
from services.staff.rights import ROLE_NAMES, Role

START_SECONDS = 300.0  # a first start on a busy machine; a usual one takes well under a minute
LAST_LINES = 25
NAMES = {
    "rasa": "对话引擎", "csms": "营业系统（沙箱）", "sandbox": "微信（沙箱）", "actions": "业务动作", "gateway": "网关",
    "worker": "后台任务", "console": "客服工作台",
}


class LogFiles(Printer):  # type: ignore[misc]
    """Keeps each child's lines in a file of its own, and the last of them at hand for the day it dies."""

    def __init__(self, folder: Path, names: list[str], stack: ExitStack) -> None:
        super().__init__(sys.stdout)
        folder.mkdir(parents=True, exist_ok=True)
        self._files: dict[str, TextIO] = {
            name: stack.enter_context((folder / f"{name}.log").open("w", encoding="utf-8")) for name in names
        }
        self.last: dict[str, deque[str]] = {name: deque(maxlen=LAST_LINES) for name in names}

    def write(self, message: Message) -> None:
        """Take one message of honcho's."""
        if message.name == SYSTEM_PRINTER_NAME:
            return
        text = message.data.decode("utf-8", "replace") if isinstance(message.data, bytes) else str(message.data)
        self._files[message.name].write(text)
        self._files[message.name].flush()
        self.last[message.name].append(text.rstrip("\n"))


class Supervisor:
    """All the processes of one run."""

    def __init__(self, env: Mapping[str, str], *, sandbox: bool, stack: ExitStack) -> None:
        self._env = env
        self._sandbox = sandbox
        self._log = Path(env["DATA_DIR"]) / "log"
        self._all = [process for process in processes(env) if sandbox or not process.sandbox]
        self._output = LogFiles(self._log, [process.name for process in self._all], stack)
        self._manager = Manager(self._output)
        for process in self._all:
            self._manager.add_process(process.name, f"exec {process.command}", env=dict(env), cwd=str(ROOT))
        self._stopping = False

    def run(self) -> int:
        """Run until something ends it; 0 after Ctrl-C, 1 where a child died or never became healthy."""
        forget_last_run(self._all)
        say(f"正在启动……（日志在 {os.path.relpath(self._log)}）")
        threading.Thread(target=self._announce, daemon=True).start()
        self._manager.loop()
        self._stopping = True
        dead = self._first_dead()
        if dead:
            say(f"\n{NAMES[dead]}（{dead}）退出了，其余进程已全部停止。它最后的输出：\n")
            say("\n".join(f"    {line}" for line in self._output.last[dead]))
            return 1
        say("\n已全部停止。")
        return 0 if self._interrupted else 1

    @property
    def _interrupted(self) -> bool:
        return self._manager.returncode in (130, 143)

    def _first_dead(self) -> str | None:
        """The child whose end ended the run, if it was not a signal to us."""
        if self._interrupted:
            return None
        states: dict[str, dict[str, Any]] = self._manager._processes
        codes = {name: state.get("returncode") for name, state in states.items()}
        return next((name for name, code in codes.items() if code == self._manager.returncode), None)

    def _announce(self) -> None:
        began = time.monotonic()
        missing = wait_ready(
            self._all, START_SECONDS, alive=lambda: not self._stopping,
            tell=lambda name: say(f"  ✓ {NAMES[name]}  {time.monotonic() - began:.0f} 秒"),
        )
        if self._stopping:
            return
        if missing:
            say("没有按时就绪：" + "、".join(NAMES[process.name] for process in missing))
            self._manager.terminate()
            return
        if self._sandbox:
            self._publish_menu()
        say(self._addresses())

    def _publish_menu(self) -> None:
        """Give the sandbox's account the menu, which a real one gets by ``make menu``."""
        command = [sys.executable, "-m", "gateway.publish_menu"]
        published = subprocess.run(command, env=dict(self._env), cwd=ROOT, capture_output=True, text=True, check=False)
        if published.returncode:
            say(f"菜单没有发布成功：{published.stderr.strip()}")

    def _addresses(self) -> str:
        lines = [f"\n润下已启动：\n  微信回调  {self._env['PUBLIC_BASE_URL']}/wechat"]
        if self._sandbox:
            lines.append(f"  打开这个网页，像顾客一样聊天：  {self._env['WECHAT_API_BASE_URL']}/")
        lines.append(f"  客服工作台  {self._env['CONSOLE_BASE_URL']}/")
        if self._sandbox:
            lines += demo_logins(Path(self._env["CONSOLE_STAFF_FILE"]))
        return "\n".join([*lines, "按 Ctrl-C 停止。\n"])


def demo_logins(file: Path) -> list[str]:
    """Lines that tell who can sign in to the demonstration's console."""
    staff = json.loads(file.read_bytes())
    return [f"    {ROLE_NAMES[Role(each['role'])]}\t{each['login']}\t{each['password']}" for each in staff]


def say(text: str) -> None:
    """Tell whoever started us."""
    print(text, flush=True)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-sandbox", action="store_true", help="production: settings from the environment and .env only")
    options = parser.parse_args()
    env = production_environment(os.environ) if options.no_sandbox else sandbox_environment(os.environ)
    with ExitStack() as stack:
        code = Supervisor(env, sandbox=not options.no_sandbox, stack=stack).run()
    sys.exit(code)


if __name__ == "__main__":
    main()
