"""The developer's command: ``runxia chat``, ``runxia replay FILE`` (``make run`` in another terminal)."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx

from runxia.chat import chat, read_transcript, replay
from runxia.devenv import DEFAULT_PORTS
from runxia.phone import Phone, new_openid

READ_SECONDS = 60.0


def main() -> None:
    """Run the command; exits with 1 where a replayed answer differs, 2 where the sandbox does not run."""
    sandbox = f"http://127.0.0.1:{os.environ.get('SANDBOX_PORT', DEFAULT_PORTS['SANDBOX_PORT'])}"
    parser = argparse.ArgumentParser(prog="runxia", description="和正在运行的小润对话（先在另一个终端运行 make run）")
    parser.add_argument("--sandbox", default=sandbox, help=f"沙箱的地址，默认 {sandbox}")
    parser.add_argument("--openid", help="以哪个微信用户的身份说话；默认每次是新用户")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("chat", help="在终端里聊天")
    commands.add_parser("replay", help="把一段对话重说一遍").add_argument("file", type=Path, help="对话记录，- 为标准输入")
    arguments = parser.parse_args()
    with suppress(KeyboardInterrupt):
        sys.exit(asyncio.run(_run(arguments)))


async def _run(arguments: argparse.Namespace) -> int:
    async with httpx.AsyncClient(timeout=READ_SECONDS, trust_env=False) as http:
        phone = Phone(arguments.sandbox, http, arguments.openid or new_openid())
        try:
            if arguments.command == "chat":
                await chat(phone, _typed(), sys.stdout)
                return 0
            lines = sys.stdin if str(arguments.file) == "-" else arguments.file.read_text(encoding="utf-8").splitlines()
            different = await replay(phone, read_transcript(lines), sys.stdout)
        except httpx.ConnectError:
            print(f"连不上沙箱 {arguments.sandbox}：请先运行 make run。", file=sys.stderr)
            return 2
        except OSError as error:
            print(f"读不了文件：{error}", file=sys.stderr)
            return 2
    print(f"\n{different} 处回答与记录不同。" if different else "\n回答都与记录相同。")
    return 1 if different else 0


def _typed() -> Iterator[str]:
    while True:
        try:
            yield input("我：" if sys.stdin.isatty() else "")
        except EOFError:
            return


if __name__ == "__main__":
    main()
