"""What faults, places and states are called, and times as customers read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.repairs import Fault, Order, OrderKind, OrderState, Spot

FAULTS = {
    Fault.BURST: "水管爆裂", Fault.LEAK: "漏水", Fault.NO_WATER: "没水", Fault.LOW_PRESSURE: "水压低、水小",
    Fault.DISCOLOURED: "水发黄或浑浊", Fault.ODOUR: "水有异味", Fault.METER: "水表故障", Fault.VALVE: "阀门坏了",
    Fault.COVER: "井盖问题", Fault.OTHER: "其他问题",
}
SPOTS = {
    Spot.ROAD: "路面或户外", Spot.CORRIDOR: "楼道或公共部位", Spot.BEFORE_METER: "水表前", Spot.AFTER_METER: "自家水表后",
    Spot.UNKNOWN: "位置说不清",
}
KINDS = {OrderKind.REPAIR: "报修", OrderKind.COMPLAINT: "投诉", OrderKind.SUGGESTION: "建议"}
STATES = {
    OrderState.ACCEPTED: "已受理，等待派单", OrderState.ASSIGNED: "已派单", OrderState.ON_SITE: "人员已到现场，正在处理",
    OrderState.DONE: "已办结", OrderState.CANCELLED: "已取消",
}


def what(fault: Fault, spot: Spot | None) -> str:
    """``漏水（楼道或公共部位）``."""
    return f"{FAULTS[fault]}（{SPOTS[spot]}）" if spot and spot is not Spot.UNKNOWN else FAULTS[fault]


def title(order: Order) -> str:
    """``报修：漏水``, ``投诉``."""
    return f"{KINDS[order.kind]}：{FAULTS[order.fault]}" if order.fault else KINDS[order.kind]


def moment(at: datetime) -> str:
    """``11月21日 14:05``."""
    return f"{at.month}月{at.day}日 {at:%H:%M}"


def listed(orders: Sequence[Order]) -> str:
    """One numbered line for each order."""
    return "\n".join(
        f"{place}. {order.order_no}　{title(order)}　{moment(order.created_at)}　{STATES[order.state]}"
        for place, order in enumerate(orders, start=1)
    )
