"""Amounts of money, volumes of water, and positions in a list."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Dict, Iterator, Optional, Tuple

from bot.values.numbers import NUMBER, parse_number

Amount = Tuple[int, int, int]  # start, end, fen
Volume = Tuple[int, int, str]  # start, end, m³
Ordinal = Tuple[int, int, int]  # start, end, position

_DIGIT = "[0-9一二两三四五六七八九]"
# 一百二十多块, 十来方, 九十几块: the number that is named counts.
_ROUGHLY = "[多来几余]?"
# 块 is a piece as well: 三块表. 蚊 and 洋钿 are what it is called in Cantonese and in Shanghai.
_MONEY = r"(?:元|圆|蚊|块(?!水?表|[地田板砖牌]|玻璃)|块?洋钿)(?:钱|整)?"
_YUAN = re.compile(
    rf"(?P<yuan>{NUMBER})(?:(?P<roughly>[多来几余]) ?{_MONEY}| ?{_MONEY}(?:零?[多几](?![少个块角毛分]))?"
    rf"(?:(?:零)?(?P<jiao>{_DIGIT})(?:角|毛)?(?:(?P<fen>{_DIGIT})分?)?(?![0-9吨方个月年号笔户天期.])|(?P<half>半))?钱?)"
)
_SIGN = re.compile(rf"[¥￥] ?(?P<yuan>{NUMBER})")
_JIAO = re.compile(rf"(?<!小)(?P<jiao>{_DIGIT})(?:角|毛)(?:(?P<fen>{_DIGIT})分?)?钱?(?!病)")
_FEN = re.compile(rf"(?P<fen>{NUMBER})分钱")
# A sum named without its unit, after a word for money that changes hands: 充200, 先存五百吧, 扣66是什么
_HANDED = (
    r"(?:充[值直]?|预存|存|交|缴|付款?|冲|扣款?|欠费?|多收|少收|收费?|退款?|补交|补|转账?|余额|高出|"
    r"[那这]笔|先[来打摆放]个?|来个|top ?up|pay|recharge)(?:是|还?有|还?剩)?"
    r"(?:进去?|上|个|了|费|掉|过|我|完|够|满|起码|大概|差不多|才|只|到|[:： ])*"
)
# What a number counts or names when it is no sum.
_COUNTED = (
    r"[.,:：][0-9]|[0-9%‰点时分秒年月日号天周个位人口户家笔张期次回遍趟条项单份层楼栋幢室套吨方立度升米块元圆毛角档级阶倍折、和跟或及多来几余万千百十-]|"
    r"(?:到|至|[~～]) ?[0-9一二三四五六七八九]|星期|礼拜|小时"
)
_FIGURES = r"(?<![0-9.])(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]{1,2})?[千万]?"
_HUNDREDS = r"[一二两三四五六七八九](?:万|千|百|十)[零一二两三四五六七八九十百千]*|十[一二三四五六七八九]?"
_BARE = re.compile(
    rf"{_HANDED}(?P<yuan>(?:{_FIGURES}|{_HUNDREDS})(?!{_COUNTED}|[零〇一二两三四五六七八九])"
    rf"|{NUMBER}(?=$|[,。，！!？?~ ]|吧|进去|进来|就|得了|行))"
)
# Hundreds in the way money is named, 三百八 for 380, after what says that it came to so much: 突然三百八, 只到了两百九
_CAME_TO = re.compile(
    r"(?:^|突然|变成?|涨到|涨成|到了?|成了|花了?|要了?|就是?|才|得|共|来了|出来|收了|是)"
    r"(?P<yuan>[一二两三四五六七八九][百千][一二三四五六七八九](?:[百十][一二三四五六七八九]?)?)"
    r"(?=$|[,。，！!？?~ ]|了|够|吧|的水费|呢|啊|多|从|也)"
)
_BALANCE = re.compile(
    rf"(?:余额|余钱|账户里?的?钱?)(?:要是|如果)?(?:低于|少于|小于|不足|不到|不够|只?剩下?)(?:了|到)?(?P<yuan>{NUMBER})(?![0-9.吨方立天日])"
)
# An amount under which something shall be told: 低于一百就叫我
_UNDER = re.compile(rf"(?:低于|少于|少过|不足|不到|低过)(?P<yuan>{NUMBER})(?=就|时|的?时候|以后)")
# Hundreds and something, all that a question is about: 四百多？
_ROUGH = re.compile(r"(?:^|高出|多出|多收|多扣|多交|贵了|涨了)(?P<yuan>[一二两三四五六七八九][百千])多(?=$|[,。，！!？?~ ])")
_UNITLESS = (_BARE, _CAME_TO, _BALANCE, _UNDER, _ROUGH)
_BARE_MOST = 100_000  # yuan; longer numbers are something else
# 一块 alone means "together" (一块交了) unless money follows.
_TOGETHER = re.compile(r"一块(?!钱|[0-9一二两三四五六七八九半]|整)")
# 一两块, 三四吨: two numbers, of which none is meant.
_EITHER = re.compile("[一二两三四五六七八九]{2}")

_VOLUME = re.compile(
    rf"(?P<number>{NUMBER}){_ROUGHLY} ?(?:(?:个)?(?:吨|t(?![a-z0-9])|立方米|立方|m3|m³|方(?![面法式便案向块程针圆]))|度(?=水))"
    rf"(?:(?P<half>半)|(?P<tenth>(?<=吨)[一二三四五六七八九1-9])(?![0-9块元毛角点多来几十百千吨方天个年月]))?"
)
# What the meter counts is called 字 as well; fewer than ten are characters (写错两个字) unless water was used.
_COUNTS = re.compile(rf"(?P<used>[用走抄算多](?:了|的|掉)?)?(?P<number>{NUMBER}){_ROUGHLY}个?字(?![母体眼节样据数])")
_FEW = 10
_SPOKEN_PARTIES = re.compile(r"[一二三两多双第]方")
# A price is for one of them: 两块九一吨, 一吨水多少钱
_PRICE_BEFORE = re.compile(r"(?:钱|[块元毛角][0-9一二两三四五六七八九]?|每|多少)(?:是)?$")
_PRICE_AFTER = re.compile(rf"(?:水)?(?:费)?(?:是|要|得|收|卖|到底)*(?:多少|几[块毛多]|(?:{NUMBER})(?:块|元|毛|角)|什么价|啥价)")
# A meter's reading: figures after the word for it, or before (1345是现在的表数).
_READING_NUMBER = (
    r"(?:(?<![0-9.])[0-9]{1,6}(?:\.[0-9]{1,3})?|[一二两三四五六七八九][千百][零一二两三四五六七八九十百千]*|[零一二三四五六七八九]{3,6})"
)
_NO_READING_AFTER = rf"(?!{_COUNTED}|[a-z零一二两三四五六七八九])"
_METER = (
    r"(?:水?表(?:上面?|里面?|盘|底数?|数|码|头|面)|(?:水表)?(?:读数|示数|度数|止码|止数|底数|行码|码数|指针数?|字轮)|抄表数字?|抄(?:出来|到)|"
    r"(?:走|转|跳|蹦)到|抄(?=了|的是|的|是|成|[0-9])|报(?:个|下|一下)数|我?(?:自己|现在|刚)看(?=了|到|是|的))"
)
_SHOWS = (
    r"(?:上面|里面|面|上|的|数字?|读数|示数|字|指针|报|写|走到|走|显示|看|记|抄|成|到|在|是|为|有|就|了|一下|下|现在|目前|今天|这会儿?|已经|"
    r"大概|才|[:： ,，])*"
)
_READING = re.compile(rf"{_METER}{_SHOWS}(?P<number>{_READING_NUMBER}){_NO_READING_AFTER}")
_READING_FIRST = re.compile(
    rf"(?P<number>{_READING_NUMBER})(?:就?是|,|，)?(?:我|我家|我们家)?(?:现在|目前|今天|刚才|刚刚|这次|自己)?(?:抄|看|报)?的?"
    r"(?:水?表(?:的|上的?)?(?:读数|数字?|底数?)|读数|示数)"
)
# In a message with a reading, what stands beside another time is one too: 现在表上988，上个月970; 表数写980，可水表现在才921
_OTHER_READING = re.compile(
    r"(?:上个?月|上期|上次|上回|原来|之前|以前|前面|我看|自己看|看的|水?表(?:现在|目前|今天|这会儿?|才)+)"
    rf"(?:的|是|抄|走到|到|了|[:： ])*"
    rf"(?P<number>[0-9]{{2,6}}){_NO_READING_AFTER}"
)
# Where a meter is talked of, and no money, a number after "is" or "stands at" is its reading.
_METER_TALK = re.compile(r"水?表(?![示格扬情达])|抄|读数|示数|指针|止码|黑[的字]|红[的字]|上面显示|报数|reading|meter")
_MONEY_TALK = re.compile(r"[元块费钱交缴扣充付¥￥]|账单|帐单|余额|户号|手机|电话|编号|表号")
_STANDS_AT = re.compile(
    r"(?:^|[是到在才成个数=:：,，。 ]|明明|实际|显示|抄了?|[:：] ?)"
    r"(?P<number>(?<![0-9.])(?:[0-9]{3,6}(?:\.[0-9]{1,3})?|[0-9](?: [0-9]){2,5})|"
    r"[一二两三四五六七八九][千百][零一二两三四五六七八九十百千]*多?)"
    rf"(?!{_COUNTED}|[a-z零一二两三四五六七八九])(?=$|[,。，、;；！!？?\] ]|了|吧|就|那|的|侬|蹲|的?对)"
)

_MEASURES = "个|只|条|笔|户|张|项|单|份|家|套|行|号|位"
_NTH = re.compile(rf"(?P<from_end>倒数)?第(?P<number>{NUMBER})(?:(?:{_MEASURES})(?![月季阶])|(?=$|[,。，！!？? 和]))")
_LAST = re.compile(rf"(?:最后|最末|末尾)(?:那|这)?一?(?:{_MEASURES})(?!知道)|倒数头一(?:{_MEASURES})|(?:最后|末尾)的(?=$|那)")
_FIRST = re.compile(rf"(?:(?<!倒数)头一|首|最前面那?一?|最上面那?一?)(?:{_MEASURES})")
_ONLY_A_NUMBER = re.compile(r"(?:选|我选)?\s*(?P<number>[1-9][0-9]?|[一二两三四五六七八九十])\s*(?:吧|[。.、])?")
# A number that stands by itself, as an answer or between marks: 1234, 大概356, 我看了，零零三五六
_STANDING = re.compile(
    rf"(?:^|[,，:：。!！?？\s])(?:[就那]?是|大概|现在|显示|目前|[:： ])*(?P<number>{NUMBER})"
    r"(?=(?:[吧了啊呀哦呢哈]|[。.!！~ ])*(?:$|[,，。!！?？\s]))"
)


def find_amounts(text: str) -> Iterator[Amount]:
    """Sums of money in fen (八十六块四, 三毛五, ¥12.5, 1.2万元, 充200)."""
    together = [match.start() for match in _TOGETHER.finditer(text)]
    for pattern in (_SIGN, _YUAN, _JIAO, _FEN, *_UNITLESS):
        for match in pattern.finditer(text):
            fen = None if match.start() in together else _fen(match)
            if fen is None or _is_either(match, "yuan") or (pattern in _UNITLESS and fen > _BARE_MOST * 100):
                continue
            yield match.start("yuan") if pattern in _UNITLESS else match.start(), match.end(), fen


def _fen(match: re.Match[str]) -> Optional[int]:
    parts = match.groupdict()
    yuan = parse_number(parts["yuan"]) if parts.get("yuan") else Decimal(0)
    jiao = parse_number(parts["jiao"]) if parts.get("jiao") else Decimal(0)
    fen = parse_number(parts["fen"]) if parts.get("fen") else Decimal(0)
    if yuan is None or jiao is None or fen is None:
        return None
    half = 50 if parts.get("half") else 0
    return int((yuan * 100 + jiao * 10 + fen + half).quantize(Decimal(1), ROUND_HALF_UP))


def find_volumes(text: str) -> Iterator[Volume]:
    """Volumes in m³ as plain decimal strings (三百二十一吨半 → ``321.5``)."""
    for match in (*_VOLUME.finditer(text), *_COUNTS.finditer(text)):
        number = parse_number(match["number"])
        if number is None or _is_no_volume(match, number):
            continue
        volume = number + _rest(match.groupdict())
        yield match.start("number"), match.end(), _plain(volume)


def _rest(parts: Dict[str, Optional[str]]) -> Decimal:
    """What is said after the unit: 三吨半, 一吨三."""
    if parts.get("half"):
        return Decimal("0.5")
    return (parse_number(parts.get("tenth") or "零") or Decimal(0)) / 10


def _is_no_volume(match: re.Match[str], number: Decimal) -> bool:
    if _SPOKEN_PARTIES.fullmatch(match.group()) or _is_either(match, "number"):
        return True
    if match.re is _COUNTS:
        return number < _FEW and not match["used"]
    text = match.string
    return number == 1 and bool(_PRICE_BEFORE.search(text, 0, match.start()) or _PRICE_AFTER.match(text, match.end()))


def find_readings(text: str) -> Iterator[Volume]:
    """Readings of a meter without a unit, as volumes (表上是1208, 走到2345了)."""
    found = [match for pattern in (_READING, _READING_FIRST) for match in pattern.finditer(text)]
    if _METER_TALK.search(text) and not _MONEY_TALK.search(text):
        found += _STANDS_AT.finditer(text)
    for match in (*found, *(_OTHER_READING.finditer(text) if found else ())):
        number = parse_number(match["number"].replace(" ", "").rstrip("多"))
        if number is not None:
            yield match.start("number"), match.end("number"), _plain(number)


def find_numbers(text: str) -> Iterator[Volume]:
    """Numbers that stand by themselves, as plain decimal strings: what they count, whoever asked knows."""
    for match in _STANDING.finditer(text):
        number = parse_number(match["number"])
        if number is not None and match["number"] != "半":
            yield match.start("number"), match.end("number"), _plain(number)


def _plain(volume: Decimal) -> str:
    return format(volume.normalize(), "f")


def _is_either(match: re.Match[str], group: str) -> bool:
    return bool(_EITHER.fullmatch(match.groupdict().get(group) or ""))


def find_ordinals(text: str) -> Iterator[Ordinal]:
    """Positions in a list, from 1; from the end they are negative (最后一个 → -1)."""
    for match in _NTH.finditer(text):
        number = parse_number(match["number"])
        if number and number == int(number):
            yield match.start(), match.end(), -int(number) if match["from_end"] else int(number)
    for match in _LAST.finditer(text):
        yield match.start(), match.end(), -1
    for match in _FIRST.finditer(text):
        yield match.start(), match.end(), 1
    alone = _ONLY_A_NUMBER.fullmatch(text.strip())
    number = parse_number(alone["number"]) if alone else None
    if number:
        start = text.index(text.strip())
        yield start, start + len(text.strip()), int(number)
