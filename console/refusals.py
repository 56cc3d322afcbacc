"""Why a request is refused. :mod:`console.errors` turns each into a page or a fragment."""

from __future__ import annotations

from sanic.exceptions import SanicException

from services.staff import RIGHT_NAMES, Right


class Refusal(SanicException):
    """The base of all: a title, what to do about it, and a status."""

    title = "办不了"


class Denied(Refusal):
    """The role lacks a right."""

    title = "没有权限"

    def __init__(self, right: Right) -> None:
        super().__init__(f"这里需要“{RIGHT_NAMES[right]}”的权限，您的角色没有。需要的话，请找管理员。", status_code=403)


class FormExpired(Refusal):
    """The form is not one that we gave to this browser and session."""

    title = "页面已过期"

    def __init__(self) -> None:
        super().__init__("您可能在别的窗口重新登录过。请刷新页面，再操作一次。", status_code=403)


class TooMany(Refusal):
    """One address tries too often."""

    title = "操作太频繁"

    def __init__(self) -> None:
        super().__init__("请等一分钟再试。", status_code=429)


class Missing(Refusal):
    """There is no such thing."""

    title = "没有找到"

    def __init__(self, what: str = "这个页面不存在，可能地址不对，或者已经删掉了。") -> None:
        super().__init__(what, status_code=404)


class BadInput(Refusal):
    """What was sent does not fit."""

    title = "填写有误"

    def __init__(self, what: str) -> None:
        super().__init__(what, status_code=422)
