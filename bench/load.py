"""Closed-loop load: a number of customers, each of whom writes again as soon as the answer is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
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


async def measure(ask: Ask, customers: Iterator[str], questions: Sequence[str], *, at_once: int, conversations: int) -> Times:
    """Hold conversations, each with a new customer who asks all the questions, ``at_once`` side by side; time each message."""
    left = iter(range(conversations))
    times: list[float] = []

    async def hold() -> None:
        for _ in left:
            customer = next(customers)
            for question in questions:
                began = time.perf_counter()
                await ask(customer, question)
                times.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(hold() for _ in range(at_once)))
    return Times(times, time.perf_counter() - began)


async def best_rate(
    ask: Ask, customers: Iterator[str], questions: Sequence[str], *, limit: float, conversations: int, most: int,
) -> tuple[int, Times]:
    """The highest rate at which 99 % of the messages are answered within ``limit`` seconds, and how many wrote at once.

    ``most``: how many customers at once are tried at most.
    """
    best: tuple[int, Times] | None = None
    count = 1
    while count <= most:
        times = await measure(ask, customers, questions, at_once=count, conversations=max(conversations, count))
        if times.percentile(0.99) >= limit:
            break
        if best is None or times.rate > best[1].rate:
            best = (count, times)
        count *= 2
    return best or (1, times)
