"""The site: pages and feeds under ``/website``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from pydantic import TypeAdapter
from sanic import Blueprint, HTTPResponse, Request, Sanic
from sanic.exceptions import NotFound
from sanic.response import html, json

from runxia.settings import load_settings
from runxia.utility import load_utility
from sandbox import faults
from sandbox.clock import sandbox_clock
from sandbox.website.board import Board
from services.website import OutageNotice, QualityReport

HERE = Path(__file__).parent
WEEKDAYS = "一二三四五六日"

bp = Blueprint("website", url_prefix="/website")
bp.static("/static/", HERE / "static", name="website_files")

_templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, enable_async=True)
_NOTICES, _REPORTS = TypeAdapter(list[OutageNotice]), TypeAdapter(list[QualityReport])


@bp.before_server_start
async def _open(app: Sanic[Any, Any]) -> None:
    app.ctx.website = Board(load_settings().data_dir / "website.db")


@bp.after_server_stop
async def _close(app: Sanic[Any, Any]) -> None:
    app.ctx.website.close()


def clear(app: Sanic[Any, Any]) -> None:
    """Take down what was published on the site that ``app`` serves."""
    app.ctx.website.clear()


@bp.on_request
async def misbehave(request: Request) -> HTTPResponse | None:
    """Be slow, down or broken on demand."""
    return await faults.misbehave("website", faults.MAINTENANCE)


@bp.get("/feeds/outages.json")
async def outage_feed(request: Request) -> HTTPResponse:
    """``{"generated_at", "notices": [...]}``."""
    now = sandbox_clock().now()
    notices = _NOTICES.dump_python(_board(request).notices(now), mode="json")
    return json({"generated_at": now.isoformat(), "notices": notices})


@bp.get("/feeds/quality.json")
async def quality_feed(request: Request) -> HTTPResponse:
    """``{"generated_at", "reports": [...]}``."""
    now = sandbox_clock().now()
    reports = _REPORTS.dump_python(_board(request).reports(now), mode="json")
    return json({"generated_at": now.isoformat(), "reports": reports})


@bp.get("/")
async def home(request: Request) -> HTTPResponse:
    """The outages under way and ahead, and the newest water quality."""
    now = sandbox_clock().now()
    board = _board(request)
    reports = board.reports(now)
    newest = [report for report in reports if report.sampled_on == reports[0].sampled_on] if reports else []
    coming = sorted((each for each in board.notices(now) if each.ends_at > now), key=lambda notice: notice.starts_at)
    return await _page("home.html", "首页", notices=coming, reports=newest)


@bp.get("/outages")
async def outages(request: Request) -> HTTPResponse:
    """All outage notices."""
    return await _page("outages.html", "停水公告", notices=_board(request).notices(sandbox_clock().now()))


@bp.get("/outages/<notice_no:str>")
async def outage(request: Request, notice_no: str) -> HTTPResponse:
    """One notice."""
    notices = _board(request).notices(sandbox_clock().now())
    found = next((notice for notice in notices if notice.notice_no == notice_no), None)
    if found is None:
        raise NotFound("没有这份公告，可能已经撤下。")
    return await _page("outage.html", "停水公告", notice=found)


@bp.get("/quality")
async def quality(request: Request) -> HTTPResponse:
    """The water quality of the last days."""
    reports = _board(request).reports(sandbox_clock().now())
    days = list(dict.fromkeys(report.sampled_on for report in reports))
    by_day = [(day, [report for report in reports if report.sampled_on == day]) for day in days]
    return await _page("quality.html", "水质公告", days=by_day)


def _board(request: Request) -> Board:
    board: Board = request.app.ctx.website
    return board


async def _page(template: str, title: str, **facts: Any) -> HTTPResponse:
    utility = load_utility(load_settings().utility_file)
    page = await _templates.get_template(template).render_async(
        utility=utility, now=sandbox_clock().now(), title=title, moment=_moment, span=_span, state=_state,
        units={each.name: each.unit for each in utility.water_quality.indicators}, **facts,
    )
    return html(page)


def _moment(at: datetime) -> str:
    return f"{at.month}月{at.day}日（周{WEEKDAYS[at.weekday()]}）{at:%H:%M}"


def _span(notice: OutageNotice) -> str:
    end = notice.ends_at
    until = f"{end:%H:%M}" if end.date() == notice.starts_at.date() else _moment(end)
    return f"{_moment(notice.starts_at)} 至 {until}"


def _state(notice: OutageNotice, now: datetime) -> tuple[str, str]:
    if now < notice.starts_at:
        return "soon", "即将停水"
    return ("on", "正在停水") if now < notice.ends_at else ("over", "已恢复供水")
