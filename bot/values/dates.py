"""Days and parts of days: when someone shall come, since when something is so (明天上午, 下周三, 25号, 昨晚, 三天前).

A bare weekday or day of the month lies ahead, as appointments do, unless the words say that it is over (周三就没水了).
"""

from __future__ import annotations

import calendar
import contextlib
import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from bot.values.numbers import DIGITS, parse_number
from bot.values.periods import DAY, MONTH, UNTIL_NOW, YEAR, year_said

PARTS = {
    "morning": "凌晨|清晨|大清早|清早|早晨|大早上|早上|早间|一大早|一早|上午",
    "afternoon": "中午|正午|晌午|午后|下午",
    "evening": "傍晚|晚上|晚间|夜晚|夜里|夜间|深夜|后半夜|大半夜|半夜|下班以?后",
}
_PART_OF = {word: part for part, words in PARTS.items() for word in words.replace("以?", "").split("|")}
_PART_OF |= {"早": "morning", "晨": "morning", "晚": "evening", "夜": "evening", "下班以后": "evening"}
_PART_OF |= {"morning": "morning", "afternoon": "afternoon", "night": "evening"}
_PART = "|".join(PARTS.values())

SEVERAL = 3  # 过几天
_COUNT = r"(?:(?<![0-9.])[0-9]{1,2}|[一二两三四五六七八九十]{1,3}|好?几)"
_HOUR = r"(?:1[0-9]|2[0-4]|0?[0-9]|二十[一二三四]?|十[一二三四五六七八九]?|[一二两三四五六七八九])"
_MINUTE = r"(?:[0-5]?[0-9]分?|[二三四五]?十[一二三四五六七八九]?分?)"
_NO_CLOCK = r"(?![都也儿没个水建意要小]|不(?!要发|发|要推|推送|要打|打扰|要吵|要给|要再))"  # 明天一点水都没有, but 八点不要发


def clock(suffix: str = "") -> str:
    """A pattern for a time of the day, with groups ``part``, ``hour``, ``minute`` and ``past`` (each with ``suffix``)."""
    return (
        rf"(?:(?P<part{suffix}>{_PART}|[早晚夜])的? ?)?(?<![0-9:.])(?P<hour{suffix}>{_HOUR})"
        rf"(?::(?P<minute{suffix}>[0-5][0-9])(?![0-9])|[点时](?:钟|整|(?P<past{suffix}>半|[一三]刻|{_MINUTE}))?{_NO_CLOCK})"
    )


_BETWEEN = r" ?(?:到|至|[-—–~～]+|一直到) ?(?:第二天|次日|隔天|明天)?(?:的)?"
_TAIL = (
    rf"(?:的? ?(?P<said_part>{_PART})(?!好|安(?!排)))?"
    rf"(?: ?(?:大概|大约)?{clock()}(?:{_BETWEEN}{clock('_end')})?(?:多|左右|(?:之|以)[前后](?!没|就))?)?"
)

_RELATIVE = {
    "大前": -3, "前": -2, "昨": -1, "今": 0, "明": 1, "后": 2, "大后": 3, "琴": -1, "寻": -1, "听": 1,
}  # fmt: skip
_WEEKS = {"上上": -2, "上": -1, "这": 0, "本": 0, "下": 1, "下下": 2}
_WEEK = "(?:周|星期|礼拜)"
_WHICH = "上上|上|下下|下|这|本"
_WEEKDAYS = "一二三四五六日"

# After a bare weekday or day of the month: it is over.
_IS_OVER = re.compile(
    r"(?:的?时候)?(?:那天|(?:开始|起)(?:的|到)|(?:开始|起)?(?:就|一直|已经|才)*"
    r"(?:没水|没来|没修|停了|停的|停水了|断了|坏了|坏的|漏了|漏的|漏水了|黄|浑|发|有味|变|爆|报修?的|报过|报了|来过|来的|"
    r"交的|交了|付的|修过|修的|约的|打过|说))"
)
_NOT_A_DAY = (
    r"(?!(?![0-9]{1,2}:[0-9]{2})[楼栋幢弄院门店线表桌房室单库井仓铺摊杆站机墙码段子称令召外卡户位车桥大小厂公商\-之0-9])"
)
# What may stand before a bare day of the month; after anything else (江南大道25号) it is the number of a house.
_BEFORE_DAY = re.compile(r"(?:^|[\s,，。.!！?？;；:：、~～(（“\"\-到从在等就约成是要想那我改的于自打过换挪排订定给或和跟至])$")
_HOUSE_BEFORE = re.compile(r"(?:门牌|地址|住|楼|路|街|弄|小区|户号|编号|账号|号码)(?:号|就|是|在|[:：,， ])*$")
_LOOK_BACK = 8


