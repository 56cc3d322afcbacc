"""Stock Rasa for comparison: its default pipeline for Chinese with DIET and TED, our data, its REST channel."""

from __future__ import annotations

import hashlib
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from runxia.processes import ROOT, Process, wait_ready

CONFIG = ROOT / "bench" / "stock_config.yml"
BOT = ROOT / "bot" / ".venv" / "bin"
EPOCHS = 100  # of Rasa's default configuration
START_SECONDS = 300.0


def train(folder: Path, epochs: int) -> tuple[Path, float | None]:
    """The stock model, trained unless the data are those of last time; and the seconds it took, none where reused.

    ``epochs`` other than the default change how well it understands and how long it trains, not the time of a message.
    """
    model = folder / f"stock-{_fingerprint()}-{epochs}.tar.gz"
    if model.exists():
        return model, None
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "stock_config.yml"
    config.write_text(CONFIG.read_text(encoding="utf-8").replace(f"epochs: {EPOCHS}", f"epochs: {epochs}"), encoding="utf-8")
    began = time.perf_counter()
    command = [
        str(BOT / "python"), "-m", "rasa", "train", "--config", str(config), "--domain", "domain.yml", "--data", "data",
        "--out", str(folder), "--fixed-model-name", model.name.removesuffix(".tar.gz"), "--force",
    ]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return model, time.perf_counter() - began


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in [CONFIG, ROOT / "domain.yml", *sorted((ROOT / "data").rglob("*.yml"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@contextmanager
def serving(model: Path, env: Mapping[str, str], port: int, folder: Path) -> Iterator[tuple[str, int]]:
    """Stock Rasa's server with the same action server; its address and process id."""
    endpoints = folder / "stock_endpoints.yml"
    endpoints.write_text(f"action_endpoint:\n  url: {env['ACTIONS_URL']}/webhook\n", encoding="utf-8")
    credentials = folder / "stock_credentials.yml"
    credentials.write_text("rest:\n", encoding="utf-8")
    command = [
        str(BOT / "python"), "-m", "rasa", "run", "--model", str(model), "--endpoints", str(endpoints), "--credentials",
        str(credentials), "-i", "127.0.0.1", "-p", str(port),
    ]
    with (folder / "stock.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=dict(env), stdout=log, stderr=subprocess.STDOUT)
        try:
            url = f"http://127.0.0.1:{port}"
            ready = Process("stock", "", f"{url}/")
            if wait_ready([ready], START_SECONDS, alive=lambda: server.poll() is None, tell=lambda _name: None):
                raise RuntimeError(f"stock Rasa did not start: see {folder / 'stock.log'}")
            yield url, server.pid
        finally:
            server.terminate()
            server.wait()
