"""The phone page: a WeChat user's phone in the browser, and the drawer with the engineers' view."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from sanic import Blueprint, HTTPResponse, Request
from sanic.response import file, html, redirect

from runxia.utility import load_utility
from sandbox.wechat import media

HERE = Path(__file__).parent
bp = Blueprint("phone")
bp.static("/phone/", HERE / "static", name="phone_files")
bp.static("/vendor/", HERE.parent / "static" / "vendor", name="vendor_files")

_templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True)


@bp.get("/")
async def phone(request: Request) -> HTTPResponse:
    """The page. Always at 127.0.0.1: a page of the gateway inside the phone's frame must be of the same site."""
    if request.host.partition(":")[0] == "localhost":
        return redirect(f"{request.scheme}://127.0.0.1:{request.port}{request.path}")
    settings = request.app.ctx.wechat.settings
    utility = load_utility(settings.utility_file)
    return html(_templates.get_template("phone.html").render(utility=utility, samples=media.samples()))


@bp.get("/sandbox/jssdk.js")
async def jssdk(_request: Request) -> HTTPResponse:
    """The bridge that WeChat's browser gives to pages."""
    return await file(HERE / "static" / "jssdk.js", mime_type="text/javascript")
