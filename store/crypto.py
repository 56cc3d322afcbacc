"""Encryption of personal fields: AES-256-GCM with a key id, bound to the place where the value is stored.

A stored value is ``<key id>.<base64 of nonce + ciphertext>``. The additional data is the context, such as
``binding.phone``, so that a value copied into another column does not decrypt.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

NONCE_BYTES = 12  # NIST SP 800-38D, 8.2: 96-bit nonces
KEY_BYTES = 32


class CryptoError(Exception):
    """A value cannot be decrypted: unknown key, wrong place or damage."""


class KeyRing:
    """The keys in use: new values get the first, old values are read with the one that they name."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise CryptoError("FIELD_KEY holds no key")
        for key_id, key in keys.items():
            if len(key) != KEY_BYTES or not key_id or "." in key_id:
                raise CryptoError(f"FIELD_KEY: key {key_id!r} is not an id and {KEY_BYTES} bytes")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.active = next(iter(keys))

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """Read ``FIELD_KEY``: ``id:base64`` pairs with commas between, the active one first.

        Raises:
            CryptoError: the text is not of that form.
        """
        try:
            pairs = [pair.strip().split(":", 1) for pair in text.split(",") if pair.strip()]
            return cls({key_id: base64.b64decode(key, validate=True) for key_id, key in pairs})
        except (ValueError, binascii.Error) as error:
            raise CryptoError("FIELD_KEY must be id:base64[,id:base64...]") from error

    def encrypt(self, value: bytes, context: str) -> str:
        """Encrypt ``value`` for ``context`` with the active key."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self.active].encrypt(nonce, value, context.encode())
        return f"{self.active}.{base64.b64encode(nonce + sealed).decode()}"

    def decrypt(self, stored: str, context: str) -> bytes:
        """Decrypt what :meth:`encrypt` made for the same ``context``.

        Raises:
            CryptoError: unknown key, other context, or damage.
        """
        key_id, _, body = stored.partition(".")
        try:
            raw = base64.b64decode(body, validate=True)
            return self._ciphers[key_id].decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context.encode())
        except (KeyError, ValueError, InvalidTag) as error:
            raise CryptoError(f"cannot decrypt {context} with key {key_id!r}") from error

    def is_current(self, stored: str) -> bool:
        """Whether the value was made with the active key."""
        return stored.startswith(f"{self.active}.")


def media_context(media_id: str) -> str:
    """What a media file's encryption is bound to."""
    return f"media:{media_id}"


_ring: KeyRing | None = None


def use(ring: KeyRing) -> None:
    """Set the keys that mapped columns use: a column type has no other way to reach them."""
    global _ring
    _ring = ring


def ring() -> KeyRing:
    """The keys in use.

    Raises:
        CryptoError: the process has not called :func:`use`.
    """
    if _ring is None:
        raise CryptoError("no keys: call store.crypto.use() at start")
    return _ring


class EncryptedText(TypeDecorator[str]):
    """A text column that holds ciphertext in the database and plain text in Python."""

    impl = Text
    cache_ok = True

    def __init__(self, context: str) -> None:
        super().__init__()
        self.context = context

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Encrypt on the way in."""
        return None if value is None else ring().encrypt(value.encode(), self.context)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:
        """Decrypt on the way out."""
        return None if value is None else ring().decrypt(value, self.context).decode()