@dataclass(frozen=True)
class Days:
    """Days from ``start`` to ``end``, both included, at a place in the text.

    ``part`` of the day: ``morning``, ``afternoon``, ``evening`` or None.
    ``named``: by a day, not by how long ago (三天前, 刚才).
    """

    at: int
    to: int
    start: date
    end: date
    part: Optional[str] = None
    named: bool = True

    def value(self, text: str, today: date) -> Dict[str, Any]:
        """The entity's value, as ``docs/architecture.md`` describes it."""
        return {
            "from": self.start.isoformat(),
            "to": self.end.isoformat(),
            "part": self.part,
            "text": text[self.at : self.to],
            "past": self.named and self.end <= today,
        }


Said = Dict[str, Optional[str]]
Read = Optional[Tuple[date, date]]  # first and last day
Reader = Callable[[Said, date, bool], Read]  # what the groups caught, today, whether the words say that it is over


def find_dates(text: str, today: date) -> List[Days]:
    """Days in normalised ``text``, in order; none overlaps another."""
    chosen: List[Days] = []
    for days in sorted(_matches(text, today), key=lambda days: (days.at - days.to, days.at)):
        if all(days.to <= other.at or days.at >= other.to for other in chosen):
            chosen.append(days)
    return _join_ranges(text, sorted(chosen, key=lambda days: days.at), today)


_PART_ALONE = re.compile(rf"(?:{clock()}|(?P<said_part>{_PART})(?!好|安(?!排)))")
_CLOCK_ALONE = re.compile(rf"\s*(?:就|那就|要)?{clock()}(?:左右)?(?:吧|[。.])*\s*")


def find_day_parts(text: str) -> Iterator[Tuple[int, int, str]]:
    """Parts of a day that are named without a day (上午, 下午三点); a bare hour only where it is all of the message."""
    for match in _PART_ALONE.finditer(text):
        if match["said_part"] or match["part"] or _CLOCK_ALONE.fullmatch(text):
            part = _part({**_NOTHING, **match.groupdict()})
            if part:
                yield match.start(), match.end(), part


def part_of(hour: int, said: Optional[str]) -> str:
    """The part of the day of an hour; without a word for it, one to six is in the afternoon, when people are visited."""
    if said:
        return _PART_OF[said]
    return "morning" if 7 <= hour < 12 else "afternoon" if hour < 18 else "evening"


def hour_said(text: str) -> int:
    """The hour a group of ``clock`` caught."""
    return int(parse_number(text) or 0)


def _part(said: Said) -> Optional[str]:
    word = said["said_part"] or said["short"]
    if word:
        return _PART_OF[word]
    return part_of(hour_said(said["hour"]), said["part"]) if said["hour"] else None


# --- single days


def _one(day: date) -> Read:
    return day, day


def _read_relative(said: Said, today: date, over: bool) -> Read:
    return _one(today + timedelta(days=_RELATIVE[said["which"] or "今"]))


def _read_pair(said: Said, today: date, over: bool) -> Read:
    first = _RELATIVE[said["which"] or "今"]
    return today + timedelta(days=first), today + timedelta(days=first + 1)


def _read_weekday(said: Said, today: date, over: bool) -> Read:
    name = (said["weekday"] or "").replace("天", "日")
    number = int(name) - 1 if name.isdigit() else _WEEKDAYS.index(name)
    if said["which"]:
        return _one(_monday(today, said["which"]) + timedelta(days=number))
    ahead = (number - today.weekday() - 1) % 7 + 1
    return _one(today + timedelta(days=ahead - 7 if over else ahead))


