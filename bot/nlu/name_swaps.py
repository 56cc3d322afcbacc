"""More names for the tagger to learn from: each example again with other names in the places of its own.

Customers have far more names than examples can hold. What surrounds a name is the example's; the name is another example's, or
made of the parts that such names are made of. The same ones are made every time.
"""

from __future__ import annotations

import random
from functools import lru_cache
from typing import List, Mapping, Sequence, Tuple

from bot.nlu.name_features import SURNAMES, listed_names

Place = Tuple[int, int, str]  # start, end, kind

OWN_SHARE = 0.4  # of the names put in, those of other examples
_ROADS = (
    "路", "路", "路", "街", "大道", "大街", "巷", "弄", "里", "东路", "西路", "南路", "北路", "中路", "一路", "二路", "三路",
    "支路", "胡同",
)  # fmt: skip
_ESTATES = (
    "小区", "花园", "家园", "苑", "新村", "公寓", "花苑", "华庭", "府", "湾", "城", "里", "雅苑", "名都", "一区", "二区",
    "三区", "五区", "东区", "西苑", "北苑", "里小区", "新苑", "公馆", "晶都", "天地", "社区", "村",
)  # fmt: skip
_BRANDS = (
    "金色", "阳光", "幸福", "和平", "紫金", "锦绣", "世纪", "碧水", "东方", "绿地", "江南", "滨江", "凤凰", "永安", "明月",
)  # fmt: skip
_COMPANIES = (
    "有限公司", "科技有限公司", "商贸有限公司", "餐饮有限公司", "物业管理有限公司", "物业", "物业公司", "超市", "饭店", "酒店",
    "五金厂", "服装厂", "食品厂", "幼儿园", "小学", "中学", "街道办事处", "居委会", "村委会", "药房", "便利店", "火锅店",
    "理发店", "事务所", "工作室",
)  # fmt: skip
_RELATIVES = (
    "爸妈", "我妈", "我爸", "爷爷", "奶奶", "外婆", "外公", "姥姥", "我姐", "我哥", "我弟", "我妹", "婆婆", "岳母", "丈母娘",
    "女儿", "儿子", "老丈人", "舅舅", "姑姑", "叔叔", "公婆", "我女儿", "我儿子", "我婆婆", "房客", "租客", "房东",
    "爸爸", "妈妈",
)  # fmt: skip
_HOMES = ("家", "家", "那边", "那套", "那户", "那屋", "那里", "的房子", "的店")
_OTHER_HOMES = (
    "老房子", "新房", "出租屋", "门面房", "店里", "店面", "铺子", "仓库", "宿舍", "办公室", "学区房", "乡下的房子", "老家",
    "城里那套", "出租房", "分店", "总店", "民宿", "厂房", "车库", "六楼那套", "东边那户", "小公寓",
)  # fmt: skip


class Swapper:
    """Makes names; ``own`` are those of the examples, by kind."""

    def __init__(self, own: Mapping[str, Sequence[str]], seed: int) -> None:
        self._own = own
        self._random = random.Random(seed)
        self._makers = {"name": self._person, "address": self._address, "org": self._organisation, "alias": self._alias}

    def swap(self, text: str, places: Sequence[Place]) -> Tuple[str, List[Place]]:
        """The text with another name in each place, and where they are."""
        pieces: List[str] = []
        moved: List[Place] = []
        at = length = 0
        for start, end, kind in sorted(places):
            name = self._another(kind)
            length += start - at
            pieces += [text[at:start], name]
            moved.append((length, length + len(name), kind))
            length += len(name)
            at = end
        return "".join([*pieces, text[at:]]), moved

    def _another(self, kind: str) -> str:
        if self._own.get(kind) and self._random.random() < OWN_SHARE:
            return self._one(self._own[kind])
        return self._makers[kind]()

    def _one(self, names: Sequence[str]) -> str:
        return self._random.choice(names)

    def _person(self) -> str:
        listed, given = _people()
        if self._random.random() < 0.3:  # names of all peoples and lengths
            return self._one(listed)
        return self._one(SURNAMES) + "".join(self._one(given) for _ in range(self._random.choice((1, 2, 2))))

    def _stem(self) -> str:
        return self._one(_BRANDS if self._random.random() < 0.3 else _places())

    def _address(self) -> str:
        number = self._random.randint
        if self._random.random() < 0.5:
            house = self._one(("", f"{number(1, 999)}号", f"{number(1, 99)}号{number(1, 30)}幢"))
            return f"{self._stem()}{self._one(_ROADS)}{house}"
        house = f"{number(1, 60)}{self._one('幢栋')}{number(1, 6)}单元{number(1, 18)}0{number(1, 4)}"
        return f"{self._stem()}{self._one(_ESTATES)}" + self._one(("", "", f"{number(1, 60)}号楼", house))

    def _organisation(self) -> str:
        return f"{self._stem()}{self._one(('', '', self._one(_BRANDS)))}{self._one(_COMPANIES)}"

    def _alias(self) -> str:
        if self._random.random() < 0.4:
            return self._one(_OTHER_HOMES)
        return f"{self._one(_RELATIVES)}{self._one(_HOMES)}"


@lru_cache(maxsize=1)
def _people() -> Tuple[List[str], List[str]]:
    """Whole names of jieba's dictionary, and the characters of given names in it, as often as they occur."""
    listed = [name for name, kind in listed_names().items() if kind == "person" and len(name) <= 4]
    return listed, [character for name in listed if name[0] in SURNAMES for character in name[1:]]


@lru_cache(maxsize=1)
def _places() -> List[str]:
    """Places of two characters, which roads and houses are called after."""
    return [name for name, kind in listed_names().items() if kind == "place" and len(name) == 2]
