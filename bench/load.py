"""Closed-loop load: a number of customers, each of whom writes again as soon as the answer is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

Ask = Callable[[str, str], Awaitable[None]]  # customer, text


@dataclass(frozen=True, slots=True)
class Times:
    """How long each message took, in seconds, and how long it all took."""

    each: Sequence[float]
    whole: float

    def percentile(self, share: float) -> float:
        """The time within which this share of the messages was answered (nearest rank)."""
        ordered = sorted(self.each)
        return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]

    @property
    def rate(self) -> float:
        """Messages per second."""
        return len(self.each) / self.whole


async def measure(ask: Ask, customers: Sequence[str], questions: Sequence[str], messages: int) -> Times:
    """Send ``messages`` messages, shared by the customers, and time each."""
    numbers = iter(range(messages))
    times: list[float] = []

    async def one(customer: str) -> None:
        for number in numbers:
            began = time.perf_counter()
            await ask(customer, questions[number % len(questions)])
            times.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(one(customer) for customer in customers))
    return Times(times, time.perf_counter() - began)


async def best_rate(
    ask: Ask, customers: Sequence[str], questions: Sequence[str], *, limit: float, messages: int,
) -> tuple[int, Times]:
    """The highest rate at which 99 % of the messages are answered within ``limit`` seconds, and how many wrote at once."""
    best: tuple[int, Times] | None = None
    count = 1
    while count <= len(customers):
        times = await measure(ask, customers[:count], questions, messages)
        if times.percentile(0.99) >= limit:
            break
        if best is None or times.rate > best[1].rate:
            best = (count, times)
        count *= 2
    return best or (1, times)
