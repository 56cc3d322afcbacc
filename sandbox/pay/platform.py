"""WeChat Pay's signatures and encryption, from the platform's side."""

from __future__ import annotations

import json
import re
import secrets
import time
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from runxia.clock import Clock
from runxia.devkeys import ensure_pay_keys
from runxia.settings import Settings
from sandbox.pay.errors import PayError

SCHEME = "WECHATPAY2-SHA256-RSA2048"
FRESH_SECONDS = 300
_PAIR = re.compile(r'(\w+)="([^"]*)"')
_SIGNED = ("mchid", "serial_no", "nonce_str", "timestamp", "signature")


@dataclass(frozen=True, slots=True)
class Platform:
    """The keys that both sides agreed on, and what is done with them."""

    merchant_key: RSAPublicKey
    platform_key: RSAPrivateKey
    public_key_id: str
    api_v3_key: bytes
    mch_id: str
    serial_no: str
    app_id: str
    clock: Clock

    @classmethod
    def load(cls, settings: Settings, clock: Clock) -> Platform:
        """Read the keys, and make them where there are none."""
        folder = settings.data_dir / "keys"
        ensure_pay_keys(folder)
        merchant = load_pem_public_key((folder / "merchant_public.pem").read_bytes())
        platform = load_pem_private_key((folder / "platform_key.pem").read_bytes(), None)
        if not isinstance(merchant, RSAPublicKey) or not isinstance(platform, RSAPrivateKey):
            raise TypeError("the keys are not RSA")
        return cls(
            merchant, platform, settings.wechatpay_public_key_id,
            settings.wechatpay_api_v3_key.get_secret_value().encode(), settings.wechatpay_mch_id,
            settings.wechatpay_cert_serial_no, settings.wechat_app_id, clock,
        )

    def check_request(self, method: str, target: str, authorization: str, body: bytes) -> None:
        """Let a merchant's request through.

        Raises:
            PayError: SIGN_ERROR.
        """
        scheme, _, rest = authorization.partition(" ")
        given = dict(_PAIR.findall(rest))
        if scheme != SCHEME or any(name not in given for name in _SIGNED):
            raise PayError(401, "SIGN_ERROR", "Http头Authorization值格式错误")
        if given["mchid"] != self.mch_id or given["serial_no"].upper() != self.serial_no.upper():
            raise PayError(401, "SIGN_ERROR", "商户号或证书序列号有误")
        if not given["timestamp"].isdigit() or not self._is_fresh(int(given["timestamp"])):
            raise PayError(401, "SIGN_ERROR", "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
        signed = b"\n".join((
            method.encode(), target.encode(), given["timestamp"].encode(), given["nonce_str"].encode(), body, b"",
        ))
        if not self.signed_by_merchant(signed, given["signature"]):
            raise PayError(401, "SIGN_ERROR", "签名错误")

    def _is_fresh(self, timestamp: int) -> bool:
        # A client library knows the machine's clock only; ours may have been moved.
        return any(abs(now - timestamp) <= FRESH_SECONDS for now in (time.time(), self.clock.now().timestamp()))

    def signed_by_merchant(self, signed: bytes, signature: str) -> bool:
        """Whether the merchant's key made a signature (base64)."""
        try:
            self.merchant_key.verify(b64decode(signature, validate=True), signed, PKCS1v15(), SHA256())
        except (InvalidSignature, Base64Error, ValueError):
            return False
        return True

    def signature_headers(self, body: bytes) -> dict[str, str]:
        """The headers of an answer or a callback with this body."""
        timestamp, nonce = str(int(self.clock.now().timestamp())), secrets.token_hex(16)
        signed = b"\n".join((timestamp.encode(), nonce.encode(), body, b""))
        signature = b64encode(self.platform_key.sign(signed, PKCS1v15(), SHA256())).decode()
        return {
            "Wechatpay-Timestamp": timestamp, "Wechatpay-Nonce": nonce, "Wechatpay-Signature": signature,
            "Wechatpay-Serial": self.public_key_id, "Wechatpay-Signature-Type": SCHEME,
        }

    def seal(self, kind: str, resource: dict[str, Any]) -> dict[str, str]:
        """Encrypt what a callback tells; ``kind`` is transaction or refund."""
        nonce = secrets.token_hex(6)
        plain = json.dumps(resource, ensure_ascii=False).encode()
        sealed = AESGCM(self.api_v3_key).encrypt(nonce.encode(), plain, kind.encode())
        return {
            "original_type": kind, "algorithm": "AEAD_AES_256_GCM", "ciphertext": b64encode(sealed).decode(),
            "associated_data": kind, "nonce": nonce,
        }
