"""The audit log: searched by who, what, when, account; and as a table to keep."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from sanic import Blueprint, HTTPResponse, Request

from console import guard
from console.actions import ACTIONS, OUTCOMES, detail_in_words
from console.frame import page
from console.refusals import BadInput
from runxia.clock import SHANGHAI
from services.audit import AuditQuery, Place
from services.staff import Right
from store.models import AuditEntry

bp = Blueprint("audit", url_prefix="/audit")
MOST_ROWS = 50_000
EPOCH = datetime.fromtimestamp(0, SHANGHAI)
HEADINGS = ("时间", "谁", "做了什么", "结果", "户号", "对象", "说明", "原因")
FIELDS = ("actor", "action", "outcome", "account_no", "target", "since", "until")
_PLACE = re.compile(r"(\d{1,17})\.(\d{1,15})")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed into the search, as it is shown again."""

    fields: dict[str, str]

    @classmethod
    def of(cls, request: Request) -> Asked:
        """Read the address."""
        return cls({name: str(request.args.get(name, "")).strip()[:64] for name in FIELDS})

    def query(self) -> AuditQuery:
        """What to look for; both days are included.

        Raises:
            BadInput: a day is none.
        """
        given = self.fields
        until = _day(given["until"])
        return AuditQuery(
            actor=given["actor"], action=given["action"], outcome=given["outcome"], account_no=given["account_no"],
            target=given["target"], since=_day(given["since"]), until=until + timedelta(days=1) if until else None,
        )

    def address(self, **more: str) -> str:
        """The same search as the query of an address."""
        return urlencode({name: value for name, value in {**self.fields, **more}.items() if value})


@bp.get("", ctx_needs=Right.AUDIT_READ)
async def search(request: Request) -> HTTPResponse:
    """A page of the log; further rows alone where htmx asks for them."""
    asked = Asked.of(request)
    found = await guard.services(request).staff.audit.page(asked.query(), _place(request.args.get("after")))
    further = asked.address(after=_mark(found.after)) if found.after else ""
    target = request.headers.get("HX-Target")
    template = {"audit-more": "audit_rows.html", "audit-found": "audit_found.html"}.get(target or "", "audit.html")
    return page(
        request, template, entries=found.entries, asked=asked.fields, further=further, as_csv=asked.address(),
        actions=ACTIONS, outcomes=OUTCOMES,
    )


@bp.get("/log.csv", ctx_needs=Right.AUDIT_EXPORT)
async def export(request: Request) -> HTTPResponse | None:
    """The rows found, newest first, as CSV that spreadsheets open; who took them is written down."""
    asked = Asked.of(request)
    query, audit = asked.query(), guard.services(request).staff.audit
    await audit.record(guard.member(request).login, "export_audit", detail=asked.address()[:200] or None)
    name = f"audit-{guard.services(request).clock.now():%Y%m%d-%H%M}.csv"
    response = await request.respond(
        content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
    await response.send("\ufeff" + _line(HEADINGS))
    async for entry in audit.export(query, MOST_ROWS):
        await response.send(_line(tuple(_cells(entry))))
    await response.eof()
    return None


def _cells(entry: AuditEntry) -> Iterator[str]:
    yield f"{entry.at:%Y-%m-%d %H:%M:%S}"
    yield entry.actor
    yield ACTIONS.get(entry.action, entry.action)
    yield OUTCOMES.get(entry.outcome, entry.outcome)
    yield entry.account_no or ""
    yield entry.target or ""
    yield detail_in_words(entry.detail or "")
    yield entry.reason or ""


def _line(cells: tuple[str, ...]) -> str:
    """One line; a cell that a spreadsheet would run as a formula is made text."""
    out = io.StringIO()
    csv.writer(out).writerow(f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell for cell in cells)
    return out.getvalue()


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), SHANGHAI)
    except ValueError as error:
        raise BadInput("日期要像 2026-11-02 这样写。") from error


def _mark(place: Place) -> str:
    return f"{(place.at - EPOCH) // timedelta(microseconds=1)}.{place.id}"


def _place(text: str | None) -> Place | None:
    found = _PLACE.fullmatch(text or "")
    if not found:
        return None
    try:
        return Place(EPOCH + timedelta(microseconds=int(found[1])), int(found[2]))
    except OverflowError:
        return None
