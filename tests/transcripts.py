"""``make transcripts``: holds the conversations of ``docs/transcripts.yml`` and writes them down in ``docs/transcripts.md``."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import httpx

from runxia.devenv import ROOT
from tests.customer import Customer
from tests.dialogue.conversation import Conversation, Player, load
from tests.stack import Stack, running
from tests.world import as_new, fixture

SCRIPT = ROOT / "docs" / "transcripts.yml"
RESULT = ROOT / "docs" / "transcripts.md"
INTRODUCTION = (
    "# 十段对话\n\n每一段都是在沙箱里和训练好的小润真实进行的对话，由 `make transcripts` 写成；"
    "顾客说的话在 `docs/transcripts.yml`。沙箱里的人名、地址和号码都是编的。\n"
)


async def hold(stack: Stack, conversation: Conversation) -> str:
    """Hold one conversation; its transcript in Markdown."""
    async with httpx.AsyncClient(timeout=30) as http:
        await as_new(stack, http)
        player = Player(stack, http, await fixture(stack, http), Customer(stack, http))
        await player.bind(*conversation.bound)
        await player.play(conversation)
    said = "\n\n".join(f"**{who}**：{what}".replace("\n", "  \n") for who, what in player.transcript)
    return f"## {conversation.name}\n\n{said}\n"


def main() -> None:
    """Hold all and write the page."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as stack:
        held = [asyncio.run(hold(stack, conversation)) for conversation in load(SCRIPT)]
    RESULT.write_text("\n".join([INTRODUCTION, *held]), encoding="utf-8")


if __name__ == "__main__":
    main()
