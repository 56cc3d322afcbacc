"""Where and how to reach the utility: service halls and when they are open, offers that are still on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from math import asin, cos, radians, sin, sqrt
from typing import Any
from urllib.parse import quote

from rasa_sdk.events import EventType

from actions import figures
from actions.basics import facts
from actions.flow import Task
from actions.turn import Turn
from runxia.clock import today
from runxia.utility import Outlet
from services.accounts import BoundAccount
from services.outages import short_district

EARTH_KM = 6371.0
LISTED = 3
MAP = "https://apis.map.qq.com/uri/v1/marker?marker=coord:{latitude},{longitude};title:{name};addr:{address}&referer=runxia"
NOW = re.compile(r"现在|这会儿?|这个点|此刻|当下|今天还|来得及|还开|还有人|开着|关门了[吗没]|下班了[吗没]|开门了?没")
WEEKEND = re.compile(r"周末|双休")
# A weekday by its name, for those that no date was read from.
WEEKDAY = re.compile(r"(?:周|星期|礼拜)(?P<day>[一二三四五六日天])")
HOLIDAYS = re.compile(r"节假日|国庆|春节|过年|除夕|元旦|清明|端午|中秋|五一|劳动节|假期|放假")


class ActionOutlets(Task):
    """Service halls: the nearest where a place was sent, those of a district named, else all; and whether they are open."""

    follows_up = True

    def name(self) -> str:
        """The name in the domain."""
        return "action_outlets"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Find the halls, answer for the day asked about, and show the way to the first."""
        place = _place(turn.values.first("location"))
        halls, response = self._halls(turn, place)
        day = day_asked(turn)
        if day is not None:
            turn.say("utter_outlets_open", day=_day_text(day, turn), lines=open_lines(halls, day, turn.services.clock.now()))
        if HOLIDAYS.search(turn.text):
            turn.say("utter_outlets_holidays", **_facts(turn))
        if day is None or place is not None:
            turn.say(response, lines=outlet_lines(halls, place), **_facts(turn))
        if len(halls) == 1 or place is not None:
            turn.say("utter_outlets_map", custom={
                "kind": "link", "title": f"在地图上看{halls[0].name}", "text": "", "url": map_url(halls[0]),
            })
        return []

    @staticmethod
    def _halls(turn: Turn, place: tuple[float, float] | None) -> tuple[list[Outlet], str]:
        outlets = turn.services.utility.outlets
        if place is not None:
            return sorted(outlets, key=lambda outlet: kilometres(place, outlet))[:LISTED], "utter_outlets_near"
        here = [outlet for outlet in outlets if _is_named(outlet, turn.text)]
        return (here, "utter_outlets_district") if here else (list(outlets), "utter_outlets")


class ActionPromotions(Task):
    """Offers that are still on."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_promotions"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        now = today(turn.services.clock)
        offers = [offer for offer in turn.services.utility.promotions if offer.until >= now]
        lines = "\n".join(
            f"· {offer.title}：{offer.text}（到{offer.until.year}年{figures.day(offer.until)}）" for offer in offers
        )
        turn.say("utter_promotions" if offers else "utter_no_promotions", lines=lines, **_facts(turn))
        return []


def day_asked(turn: Turn) -> date | None:
    """The day on which a hall should be open: today for 现在, the next Saturday for 周末; none where no day is meant."""
    now = today(turn.services.clock)
    if WEEKEND.search(turn.text):
        return now + timedelta(days=(5 - now.weekday()) % 7)
    for value in turn.values.all("date"):
        return date.fromisoformat(value["from"])
    if named := WEEKDAY.search(turn.text):
        weekday = "一二三四五六日".find(named["day"].replace("天", "日"))
        return now + timedelta(days=(weekday - now.weekday()) % 7)
    return now if NOW.search(turn.text) else None


def open_lines(halls: Sequence[Outlet], day: date, now: datetime) -> str:
    """Each hall's hours on a day; on the present day also whether it is open now."""
    return "\n".join(f"· {hall.name}：{_open_on(hall, day, now)}（{hall.address}）" for hall in halls)


def _open_on(hall: Outlet, day: date, now: datetime) -> str:
    hours = hall.hours_on(day.isoweekday())
    if hours is None:
        return "不上班"
    span = f"{_clock(hours.opens)}–{_clock(hours.closes)}"
    if day != now.date():
        return span
    clock = now.timetz().replace(tzinfo=None)
    if clock < hours.opens:
        return f"还没开门，今天{span}"
    return f"现在开着，{_clock(hours.closes)}关门" if clock < hours.closes else f"今天已经下班（{span}）"


def _day_text(day: date, turn: Turn) -> str:
    weekday = f"周{figures.WEEKDAYS[day.weekday()]}"
    return f"今天（{weekday}）" if day == today(turn.services.clock) else f"{figures.day(day)}（{weekday}）"


def _clock(at: time) -> str:
    return f"{at.hour}:{at:%M}"


def kilometres(place: tuple[float, float], outlet: Outlet) -> float:
    """Great-circle distance from a latitude and longitude in degrees."""
    latitude, longitude, to_latitude, to_longitude = map(radians, (*place, outlet.latitude, outlet.longitude))
    half = sin((to_latitude - latitude) / 2) ** 2
    half += cos(latitude) * cos(to_latitude) * sin((to_longitude - longitude) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(half))


def outlet_lines(outlets: Sequence[Outlet], place: tuple[float, float] | None = None) -> str:
    """Name, address, hours and telephone of each, with the distance where the place is known."""
    blocks = []
    for outlet in outlets:
        far = f"（约{kilometres(place, outlet):.1f}公里）" if place else ""
        blocks.append(f"{outlet.name}{far}\n{outlet.address}\n{outlet.hours}\n电话 {outlet.phone}")
    return "\n\n".join(blocks)


def map_url(outlet: Outlet) -> str:
    """Tencent's map, which WeChat opens by itself, with a mark on the hall."""
    return MAP.format(
        latitude=outlet.latitude, longitude=outlet.longitude, name=quote(outlet.name), address=quote(outlet.address),
    )


def _is_named(outlet: Outlet, text: str) -> bool:
    """Whether the district or the hall is named: 滨江, 城东营业厅, 城西那个厅."""
    return short_district(outlet.district) in text or outlet.name.removesuffix("营业厅") in text


def _place(said: Any | None) -> tuple[float, float] | None:
    """``30.2,120.2`` → latitude and longitude; none for what is no place on earth."""
    try:
        latitude, longitude = (float(part) for part in str(said).split(","))
    except ValueError:
        return None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _facts(turn: Turn) -> dict[str, Any]:
    return facts(turn.services.utility, turn.services.clock.now())
