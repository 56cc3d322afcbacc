"""``make transcripts``: holds the conversations of ``docs/transcripts.yml`` and writes them down in ``docs/transcripts.md``."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import httpx

from runxia.devenv import ROOT
from tests.customer import Customer
from tests.dialogue.conversation import Conversation, Player, Step, load
from tests.stack import Stack, running
from tests.world import as_new, fixture

SCRIPT = ROOT / "docs" / "transcripts.yml"
RESULT = ROOT / "docs" / "transcripts.md"
INTRODUCTION = (
    "# 小润的对话\n\n每一段都是在沙箱里和训练好的小润真实进行的对话，由 `make transcripts` 写成；"
    "顾客说的话在 `docs/transcripts.yml`。沙箱里的人名、地址和号码都是编的。\n"
)


PAGE_CHARACTERS = 24  # of a web page, which is no part of the chat
SPANS = {"s": "秒", "m": "分钟", "h": "小时", "d": "天"}
SYSTEMS = {"csms": "营业系统", "hotline": "抢修工单系统", "website": "官网", "pay": "微信支付", "sms": "短信"}


class Narrator(Player):
    """A player whose transcript also says what happens around the conversation."""

    async def _do(self, step: Step) -> tuple[str, str]:
        said, answer = await super()._do(step)
        if step.action == "clock":
            self.transcript.append(("", f"过了{step.argument.strip('+-')[:-1]}{SPANS[step.argument[-1]]}"))
        elif step.action == "faults":
            well = "恢复了" if step.argument["mode"] == "ok" else "没有回应"
            self.transcript.append(("", f"{SYSTEMS[step.argument['system']]}{well}"))
        elif step.action == "open":
            return f"（打开链接，看到：{answer.strip()[:PAGE_CHARACTERS].strip()}……）", ""
        return said, answer


async def hold(stack: Stack, conversation: Conversation) -> str:
    """Hold one conversation; its transcript in Markdown, as far as it went."""
    async with httpx.AsyncClient(timeout=30) as http:
        await as_new(stack, http)
        player = Narrator(stack, http, await fixture(stack, http), Customer(stack, http))
        await player.bind(*conversation.bound)
        try:
            await player.play(conversation)
        except Exception as error:
            error.add_note("\n".join(f"{who}：{what}" for who, what in player.transcript))
            raise
    said = "\n\n".join(_shown(who, what) for who, what in player.transcript)
    return f"## {conversation.name}\n\n{said}\n"


def _shown(who: str, what: str) -> str:
    return f"**{who}**：{what}".replace("\n", "  \n") if who else f"*（{what}）*"


def hold_all(stack: Stack) -> tuple[list[str], list[str]]:
    """Hold each; the transcripts, and what went wrong in those that could not be held to the end."""
    held, broken = [], []
    for conversation in load(SCRIPT):
        try:
            held.append(asyncio.run(hold(stack, conversation)))
        except Exception as error:
            broken.append(f"--- {conversation.name}: {error!r}\n" + "\n".join(getattr(error, "__notes__", [])))
    return held, broken


def main() -> None:
    """Hold all and write the page.

    Raises:
        SystemExit: some could not be held to the end; the page has the others.
    """
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as stack:
        held, broken = hold_all(stack)
    RESULT.write_text("\n".join([INTRODUCTION, *held]), encoding="utf-8")
    if broken:
        raise SystemExit("\n\n".join(broken))


if __name__ == "__main__":
    main()
