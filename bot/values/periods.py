"""Spans of time as customers name them, resolved to days.

Months, quarters, half years and relative spans follow rules of our own: what is said about bills lies in the past, so a bare
month is never in the future. Festivals of the lunar calendar come from jionlp.
"""

from __future__ import annotations

import calendar
import contextlib
import io
import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from bot.values.numbers import parse_digits, parse_number

_D = "[0-9零〇一二三四五六七八九]"
_N = r"(?:[0-9]{1,2}|[一二两三四五六七八九十]{1,3}|几|俩)"
_SEVERAL = 3  # 这几个月 without a number

_NAMED_YEAR = r"大前年|前年|去年|上一?年度?|旧年|今年|本年度?|当年(?=的?(?:累计|用水|用量|账单|水量|水费))|明年"
YEAR = (
    rf"(?:{_NAMED_YEAR}|(?:(?:20|二零|二〇)?{_D}{{2}})年|"
    r"(?<![0-9])20[0-9]{2}(?=q[1-4]|全年|[上下]半年|第[一二三四1-4]季))(?:的|度的?)?"
)
MONTH = r"(?:(?<![0-9.])(?:1[0-2]|0?[1-9])|(?<![一二三四五六七八九])(?:十[一二]?|[一二三四五六七八九]))"
DAY = r"(?:[12][0-9]|3[01]|0?[1-9]|[二三]?十[一二三四五六七八九]?|[一二三四五六七八九])"
_AFTER_MONTH = r"月份?(?!亮|季|嫂)"

SEASONS = {"春": (3, 5), "夏": (6, 8), "秋": (9, 11), "冬": (12, 14)}  # months; 13, 14 are of the next year
# 过年 is a period where something was then (过年那个月); otherwise it is only why one travels (过年要回老家).
_FESTIVALS = (
    "春节|过年(?=期间|前后|那|的?时候|的?(?:水|用|账|费|这)|用|$|[,，。？?])|除夕|元宵节?|清明节?|端午节?|中秋节?|重阳节?|七夕|腊八"
)
_SOLAR_FESTIVALS = {"元旦": 1, "五一": 5, "国庆": 10, "十一假期": 10, "双十一": 11, "双11": 11}

_ENGLISH_MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may(?! (?:i|be|not|you))|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    "oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_ENGLISH_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True)
class Span:
    """Days from ``start`` to ``end``, both included, at a place in the text."""

    at: int
    to: int
    start: date
    end: date
    grain: str  # day, month, quarter, season, year or span
    exclude: bool = False
    missing: str = ""  # what the customer left out of the name: 7、8月 leaves out the 月 of 7月

    def value(self, text: str) -> Dict[str, Any]:
        """The entity's value, as ``docs/architecture.md`` describes it."""
        return {
            "from": self.start.isoformat(),
            "to": self.end.isoformat(),
            "text": text[self.at : self.to] + self.missing,
            "grain": self.grain,
            "exclude": self.exclude,
        }


Days = Tuple[date, date, str]  # first, last, grain
Reader = Callable[[Dict[str, Optional[str]], date], Optional[Days]]


def find_periods(text: str, today: date) -> List[Span]:
    """Periods in normalised ``text``, in order; none overlaps another."""
    spans = _without_overlaps(_matches(text, today))
    spans = _join_ranges(text, spans, today)
    return _mark_excluded(text, spans)


# --- single periods


def _month_days(year: int, month: int) -> Tuple[date, date]:
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])


def _months(year: int, first: int, last: int, grain: str) -> Days:
    return _month_days(year, first)[0], _month_days(year, last)[1], grain


def _months_back(today: date, count: int) -> date:
    return _month_days(today.year, today.month - count)[0]


def year_said(said: Optional[str], today: date) -> Optional[int]:
    """The calendar year of 去年, 2025年, 25年..., or None where none was said."""
    if not said:
        return None
    said = said.rstrip("的").rstrip("度")
    named = {
        "大前年": -3,
        "前年": -2,
        "去年": -1,
        "旧年": -1,
        "上年": -1,
        "上一年": -1,
        "今年": 0,
        "本年": 0,
        "当年": 0,
        "明年": 1,
    }
    if said in named:
        return today.year + named[said]
    digits = parse_digits(said.rstrip("年")) or "0"
    return int(digits) + (2000 if len(digits) == 2 else 0)


def _number(said: Optional[str]) -> int:
    if said == "几":
        return _SEVERAL
    return int(parse_number((said or "1").replace("俩", "两")) or 1)


