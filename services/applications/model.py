"""What the applications service tells its callers, and how it keeps what was applied for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from services.applications.ports import Application, Filing, Kind, State
from services.applications.rules import CLOSED, WITHDRAWABLE
from store.models import ApplicationRecord

FILING = "filing"  # the state of a record that CSMS has not confirmed


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo from the media store, and which document it shows."""

    document: str
    media_id: str


@dataclass(frozen=True, slots=True)
class View:
    """An application as its customer may see it. ``is_current`` is false where CSMS could not be asked just now."""

    number: str
    filing: Filing
    state: State
    missing: tuple[str, ...]
    quote_fen: int | None
    note: str | None
    filed_at: datetime
    changed_at: datetime
    is_current: bool = True

    @property
    def kind(self) -> Kind:
        """What is applied for."""
        return self.filing.kind

    @property
    def is_open(self) -> bool:
        """Whether it is still under way."""
        return self.state not in CLOSED

    @property
    def can_be_withdrawn(self) -> bool:
        """Whether the customer may still take it back."""
        return self.state in WITHDRAWABLE

    @classmethod
    def of(cls, record: ApplicationRecord, *, is_current: bool = True) -> View:
        """From a record that CSMS has confirmed."""
        detail = json.loads(record.detail or "{}")
        return cls(
            number=record.application_no or "", filing=filing_from(json.loads(record.facts)), state=State(record.state),
            missing=tuple(detail.get("missing", ())), quote_fen=detail.get("quote_fen"), note=detail.get("note"),
            filed_at=record.created_at, changed_at=record.changed_at, is_current=is_current,
        )


def update_record(record: ApplicationRecord, application: Application) -> None:
    """Write down how CSMS says that an application stands, unless something newer is known."""
    if record.application_no is not None and record.sequence >= application.sequence:
        return
    record.application_no, record.state = application.application_no, application.state
    record.sequence, record.changed_at = application.sequence, application.changed_at
    record.detail = json.dumps(
        {"missing": application.missing, "quote_fen": application.quote_fen, "note": application.note}, ensure_ascii=False,
    )


def filing_facts(filing: Filing) -> dict[str, Any]:
    """A filing as JSON; what is not given is left out."""
    given = {field.name: getattr(filing, field.name) for field in fields(filing)}
    return {
        name: value.isoformat() if isinstance(value, date) else value for name, value in given.items() if value is not None
    }


def filing_from(facts: Mapping[str, Any]) -> Filing:
    """A filing out of its JSON."""
    days = {name: date.fromisoformat(facts[name]) for name in ("start", "end") if facts.get(name)}
    return Filing(**{**facts, **days, "kind": Kind(facts["kind"])})
