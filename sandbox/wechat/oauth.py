"""Web pages inside WeChat: opening one as a user, and the authorization that tells the page who that is."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sanic import Blueprint, HTTPResponse, Request
from sanic import json as json_response
from sanic.response import html, redirect

from sandbox.wechat.api import check_app
from sandbox.wechat.errors import ApiError
from sandbox.wechat.limits import OAUTH_CODE_SECONDS, TOKEN_SECONDS
from sandbox.wechat.state import WeChat

bp = Blueprint("wechat_oauth")

COOKIE = "sandbox_openid"
_PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>提示</title><body style="font:17px/1.6 sans-serif;text-align:center;padding:80px 24px;color:#333"><p>{}</p>"""


@bp.get("/sandbox/open")
async def open_page(request: Request) -> HTTPResponse:
    """``?openid=&url=``: be that user in this browser, and go to the page, as a tap on a link in WeChat does."""
    wechat: WeChat = request.app.ctx.wechat
    user, url = wechat.users.find(request.args.get("openid", "")), request.args.get("url", "")
    if user is None or urlsplit(url).scheme not in ("http", "https"):
        return html(_PAGE.format("无法打开网页"), status=400)
    response = redirect(url)
    response.add_cookie(COOKIE, user.openid, path="/", httponly=True, samesite="Lax", secure=False)
    return response


@bp.get("/connect/oauth2/authorize")
async def authorize(request: Request) -> HTTPResponse:
    """Send the user back to ``redirect_uri`` with a code, silently for ``snsapi_base``."""
    wechat: WeChat = request.app.ctx.wechat
    target, scope = request.args.get("redirect_uri", ""), request.args.get("scope")
    problem = _problem(wechat, request, target)
    openid = request.cookies.get(COOKIE)
    if problem or not openid or scope is None:
        return html(_PAGE.format(problem or "请在微信客户端打开链接"), status=400)
    code = secrets.token_hex(16)
    wechat.db.write("INSERT INTO oauth_codes (code, openid, scope, created_at) VALUES (?, ?, ?, ?)",
                    (code, openid, scope, wechat.clock.now().timestamp()))
    return redirect(_with_query(target, code=code, state=request.args.get("state", "")))


def _problem(wechat: WeChat, request: Request, target: str) -> str | None:
    if request.args.get("appid") != wechat.settings.wechat_app_id:
        return "AppID 参数错误"
    if urlsplit(target).netloc != urlsplit(wechat.settings.public_base_url).netloc:
        return "redirect_uri 域名与后台配置不一致，错误码：10003"
    if request.args.get("response_type") != "code":
        return "response_type 参数错误"
    if request.args.get("scope") not in ("snsapi_base", "snsapi_userinfo"):
        return "Scope 参数错误或没有 Scope 权限，错误码：10005"
    return None


def _with_query(url: str, **values: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode(parse_qsl(parts.query, keep_blank_values=True) + list(values.items()))))


@bp.get("/sns/oauth2/access_token")
async def access_token(request: Request) -> HTTPResponse:
    """``?appid=&secret=&code=&grant_type=authorization_code`` → the openid. A code works once, for five minutes."""
    wechat: WeChat = request.app.ctx.wechat
    try:
        check_app(wechat, request.args.get("appid"), request.args.get("secret"))
        if request.args.get("grant_type") != "authorization_code":
            raise ApiError(40002)
        openid, scope = _redeem(wechat, request.args.get("code"))
    except ApiError as error:
        return json_response({"errcode": error.errcode, "errmsg": error.errmsg})
    return json_response({
        "access_token": secrets.token_urlsafe(64), "expires_in": TOKEN_SECONDS, "refresh_token": secrets.token_urlsafe(64),
        "openid": openid, "scope": scope,
    })


def _redeem(wechat: WeChat, code: str | None) -> tuple[str, str]:
    if not code:
        raise ApiError(41008)
    row = wechat.db.one("SELECT * FROM oauth_codes WHERE code = ?", (code,))
    if row is None or row["created_at"] + OAUTH_CODE_SECONDS <= wechat.clock.now().timestamp():
        raise ApiError(40029)
    if wechat.db.change("UPDATE oauth_codes SET used = 1 WHERE code = ? AND used = 0", (code,)) == 0:
        raise ApiError(40163)
    return row["openid"], row["scope"]
