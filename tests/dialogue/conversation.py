"""Conversations written in YAML: what a customer does, and what must be found in each answer."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.customer import Customer
from tests.stack import Stack
from tests.world import bind

ACTIONS = ("customer", "tap", "clock", "faults", "image", "location", "pay", "event")
EXPECTATIONS = ("bot", "not")
_SPANS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens, and what the answer must and must not hold (regular expressions)."""

    action: str
    argument: Any
    bot: tuple[str, ...]
    never: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation from a file."""

    name: str
    bound: tuple[str, ...]
    steps: tuple[Step, ...]


def load(path: Path) -> list[Conversation]:
    """Read a file of conversations.

    Raises:
        ValueError: a step has no action, two, or a word that is not known.
    """
    return [
        Conversation(
            each["conversation"],
            tuple((each.get("given") or {}).get("bound") or ()),
            tuple(_step(step, each["conversation"]) for step in each["steps"]),
        )
        for each in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


def _step(raw: dict[str, Any], where: str) -> Step:
    actions = [word for word in raw if word in ACTIONS]
    if len(actions) != 1 or set(raw) - {*ACTIONS, *EXPECTATIONS}:
        raise ValueError(f"{where}: a step needs one of {ACTIONS} and may have {EXPECTATIONS}: {raw}")
    return Step(actions[0], raw[actions[0]], _strings(raw.get("bot")), _strings(raw.get("not")))


def _strings(raw: str | list[str] | None) -> tuple[str, ...]:
    return (raw,) if isinstance(raw, str) else tuple(str(each) for each in raw or ())


@dataclass
class Player:
    """Plays a conversation against the running stack, and keeps a transcript."""

    stack: Stack
    http: httpx.AsyncClient
    accounts: Mapping[str, Mapping[str, Any]]  # the fixture's accounts by role
    customer: Customer
    transcript: list[tuple[str, str]] = field(default_factory=list)

    async def play(self, conversation: Conversation) -> None:
        """Play all the steps.

        Raises:
            AssertionError: an answer is not as expected; the message is the transcript so far.
        """
        for step in conversation.steps:
            said, answer = await self._do(step)
            self.transcript += [("顾客", said)] if said else []
            self.transcript += [("小润", answer)] if answer else []
            self._check(step, answer)

    async def bind(self, *roles: str) -> None:
        """Bind the accounts of these roles before the conversation, verified."""
        if roles:
            await bind(self.stack, self.customer.openid, [self.accounts[role] for role in roles])

    async def _do(self, step: Step) -> tuple[str, str]:
        handlers: dict[str, Callable[[Any], Awaitable[tuple[str, str]]]] = {
            "customer": self._say, "tap": self._tap, "clock": self._move_clock, "faults": self._break, "image": self._photo,
            "location": self._locate, "pay": self._pay, "event": self._event,
        }
        return await handlers[step.action](step.argument)

    def _check(self, step: Step, answer: str) -> None:
        told = "\n".join(f"{who}：{what}" for who, what in self.transcript)
        for pattern in map(self._plain, step.bot):
            assert re.search(pattern, answer), f"没有说到 {pattern!r}\n\n{told}"
        for pattern in map(self._plain, step.never):
            assert not re.search(pattern, answer), f"不该说 {pattern!r}\n\n{told}"

    def _plain(self, text: str) -> str:
        """Fill in ``{role.field}``."""
        return re.sub(r"\{([a-z_]+)\.([a-z_]+)\}", lambda hit: str(self.accounts[hit[1]][hit[2]]), text)

    async def _fill(self, text: str) -> str:
        """Fill in ``{role.field}`` and ``{code:role}``."""
        for role in re.findall(r"\{code:([a-z_]+)\}", text):
            text = text.replace(f"{{code:{role}}}", await self.customer.code(str(self.accounts[role]["phone"])))
        return self._plain(text)

    async def _say(self, text: str) -> tuple[str, str]:
        text = await self._fill(str(text))
        return text, await self.customer.say(text)

    async def _tap(self, title: str) -> tuple[str, str]:
        return f"（点）{title}", await self.customer.tap(title)

    async def _photo(self, _argument: Any) -> tuple[str, str]:
        return "（照片）", await self.customer.send(type="image")

    async def _locate(self, place: str) -> tuple[str, str]:
        latitude, longitude = (float(part) for part in place.split(","))
        return "（位置）", await self.customer.send(type="location", latitude=latitude, longitude=longitude, label="我的位置")

    async def _event(self, event: Mapping[str, Any]) -> tuple[str, str]:
        return f"（{event.get('key') or event['event']}）", await self.customer.send(type="event", **event)

    async def _pay(self, _argument: Any) -> tuple[str, str]:
        return "（打开链接，付款）", await self.customer.pay()

    async def _move_clock(self, by: str) -> tuple[str, str]:
        amount, unit = int(by[:-1]), _SPANS[by[-1]]
        await self._control("clock", {"advance_seconds": timedelta(**{unit: amount}).total_seconds()})
        return "", ""

    async def _break(self, fault: Mapping[str, Any]) -> tuple[str, str]:
        await self._control("faults", dict(fault))
        return "", ""

    async def _control(self, what: str, body: dict[str, Any]) -> None:
        answer = await self.http.post(f"{self.stack.sandbox_url}/sandbox/{what}", json=body)
        answer.raise_for_status()
