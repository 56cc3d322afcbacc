"""How long the inbox takes: ``python -m bench.inbox URL`` on a database that ``bench.seed_conversations`` filled.

Prints the median and the slowest of several calls, in milliseconds. The aim is 200 ms for each.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import date
from statistics import median

from bench.seed_conversations import AGENTS, KEY
from runxia.clock import SystemClock
from runxia.devenv import ROOT
from runxia.utility import load_utility
from services.desk.desk import Desk
from services.desk.inbox import QUEUES, Filters
from store import crypto
from store.db import Database
from store.live import SqlLive

CALLS = 7
LOGIN = AGENTS[3]
LISTS = {
    **{f"queue {queue}": Filters(queue=queue) for queue in QUEUES},
    "intent": Filters(intent="bill_current"),
    "rare intent, in bot": Filters(queue="bot", intent="quality_query"),
    "entity": Filters(entity="period"),
    "task": Filters(task="action_pay_bill"),
    "confidence below 0.15": Filters(confidence_below=0.15),
    "outcome": Filters(outcome="not_understood"),
    "tag": Filters(tag=3),
    "rating 1": Filters(rating=1),
    "account": Filters(account_no="1000000777"),
    "agent": Filters(agent=AGENTS[5]),
    "photo and fell back": Filters(has_photo=True, fell_back=True),
    "angry": Filters(angry=True),
    "one day": Filters(since=date(2026, 9, 1), until=date(2026, 9, 1)),
    "three days, intent": Filters(since=date(2026, 9, 1), until=date(2026, 9, 3), intent="invoice"),
    "text, common": Filters(text="水费"),
    "text, rare": Filters(text="云栖路512号"),
    "text, an account": Filters(text="1000000777"),
    "text, nowhere": Filters(text="火星上的水表"),
}


async def timed(call: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Median and slowest of :data:`CALLS` calls after one to warm up, in ms."""
    await call()
    times: list[float] = []
    for _ in range(CALLS):
        began = time.perf_counter()
        await call()
        times.append((time.perf_counter() - began) * 1000)
    return median(times), max(times)


async def main(url: str) -> None:
    """Measure and print."""
    crypto.use(KEY)
    db, clock = Database(url), SystemClock()
    inbox = Desk.over(db, clock, load_utility(ROOT / "utility.yml"), SqlLive(db, clock)).inbox
    calls: dict[str, Callable[[], Awaitable[object]]] = {"counts": lambda: inbox.counts(LOGIN)}
    for name, filters in LISTS.items():
        calls[name] = lambda filters=filters: inbox.page(filters, LOGIN)  # type: ignore[misc]
    calls["tenth page of all"] = lambda: _tenth(inbox.page)
    calls["transcript"] = lambda: inbox.transcript(777)
    for name, call in calls.items():
        middle, slowest = await timed(call)
        print(f"{name:24} {middle:8.1f} {slowest:8.1f}{'  SLOW' if slowest > 200 else ''}", flush=True)
    await db.close()


async def _tenth(page: Callable[..., Awaitable[object]]) -> object:
    """The page whose place was kept: keyset pagination makes it as cheap as the first."""
    return await page(Filters(), LOGIN, "2026-09-01T00:00:00+08:00_5000")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
