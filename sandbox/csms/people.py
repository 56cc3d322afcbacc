"""Names, addresses and numbers of the made-up city of Linjiang. Mobile numbers are 1390000xxxx: nobody's."""

from __future__ import annotations

from random import Random

_SURNAMES = "林沈周苏何唐顾陆叶蒋潘钟方石姚余杜丁邵罗章柳庄宋梅"
_GIVEN = (
    "小满", "听澜", "云舟", "若溪", "阿木", "知夏", "望舒", "清越", "一帆", "素心", "青禾", "思齐", "雨薇", "明川", "静姝",
    "柏年", "晚晴", "子墨", "春生", "秋实", "月华", "建波", "海生", "桂香", "雪梅", "长河", "丽泽", "润生", "新竹", "安澜",
)
_PLACES = (
    ("滨江区", ("云栖路", "潮起街", "听江巷", "白鹭路")),
    ("江东区", ("望潮街", "渔浦路", "东塘街", "橘洲路")),
    ("西湖区", ("松风巷", "荷影路", "柳荫街", "茶亭路")),
)
_SHOPS = {"commercial": ("临江一碗面馆", "云栖路便利店", "望潮街理发店"), "special": ("临江碧波浴场", "橘洲路洗车行")}


def household_name(random: Random) -> str:
    """A person's name."""
    return random.choice(_SURNAMES) + random.choice(_GIVEN)


def shop_name(kind: str, number: int) -> str:
    """A business's name."""
    return _SHOPS[kind][number % len(_SHOPS[kind])]


def address(random: Random, kind: str) -> str:
    """A flat's address, or a shop's."""
    district, streets = random.choice(_PLACES)
    street = f"{district}{random.choice(streets)}{random.randint(2, 299)}号"
    if kind != "residential":
        return street
    return f"{street}{random.randint(1, 18)}幢{random.randint(1, 4)}单元{random.randint(1, 24)}0{random.randint(1, 4)}室"


def phone(number: int) -> str:
    """The ``number``-th mobile number."""
    return f"1390000{1000 + number * 37:04d}"


def password(random: Random) -> str:
    """A query password that keeps the strength rules."""
    return f"{random.choice(('Yunxi', 'Chaoqi', 'Songfeng', 'Wangchao'))}{random.randint(2000, 9899)}"
