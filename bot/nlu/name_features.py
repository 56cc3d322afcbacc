"""What a character tells about whether it belongs to a name: itself and its neighbours, its word, lists, and patterns."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

import jieba

from bot.nlu.name_rules import find_by_pattern
from bot.values.numbers import normalise

Word = Tuple[int, int]  # start, end

# Characters that end or make up parts of an address or of a company's name.
_KINDS = {
    "road": "路街道巷弄里胡同大桥",
    "area": "区县市镇乡州省",
    "village": "村组庄队屯寨",
    "estate": "苑园城庭府邸墅寓湾坊居厦楼场",
    "unit": "号幢栋单元室座层期",
    "organisation": "司厂店行社院校所局馆站部会处",
    "digit": "0123456789",
    "number": "一二三四五六七八九十百零〇两",
}
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付"
    "方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳"
    "甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚"
    "岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝"
)
_KIND_OF = dict.fromkeys(SURNAMES, "surname")
for _kind, _characters in _KINDS.items():
    _KIND_OF |= dict.fromkeys(_characters, _kind)

_HAN = "[\u4e00-\u9fff]"
_SURNAME = f"(?:[{SURNAMES}]|欧阳|司马|诸葛|上官|东方|皇甫|尉迟)"
_NUMBER = r"[0-9a-z一二三四五六七八九十]+(?:[-—－][0-9a-z]+)*"
_HOUSE = rf"(?:{_NUMBER}(?:号楼|号院|号|弄|幢|栋|座|单元|室|楼|层|组|区|期)(?:之[一二三四五])?|[东西南北]区)"
_PLACE = (
    "大道|路|街|巷|弄|里|胡同|新村|村|社区|小区|花园|家园|花苑|苑|公寓|大厦|广场|中心|商城|市场|公馆|华庭|府|庭|山庄|别墅|宿舍|大院|工业园|"
    "园区|学校|小学|医院|公园"
)
_ORGANISATION = (
    "有限责任公司|有限公司|合作社|公司|事务所|委员会|政府|幼儿园|中学|小学|学校|医院|超市|便利店|饭店|酒店|酒楼|餐厅|餐馆|宾馆|理发店|药房|"
    "药店|文具店|五金店|厂|汽修|物业|快递|管理站|中心|集团"
)
_LEAD_TO_NAME = "叫|是|姓名|名字|户主|房主|联系人|本人|申请人|写|为|找|改成|老公|爱人|儿子|女儿|媳妇|[:：,， ]|^"
_RELATIVE = (
    "爸妈|妈妈|爸爸|爷爷|奶奶|外婆|姥姥|岳母|岳父|丈母娘|丈人|公婆|婆婆|姐姐?|哥哥?|弟弟?|妹妹?|叔叔?|姑姑?|姨|舅舅?|儿子|女儿|我妈|我爸|自己"
)
_END = r"(?=$|[,，。.!！、 ;；0-9]|的|吧|就|这|转)"
_PATTERNS: Dict[str, re.Pattern[str]] = {
    "place": re.compile(rf"(?P<it>(?:{_HAN}{{2,4}}?(?:省|市|区|县|镇|乡|街道))*{_HAN}{{1,6}}?(?:{_PLACE}){_HOUSE}*)"),
    "house": re.compile(rf"(?P<it>{_HOUSE}+)"),
    "person": re.compile(rf"(?:{_LEAD_TO_NAME})(?:是|叫|写|为|[:：，, ])*(?P<it>{_SURNAME}{_HAN}{{1,2}}){_END}"),
    "organisation": re.compile(rf"(?P<it>{_HAN}{{2,16}}?(?:{_ORGANISATION})){_END}"),
    "home": re.compile(
        rf"(?P<it>(?:{_RELATIVE})(?:家|那边|那套|屋)?|(?:老|新|旧|出租|学区|自住)(?:房子?|家|屋|宅)|店里?|仓库|车库|门面|铺子|厂房|工作室|"
        "公寓|民宿|办公室)"
    ),
}
HOUSE = re.compile(f"{_HOUSE}+|-[0-9]+")
_NAME_TAGS = {"nr": "person", "ns": "place", "nt": "organisation"}
_NEAR, _WORDS_NEAR = 4, 2


@lru_cache(maxsize=1)
def listed_names() -> Dict[str, str]:
    """Names of places, people and organisations in jieba's dictionary, with which of them they are."""
    names: Dict[str, str] = {}
    with (Path(jieba.__file__).parent / "dict.txt").open(encoding="utf-8") as lines:
        for line in lines:
            word, _, tag = line.split()
            if tag in _NAME_TAGS and len(word) > 1:
                names[word] = _NAME_TAGS[tag]
    return names


