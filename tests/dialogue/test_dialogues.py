"""Every conversation of ``tests/dialogue/*.yml``, through the whole system."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dialogue.conversation import Conversation, Player, load

HERE = Path(__file__).parent
CONVERSATIONS = [
    pytest.param(conversation, id=f"{path.stem}: {conversation.name}")
    for path in sorted(HERE.glob("*.yml"))
    for conversation in load(path)
]


@pytest.mark.parametrize("conversation", CONVERSATIONS)
async def test_conversation(conversation: Conversation, player: Player) -> None:
    await player.bind(*conversation.bound)
    await player.play(conversation)
