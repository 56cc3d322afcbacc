"""Readings and requests as lines for a phone; whole sentences are in ``data/responses/readings.yml``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from actions import figures
from runxia.clock import SHANGHAI
from runxia.utility import VisitRules
from services.readings import DayPart, Kind, MeterReading, MeterRequest, Slot, State

KIND_NAMES = {Kind.READING: "自报读数", Kind.DISPUTE: "读数复核", Kind.VISIT: "上门抄表", Kind.CHECK: "校表"}
PART_NAMES = {DayPart.MORNING: "上午", DayPart.AFTERNOON: "下午"}
STATE_NAMES = {
    State.RECEIVED: "已受理", State.REVIEWING: "核实中", State.ACCEPTED: "已采用", State.REJECTED: "没有采用",
    State.CORRECTED: "已更正", State.UPHELD: "核实无误", State.BOOKED: "已约好", State.SCHEDULED: "已排期",
    State.DONE: "已完成", State.QUALIFIED: "检定合格", State.UNQUALIFIED: "检定不合格", State.CANCELLED: "已取消",
}
READING_KINDS = {"actual": "实抄", "estimated": "估抄", "customer": "自报"}


def full_day(day: date) -> str:
    """``11月24日（周二）``."""
    return f"{figures.day(day)}（周{figures.WEEKDAYS[day.weekday()]}）"


def dated(day: date) -> str:
    """``2026年10月20日``."""
    return f"{day.year}年{figures.day(day)}"


def time(day: date, part: DayPart, rules: VisitRules) -> str:
    """``11月24日（周二）上午 9:00–12:00``."""
    return f"{full_day(day)}{PART_NAMES[part]} {rules.hours[part.value]}"


def short_time(slot: Slot) -> str:
    """For a button: ``11月24日上午``."""
    return f"{figures.day(slot.day)}{PART_NAMES[slot.part]}"


def readings(found: Iterable[MeterReading]) -> str:
    """One line for each reading."""
    return "\n".join(
        f"· {dated(each.read_on)}　{whole(each)}（{READING_KINDS.get(each.kind, each.kind)}）" for each in found
    )


def whole(reading: MeterReading) -> str:
    """A reading as the meter shows it: ``1032``."""
    return str(int(reading.value))


def bill_lines(bill: Mapping[str, Any]) -> str:
    """The readings of a bill in doubt, as the dispute's form keeps it."""
    start, end = (date.fromisoformat(bill[name]) for name in ("start", "end"))
    kind = READING_KINDS.get(bill["kind"], bill["kind"])
    return (
        f"{figures.month(bill['period'])}账单\n上次 {dated(start)}：{bill['previous']}\n"
        f"这次 {dated(end)}：{bill['current']}（{kind}）\n用量：{bill['volume']}吨"
    )


def request_line(request: MeterRequest, rules: VisitRules) -> str:
    """One request in a list: ``· 上门抄表 SM202611210001：11月24日（周二）上午 9:00–12:00，已约好``."""
    when = f"{time(request.day, request.part, rules)}，" if request.day and request.part else ""
    return f"· {KIND_NAMES[request.kind]} {request.request_no}：{when}{STATE_NAMES[request.state]}"


def filed(request: MeterRequest) -> str:
    """The day on which a request was made."""
    return figures.day(request.filed_at.astimezone(SHANGHAI).date())
