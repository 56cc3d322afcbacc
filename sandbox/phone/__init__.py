"""The phone page: a WeChat user's phone in the browser, and the drawer with the engineers' view."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from sanic import Blueprint, HTTPResponse, Request
from sanic.response import file, html, redirect

from runxia.utility import Utility, load_utility
from sandbox.wechat import media

HERE = Path(__file__).parent
bp = Blueprint("phone")
bp.static("/phone/", HERE / "static", name="phone_files")
bp.static("/vendor/", HERE.parent / "static" / "vendor", name="vendor_files")

# Offered beside the phone to those who do not know what to say first.
SAYINGS = ("我要绑定户号", "这个月水费多少", "怎么这么贵", "都付了", "今年用到第几阶梯了", "附近的营业厅在哪")

_templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, enable_async=True)


@bp.get("/")
async def phone(request: Request) -> HTTPResponse:
    """The page. Always at 127.0.0.1: a page of the gateway inside the phone's frame must be of the same site."""
    if request.host.partition(":")[0] == "localhost":
        return redirect(f"{request.scheme}://127.0.0.1:{request.port}{request.path}")
    settings = request.app.ctx.wechat.settings
    utility = load_utility(settings.utility_file)
    page = _templates.get_template("phone.html")
    return html(await page.render_async(utility=utility, facts=_facts(utility), sayings=SAYINGS))


def _facts(utility: Utility) -> dict[str, Any]:
    """What the page's script needs to know."""
    places = [
        {"label": outlet.name, "address": outlet.address, "latitude": outlet.latitude, "longitude": outlet.longitude}
        for outlet in utility.outlets
    ]
    samples = [{"name": name, "label": label} for name, label in media.SAMPLES.items()]
    return {"account": utility.short_name, "samples": samples, "places": places}


@bp.get("/sandbox/jssdk.js")
async def jssdk(_request: Request) -> HTTPResponse:
    """The bridge that WeChat's browser gives to pages."""
    return await file(HERE / "static" / "jssdk.js", mime_type="text/javascript")
