"""The template messages that the account has been granted, and what WeChat checks of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.wechat.errors import ApiError
from sandbox.wechat.limits import TEMPLATE_FIELD_CHARS


@dataclass(frozen=True, slots=True)
class Template:
    """A template: its fields are pairs of keyword and the name that the user reads."""

    template_id: str
    title: str
    fields: tuple[tuple[str, str], ...]


TEMPLATES = {template.template_id: template for template in (
    Template("bill_issued_0000000000000000000000000000000", "水费账单通知", (
        ("character_string1", "户号"), ("thing2", "用水地址"), ("time3", "账单月份"), ("number4", "用水量"),
        ("amount5", "应缴金额"),
    )),
    Template("payment_received_00000000000000000000000000", "缴费成功通知", (
        ("character_string1", "户号"), ("amount2", "缴费金额"), ("time3", "缴费时间"), ("thing4", "缴费内容"),
    )),
    Template("payment_refunded_00000000000000000000000000", "退款通知", (
        ("character_string1", "户号"), ("amount2", "退款金额"), ("thing3", "退款原因"), ("time4", "退款时间"),
    )),
    Template("service_progress_00000000000000000000000000", "服务进度通知", (
        ("thing1", "服务内容"), ("phrase2", "当前进度"), ("time3", "更新时间"), ("thing4", "说明"),
    )),
)}


def check(template_id: str, data: Any) -> tuple[Template, list[tuple[str, str]]]:
    """The template, and its fields as pairs of name and value.

    Raises:
        ApiError: 40037 no such template; 47003 a field is missing, empty or too long for its kind.
    """
    template = TEMPLATES.get(template_id)
    if template is None:
        raise ApiError(40037)
    if not isinstance(data, Mapping):
        raise ApiError(47003)
    return template, [(name, _value(data, keyword)) for keyword, name in template.fields]


def _value(data: Mapping[str, Any], keyword: str) -> str:
    entry = data.get(keyword)
    value = entry.get("value") if isinstance(entry, Mapping) else None
    if not isinstance(value, str) or not 1 <= len(value) <= TEMPLATE_FIELD_CHARS[keyword.rstrip("0123456789")]:
        raise ApiError(47003, f"data.{keyword}.value invalid")
    return value
