"""Reads sentences with a trained model in a process of its own, on one core: what is heard, how long it takes, what it needs.

``python -m bot.evaluation.speed MODEL SENTENCES RESULT`` is that process.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence

from bot.environment import ROOT, configure_logging, prepare
from bot.evaluation.examples import Heard
from bot.evaluation.scores import percentile

WARM_UP = 20  # messages before the time counts
KILOBYTES = 1 if sys.platform == "linux" else 1024  # of ru_maxrss


class Reading(NamedTuple):
    """What a model heard, and what that took.

    ``milliseconds`` of each message, the whole parse; ``seconds`` to load the model; ``megabytes`` at most, Python and Rasa
    included.
    """

    heard: List[Heard]
    milliseconds: List[float]
    seconds: float
    megabytes: float

    @property
    def speed(self) -> Dict[str, float]:
        """The figures of a report."""
        return {
            "p50_ms": percentile(self.milliseconds, 50), "p95_ms": percentile(self.milliseconds, 95),
            "p99_ms": percentile(self.milliseconds, 99), "load_seconds": self.seconds, "megabytes": self.megabytes,
        }


def read_with(model: Path, texts: Sequence[str]) -> Reading:
    """Have a process read the texts, one after the other.

    Raises:
        subprocess.CalledProcessError: the model cannot be used; what it said was printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        sentences, result = Path(folder) / "sentences.json", Path(folder) / "result.json"
        sentences.write_text(json.dumps(list(texts), ensure_ascii=False), encoding="utf-8")
        command = [sys.executable, "-m", "bot.evaluation.speed", str(model), str(sentences), str(result)]
        subprocess.run(command, cwd=ROOT, check=True)
        found: Dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return Reading(
        [Heard.of(parse) for parse in found["parses"]], found["milliseconds"], found["seconds"], found["megabytes"]
    )


def main() -> None:
    """Load, read, write."""
    model, sentences, result = sys.argv[1:]
    _stay_on_one_core()
    prepare()
    from rasa.core.agent import load_agent

    configure_logging()
    started = time.perf_counter()
    agent = asyncio.run(load_agent(model_path=model))
    seconds = time.perf_counter() - started
    texts = json.loads(Path(sentences).read_text(encoding="utf-8"))
    found = asyncio.run(_read(agent, texts))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KILOBYTES / 1024
    Path(result).write_text(json.dumps({**found, "seconds": seconds, "megabytes": peak}, ensure_ascii=False), encoding="utf-8")


def _stay_on_one_core() -> None:
    """As a server on a busy machine has it, and so that figures of different machines can be compared."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


async def _read(agent: Any, texts: Sequence[str]) -> Dict[str, Any]:
    for text in texts[:WARM_UP]:
        await agent.parse_message(text)
    parses: List[Dict[str, Any]] = []
    milliseconds: List[float] = []
    for text in texts:
        started = time.perf_counter()
        parse = await agent.parse_message(text)
        milliseconds.append(1000 * (time.perf_counter() - started))
        parses.append({key: parse.get(key) for key in ("text", "intent", "intent_ranking", "entities", "response_selector")})
    return {"parses": parses, "milliseconds": milliseconds}


if __name__ == "__main__":
    main()
