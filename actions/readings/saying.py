"""What a message says about readings: a number, a month, a time for a visit, and what is wanted of an earlier request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from actions.flow import ANSWERS
from actions.turn import Day, Turn
from services.readings import DayPart

LOOK, CANCEL, MOVE = "look", "cancel", "move"
UNKNOWN = "unknown"
LONGEST = 12  # digits that can still be a slip; more is something else
_MONEY = re.compile(r"[元块毛角分圆钱¥￥]")
APPOINTMENT = re.compile(r"预约|[约定][的好了过]")
_DIGITS = re.compile(r"(?<![\d.])\d{1,12}(?:\.\d+)?(?![\d.])")
EXCHANGED = re.compile(r"换(?:过|了)?(?:新?的?)?(?:水?表|过)|新表|新换的?表|表(?:是)?(?:新)?换(?:过|了)?的?")
WRONG_NUMBER = re.compile(r"数(?:字|不)?(?:不对|错)|看错|打错|报错|写错|输错|填错|重报|重新报|再报|说错")
_CANCEL = re.compile(
    r"取消|撤(?:回|销|掉|了)|作废|不用(?:再)?(?:来|上门|校|验|检|查|核)了?|不(?:麻烦|需要|想)?(?:来|校|验|检|申请)了|"
    r"(?:预约|申请|约的|那个).{0,4}不要了",
)
_MOVE = re.compile(r"改(?:一下|个|到|成|为|时间|天|约|期)?|换(?:一下|个|到|成|天)|挪|推(?:迟|后)|提前到|往后|(?:重新?|另)约")
_LOOK = re.compile(
    r"进[度展]|到哪|哪一?步|结果|怎么样了|处理(?:了|好|完|得)|核(?:实|对)?(?:了|好|完|得怎)|查(?:了|好|完|得怎)|批了|受理|"
    r"还没(?:来|人|消息|动静|回)|没(?:消息|动静|人来)|还来吗|来了(?:没|吗)|(?:几号|哪天|什么时候)来着|"
    r"[约定]的(?:是)?(?:哪|几|什么)|约[好上]了?(?:没|吗)|检(?:好|完|出来)了?(?:没|吗)|校好了?(?:没|吗)",
)
_THIS_ONE = re.compile(r"就?(?:是)?(?:这|本)(?:一)?(?:期|个月|次|回|月|张)|只有这|最近(?:这)?(?:一)?[期次]|上(?:一)?[期次]")
NOT_SURE = re.compile(r"说不[清准好]|不(?:知道|清楚|记得|确定|晓得)|没(?:注意|留意|数)|记不|忘了|随便|跳过|不好说")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a meter shows: whole m³; ``has_decimals`` where the customer gave more."""

    value: int
    has_decimals: bool


@dataclass(frozen=True, slots=True)
class Time:
    """When somebody shall come: a day, or any of several, and a half of it where it was said."""

    first: date
    last: date
    part: DayPart | None
    is_evening: bool = False

    @property
    def is_one_day(self) -> bool:
        """Whether it is a certain day."""
        return self.first == self.last


def shown_said(turn: Turn) -> Shown | None:
    """The reading in a message: with a unit or after the word for it, else a number that can be nothing else."""
    for entity in ("volume", "number"):
        if (said := turn.values.first(entity)) is not None:
            return _shown(str(said))
    amount = turn.values.first("amount")
    if amount is not None and not _MONEY.search(turn.text):
        return _shown(str(Decimal(amount) / 100))
    if turn.intent not in ANSWERS | {"self_reading"} or _has_other_number(turn):
        return None
    found = _DIGITS.findall(turn.text)
    if len(found) == 1:
        return _shown(found[0])
    ordinal = turn.values.first("ordinal")
    return Shown(int(ordinal), has_decimals=False) if ordinal and ordinal > 0 and not found else None


def _has_other_number(turn: Turn) -> bool:
    return any(turn.values.all(name) for name in ("amount", "phone", "account_no", "work_order_no", "date", "period"))


def _shown(text: str) -> Shown | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if number < 0 or len(str(int(number))) > LONGEST:
        return None
    return Shown(int(number), has_decimals=number != int(number))


def wish_said(turn: Turn) -> str | None:
    """What is wanted of an earlier request: to look at it, to take it back, to put it to another time; none if a new one."""
    told = turn.values.first("meter_wish")
    if told:
        return str(told)
    if turn.text.startswith("/"):
        return None
    wishes = ((_CANCEL, CANCEL), (_MOVE, MOVE), (_LOOK, LOOK))
    return next((wish for pattern, wish in wishes if pattern.search(turn.text)), None)


def since_said(turn: Turn, this: str) -> str | None:
    """Since which month readings are doubted: ``2026-08``; ``this`` month; or that the customer does not know."""
    told = turn.values.first("meter_choice")
    if told:
        return this if told == "this" else UNKNOWN
    if _THIS_ONE.search(turn.text):
        return this
    months = [period.first_month for period in turn.values.periods] + [f"{day.start:%Y-%m}" for day in turn.values.dates]
    if months:
        return min(months)
    return UNKNOWN if NOT_SURE.search(turn.text) else None


def time_said(turn: Turn) -> Time | None:
    """The time for a visit in a message or a button; none where no day is named."""
    told = turn.values.first("visit_time")
    if told:
        chosen, _, half = str(told).partition("/")
        return Time(date.fromisoformat(chosen), date.fromisoformat(chosen), DayPart(half))
    if not turn.values.dates:
        return None
    days: list[Day] = turn.values.dates
    said = days[-1]  # from one day to another: 周三改到周五
    part = said.part or turn.values.day_part
    return Time(said.start, said.end, part_of(part), is_evening=part == "evening")


def part_of(part: str | None) -> DayPart | None:
    """The half of the day in which somebody comes; none in the evening, or where nothing was said."""
    return DayPart(part) if part in ("morning", "afternoon") else None
