"""RSA key pairs for WeChat Pay in a demonstration: the merchant's, and the platform's that the sandbox signs with.

A production deployment gets both from WeChat Pay's merchant console and never calls this.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

KEY_BITS = 2048  # the size that WeChat Pay issues
_PAIRS = ("merchant", "platform")


def ensure_pay_keys(folder: Path) -> None:
    """Make what is missing of ``{merchant,platform}_key.pem`` and ``_public.pem`` in ``folder``.

    Several processes may call this at once: one makes the keys, the others wait for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in _PAIRS:
            _ensure_pair(folder / f"{name}_key.pem", folder / f"{name}_public.pem")


def _ensure_pair(private_file: Path, public_file: Path) -> None:
    if private_file.exists() and public_file.exists():
        return
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo,
    )
    _write(private_file, private, 0o600)
    _write(public_file, public, 0o644)


def _write(file: Path, content: bytes, mode: int) -> None:
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
        out.write(content)
    part.replace(file)
