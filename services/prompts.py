"""What the dialogue's last message asks for: choices to take, or a secret to type."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from connectors.wechat.bubbles import Answer, Button, buttons_of
from store.kv import Store

KEEP_SECONDS: Final = 48 * 3600
KEPT_MENUS: Final = 8  # older menus can still be tapped in the chat; these are understood
_NUMBER: Final = re.compile(r"(?:第|选|选择)?\s*(\d{1,2}|[一二两三四五六七八九十])\s*(?:个|项|条|号)?[。.、]?")
_NUMERALS: Final = {numeral: value for value, numeral in enumerate("一二三四五六七八九十", start=1)} | {"两": 2}
_LAST: Final = re.compile(r"(?:选)?最后(?:一)?(?:个|项|条)")


@dataclass(frozen=True, slots=True)
class Prompt:
    """The last offer, and menus before it by their token."""

    buttons: tuple[Button, ...] = ()
    expects: str | None = None
    menus: Mapping[str, tuple[Button, ...]] = field(default_factory=dict)

    def tapped(self, menu_id: str) -> str | None:
        """The payload of a tapped choice, or none where its menu is forgotten."""
        token, _, _ = menu_id.partition("-")
        return next((button.payload for button in self.menus.get(token, ()) if button.id == menu_id), None)

    def chosen(self, text: str) -> str | None:
        """The payload of the choice that a typed number or title means, among those last offered."""
        said = text.strip()
        for button in self.buttons:
            if said.casefold() == button.title.casefold():
                return button.payload
        number = _number(said, len(self.buttons))
        return self.buttons[number - 1].payload if number else None


def _number(said: str, count: int) -> int | None:
    if count and _LAST.fullmatch(said):
        return count
    found = _NUMBER.fullmatch(said)
    if not found:
        return None
    digits = found.group(1)
    number = int(digits) if digits.isdecimal() else _NUMERALS[digits]
    return number if 1 <= number <= count else None


class Prompts:
    """Keeps each conversation's prompt."""

    def __init__(self, kv: Store) -> None:
        self._kv = kv

    async def read(self, openid: str) -> Prompt:
        """The prompt; an empty one where nothing was asked."""
        kept = await self._kv.get(_key(openid))
        return _load(kept) if kept else Prompt()

    async def renew(self, openid: str, answers: Sequence[Answer]) -> tuple[Button, ...]:
        """Remember what ``answers`` ask for; their choices, with ids for a msgmenu."""
        before = await self.read(openid)
        buttons = buttons_of(answers)
        expects = next((str(c["expects"]) for answer in answers if (c := answer.get("custom")) and "expects" in c), None)
        if not buttons and expects is None and not before.buttons and before.expects is None:
            return ()
        menus = dict(before.menus)
        if buttons:
            token = secrets.token_hex(4)
            buttons = tuple(replace(button, id=f"{token}-{number}") for number, button in enumerate(buttons, start=1))
            menus = dict([*menus.items(), (token, buttons)][-KEPT_MENUS:])
        await self._kv.set(_key(openid), _dump(Prompt(buttons, expects, menus)), KEEP_SECONDS)
        return buttons


def _key(openid: str) -> str:
    return f"prompt:{openid}"


def _dump(prompt: Prompt) -> str:
    menus = {token: [[b.title, b.payload, b.id] for b in buttons] for token, buttons in prompt.menus.items()}
    last = [[b.title, b.payload, b.id] for b in prompt.buttons]
    return json.dumps({"buttons": last, "expects": prompt.expects, "menus": menus}, ensure_ascii=False)


def _load(kept: str) -> Prompt:
    fields: dict[str, Any] = json.loads(kept)
    return Prompt(
        buttons=tuple(Button(*button) for button in fields["buttons"]),
        expects=fields["expects"],
        menus={token: tuple(Button(*button) for button in buttons) for token, buttons in fields["menus"].items()},
    )