def _read_month(said: Dict[str, Optional[str]], today: date) -> Optional[Days]:
    month = _number(said["month"])
    year = year_said(said["year"], today)
    if year is None:
        year = today.year if month <= today.month else today.year - 1
    if said["day"]:
        with contextlib.suppress(ValueError):
            day = date(year, month, _number(said["day"]))
            return day, day, "day"
        return None
    return _months(year, month, month, "month")


def _read_dashed(said: Dict[str, Optional[str]], today: date) -> Optional[Days]:
    year, month = int(said["year"] or 0), int(said["month"] or 0)
    if said["day"]:
        with contextlib.suppress(ValueError):
            day = date(year, month, int(said["day"]))
            return day, day, "day"
        return None
    return _months(year, month, month, "month")


def _read_relative_month(said: Dict[str, Optional[str]], today: date) -> Optional[Days]:
    back = {"上": 1, "上上": 2, "前": 2, "上上上": 3, "下": -1}.get(said["which"] or "", 0)
    return _months(today.year, today.month - back, today.month - back, "month")


def _read_same_time(said: Dict[str, Optional[str]], today: date) -> Optional[Days]:
    year = year_said(said["year"], today) or today.year
    return _months(year, today.month, today.month, "month")


def _read_last_months(said: Dict[str, Optional[str]], today: date) -> Optional[Days]:
    count = 6 if said["half"] else _number(said["count"]) * (12 if said["unit"] == "年" else 1)
    if said["before"]:  # 前三个月: whole months before this one
        return _months_back(today, count), _month_days(today.year, today.month - 1)[1], "span"
    return _months_back(today, count), today, "span"


def _read_last_days(said: Dict[str, Optional[str]], today: date) -> Optional[Days]:
    days = _number(said["count"]) * (1 if (said["unit"] or "") in "天日" else 7)
    return today - timedelta(days=days), today, "span"


def _read_half_year(said: Dict[str, Optional[str]], today: date) -> Optional[Days]:
    first = 1 if said["half"] == "上" else 7
    year = year_said(said["year"], today) or (today.year if first <= today.month else today.year - 1)
    return _months(year, first, first + 5, "span")


def _read_quarter(said: Dict[str, Optional[str]], today: date) -> Optional[Days]:
    if said["which"]:
        first = (today.month - 1) // 3 * 3 + 1 - {"上": 3, "上上": 6}.get(said["which"], 0)
        return _months(today.year, first, first + 2, "quarter")
    number = _number(said["number"] or said["nth"] or said["q"])
    if not 1 <= number <= 4:
        return None
    first = number * 3 - 2
    year = year_said(said["year"], today) or (today.year if first <= today.month else today.year - 1)
    return _months(year, first, first + 2, "quarter")


def _read_season(said: Dict[str, Optional[str]], today: date) -> Optional[Days]:
    first, last = SEASONS[said["season"] or said["bare"] or "春"]
    year = year_said(said["year"], today)
    if year is None:
        year = today.year if first <= today.month else today.year - 1
    elif said["season"] == "冬" and (
        # A winter spans two years. "Last winter" is the last one that is over; "this winter" is the one just past until
        # autumn ends.
        (year == today.year and today.month < 11) or (year == today.year - 1 and today.month <= 2)
    ):
        year -= 1
    return _months(year, first, last, "season")


def _read_year(said: Dict[str, Optional[str]], today: date) -> Optional[Days]:
    year = year_said(said["year"], today) or today.year
    if said["part"]:
        first, last = {"初": (1, 1), "底": (12, 12), "末": (12, 12), "中": (6, 7)}[said["part"]]
        return _months(year, first, last, "month" if first == last else "span")
    return date(year, 1, 1), date(year, 12, 31), "year"


def _read_english(said: Dict[str, Optional[str]], today: date) -> Optional[Days]:
    if said["name"]:
        return _read_month({**said, "month": str(_ENGLISH_MONTHS.index(said["name"][:3]) + 1)}, today)
    back = {"last": 1, "next": -1}.get(said["which"] or "", 0)
    if said["unit"] == "year":
        return date(today.year - back, 1, 1), date(today.year - back, 12, 31), "year"
    return _months(today.year, today.month - back, today.month - back, "month")


def _read_english_span(said: Dict[str, Optional[str]], today: date) -> Optional[Days]:
    count = _number(said["count"]) * (12 if said["unit"] == "year" else 1)
    return _months_back(today, count), today, "span"


