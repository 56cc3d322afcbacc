"""The two calls of WeChat's API that a worker needs to tell a customer something, over HTTP, noting what arrives."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakeWechat(ThreadingHTTPServer):
    """``told``: what was sent and acknowledged. While ``stuck`` is set, sends arrive but are never answered."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told: list[tuple[str, str]] = []
        self.stuck = threading.Event()
        self.arrived = threading.Event()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: FakeWechat

    def do_POST(self) -> None:
        """A token, or a message."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.startswith("/cgi-bin/stable_token"):
            self._answer({"access_token": "token", "expires_in": 7200})
            return
        self.server.arrived.set()
        if self.server.stuck.is_set():
            self.close_connection = True
            return
        self.server.told.append((body["touser"], body["text"]["content"]))
        self._answer({"errcode": 0, "errmsg": "ok"})

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _answer(self, content: dict[str, object]) -> None:
        payload = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


@contextmanager
def fake_wechat() -> Iterator[FakeWechat]:
    """One that serves until the end of the block."""
    server = FakeWechat()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
