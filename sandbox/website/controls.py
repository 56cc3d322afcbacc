"""Controls: a demonstration or a test publishes a notice. For this machine only, no authentication."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from sanic import Blueprint, Request
from sanic.exceptions import SanicException
from sanic.response import HTTPResponse, json

from runxia.clock import SHANGHAI
from sandbox.clock import sandbox_clock
from sandbox.website.board import Board
from sandbox.website.standing import WORKS
from services.website import Measurement, OutageKind, OutageNotice, QualityReport

bp = Blueprint("website_controls", url_prefix="/sandbox/website")

_Places = Annotated[list[str], Field(min_length=1)]


class _Outage(BaseModel):
    """``starts_in`` and ``lasts`` are hours from now and of duration, for those who do not want to name a time."""

    model_config = ConfigDict(extra="forbid")

    kind: OutageKind = OutageKind.SUDDEN
    areas: _Places
    reason: str = "供水管道抢修"
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    starts_in: float = 0.0
    lasts: float = Field(default=4.0, gt=0)
    notice_no: str | None = None

    def notice(self, number: str, now: datetime) -> OutageNotice:
        """The notice, published now."""
        start = self.starts_at or now + timedelta(hours=self.starts_in)
        end = self.ends_at or start + timedelta(hours=self.lasts)
        if end <= start:
            raise ValueError("it ends before it starts")
        return OutageNotice(
            self.notice_no or number, self.kind, tuple(self.areas), self.reason,
            start.astimezone(SHANGHAI), end.astimezone(SHANGHAI), now,
        )


class _Quality(BaseModel):
    model_config = ConfigDict(extra="forbid")

    works: str = WORKS[0][0]
    areas: list[str] = []
    point: Literal["outlet", "tap"] = "outlet"
    sampled_on: date | None = None
    measurements: dict[str, str]
    report_no: str | None = None

    @model_validator(mode="after")
    def _measured(self) -> _Quality:
        if not self.measurements:
            raise ValueError("no measurements")
        return self

    def report(self, number: str, now: datetime) -> QualityReport:
        """The report, published now; sampled today unless it says otherwise."""
        return QualityReport(
            self.report_no or number, self.works, tuple(self.areas or dict(WORKS).get(self.works, ("全市",))), self.point,
            self.sampled_on or now.date(), now,
            tuple(Measurement(name, value) for name, value in self.measurements.items()),
        )


@bp.post("/outages")
async def publish_outage(request: Request) -> HTTPResponse:
    """Publish ``{"areas": [...], "kind", "reason", "starts_at", "ends_at"}`` (or ``starts_in``, ``lasts``: hours)."""
    board, now = _board(request), sandbox_clock().now()
    try:
        notice = _Outage.model_validate_json(request.body).notice(board.next_number("TS99"), now)
    except (ValidationError, ValueError) as error:
        raise SanicException(str(error), status_code=422) from error
    board.publish(notice)
    return json({"notice_no": notice.notice_no})


@bp.post("/quality")
async def publish_quality(request: Request) -> HTTPResponse:
    """Publish ``{"measurements": {"浑浊度": "0.2", ...}, "works", "areas", "point", "sampled_on"}``."""
    board, now = _board(request), sandbox_clock().now()
    try:
        report = _Quality.model_validate_json(request.body).report(board.next_number("SZ99"), now)
    except (ValidationError, ValueError) as error:
        raise SanicException(str(error), status_code=422) from error
    board.publish(report)
    return json({"report_no": report.report_no})


@bp.delete("/outages")
async def no_outages(request: Request) -> HTTPResponse:
    """An empty board: no outages at all until the next reset."""
    _board(request).take_down("outage")
    return json({"outages": 0})


@bp.delete("/quality")
async def no_quality(request: Request) -> HTTPResponse:
    """No water quality at all until the next reset."""
    _board(request).take_down("quality")
    return json({"reports": 0})


def _board(request: Request) -> Board:
    board: Board = request.app.ctx.website
    return board