def _monday(today: date, which: Optional[str]) -> date:
    return today - timedelta(days=today.weekday()) + timedelta(weeks=_WEEKS[which or "这"])


def _read_weekend(said: Said, today: date, over: bool) -> Read:
    saturday = _monday(today, said["which"]) + timedelta(days=5)
    return saturday, saturday + timedelta(days=1)


def _read_week(said: Said, today: date, over: bool) -> Read:
    monday = _monday(today, said["which"])
    return monday, monday + timedelta(days=6)


def _read_month_day(said: Said, today: date, over: bool) -> Read:
    """A day of a named month; without a year, the one nearest to today."""
    month, day = int(parse_number(said["month"] or "") or 0), int(parse_number(said["day"] or "") or 0)
    year = year_said(said["year"], today)
    years = [year] if year else [today.year - 1, today.year, today.year + 1]
    found: List[date] = []
    for each in years:
        with contextlib.suppress(ValueError):
            found.append(date(each, month, day))
    return _one(min(found, key=lambda each: abs((each - today).days))) if found else None


def _read_dashed(said: Said, today: date, over: bool) -> Read:
    with contextlib.suppress(ValueError):
        return _one(date(int(said["year"] or 0), int(said["month"] or 0), int(said["day"] or 0)))
    return None


def _months_on(today: date, count: int) -> date:
    """The first day of the month ``count`` months after this one."""
    months = today.year * 12 + today.month - 1 + count
    return date(months // 12, months % 12 + 1, 1)


def _last_of(first: date) -> date:
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


def _read_day_of_month(said: Said, today: date, over: bool) -> Read:
    day = int(parse_number(said["day"] or "") or 0)
    months = (_WEEKS[said["which"]],) if said["which"] else (0, -1, -2) if over else (0, 1, 2)
    for count in months:
        with contextlib.suppress(ValueError):
            found = _months_on(today, count).replace(day=day)
            if said["which"] or (found <= today if over else found >= today):
                return _one(found)
    return None


def _read_third(said: Said, today: date, over: bool) -> Read:
    """月初, 月底: a third of a month, this one's or, when that is over, the next one's."""
    first, last = {"初": (1, 10), "上": (1, 10), "中": (11, 20)}.get((said["third"] or "")[0], (21, 31))
    month = _months_on(today, _WEEKS[said["which"]] if said["which"] else 0)
    if not said["which"] and min(last, _last_of(month).day) < today.day:
        month = _months_on(today, 1)
    return month.replace(day=first), month.replace(day=min(last, _last_of(month).day))


def _read_ago(said: Said, today: date, over: bool) -> Read:
    if said["hours"]:
        return _one(today)
    return _one(today - timedelta(days=_days(said)))


def _read_lasting(said: Said, today: date, over: bool) -> Read:
    """Since when something is broken; how long one waits for papers (发票一个礼拜了) is no such day."""
    return _read_ago(said, today, over) if _lasts(said["message"] or "") else None


def _lasts(message: str) -> bool:
    return bool(_LASTS.search(message)) and not _PAPERS.search(message)


def _read_last(said: Said, today: date, over: bool) -> Read:
    return today - timedelta(days=_days(said)), today


def _read_ahead(said: Said, today: date, over: bool) -> Read:
    return _one(today + timedelta(days=_days(said)))


def _read_just_now(said: Said, today: date, over: bool) -> Read:
    return _one(today)


def _days(said: Said) -> int:
    if said["half"]:
        return 15
    return count_said(said["count"] or "") * (1 if said["unit"] in ("天", "日") else 7)


def count_said(text: str) -> int:
    """A small number; of two that are named (两三天) the greater, three for 几."""
    if text.endswith("几"):
        return SEVERAL
    if len(text) == 2 and all(character in DIGITS for character in text):
        text = text[1]
    return int(parse_number(text) or 0)


_ENGLISH_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ENGLISH_DAYS = {
    "yesterday": -1, "last night": -1, "today": 0, "this morning": 0, "this afternoon": 0, "tonight": 0, "tomorrow": 1,
}  # fmt: skip


def _read_english(said: Said, today: date, over: bool) -> Read:
    if said["day"]:
        return _one(today + timedelta(days=_ENGLISH_DAYS[said["day"]]))
    number = _ENGLISH_WEEKDAYS.index((said["weekday"] or "")[:3]) + 1
    return _read_weekday({**said, "weekday": str(number)}, today, over)


_SPAN = rf"(?:(?P<count>{_COUNT})(?P<unit>天|日|个?{_WEEK})|(?P<half>半)个?月)"
_HOURS = rf"(?P<hours>半个?多?|[0-9]+个?半?|{_COUNT}个?多?半?)(?:小时|钟头|分钟|刻钟)"
_BEFORE = r"(?:多|左右)?(?:之前|以前|前)(?!就?要?(?:通知|提醒|告诉|发|叫|说))"
# What lasts, as since when is asked; or nothing else is said.
_LASTS = re.compile(
    r"水|漏|爆|滴|喷|冒|渗|淹|坏|破|断|停|堵|裂|转|走|黄|浑|黑|锈|臭|味|脏|压|空气|声|响|修|抢|表|井盖|^.{0,12}$"
)
_PAPERS = re.compile(r"发票|材料|申请|审|批|退款|快递|发货|合同")
_BROKEN = r"没水|没有水|没来水|停水|断水|不来水|不出水"

_SINGLE: List[Tuple[re.Pattern[str], Reader, bool]] = [
    (
        re.compile(
            r"(?P<which>大前|大后|(?<![之以目年月号周期午到])前|昨|今|明|(?<![以之然今往])后)(?:[天日](?!天)|儿个?)"
            rf"{_TAIL}"
        ),
        _read_relative, True,
    ),
    (re.compile(rf"(?P<which>[今明昨])(?:朝|个儿?(?!月|人|星|礼))(?!阳){_TAIL}"), _read_relative, True),
    (re.compile(rf"(?P<which>[听琴寻])日{_TAIL}"), _read_relative, True),
    (
        re.compile(
            r"(?P<which>[今明昨听琴寻]|(?<!提)前(?=[晚夜]))(?P<short>[早晨晚夜])(?:上|间|里)?(?!期)"
            rf"(?: ?{clock()}(?:多|左右)?)?"
        ),
        _read_relative, True,
    ),
    (re.compile(rf"(?P<which>[今明])(?:明|后)(?:两?天){_TAIL}"), _read_pair, True),
    (
        re.compile(
            rf"(?<![一两二三四五六七八九十几每半整0-9])(?<!每个)(?:(?P<which>{_WHICH})(?:一?个)?)?{_WEEK}(?P<weekday>[一二三四五六日天1-6])"
            rf"(?![年月个日天级期季次0-9]){_TAIL}"
        ),
        _read_weekday, True,
    ),
    (re.compile(rf"(?<![每逢到])(?<!每个)(?:(?P<which>{_WHICH})(?:一?个)?)?(?:周末|双休日?){_TAIL}"), _read_weekend, True),
    (re.compile(rf"(?P<which>下下|下)一?个?{_WEEK}(?![末一二三四五六日天1-7]){_TAIL}"), _read_week, True),
    (re.compile(rf"(?P<year>{YEAR})?(?P<month>{MONTH})月(?P<day>{DAY})[日号]{_NOT_A_DAY}{_TAIL}"), _read_month_day, True),
    (
        re.compile(
            rf"(?<![0-9.])(?P<month>1[0-2]|0?[1-9])[-./](?P<day>[12][0-9]|3[01]|0?[1-9])(?= ?(?:{_PART})){_TAIL}"
        ),
        _read_month_day, True,
    ),
    (
        re.compile(
            r"(?<![0-9])(?P<year>20[0-9]{2})[-./](?P<month>1[0-2]|0?[1-9])[-./](?P<day>[12][0-9]|3[01]|0?[1-9])(?![0-9])[日号]?"
            rf"{_TAIL}"
        ),
        _read_dashed, True,
    ),
    (re.compile(rf"(?P<which>{_WHICH})一?个?月份?的?(?P<day>{DAY})[日号]{_NOT_A_DAY}{_TAIL}"), _read_day_of_month, True),
    (
        re.compile(r"(?<![0-9一二三四五六七八九十个两几])(?:(?P<which>[上下这本])一?个?)?月(?P<third>初|上旬|中旬|下旬|底|末)"),
        _read_third, True,
    ),
    (re.compile(rf"(?:{_SPAN}|{_HOURS}){_BEFORE}"), _read_ago, False),
    (re.compile(rf"(?<!提前)(?<!过了)(?<![每第])(?:{_SPAN}|{_HOURS})多?(?:了(?!解)|(?={_BROKEN}))"), _read_lasting, False),
    (re.compile(rf"(?<=没水|停水)了?(?:{_SPAN}|{_HOURS})"), _read_ago, False),
    (re.compile(rf"(?<![提之以目水年月号期])[前这]{_SPAN}"), _read_last, True),
    (re.compile(rf"再?过{_SPAN}"), _read_ahead, False),
    (re.compile(rf"{_SPAN}(?:之后|以后|后)(?!悔)"), _read_ahead, False),
    (
        re.compile(r"(?:刚刚才?|刚才|方才)(?![那这你您好不说问讲提发选查点填输]|的(?!$)|报的|我(?!们?[家这院楼店])|是我|接了?个|打错|就说)"),
        _read_just_now, False,
    ),
    (
        re.compile(
            r"(?<![a-z])(?:(?P<day>(?:last |to)(?P<short>night)|this (?P<said_part>morning|afternoon)|yesterday|today|tomorrow)"
            r"|(?P<weekday>mon|tue|wed|thu|fri|sat|sun)(?:day|sday|nesday|rsday|urday)?)(?![a-z])"
        ),
        _read_english, True,
    ),
]  # fmt: skip
_DAY_OF_MONTH = re.compile(rf"(?P<day>{DAY})[日号]{_NOT_A_DAY}{_TAIL}")

_NOTHING: Said = dict.fromkeys(
    (
        "year", "month", "day", "which", "weekday", "third", "count", "unit", "half", "hours", "short",
        "part", "hour", "said_part", "message",
    )
)  # fmt: skip


def _matches(text: str, today: date) -> Iterator[Days]:
    for pattern, read, named in _SINGLE:
        for match in pattern.finditer(text):
            yield from _days_of(match, read, named, text, today)
    for match in _DAY_OF_MONTH.finditer(text):
        before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
        if _BEFORE_DAY.search(before) and not _HOUSE_BEFORE.search(before):
            yield from _days_of(match, _read_day_of_month, True, text, today)


def _days_of(match: re.Match[str], read: Reader, named: bool, text: str, today: date) -> Iterator[Days]:
    said = {**_NOTHING, "message": text, **match.groupdict()}
    found = read(said, today, bool(_IS_OVER.match(text, match.end())))
    if found:
        yield Days(match.start(), match.end(), *found, part=_part(said), named=named)


# --- ranges

_TO = re.compile(r" ?(?:到|至|[-—–~～]+|一直到) ?")


def _join_ranges(text: str, found: List[Days], today: date) -> List[Days]:
    """One for each range that reaches today (前天到现在) or the future (11月25号到27号); past ones are billing periods."""
    joined: List[Days] = []
    for days in found:
        first = joined[-1] if joined else None
        if first and _TO.fullmatch(text, first.to, days.at):
            end = days.end if days.end >= first.start else _in_month_of(first.start, days.end)
            if end >= max(today, first.start):
                joined[-1] = replace(first, to=days.to, end=end, part=first.part if first.part == days.part else None)
                continue
        joined.append(days)
    return [_until_now(text, days, today) for days in joined]


def _in_month_of(start: date, day: date) -> date:
    return start.replace(day=min(day.day, _last_of(start).day))


def _until_now(text: str, days: Days, today: date) -> Days:
    match = UNTIL_NOW.match(text, days.to)
    return replace(days, to=match.end(), end=today) if match and days.start <= today else days
