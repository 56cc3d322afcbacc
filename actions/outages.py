"""Outages: is the water off, where and until when, as the official website has it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from rasa_sdk.events import EventType

from actions import figures
from actions.flow import Task
from actions.turn import Turn
from services.accounts import BoundAccount, choose, named_in
from services.errors import NotBound
from services.outages import OutageKind, OutageNotice, Place
from services.website import Published

AHEAD = timedelta(days=7)   # how far is looked ahead when no day is named
LISTED = 5
KINDS = {OutageKind.PLANNED: "计划停水", OutageKind.SUDDEN: "突发停水"}
# Words by which a notice may be meant that is not for one's own home.
EVERYWHERE = re.compile(r"哪些|哪里|哪几|哪个|哪条|哪停|哪块|全市|各区|所有|最新|公告")
OWN_HOME = re.compile(r"我家|我们家|家里|咱家|我这|我们这|我们小区|阿拉|这边|这里|这片")
THESE_DAYS = re.compile(r"这[几两些三]天|最近|近期|近来|近[几两三]天|这段")
REPORT, SUBSCRIBE = ("家里没水，报上去", "/low_pressure_or_outage_unplanned"), ("以后停水通知我", "/sub_outage")
BIND = ("绑定户号", "/bind_account")


@dataclass(frozen=True, slots=True)
class Span:
    """The days asked about, both included, and how they were called."""

    first: datetime
    last: datetime
    text: str


class ActionOutageQuery(Task):
    """停不停水, 几点来水: by the place or the account named, else by the accounts bound, else all there is."""

    follows_up = True

    def name(self) -> str:
        """The name in the domain."""
        return "action_outage_query"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Look up the places in question, one after the other."""
        span = days_asked(turn)
        try:
            places = await self._places(turn)
        except NotBound:
            turn.say("utter_not_your_account", buttons=[("看我的户号", "/list_accounts"), BIND])
            return []
        if not places:
            await self._tell_all(turn, span)
            return []
        boards = [(label, await turn.services.outages.between(span.first, span.last, place)) for label, place in places]
        hit = [(label, board) for label, board in boards if board.items]
        for label, board in hit or boards[:1]:
            self._tell(turn, span, label, board)
        _say_when(turn, boards[0][1])
        return []

    async def _places(self, turn: Turn) -> list[tuple[str, Place]]:
        """What to look up, and what to call each place."""
        named = await place_asked(turn)
        if named is not None:
            return [(place_text(named), named)]
        bound = await turn.services.accounts.bindings(turn.openid)
        if turn.values.account_nos or (bound and named_in(turn.text, bound)):
            bound = [choose(bound, turn.values.account_nos, turn.text)]
        elif EVERYWHERE.search(turn.text) and not OWN_HOME.search(turn.text):
            return []
        addresses = await turn.services.accounts.addresses(turn.openid)
        districts = turn.services.outages.districts
        return [(each.label, Place.parse(addresses[each.account_no], districts)) for each in bound]

    @staticmethod
    async def _tell_all(turn: Turn, span: Span) -> None:
        board = await turn.services.outages.between(span.first, span.last)
        bound = bool(await turn.services.accounts.bindings(turn.openid))
        if board.items:
            lines = outage_lines(board.items[:LISTED], turn.services.clock.now())
            turn.say("utter_outages_everywhere", days=span.text, count=len(board.items), lines=lines)
        else:
            turn.say("utter_outages_nowhere", days=span.text)
        _say_when(turn, board)
        if not bound:
            turn.say("utter_outages_say_where", buttons=[BIND])

    @staticmethod
    def _tell(turn: Turn, span: Span, label: str, board: Published[OutageNotice]) -> None:
        now = turn.services.clock.now()
        if not board.items:
            turn.say("utter_outages_none", place=label, days=span.text, buttons=[REPORT, SUBSCRIBE])
            return
        lines = outage_lines(board.items[:LISTED], now)
        over = all(notice.ends_at <= now for notice in board.items)
        turn.say(
            "utter_outages_found", place=label, count=len(board.items), lines=lines,
            buttons=[REPORT] if over else [SUBSCRIBE],
        )


def days_asked(turn: Turn) -> Span:
    """The days that the message names, else today and the week ahead."""
    midnight = datetime.combine(turn.services.clock.now().date(), time(), turn.services.clock.now().tzinfo)
    for value in (*turn.values.all("date"), *turn.values.all("period")):
        first, last = (date.fromisoformat(value[end]) for end in ("from", "to"))
        start = midnight + timedelta(days=(first - midnight.date()).days)
        end = midnight + timedelta(days=(last - midnight.date()).days + 1)
        if THESE_DAYS.search(str(value.get("text") or "")):  # of outages that is what is to come
            end = max(end, midnight + AHEAD)
        return Span(start, end - timedelta(seconds=1), str(value.get("text") or figures.day(first)))
    return Span(midnight, midnight + AHEAD, "今天起一周内")


async def place_asked(turn: Turn) -> Place | None:
    """The place that the message names: an address, else a street, compound or district; not where one's account is meant."""
    outages = turn.services.outages
    addresses = [str(each) for each in turn.values.all("address") if not OWN_HOME.search(str(each))]
    said = next((each for each in addresses if each in turn.text), None)
    found = None if said else await outages.place_in(turn.text)
    address = said or (None if found else next(iter(addresses), None))
    if address is None:
        return found
    place = Place.parse(address, outages.districts)
    if place.district is None:
        around = await outages.place_in(turn.text)
        district = around.district if around else None
        place = Place(district, place.name, place.number)
    return place


def place_text(place: Place) -> str:
    """``滨江区云栖路93号``."""
    number = f"{place.number}号" if place.number else ""
    return f"{place.district or ''}{place.name or ''}{number}"


def outage_lines(notices: Sequence[OutageNotice], now: datetime) -> str:
    """Notices, a blank line between them."""
    return "\n\n".join(_notice(notice, now) for notice in notices)


def _notice(notice: OutageNotice, now: datetime) -> str:
    return "\n".join((
        f"【{KINDS[notice.kind]}】{figures.state(notice.starts_at, notice.ends_at, now)}",
        f"时间：{figures.moment(notice.starts_at)}到{figures.until(notice.starts_at, notice.ends_at)}",
        f"范围：{'、'.join(notice.areas)}",
        f"原因：{notice.reason}",
    ))


def _say_when(turn: Turn, board: Published[OutageNotice]) -> None:
    response = "utter_website_stale" if board.stale else "utter_website_as_of"
    turn.say(response, as_of=figures.moment(board.as_of), hotline=turn.services.utility.hotline.phone)
