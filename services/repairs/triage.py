"""What a customer's words say about a fault: what it is, where in the network, how bad."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What is wrong."""

    BURST = "burst"
    LEAK = "leak"
    NO_WATER = "no_water"
    LOW_PRESSURE = "low_pressure"
    DISCOLOURED = "discoloured"
    ODOUR = "odour"
    METER = "meter"
    VALVE = "valve"
    COVER = "cover"
    OTHER = "other"


class Spot(StrEnum):
    """Where water runs out: it decides who mends it, and how soon."""

    ROAD = "road"
    CORRIDOR = "corridor"
    BEFORE_METER = "before_meter"
    AFTER_METER = "after_meter"
    UNKNOWN = "unknown"


OUTAGE_FAULTS = frozenset({Fault.NO_WATER, Fault.LOW_PRESSURE, Fault.DISCOLOURED, Fault.ODOUR})
SPOT_MATTERS = frozenset({Fault.LEAK})

_BURST = re.compile(
    r"爆|暴管|炸了|管子?.{0,4}(?:炸|崩)|崩了|喷水|水柱|(?:挖|碰|撞|弄)(?:断|破|坏)了?.{0,6}(?:管|水)|管.{0,6}(?:挖|碰|撞|弄)(?:断|破)",
)
_COVER = re.compile(r"井盖|窨井|阴井")
_METER = re.compile(
    r"(?:水表|水彪|智能表|表)(?![前后箱井旁边接里]).{0,8}(?:不转|不走|停|坏|黑屏|故障|不显示|没显示|碎|裂|被偷|没电|看不清|雾|不动|没动)",
)
_VALVE = re.compile(r"(?:阀|闸).{0,10}(?:关不|拧不|打不开|开不|转不动|扭不动|坏|锈|滑丝|失灵|断)")
_LEAK = re.compile(r"漏|渗|滴|冒水|淌|流水|水.{0,3}流|裂|滋水|破了|溢|满出来")
_PRESSURE = re.compile(
    r"水[压鸭]|压力|压低|(?:水|流量?).{0,6}小(?![区孩时店伙朋学])|细|上不[来去了]|力不够|打不着|点不着|[时忽].{1,2}[时忽]|断断续续|一股一股",
)
_DRY = re.compile(r"没有?水|没得水|[冇煤]水|没谁|没睡|不出水|断水|停水|一滴|不来水|只有气|水停|水没")
_SMELL = re.compile(r"味|臭|腥|[漂消]|苦|咸|呛|气味")
_COLOUR = re.compile(r"黄|浑|混|浊|红|黑|(?<!漂)白|绿|灰|锈|泥|沙|虫|杂质|颜色|色|油|不清|不干净|沉淀|絮")

_AFTER = re.compile(r"表(?:以|之)?后")
_BEFORE = re.compile(r"表(?:以|之)?前|进户|总阀|表箱|表井|表[旁边]|表的?接")
_CORRIDOR = re.compile(r"楼道|楼梯|单元门|管道井|地下室|车库|立管|走廊|电梯间|公共")
_ROAD = re.compile(r"马路|门前|门口|阀门井|路[上边面中当口]|人行道|绿化|街|地面|桥|公园|广场|消[防火]栓|巷子|空地|工地|草地")
_INDOORS = re.compile(r"厨房|卫生间|厕所|浴室|阳台|龙头|马桶|热水器|软管|角阀|洗手|洗衣机|洗菜|水槽|花洒|净水器|暗管")
_HEAVY = re.compile(r"哗|喷|水柱|人高|淹|满[街地]|一地|成河|很大|大量|狂|没过|漫|止不住|猛")


@dataclass(frozen=True, slots=True)
class Symptoms:
    """What the words say; none where they do not say."""

    fault: Fault | None
    spot: Spot | None
    heavy: bool


def read(text: str, intent: str = "") -> Symptoms:
    """Read a message; ``intent`` decides where words alone do not."""
    return Symptoms(_fault(text, intent), _spot(text), bool(_HEAVY.search(text)))


def _fault(text: str, intent: str) -> Fault | None:
    if intent == "yellow_water":
        return Fault.ODOUR if _SMELL.search(text) and not _COLOUR.search(text) else Fault.DISCOLOURED
    if intent == "low_pressure_or_outage_unplanned":
        return _flow(text) or Fault.NO_WATER
    ranked = (
        (_COVER, Fault.COVER), (_BURST, Fault.BURST), (_METER, Fault.METER), (_VALVE, Fault.VALVE), (_LEAK, Fault.LEAK),
    )
    found = next((fault for pattern, fault in ranked if pattern.search(text)), None)
    return found or _flow(text) or _look(text)


def _flow(text: str) -> Fault | None:
    if _PRESSURE.search(text):
        return Fault.LOW_PRESSURE
    return Fault.NO_WATER if _DRY.search(text) else None


def _look(text: str) -> Fault | None:
    if re.search(r"水.{0,8}(?:黄|浑|混浊|锈|变色|发白|发黑|脏)", text):
        return Fault.DISCOLOURED
    return Fault.ODOUR if re.search(r"水.{0,6}(?:味|臭|腥)", text) else None


def _spot(text: str) -> Spot | None:
    ranked = (
        (_AFTER, Spot.AFTER_METER), (_BEFORE, Spot.BEFORE_METER), (_CORRIDOR, Spot.CORRIDOR), (_INDOORS, Spot.AFTER_METER),
        (_ROAD, Spot.ROAD),
    )
    return next((spot for pattern, spot in ranked if pattern.search(text)), None)