def _read_day(said: Dict[str, Optional[str]], today: date) -> Optional[Days]:
    day = today - timedelta(days={"大前": 3, "前": 2, "昨": 1, "今": 0}[said["which"] or "今"])
    return day, day, "day"


def _read_week(said: Dict[str, Optional[str]], today: date) -> Optional[Days]:
    monday = today - timedelta(days=today.weekday() + {"上": 7, "上上": 14}.get(said["which"] or "", 0))
    return monday, monday + timedelta(days=6), "span"


def _read_solar_festival(said: Dict[str, Optional[str]], today: date) -> Optional[Days]:
    month = _SOLAR_FESTIVALS[said["festival"] or "元旦"]
    year = year_said(said["year"], today) or (today.year if month <= today.month else today.year - 1)
    return _months(year, month, month, "month")


def _read_lunar_festival(said: Dict[str, Optional[str]], today: date) -> Optional[Days]:
    festival = {"过年": "春节"}.get(said["festival"] or "", said["festival"] or "")
    year = year_said(said["year"], today)
    day = _lunar_day(festival, year or today.year)
    if day and year is None and day > today:
        day = _lunar_day(festival, today.year - 1)
    return _months(day.year, day.month, day.month, "month") if day else None


def _lunar_day(festival: str, year: int) -> Optional[date]:
    """The day of a festival of the lunar calendar, by jionlp."""
    try:
        found = _jionlp().parse_time(festival, time_base={"year": year, "month": 1, "day": 1})
    except ValueError:
        return None
    return date.fromisoformat(str(found["time"][0])[:10])


def _jionlp() -> Any:
    with contextlib.redirect_stdout(io.StringIO()):  # it prints a notice when imported
        import jionlp
    return jionlp


def warm_up() -> None:
    """Load what the first festival would have to wait for (about a second)."""
    _lunar_day("春节", 2026)


