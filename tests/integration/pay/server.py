"""A small WeChat Pay on a free port, and the keys of both sides. It is not the sandbox: the client must suit any."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

APP_ID, MCH_ID, SERIAL = "wx0123456789abcdef", "1900009999", "5157F09EFDC096DE15EBE81A47057A7200000000"
KEY_ID, API_KEY = "PUB_KEY_ID_0119000099992026010100000000000001", "0123456789abcdef0123456789ABCDEF"
SIGNATURE_TYPE = "WECHATPAY2-SHA256-RSA2048"


def new_key() -> rsa.RSAPrivateKey:
    """A key pair."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def sign(key: rsa.RSAPrivateKey, *parts: str) -> str:
    """Base64 of the RSA signature over the parts, a line each."""
    return base64.b64encode(key.sign("".join(f"{part}\n" for part in parts).encode(), PKCS1v15(), SHA256())).decode()


@dataclass
class PayServer:
    """What it answers is in ``answers``, by method and path without query; what it was asked, in ``asked``."""

    merchant: rsa.RSAPrivateKey = field(default_factory=new_key)
    platform: rsa.RSAPrivateKey = field(default_factory=new_key)
    answers: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    signs_with: rsa.RSAPrivateKey | None = None
    url: str = ""

    def write_keys(self, folder: Path) -> tuple[Path, Path]:
        """The files that the merchant has: its private key, and WeChat Pay's public one."""
        private, public = folder / "merchant_key.pem", folder / "platform_public.pem"
        private.write_bytes(self.merchant.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public.write_bytes(self.platform.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        return private, public

    def signature(self, body: str, at: float, key: rsa.RSAPrivateKey | None = None) -> dict[str, str]:
        """The headers that prove that a body comes from WeChat Pay."""
        timestamp, nonce = str(int(at)), secrets.token_hex(16)
        return {
            "Wechatpay-Timestamp": timestamp, "Wechatpay-Nonce": nonce, "Wechatpay-Serial": KEY_ID,
            "Wechatpay-Signature": sign(key or self.signs_with or self.platform, timestamp, nonce, body),
            "Wechatpay-Signature-Type": SIGNATURE_TYPE,
        }

    def callback(self, event: str, facts: dict[str, Any], at: float, **changes: Any) -> tuple[dict[str, str], bytes]:
        """Headers and body of a callback."""
        nonce = secrets.token_hex(6)
        sealed = AESGCM(API_KEY.encode()).encrypt(nonce.encode(), json.dumps(facts).encode(), b"transaction")
        body = json.dumps({
            "id": secrets.token_hex(16), "event_type": event, "resource_type": "encrypt-resource", "summary": "支付成功",
            "resource": {
                "algorithm": "AEAD_AES_256_GCM", "ciphertext": base64.b64encode(sealed).decode(), "nonce": nonce,
                "associated_data": "transaction", "original_type": "transaction",
            },
            **changes,
        }, ensure_ascii=False)
        return self.signature(body, at), body.encode()

    def is_signed(self, method: str, path: str, body: str, authorization: str) -> bool:
        """Whether a request bears the merchant's signature."""
        kind, _, rest = authorization.partition(" ")
        facts = dict(part.split("=", 1) for part in rest.split(","))
        facts = {name: value.strip('"') for name, value in facts.items()}
        message = "".join(f"{part}\n" for part in (method, path, facts["timestamp"], facts["nonce_str"], body))
        self.merchant.public_key().verify(
            base64.b64decode(facts["signature"]), message.encode(), PKCS1v15(), SHA256(),
        )
        return kind == SIGNATURE_TYPE and (facts["mchid"], facts["serial_no"]) == (MCH_ID, SERIAL)


@contextmanager
def serving(server: PayServer) -> Iterator[PayServer]:
    """Listen on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            assert server.is_signed(self.command, self.path, body, self.headers["Authorization"])
            server.asked.append((self.command, self.path, json.loads(body) if body else None))
            status, answer = server.answers[self.command, self.path.partition("?")[0]]
            text = json.dumps(answer, ensure_ascii=False) if answer and not isinstance(answer, bytes) else ""
            content = answer if isinstance(answer, bytes) else text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/octet-stream" if isinstance(answer, bytes) else "application/json")
            self.send_header("Content-Length", str(len(content)))
            if not isinstance(answer, bytes):
                for name, value in server.signature(text, time.time()).items():
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        server.url = f"http://127.0.0.1:{http.server_port}"
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
