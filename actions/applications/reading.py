"""What a message says towards an application: what it is about, and the facts that it gives. Pure, but for the clock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from actions.flow import ANSWERS
from actions.turn import Turn
from runxia.clock import today
from services.applications import Filing, Kind
from services.applications.rules import (
    city_of,
    first_stop_day,
    last_start_day,
    months_later,
    natures_said,
    place,
    stop_ends,
    use_said,
)

OPEN_END = "open"  # of a stop: the customer does not know yet
# The slots that hold an application's facts, by kind, in the order in which they are asked for.
FIELDS: Mapping[Kind, tuple[str, ...]] = {
    Kind.INSTALL: ("apply_address", "apply_use", "apply_name", "apply_phone"),
    Kind.STOP: ("apply_start", "apply_end"),
    Kind.RESTORE: (),
    Kind.HOUSEHOLD: ("apply_people",),
    Kind.NATURE: ("apply_nature",),
}
WITH_DOCUMENTS = frozenset({Kind.INSTALL, Kind.HOUSEHOLD, Kind.NATURE})
KIND_NAMES = {
    Kind.INSTALL: "报装", Kind.STOP: "报停", Kind.RESTORE: "恢复用水", Kind.HOUSEHOLD: "一户多人口",
    Kind.NATURE: "用水性质变更",
}
_KIND_WORDS = (
    (Kind.HOUSEHOLD, re.compile("人口|人数|口人")),
    (Kind.NATURE, re.compile("性质|类别|商改|民改|改居民|改商业")),
    (Kind.RESTORE, re.compile("复用|恢复|复水")),
    (Kind.STOP, re.compile("报停|暂停|停用")),
    (Kind.INSTALL, re.compile("报装|装表|新装|接水|水表|开户|临时用水|分户|移表")),
)
QUESTION = re.compile(
    "怎么|怎样|咋|如何|点样|点办|哪些|哪里|什么|啥|咩|多少|多久|多长|几天|几时|带哪|要带|条件|规定|政策|标准|收费|收不收|收钱|"
    "能不能|可不可以|可唔可以|好.*伐|[吗么伐不][？?。！!～~]*$|算不算|流程|手续|须知|要钱",
)
SUPPLEMENT = re.compile(
    "补.{0,6}(?:材料|资料|照片|证|图纸|件|上来|一张)|(?:材料|资料|照片|证).{0,8}(?:补|重新?发|再发)|补交|补齐",
)
WITHDRAW = re.compile(
    "撤(?:回|销|掉|了|单)|作废|(?:申请|报装|单子|那个|这个).{0,6}(?:取消|不要了|不办了|不装了)|"
    "取消.{0,8}(?:申请|报装|报停)|不(?:想)?装(?:表)?了",
)
PROGRESS = re.compile(
    "进[度展渡程]|到哪|到边|哪一?步|什么环节|批(?:了|下来|没|好|准)|审核|审[过好批]|办(?:好|完|得怎|下来)|怎么?样了|结果|受理了|下文|眉目|催|"
    "没消息|没动静|还没|几号来|什么时候来",
)
CLOSE = re.compile("销户|[注撤销]销|撤户|销[掉了]|拆表|撤表|表拆|户(?:头|号)?不要|彻底不用")
RESTORE = re.compile("恢复|复[用水]|重新?(?:开|启|用|通|接)|续上|接上|开[水阀通]|开返|启用|通[水起]|给我开|把水开|来水|再用")
STOP = re.compile("报?停|不用水|封[表起]|掐|关[掉了]|没人住|空[着关]")
DONE = re.compile("好了|发完|[发传交拍]好|完了|没了|没有了|就这[些几一两]|下一|齐了|全了|都发")
_ANY_ONE = re.compile("[一这那]?[个家间所座]")
LATER = re.compile("以后|再补|后补|跳过|先交|先提交|没带|没有?拍|没准备|手[头边]没")
_LATER_OR_ELSE = re.compile("不在|晚点|回头|后面|过会|改天|明天|先不|下次|等[会下]")
_SUBMIT = re.compile(r"(?!.*[不别先])[好对行可嗯没确就].{0,6}(?:提交|交吧|交了|办吧)")
_SHORT = 8  # characters: an answer rather than another request
NOT_SURE = re.compile("不(?:确定|知道|清楚|晓得|好说|一定)|没[定想]|说不准|到时|再说|看情况|长期|一直")
_DISTRICT_ONLY = 8  # characters: 在滨江区那边
_NUMERALS = {numeral: value for value, numeral in enumerate("一二三四五六七八九十", start=1)} | {"两": 2, "半": 0}
_DURATION = re.compile(
    r"(?<![\d第])(?P<number>\d{1,2}|[一二两三四五六七八九十半])(?:个半?月|(?P<year>年)(?P<more>半)?)",
)
_NAME = re.compile(r"[\u4e00-\u9fff·]{2,20}|[\u4e00-\u9fffA-Za-z0-9（）()·]{4,40}")
_NAME_AROUND = re.compile(r"^(?:申请人|户主|名字|姓名|我的?名字|我)?(?:叫做?|是|就写|写|姓名)?[:：\s]*|[\s,，。.!！吧呀啊哈]+$")
_NAME_LABELLED = re.compile(r"申请人|姓名|名字|我?叫|我是")
_BARE_NUMBER = re.compile(r"\s*(\d{1,3}|[一二两三四五六七八九十]{1,3})\s*[。.]?")
_END_WORDS = re.compile("到|恢复|结束|截止|开通")


def kind_said(text: str) -> Kind | None:
    """Which kind of application a text speaks of."""
    return next((kind for kind, words in _KIND_WORDS if words.search(text)), None)


def facts_said(turn: Turn, kind: Kind, *, by_words: bool) -> dict[str, Any]:
    """The facts of an application that a message gives, as slots: those that need no question any more.

    ``by_words``: also what only its words tell (for what, which kind of use), not just the values found in it.
    """
    readers = {
        Kind.INSTALL: _install_facts, Kind.STOP: _stop_facts, Kind.HOUSEHOLD: _household_facts, Kind.NATURE: _nature_facts,
    }
    said = readers[kind](turn, by_words) if kind in readers else {}
    return {slot: value for slot, value in said.items() if value is not None}


def company(turn: Turn) -> str | None:
    """The company named; 个餐馆 in 开个餐馆 is none."""
    named = turn.values.first("org")
    return str(named) if named and not _ANY_ONE.match(str(named)) else None


def _install_facts(turn: Turn, by_words: bool) -> dict[str, Any]:
    said = str(turn.values.first("address") or "")
    use = use_said(turn.text, turn.services.utility.applications.installation.uses) if by_words else None
    return {
        "apply_address": whole_address(turn, said) if said else None,
        "apply_use": use.use if use else None,
        "apply_name": turn.values.first("name") or company(turn),
        "apply_phone": turn.values.first("phone"),
    }


def _stop_facts(turn: Turn, by_words: bool) -> dict[str, Any]:
    start, end = stop_days(turn)
    only_end = start is not None and end is None and turn.slot("apply_start") and _END_WORDS.search(turn.text)
    if only_end:
        start, end = None, start
    checked_start = start if start and start_problem(turn, start) is None else None
    begins = checked_start or _slot_day(turn, "apply_start")
    if end is None and begins and by_words:
        end = duration_end(turn.text, begins)
    return {
        "apply_start": checked_start.isoformat() if checked_start else None,
        "apply_end": end.isoformat() if end and begins and end_problem(turn, begins, end) is None else None,
    }


def _household_facts(turn: Turn, _by_words: bool) -> dict[str, Any]:
    people = turn.values.first("people")
    most = turn.services.utility.applications.household.max_people
    return {"apply_people": people if people and 1 <= people <= most and widens(turn, people) else None}


def widens(turn: Turn, people: int) -> bool:
    """Whether a household of so many has, or gives up, wider tiers than the usual ones."""
    included = turn.services.utility.tariff.residential.people_included
    now = (turn.slot("apply_account_now") or {}).get("people") or 0
    return people > included or now > included


def _nature_facts(turn: Turn, by_words: bool) -> dict[str, Any]:
    if not by_words:
        return {}
    wanted = wanted_natures(turn)
    return {"apply_nature": wanted[0] if len(wanted) == 1 else None}


def wanted_natures(turn: Turn) -> list[str]:
    """The kinds of use named, other than the one that the account has."""
    now = (turn.slot("apply_account_now") or {}).get("kind")
    chosen = turn.values.first("apply_choice")
    kinds = turn.services.utility.applications.nature.kinds
    said = [chosen] if chosen in {each.kind for each in kinds} else natures_said(turn.text, kinds)
    return [kind for kind in said if kind != now]


def placed(turn: Turn, address: str) -> Any:
    """Where an address is; see :func:`services.applications.rules.place`."""
    utility = turn.services.utility
    return place(address, utility.service_area, city_of(utility.name))


def whole_address(turn: Turn, said: str) -> str | None:
    """An address with its district before it; none where it cannot be placed."""
    district = placed(turn, said).district
    if district is None or district in said:
        return said if district else None
    return f"{district}{said}"


def names_only_district(turn: Turn, text: str) -> bool:
    """Whether an answer is a district and nothing more."""
    return len(text) <= _DISTRICT_ONLY and not re.search(r"\d", text) and placed(turn, text).district is not None


def person_in(text: str) -> str | None:
    """The name in a short answer to the question for it."""
    name = _NAME_AROUND.sub("", _NAME_AROUND.sub("", text.strip(), count=1))
    return name if _NAME.fullmatch(name) else None


def is_name_given(text: str) -> bool:
    """Whether an answer says itself that it is a name: 我叫…, 申请人…."""
    return bool(_NAME_LABELLED.match(text.strip())) and person_in(text) is not None


def is_done(turn: Turn) -> bool:
    """Whether there are no more photos to come: 好了, 就这些."""
    return bool(DONE.search(turn.text)) and (turn.intent in ANSWERS or len(turn.text) <= _SHORT)


def is_later(turn: Turn) -> bool:
    """Whether the photos are to come another day."""
    return bool(LATER.search(turn.text) or (turn.intent in ANSWERS and _LATER_OR_ELSE.search(turn.text)))


def says_submit(text: str) -> bool:
    """好的提交, 没问题交吧: a yes to filing it."""
    return bool(_SUBMIT.match(text))


def number_in(text: str) -> int | None:
    """A bare number, the whole answer: 6, 六."""
    found = _BARE_NUMBER.fullmatch(text)
    if not found:
        return None
    said = found[1]
    if said.isdigit():
        return int(said)
    tens, _, ones = said.rpartition("十")
    if "十" in said:
        return _NUMERALS.get(tens, 1) * 10 + _NUMERALS.get(ones, 0)
    return _NUMERALS.get(said) if len(said) == 1 else None


def stop_days(turn: Turn) -> tuple[date | None, date | None]:
    """First and last day without water, as far as the message names them."""
    days = [value for value in turn.values.all("date") if value.get("from")]
    chosen = turn.values.first("apply_choice")
    if chosen and re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(chosen)):
        return date.fromisoformat(chosen), None
    if not days:
        return None, None
    start, to = date.fromisoformat(days[0]["from"]), date.fromisoformat(days[0].get("to") or days[0]["from"])
    if len(days) > 1:
        return start, date.fromisoformat(days[1]["from"])
    least = timedelta(days=turn.services.utility.applications.stop.min_days // 2)
    return start, to if to - start >= least else None


def duration_end(text: str, start: date) -> date | None:
    """The last day of 半年, 三个月, 一年半 from ``start``."""
    found = _DURATION.search(text)
    if not found:
        return None
    number, per = found["number"], 12 if found["year"] else 1
    months = (int(number) if number.isdigit() else _NUMERALS[number]) * per
    if number == "半" or found["more"]:
        months += per // 2
    return months_later(start, months) - timedelta(days=1) if months else None


def start_problem(turn: Turn, start: date) -> str | None:
    """Why a stop cannot begin on a day: ``soon`` or ``late``."""
    rules, day = turn.services.utility.applications.stop, today(turn.services.clock)
    if start < first_stop_day(rules, day):
        return "soon"
    return "late" if start > last_start_day(rules, day) else None


def end_problem(turn: Turn, start: date, end: date) -> str | None:
    """Why a stop cannot last until a day: ``short`` or ``long``."""
    earliest, latest = stop_ends(turn.services.utility.applications.stop, start)
    if end < earliest:
        return "short"
    return "long" if end > latest else None


def _slot_day(turn: Turn, slot: str) -> date | None:
    kept = turn.slot(slot)
    return date.fromisoformat(kept) if kept and kept != OPEN_END else None


def filing_of(turn: Turn) -> Filing:
    """The application as the slots hold it."""
    return Filing(
        kind=Kind(turn.slot("apply_kind")), account_no=turn.slot("apply_account"), name=turn.slot("apply_name"),
        phone=turn.slot("apply_phone"), address=turn.slot("apply_address"), use=turn.slot("apply_use"),
        people=turn.slot("apply_people"), nature=turn.slot("apply_nature"),
        start=_slot_day(turn, "apply_start"), end=_slot_day(turn, "apply_end"),
    )