_SINGLE: List[Tuple[re.Pattern[str], Reader]] = [
    (
        re.compile(
            r"(?<![0-9])(?P<year>20[0-9]{2})[-./](?P<month>1[0-2]|0?[1-9])[-./](?P<day>[12][0-9]|3[01]|0?[1-9])(?![0-9])"
        ),
        _read_dashed,
    ),
    (re.compile(r"(?<![0-9])(?P<year>20[0-9]{2})[-./](?P<month>1[0-2]|0?[1-9])(?![0-9])(?:月份?)?"), _read_dashed),
    (
        re.compile(r"(?<![0-9])(?P<year>20[0-9]{2})(?P<month>1[0-2]|0[1-9])(?=的|账单|帐单|水费|期|这期|月)(?:月份?)?"),
        _read_dashed,
    ),
    (re.compile(rf"(?P<year>{YEAR})?(?P<month>{MONTH}){_AFTER_MONTH}(?:(?P<day>{DAY})[日号])?"), _read_month),
    (
        re.compile(r"(?P<which>上上上|上上|上|下|(?<![之以目])前(?=个月))一?个?(?:月|号头|(?:账|帐)单月|(?:账|帐)期|周期)(?!份?[0-9]{1,2}[日号])份?|(?:这个?|[格迭搿]个|本|当|今)(?:月份?|号头|(?:账|帐)期)"),
        _read_relative_month,
    ),
    (
        re.compile(rf"(?P<year>{YEAR})(?:这个?(?:时候|时间|时节|月)|这会儿?|这阵子?|同期|同一?时[期间]|同月|本月|现在|此时)"),
        _read_same_time,
    ),
    (re.compile(r"(?:(?P<which>上上|上|下)一?期|(?:这一?|本|当)期)(?![止起]码|[止起]数|[止起]度)"), _read_relative_month),
    (re.compile(r"(?P<which>上)(?:一?次|一?回)(?=的?(?:账单|帐单|水费))"), _read_relative_month),
    (
        re.compile(
            rf"(?:(?:最近|近|过去|这|(?P<before>之?前|前面|往前))(?:的|这)?"
            rf"(?:(?P<half>半)年|(?P<count>{_N})个?(?P<unit>月|年|期)|一整?年|整年|(?<!前)年)(?!级|度))"
            "(?:多|来|里|内|之内|以来|间)?"
        ),
        _read_last_months,
    ),
    (re.compile(r"(?<![上下一二三两几])(?P<half>半)年(?:来|以来|内|之内|里)"), _read_last_months),
    (re.compile(rf"(?:最近|近|过去|这|(?<![提之以])前)(?P<count>{_N})个?(?P<unit>天|日|周|星期|礼拜)"), _read_last_days),
    (re.compile(rf"(?P<year>{YEAR})?(?P<half>[上下])半年"), _read_half_year),
    (
        re.compile(
            rf"(?P<year>{YEAR})?(?:第(?P<nth>[一二三四1-4])季度?|(?P<number>[一二三四1-4])季度|q(?P<q>[1-4])季?度?)|(?P<which>上上|上|这|本|当)一?个?季度?"
        ),
        _read_quarter,
    ),
    (
        re.compile(
            rf"(?P<year>{YEAR})(?P<season>[春夏秋冬])(?:天|季|里|季节)(?![节])(?:那(?:俩|[几两二三]个)月)?"
            rf"|(?<!关于)(?<!一到)(?<!每到)(?<!每年)(?P<bare>[春夏秋冬])(?:天|季|里|季节)(?![节]|怎|的?水管|防|快|要?来|会|容易|很?冷|太?热)"
            r"(?:那(?:俩|[几两二三]个)月)?"
        ),
        _read_season,
    ),
    (re.compile(rf"(?P<year>{YEAR})(?P<season>[春夏秋冬])"), _read_season),
    (re.compile(r"(?<![今去前明本当0-9])年(?P<part>初)"), _read_year),
    (re.compile(r"入(?P<season>[春夏秋冬])(?=以来|以后|到现在)"), _read_season),
    (
        re.compile(
            rf"(?P<year>{YEAR})(?:年?(?P<part>[初底末中](?!国)))?(?:全年|整年|一整年|一年)?(?!几岁|多大|[0-9一二三四五六七八九十多几来]{{1,4}}岁)"
        ),
        _read_year,
    ),
    (re.compile(r"(?P<which>大前|前|昨|今)(?:天|日)"), _read_day),
    (re.compile(r"(?P<which>上上|上|这|本)一?个?(?:周|星期|礼拜)"), _read_week),
    (
        re.compile(
            rf"(?P<year>{YEAR})?(?<![块元毛角点])(?P<festival>{'|'.join(_SOLAR_FESTIVALS)})(?:节|假期|长假)?(?![吨方度])"
        ),
        _read_solar_festival,
    ),
    (
        re.compile(rf"(?<![a-z])(?:(?P<which>this|last|next) ?(?P<unit>month|year)|(?P<name>{_ENGLISH_MONTH}))(?![a-z])"),
        _read_english,
    ),
    (re.compile(r"(?:last|past) ?(?P<count>[0-9]{1,2}) ?(?P<unit>month|year)s?"), _read_english_span),
    (re.compile(rf"(?P<year>{YEAR})?(?P<festival>{_FESTIVALS})"), _read_lunar_festival),
]


def _matches(text: str, today: date) -> Iterator[Span]:
    yield from _month_lists(text, today)
    for pattern, read in _SINGLE:
        for match in pattern.finditer(text):
            days = read({**_NOTHING, **match.groupdict()}, today)
            if days:
                yield Span(match.start(), match.end() - match.group().endswith("的"), *days)


_NOTHING: Dict[str, Optional[str]] = dict.fromkeys(
    (
        "year", "month", "day", "which", "count", "unit", "half", "before", "number", "nth", "q", "season", "part", "festival",
        "name", "bare",
    )
)  # fmt: skip
# 7、8月  6,7,8月份  七八月  七八两个月: several months, the word 月 said once
_LIST = re.compile(
    rf"(?P<year>{YEAR})?(?P<months>(?:{MONTH}月?份?(?:、|,|，|和|跟|与))+{MONTH}|[一二三四五六七八九]{{2}})(?:月份?|[两三]个月)(?!亮|季|嫂)"
)
_ONE_OF_LIST = re.compile(r"1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九]")


def _month_lists(text: str, today: date) -> Iterator[Span]:
    for match in _LIST.finditer(text):
        offset = match.start("months")
        months = list(_ONE_OF_LIST.finditer(match["months"]))
        for index, month in enumerate(months):
            said = {**_NOTHING, "month": month.group(), "year": match["year"]}
            days = _read_month(said, today)
            if days is None:
                continue
            start = match.start() if index == 0 else offset + month.start()
            end = match.end() if index == len(months) - 1 else offset + month.end()
            yield Span(
                start,
                end,
                *days,
                missing="" if index == len(months) - 1 or "月" in month.string[month.end() : month.end() + 1] else "月",
            )


