"""What every page has: templates, icons, the sidebar, and short messages after something was done."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sanic import HTTPResponse, Request
from sanic.response import html, redirect

from console import guard
from console.actions import detail_in_words
from console.navigation import entries_for
from runxia.masking import mask_email, mask_phone
from services.staff import RIGHT_NAMES, ROLE_NAMES, Right, Role, Signed, Stage

HERE = Path(__file__).parent
ICONS = HERE / "static" / "vendor" / "icons"
# What a page says after a redirect: ?done=<key>.
DONE = {
    "password": "密码改好了，别处的登录都已退出。",
    "reset": "密码已经重设，请用新密码登录。",
    "out": "已经退出。",
    "session": "那处登录已经退出。",
    "others": "除了这里，别处都已退出。",
    "totp_on": "两步验证已开启。下次登录会请您输入验证器上的 6 位数字。",
    "totp_off": "两步验证已关闭。",
    "staff_saved": "资料已保存。",
    "staff_role": "角色已修改，马上生效。",
    "staff_disable": "账号已停用，此人的登录都已退出。",
    "staff_enable": "账号已启用。",
    "staff_totp": "此人的两步验证已取消，请提醒他重新设置。",
    "staff_unlock": "账号已解锁。",
}


def page(request: Request, template: str, status: int = 200, **facts: Any) -> HTTPResponse:
    """An HTML answer from a template."""
    return html(render(request, template, **facts), status)


def render(request: Request, template: str, **facts: Any) -> str:
    """A template of ``console/templates``, with what every page needs."""
    here = guard.services(request)
    signed: Signed | None = getattr(request.ctx, "signed", None)
    who = signed.member if signed and signed.stage is Stage.OPEN else None
    return _templates().get_template(template).render(
        utility=here.utility, now=here.clock.now(), path=request.path, me=who,
        navigation=entries_for(who) if who and not who.must_change else [],
        csrf=guard.csrf_token(request) if hasattr(request.ctx, "visitor") else "",
        done=DONE.get(request.args.get("done", "")), **facts,
    )


def done(address: str, key: str) -> HTTPResponse:
    """Go on to a page that says what was done."""
    return redirect(f"{address}?done={key}", status=303)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "icon": icon, "ROLE_NAMES": ROLE_NAMES, "RIGHT_NAMES": RIGHT_NAMES, "Role": Role, "Right": Right,
    }
    environment.filters |= {"moment": moment, "mask_phone": mask_phone, "mask_email": mask_email, "detail": detail_in_words}
    return environment


@lru_cache(maxsize=256)
def icon(name: str) -> Markup:
    """A drawing of Tabler's, in the page itself; console/icons.txt lists those that are installed."""
    drawing = (ICONS / f"{name}.svg").read_text(encoding="utf-8")
    drawing = re.sub(r"<!--.*?-->", "", drawing, flags=re.DOTALL).strip()
    return Markup(drawing.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1))  # noqa: S704 - a file of ours


def moment(value: datetime | None) -> str:
    """``11月2日 09:30``, with the year."""
    return f"{value:%Y-%m-%d %H:%M}" if value else "—"
