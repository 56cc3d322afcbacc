"""``make bench``: one text message through the whole of Runxia, beside stock Rasa on the same data, actions and questions."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from bench.load import Ask, Times, best_rate, measure
from bench.stock import EPOCHS, serving, train
from bench.wechat import Sender
from runxia.devenv import ROOT
from tests.stack import Stack, free_ports, running
from tests.world import bind_each, fixture

QUESTIONS = (
    "你们热线电话多少", "现在水价多少钱一吨", "这个月水费多少", "我家还欠费吗", "最近的营业厅在哪", "官网是什么", "谢谢",
    "为什么这个月这么多钱", "今年阶梯用到第几档了", "你能做什么",
)
WARM_UP = 3  # conversations
UNLOADED = 20
LOADED = 20
CUSTOMERS = 320
MOST_AT_ONCE = 32
LIMIT_SECONDS = 1.0
AIMS = "aims: throughput at least 2 x stock; p95 at most 150 ms unloaded; no reply past 4.5 s"
CACHE = ROOT / "var" / "bench"


async def figures(ask: Ask, names: list[str]) -> tuple[Times, int, Times]:
    """Warm up, then one customer at a time, then as many as the limit bears."""
    customers = iter(names)
    await measure(ask, customers, QUESTIONS, at_once=1, conversations=WARM_UP)
    unloaded = await measure(ask, customers, QUESTIONS, at_once=1, conversations=UNLOADED)
    count, loaded = await best_rate(
        ask, customers, QUESTIONS, limit=LIMIT_SECONDS, conversations=LOADED, most=MOST_AT_ONCE,
    )
    return unloaded, count, loaded


async def customers_of(stack: Stack, http: httpx.AsyncClient) -> list[str]:
    """Customers with an account bound, so that questions about bills go all the way to CSMS."""
    roles = [account for role, account in (await fixture(stack, http)).items() if role not in ("closed", "no_bills", "stopped")]
    names = [f"bench{secrets.token_hex(10)}" for _ in range(CUSTOMERS)]
    await bind_each(stack, {name: roles[place % len(roles)] for place, name in enumerate(names)})
    return names


async def check_answered(stack: Stack, http: httpx.AsyncClient, customer: str) -> None:
    """Make sure that what was timed were answers.

    Raises:
        RuntimeError: the dialogue left questions unanswered.
    """
    told = (await http.get(f"{stack.rasa_url}/conversations/{customer}/tracker")).json()["events"]
    answers = sum(event["event"] == "bot" for event in told)
    if answers < len(QUESTIONS):
        raise RuntimeError(f"{len(QUESTIONS)} questions had {answers} answers")


def rest(url: str, http: httpx.AsyncClient) -> Ask:
    """Ask stock Rasa over its REST channel."""

    async def ask(customer: str, text: str) -> None:
        answer = await http.post(f"{url}/webhooks/rest/webhook", json={"sender": customer, "message": text})
        answer.raise_for_status()

    return ask


async def run(folder: Path, stock_model: Path) -> None:
    """Measure both and print the table."""
    with running(folder) as stack:
        async with httpx.AsyncClient(timeout=30) as http:
            customers = await customers_of(stack, http)
            ours = await figures(Sender(stack.env, http).text, customers)
            await check_answered(stack, http, customers[0])
            memory = {name: megabytes(child.pid) for name, child in stack.children.items()}
            with serving(stock_model, stack.env, free_ports(1)[0], folder) as (url, pid):
                theirs = await figures(rest(url, http), await customers_of(stack, http))
                memory["stock rasa"] = megabytes(pid)
    report(ours, theirs, memory)


def report(ours: tuple[Times, int, Times], theirs: tuple[Times, int, Times], memory: Mapping[str, float]) -> None:
    """Print the figures, ours beside stock Rasa's."""
    print(f"\n{'':34}{'Runxia':>12}{'stock Rasa':>12}{'ratio':>8}")
    for title, read in {
        "one at a time, p50": per(0.50), "one at a time, p95": per(0.95), "one at a time, p99": per(0.99),
    }.items():
        row(title, read(ours[0]) * 1000, read(theirs[0]) * 1000, "ms", better_is_less=True)
    row(f"messages per second, p99 < {LIMIT_SECONDS:g} s", ours[2].rate, theirs[2].rate, "/s", better_is_less=False)
    row("  customers writing at once", ours[1], theirs[1], "", better_is_less=False)
    row("  p99 at that rate", per(0.99)(ours[2]) * 1000, per(0.99)(theirs[2]) * 1000, "ms", better_is_less=True)
    row("slowest reply of all", max(*ours[0].each, *ours[2].each) * 1000, max(*theirs[0].each, *theirs[2].each) * 1000, "ms",
        better_is_less=True)
    print("\nmemory (resident): " + ", ".join(f"{name} {size:.0f} MB" for name, size in memory.items()))
    print(AIMS)
    print("Runxia's times include WeChat's encryption, the store and delivery; stock Rasa's are its REST channel alone.")


def per(share: float) -> Callable[[Times], float]:
    """A reader of one percentile."""
    return lambda times: times.percentile(share)


def row(title: str, ours: float, theirs: float, unit: str, *, better_is_less: bool) -> None:
    """Print one line; the ratio is how many times better ours is."""
    ratio = (theirs / ours if better_is_less else ours / theirs) if ours and theirs else 0.0
    print(f"{title:34}{f'{ours:.1f}{unit}':>12}{f'{theirs:.1f}{unit}':>12}{f'{ratio:.2f}x':>8}")


def megabytes(pid: int) -> float:
    """Resident memory of a process and its children."""
    command = ["ps", "-o", "rss=", "--pid", str(pid), "--ppid", str(pid)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    return sum(int(size) for size in listed.stdout.split()) / 1024


def training_time() -> float:
    """Seconds to train our model from nothing."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        command = [str(ROOT / "bot/.venv/bin/python"), "-m", "bot.train"]
        env = {**os.environ, "MODELS_DIR": folder}
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env=env)
        return time.perf_counter() - began


def main() -> None:
    """Train both, measure both."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--stock-epochs", type=int, default=EPOCHS, help="fewer save training time, and only that")
    epochs: int = parser.parse_args().stock_epochs
    ours = training_time()
    model, theirs = train(CACHE, epochs)
    took = f"{theirs:.0f} s with {epochs} epochs ({theirs / ours:.1f}x)" if theirs else "reused"
    print(f"training: Runxia {ours:.0f} s, stock Rasa {took}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder), model))


if __name__ == "__main__":
    main()