def character_features(text: str, words: Sequence[Word], intent: str) -> List[List[str]]:
    """Features of every character of ``text``, for the tagger.

    Args:
        text: as the customer wrote it.
        words: the places of its words.
        intent: what the message is about: 店里 is an account where a bill is asked for, and a place where a pipe leaks.
    """
    plain = normalise(text)
    read = ["0" if character.isdigit() else character for character in plain]
    kinds = [_kind_of(character) for character in plain]
    in_words, patterns = _word_features(plain, words), _pattern_features(plain)
    for start, end, kind in find_by_pattern(plain, words):
        for at in range(start, end):
            patterns[at].append(f"words of {kind} {'first' if at == start else 'last' if at == end - 1 else 'inner'}")
    size = "short" if len(plain) < 5 else "middle" if len(plain) < 9 else "long"
    rows: List[List[str]] = []
    for at in range(len(plain)):
        row = ["bias", size, f"from start {min(at, 2)}", f"from end {min(len(plain) - at, 3)}"]
        row += [f"{found} {size}" for found in patterns[at]] + patterns[at]
        row += [f"{found} {intent}" for found in patterns[at] if found.startswith("home")]
        for distance in (-1, 1):
            if 0 <= at + distance < len(plain):
                row += [f"{distance} {found}" for found in patterns[at + distance]]
        for distance in range(-_NEAR, _NEAR + 1):
            near = at + distance
            if not 0 <= near < len(plain):
                row.append(f"{distance} none")
                continue
            row += [f"{distance} is {read[near]}", f"{distance} kind {kinds[near]}"]
            if abs(distance) <= _WORDS_NEAR:
                row.append(f"{distance} word {in_words[near]}")
            if -_WORDS_NEAR <= distance < _WORDS_NEAR and near + 1 < len(plain):
                row += [f"{distance} are {read[near]}{read[near + 1]}", f"{distance} kinds {kinds[near]} {kinds[near + 1]}"]
        row.append("before " + "".join(read[max(0, at - 3) : at]))
        rows.append(row)
    return rows


def _kind_of(character: str) -> str:
    if character in _KIND_OF:
        return _KIND_OF[character]
    return "letter" if character.isascii() and character.isalnum() else "other" if character.isalnum() else "mark"


def _word_features(plain: str, words: Sequence[Word]) -> List[str]:
    """For each character its place in its word, and what name the word is."""
    features = ["none"] * len(plain)
    for start, end in words:
        name = listed_names().get(plain[start:end], "")
        for at in range(start, end):
            place = "whole" if end - start == 1 else "first" if at == start else "last" if at == end - 1 else "inner"
            features[at] = f"{place} {name}"
    return features


def _pattern_features(plain: str) -> List[List[str]]:
    """For each character the patterns it is part of."""
    features: List[List[str]] = [[] for _ in plain]
    for name, pattern in _PATTERNS.items():
        for match in pattern.finditer(plain):
            start, end = match.span("it")
            for at in range(start, end):
                features[at].append(f"{name} {'first' if at == start else 'last' if at == end - 1 else 'inner'}")
    return features
