"""The account's menu. An entry is an intent: a click opens its dialogue."""

from __future__ import annotations

from typing import Any, Final

MENU: Final[dict[str, dict[str, str]]] = {
    "我的用水": {
        "我的账单": "bill_current", "交水费": "pay_bill", "缴费记录": "pay_history", "绑定户号": "bind_account",
        "自助抄表": "self_reading",
    },
    "在线服务": {
        "报修": "repair_report", "报装": "new_install", "停水信息": "outage_query", "水质信息": "quality_query",
        "人工客服": "human",
    },
    "公共信息": {"营业网点": "outlets", "服务热线": "hotline", "官方网站": "website", "优惠活动": "promotions"},
}
INTENTS: Final = frozenset(intent for entries in MENU.values() for intent in entries.values())


def buttons() -> list[dict[str, Any]]:
    """The menu as WeChat's menu/create takes it."""
    return [
        {
            "name": column,
            "sub_button": [{"type": "click", "name": name, "key": intent} for name, intent in entries.items()],
        }
        for column, entries in MENU.items()
    ]
