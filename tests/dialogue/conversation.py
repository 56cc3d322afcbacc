"""Conversations written in YAML: what a customer does, and what must be found in each answer."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.customer import Customer
from tests.stack import Stack
from tests.world import bind, kept_settings

ACTIONS = (
    "customer", "tap", "clock", "faults", "image", "location", "pay", "event", "order", "move", "wait", "open", "sandbox",
    "website", "kept", "record", "control",
)
EXPECTATIONS = ("bot", "not")
ORDER_SECONDS = 15.0  # a job of the worker may have to hand a photo or a rating over first
RECORD_SECONDS = 15.0  # the same for documents of an application
PLACE = re.compile(r"\{([a-z_]+)\.([a-z_]+)([+-]\d+)?\}")
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
    filed: Mapping[str, Any] = field(default_factory=dict)  # what the last step ``record`` found

    async def play(self, conversation: Conversation) -> None:
        """Play all the steps.

        Raises:
            AssertionError: an answer is not as expected; the message is the transcript so far.
        """
        for step in conversation.steps:
            said, answer = await self._do(step)
            if step.action == "control" and step.bot:  # what happens there is told by a push
                answer = await self.customer.hear()
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
            "location": self._locate, "pay": self._pay, "event": self._event, "order": self._order, "move": self._move,
            "wait": self._wait, "open": self._open, "sandbox": self._sandbox, "website": self._publish, "kept": self._kept,
            "record": self._look, "control": self._turn,
        }
        return await handlers[step.action](step.argument)

    def _check(self, step: Step, answer: str) -> None:
        told = "\n".join(f"{who}：{what}" for who, what in self.transcript)
        for pattern in map(self._plain, step.bot):
            assert re.search(pattern, answer), f"没有说到 {pattern!r}\n\n{told}"
        for pattern in map(self._plain, step.never):
            assert not re.search(pattern, answer), f"不该说 {pattern!r}\n\n{told}"

    def _plain(self, text: str) -> str:
        """Fill in ``{role.field}``, ``{role.last_reading+8}`` and ``{filed.field}``."""
        known = {**self.accounts, "filed": self.filed}

        def value(hit: re.Match[str]) -> str:
            found = known[hit[1]][hit[2]]
            return str(int(found) + int(hit[3]) if hit[3] else found)

        return PLACE.sub(value, text)

    def _filled(self, wanted: Any) -> Any:
        """The same with all its texts filled in; what is nothing but a reckoned place is a number."""
        if isinstance(wanted, Mapping):
            return {name: self._filled(each) for name, each in wanted.items()}
        if isinstance(wanted, list):
            return [self._filled(each) for each in wanted]
        if not isinstance(wanted, str):
            return wanted
        whole = PLACE.fullmatch(wanted)
        return int(self._plain(wanted)) if whole and whole[3] else self._plain(wanted)

    async def _fill(self, text: str) -> str:
        """Fill in ``{role.field}`` and ``{code:role}``."""
        for role in re.findall(r"\{code:([a-z_]+)\}", text):
            text = text.replace(f"{{code:{role}}}", await self.customer.code(str(self.accounts[role]["phone"])))
        if "{fixture_order}" in text:  # one that somebody else gave by telephone
            others = [order["order_no"] for order in await self._orders() if order["request_key"] is None]
            text = text.replace("{fixture_order}", others[0])
        if "{order}" in text:
            text = text.replace("{order}", self._order_no() or "")
        return self._plain(text)

    async def _say(self, text: str) -> tuple[str, str]:
        text = await self._fill(str(text))
        return text, await self.customer.say(text)

    async def _tap(self, title: str) -> tuple[str, str]:
        return f"（点）{title}", await self.customer.tap(title)

    async def _photo(self, sample: str) -> tuple[str, str]:
        return "（照片）", await self.customer.send(type="image", sample=sample)

    async def _locate(self, place: str) -> tuple[str, str]:
        latitude, longitude = (float(part) for part in place.split(","))
        return "（位置）", await self.customer.send(type="location", latitude=latitude, longitude=longitude, label="我的位置")

    async def _event(self, event: Mapping[str, Any]) -> tuple[str, str]:
        return f"（{event.get('key') or event['event']}）", await self.customer.send(type="event", **event)

    async def _pay(self, how: Any) -> tuple[str, str]:
        """Pay; ``begun``: leave the cashier without paying; ``{meanwhile: role}``: that account's newest bill is paid at the
        counter while the cashier is open.
        """
        if how == "begun":
            return "（打开链接，没有付）", await self.customer.pay("begun")
        meanwhile = partial(self._pay_at_counter, how["meanwhile"]) if isinstance(how, dict) else None
        return "（打开链接，付款）", await self.customer.pay(meanwhile=meanwhile)

    async def _pay_at_counter(self, role: str) -> None:
        await self._control("csms/pay", {"bill_no": self.accounts[role]["bills"][0]["bill_no"]})

    async def _wait(self, _argument: Any) -> tuple[str, str]:
        """Wait for what the bot says by itself."""
        return "", await self.customer.hear()

    async def _open(self, part: str) -> tuple[str, str]:
        """Open the newest link whose address has ``part``, and tap the page's button if it has one; what the page shows."""
        return "（打开链接）", await self.customer.open(part)

    async def _sandbox(self, path: str) -> tuple[str, str]:
        """Something that the customer does in WeChat itself: a switch of the sandbox; what the bot then says."""
        answer = await self.http.post(f"{self.stack.sandbox_url}/sandbox/{path}", json={"openid": self.customer.openid})
        answer.raise_for_status()
        return "（在微信里操作）", await self.customer.hear()

    async def _move_clock(self, by: str) -> tuple[str, str]:
        amount, unit = int(by[:-1]), _SPANS[by[-1]]
        await self._control("clock", {"advance_seconds": timedelta(**{unit: amount}).total_seconds()})
        return "", ""

    async def _break(self, fault: Mapping[str, Any]) -> tuple[str, str]:
        await self._control("faults", dict(fault))
        return "", ""

    async def _order(self, wanted: Mapping[str, Any] | None) -> tuple[str, str]:
        """The work order last spoken of must come to hold ``wanted``, lists by their length; none: there is none."""
        number, end = self._order_no(), time.monotonic() + ORDER_SECONDS
        if wanted is None:
            assert number is None, f"登记了 {number}，不该登记"
            return "", ""
        while True:
            orders = await self._orders()
            found = next((order for order in orders if order["order_no"] == number), {})
            facts = {name: len(value) if isinstance(value, list) else value for name, value in found.items()}
            facts["times"] = sum(order["description"] == found.get("description") for order in orders)
            if all(re.search(self._plain(str(value)), str(facts.get(name))) for name, value in wanted.items()):
                return "", ""
            assert time.monotonic() < end, f"热线工单里是 {facts}，应该有 {wanted}"
            await asyncio.sleep(0.3)

    async def _orders(self) -> list[dict[str, Any]]:
        answer = await self.http.get(f"{self.stack.sandbox_url}/sandbox/hotline/orders")
        answer.raise_for_status()
        return list(answer.json()["orders"])

    async def _move(self, change: Mapping[str, Any]) -> tuple[str, str]:
        """The hotline's staff bring the work order last spoken of on; what the customer is told where it ends."""
        await self._control("hotline/move", {"order_no": self._order_no(), **change})
        return ("（工单办结）", await self.customer.hear()) if change["state"] in ("done", "cancelled") else ("", "")

    def _order_no(self) -> str | None:
        """The work order last spoken of."""
        found = re.findall(r"GD\d{12}", "\n".join(what for _, what in self.transcript))
        return found[-1] if found else None

    async def _publish(self, what: Mapping[str, Any]) -> tuple[str, str]:
        """``{outages: {areas: [...]}}`` or ``{quality: {...}}`` goes up on the website; ``{outages: none}``: all come down."""
        for kind, notice in what.items():
            if notice == "none":
                answer = await self.http.delete(f"{self.stack.sandbox_url}/sandbox/website/{kind}")
                answer.raise_for_status()
            else:
                await self._control(f"website/{kind}", self._filled(notice))
        return "", ""

    async def _kept(self, wanted: Mapping[str, Any]) -> tuple[str, str]:
        """All that the customer has set, by role: ``{ordinary: [outage, pay_days=5], quiet: 22:00-07:00}``."""
        roles = {account["account_no"]: role for role, account in self.accounts.items()}
        found = {roles.get(key, key): value for key, value in (await kept_settings(self.stack, self.customer.openid)).items()}
        assert found == wanted, f"存的是 {found}，应该是 {wanted}"
        return "", ""

    async def _look(self, wanted: Mapping[str, Any]) -> tuple[str, str]:
        """``{at, where, holds, count}``: the newest thing at a sandbox address (fixture, csms/...) must come to hold that."""
        wanted, end = self._filled(wanted), time.monotonic() + RECORD_SECONDS
        while True:
            answer = await self.http.get(f"{self.stack.sandbox_url}/sandbox/{wanted['at']}")
            answer.raise_for_status()
            things = next(value for value in answer.json().values() if isinstance(value, list))
            found = [thing for thing in things if holds(thing, wanted.get("where") or {})]
            fits = len(found) == wanted.get("count", len(found)) and (
                not wanted.get("holds") or (bool(found) and holds(found[0], wanted["holds"]))
            )
            if fits or time.monotonic() > end:
                break
            await asyncio.sleep(0.3)
        assert fits, f"外部系统里是 {found[:1]}（共{len(found)}），应该是 {wanted}"
        self.filed = found[0] if found else {}
        return "", ""

    async def _turn(self, control: Mapping[str, Any]) -> tuple[str, str]:
        """``{path, body}``: something happens in an outside system, by a control of the sandbox."""
        await self._control(self._plain(control["path"]), self._filled(control["body"]))
        return "", ""

    async def _control(self, what: str, body: dict[str, Any]) -> None:
        answer = await self.http.post(f"{self.stack.sandbox_url}/sandbox/{what}", json=body)
        answer.raise_for_status()


def holds(thing: Any, wanted: Any) -> bool:
    """Whether a thing has at least what is wanted: mappings by their keys, all else equal."""
    if isinstance(wanted, Mapping):
        return isinstance(thing, Mapping) and all(holds(thing.get(key), value) for key, value in wanted.items())
    return bool(thing == wanted)
