"""The descriptions in docs/ agree with what runs."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter
from sanic import Sanic

from runxia.settings import Settings
from sandbox.csms import app as csms
from sandbox.hotline import app as hotline
from services.ports import Account, Bill, LineResult, Payment, TierUsage
from services.repairs.ports import HotlineOrder

CSMS = yaml.safe_load(Path("docs/csms.openapi.yaml").read_text(encoding="utf-8"))
HOTLINE = yaml.safe_load(Path("docs/hotline.openapi.yaml").read_text(encoding="utf-8"))
WEBSITE = yaml.safe_load(Path("docs/website.openapi.yaml").read_text(encoding="utf-8"))
SMS = yaml.safe_load(Path("docs/sms.openapi.yaml").read_text(encoding="utf-8"))


def references(node: Any) -> Iterator[str]:
    """Every ``$ref`` below a node."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


@pytest.mark.parametrize("document", [CSMS, SMS, WEBSITE, HOTLINE], ids=["csms", "sms", "website", "hotline"])
def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in references(document):
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


@pytest.mark.parametrize(("create_app", "document"), [(csms.create_app, CSMS), (hotline.create_app, HOTLINE)])
def test_every_call_is_described_and_every_description_runs(
    tmp_path: Path, create_app: Callable[[Settings], Sanic[Any, Any]], document: dict[str, Any],
) -> None:
    app = create_app(Settings(data_dir=tmp_path, csms_key="key", hotline_key="key"))  # type: ignore[arg-type]
    served = {
        (re.sub(r"<(\w+)(:\w+)?>", r"{\1}", f"/{route.path}"), method.lower())
        for route in app.router.routes for method in route.methods
    }
    served = {(path, method) for path, method in served if not path.startswith(("/sandbox", "/health"))}
    methods = ("get", "put", "post", "patch")
    described = {(path, method) for path, item in document["paths"].items() for method in item if method in methods}
    assert served == described


def example(path: str, method: str, status: str = "200") -> Any:
    return CSMS["paths"][path][method]["responses"][status]["content"]["application/json"]["example"]


@pytest.mark.parametrize(("kind", "shown"), [
    (Account, example("/accounts/{account_no}", "get")),
    (Bill, example("/bills/{bill_no}", "get")),
    (Payment, example("/accounts/{account_no}/payments", "get")["payments"][0]),
    (TierUsage, example("/accounts/{account_no}/tier-usage", "get")),
    (LineResult, example("/payments", "post")["lines"][0]),
])
def test_examples_are_what_the_client_reads(kind: type[Any], shown: Any) -> None:
    adapter = TypeAdapter(kind)
    assert adapter.dump_python(adapter.validate_json(json.dumps(shown), strict=True), mode="json") == shown


def test_the_signature_in_the_description_is_right() -> None:
    text = CSMS["info"]["description"]
    parts = ("GET", "/accounts/3026007131", "1790000000", "00112233445566778899aabbccddeeff", hashlib.sha256(b"").hexdigest())
    assert hmac.new(b"secret", "\n".join(parts).encode(), hashlib.sha256).hexdigest() in text
    assert all(part in text for part in parts[1:4])


def test_the_hotlines_example_is_what_the_client_reads() -> None:
    shown = HOTLINE["components"]["responses"]["Order"]["content"]["application/json"]["example"]
    adapter = TypeAdapter(HotlineOrder)
    assert adapter.dump_python(adapter.validate_json(json.dumps(shown), strict=True), mode="json") == shown
