"""What a member of staff reads when something goes wrong: a page, or where htmx asked, a line on the page."""

from __future__ import annotations

import logging
from typing import Any

from sanic import HTTPResponse, Request, Sanic
from sanic.exceptions import MethodNotAllowed, NotFound, PayloadTooLarge, SanicException
from sanic.response import html

from console.frame import render
from console.refusals import Missing, Refusal
from services.errors import SystemUnavailable, UnknownStaff

log = logging.getLogger(__name__)

SYSTEMS = {"csms": "营业系统", "hotline": "热线系统", "sms": "短信", "mail": "邮件", "wechat": "微信", "rasa": "对话引擎"}


def install(app: Sanic[Any, Any]) -> None:
    """Tell every error of the application in this way."""
    app.exception(Exception)(_tell)


async def _tell(request: Request, error: Exception) -> HTTPResponse:
    status, title, text = _said(error)
    if status >= 500:
        log.error("a page failed: %s", type(error).__name__, exc_info=error)
    if not hasattr(request.app.ctx, "services"):
        return html(text, status)
    if "HX-Request" in request.headers:
        fragment = render(request, "error_fragment.html", title=title, text=text)
        return html(fragment, status, headers={"HX-Retarget": "#notice", "HX-Reswap": "innerHTML show:window:top"})
    return html(render(request, "error.html", status=status, title=title, text=text), status)


def _said(error: Exception) -> tuple[int, str, str]:
    """Status, title and text."""
    match error:
        case Refusal():
            return error.status_code, error.title, str(error)
        case NotFound() | UnknownStaff():
            return 404, Missing.title, str(Missing())
        case MethodNotAllowed():
            return 405, "不能这样打开", "请从页面上的按钮操作。"
        case PayloadTooLarge():
            return 413, "文件太大", "单个文件最大 10 MB。"
        case SystemUnavailable():
            return 503, "暂时连不上", f"{SYSTEMS.get(error.system, error.system)}没有回应，请稍后再试。"
        case SanicException() if error.status_code < 500:
            return error.status_code, "请求有误", "浏览器发来的内容不完整，请刷新页面再试。"
        case _:
            return 500, "系统出错了", "已经记录下来。请稍后再试；一直这样，请告诉管理员。"