def _without_overlaps(spans: Iterator[Span]) -> List[Span]:
    """The longest at each place, in the order of the text."""
    chosen: List[Span] = []
    for span in sorted(spans, key=lambda span: (span.at - span.to, span.at)):
        if all(span.to <= other.at or span.at >= other.to for other in chosen):
            chosen.append(span)
    return sorted(chosen, key=lambda span: span.at)


# --- ranges

_BETWEEN = re.compile(r" ?(?:到|至|[-—–~～]+|一直到) ?")
UNTIL_NOW = re.compile(r"(?:开始)?(?:以来|至今|到如今|到而家|到这会儿?|到现在|到今天|到目前|开始到现在|起到现在|到今为止)")
# 3到5月: the first month of a range without its 月
_SHORT_RANGE = re.compile(rf"(?P<year>{YEAR})?(?P<first>{MONTH})(?:到|至|[-—–~～])(?={MONTH}月)")
_RANGE_GRAINS = ("month", "quarter", "year", "season", "day")


def _join_ranges(text: str, spans: List[Span], today: date) -> List[Span]:
    joined: List[Span] = []
    for span in (_with_short_start(text, span, today) for span in spans):
        if joined and _BETWEEN.fullmatch(text, joined[-1].to, span.at) and joined[-1].grain in _RANGE_GRAINS:
            joined.append(_range(joined.pop(), span))
        else:
            joined.append(span)
    return [_until_now(text, span, today) for span in joined]


def _with_short_start(text: str, span: Span, today: date) -> Span:
    for match in _SHORT_RANGE.finditer(text, 0, span.to):
        if match.end() == span.at or (match.start() == span.at and match.end() < span.to):
            days = _read_month({**_NOTHING, "month": match["first"], "year": match["year"]}, today)
            if days and span.grain == "month":
                return _range(Span(match.start(), match.end(), *days), span)
    return span


def _range(first: Span, last: Span) -> Span:
    start = first.start
    if start > last.end and first.grain == "month":
        start = date(last.end.year - (start.month > last.end.month), start.month, 1)
    elif first.grain == "month" and last.grain == "month" and first.start.month <= last.start.month:
        # 去年3月到8月: the end is in the year of the start; a year that lies between was not meant
        last = replace(last, end=_month_days(start.year, last.start.month)[1]) if last.end.year - start.year == 1 else last
    return replace(first, to=last.to, start=start, end=max(last.end, start), grain="span")


def _until_now(text: str, span: Span, today: date) -> Span:
    match = UNTIL_NOW.match(text, span.to)
    if not match or span.start > today:
        return span
    return replace(span, to=match.end(), end=today, grain="span")


# --- except

_EXCEPT_BEFORE = re.compile(
    r"(?:除了|除开|除去|除掉|不包括|不包含|不含|不算|不是|(?:先|就|都)?(?:不要|不用|不|别|甭)(?:付|交|缴|管|算|带|动|要))(?:掉|了|我|那个|这个|我家|我们家)?$"
)
_EXCEPT_AFTER = re.compile(
    r"(?:份|账单|帐单|水费|这?那?(?:笔|张|期|个月|一笔|一张|一期)|的)*(?:我|就|先|暂时|暂且|都|也|可以|,|，)*"
    r"(?:(?:不|别|甭)(?:想|要|用|必|着急)?(?:交|付|缴|算|管|动|还)|除外|以外|之外|除开|不要(?!紧|钱)|留着|放着)"
)
_AND = re.compile(r"的?(?:那笔|那期|那张|账单|份)?(?:和|跟|与|、|还有|以及|同)?的?")


def _mark_excluded(text: str, spans: List[Span]) -> List[Span]:
    """Mark what was named after 除了, 别付, or before 先不交, 以外; "and" carries it on."""
    marked: List[Span] = []
    for span in spans:
        before = bool(_EXCEPT_BEFORE.search(text, 0, span.at))
        follows = bool(marked and marked[-1].exclude and _AND.fullmatch(text, marked[-1].to, span.at))
        marked.append(replace(span, exclude=before or follows))
    for index in range(len(marked) - 1, -1, -1):
        span = marked[index]
        following = marked[index + 1] if index + 1 < len(marked) else None
        carried = following and following.exclude and span.to < following.at and _AND.fullmatch(text, span.to, following.at)
        if carried or _EXCEPT_AFTER.match(text, span.to):
            marked[index] = replace(span, exclude=True)
    return marked
