"""Development keys: made once, whoever comes first."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from runxia.devkeys import ensure_pay_keys


def test_pairs_belong_together_and_stay(tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: ensure_pay_keys(tmp_path), range(3)))
    before = {file.name: file.read_bytes() for file in tmp_path.glob("*.pem")}
    assert sorted(before) == ["merchant_key.pem", "merchant_public.pem", "platform_key.pem", "platform_public.pem"]
    for name in ("merchant", "platform"):
        private = load_pem_private_key(before[f"{name}_key.pem"], None)
        public = load_pem_public_key(before[f"{name}_public.pem"])
        assert isinstance(private, RSAPrivateKey)
        assert isinstance(public, RSAPublicKey)
        assert private.public_key().public_numbers() == public.public_numbers()
        assert stat.S_IMODE((tmp_path / f"{name}_key.pem").stat().st_mode) == 0o600
    ensure_pay_keys(tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.glob("*.pem")} == before
