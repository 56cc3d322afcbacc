"""The value component: what is found in what customers write. Each row is one message."""

from __future__ import annotations

import time
from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from bot.values import find_values
from bot.values.identifiers import has_valid_check_digit
from bot.values.numbers import parse_number

AUTUMN = date(2026, 11, 21)
SPRING = date(2026, 3, 10)
MILLISECONDS_A_MESSAGE = 20  # generous: about half a millisecond on an idle core


def found(text: str, entity: str, today: date = AUTUMN) -> list[Any]:
    return [value.value for value in find_values(text, today, account_digits=10, code_digits=6) if value.entity == entity]


def periods(text: str, today: date = AUTUMN) -> list[tuple[str, str, str, bool]]:
    return [(value["from"], value["to"], value["grain"], value["exclude"]) for value in found(text, "period", today)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("三百二十一", "321"), ("十五", "15"), ("二十", "20"), ("一百零五", "105"), ("一百五", "150"), ("三千二", "3200"),
        ("一万二", "12000"), ("两千零五十", "2050"), ("一千零一", "1001"), ("1.2万", "12000"), ("3千", "3000"),
        ("1,234.5", "1234.5"),
        ("三点五", "3.5"), ("半", "0.5"), ("二零二六", "2026"), ("五", "5"), ("两百五十万", "2500000"), ("贰拾叁", "23"),
    ],
)  # fmt: skip
def test_numbers(text: str, number: str) -> None:
    assert str(parse_number(text)) == number or float(str(parse_number(text))) == float(number)


@pytest.mark.parametrize("text", ["", "水", "三三百", "百", "点五", "万", "3a"])
def test_what_is_no_number(text: str) -> None:
    assert parse_number(text) is None


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1002003004", ["1002003004"]),
        ("户号幺零零二零零三零零四", ["1002003004"]),
        ("一零零二零零三零零四是我家的", ["1002003004"]),
        ("１００２００３００４", ["1002003004"]),
        ("户号 1002 0030 04", ["1002003004"]),
        ("我爸妈家1002003004还有我家1002003005一起绑", ["1002003004", "1002003005"]),
        ("1002003004一共欠多少", ["1002003004"]),
        ("100-200-3004", ["1002003004"]),
        ("1002003004和1002003005", ["1002003004", "1002003005"]),
        ("1002003004 1002003005", ["1002003004", "1002003005"]),
        ("1002003004、幺零零二零零三零零五", ["1002003004", "1002003005"]),
        ("户号1002003004，手机13812345678", ["1002003004"]),
        ("No.1002003004", ["1002003004"]),
        ("100200300", []),
        ("10020030045", []),
        ("abc1002003004", []),
    ],
)
def test_account_numbers(text: str, numbers: list[str]) -> None:
    assert found(text, "account_no") == numbers


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("电话138 1234 5678", "phone", "13812345678"),
        ("手机+8613812345678", "phone", "13812345678"),
        ("0086 138-1234-5678", "phone", "13812345678"),
        ("幺三六八八八八六六六六", "phone", "13688886666"),
        ("发到 Zhang.San_1@QQ.com 吧", "email", "zhang.san_1@qq.com"),
        ("身份证11010519491231002X", "id_number", "11010519491231002X"),
        ("11010519491231002x", "id_number", "11010519491231002X"),
        ("验证码是 654321", "code", "654321"),
        ("六五四三二一", "code", "654321"),
        ("身份证110105194912310020", "id_number", "110105194912310020"),  # a slip in it: the service says so
        ("123 456", "code", "123456"),
    ],
)
def test_other_identifiers(text: str, entity: str, value: str) -> None:
    assert found(text, entity) == [value]


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("12812345678", "phone"), ("138123456789", "phone"), ("110105194912310021", "id_number"), ("202508的账单", "code"),
        ("2025-08", "code"), ("123456元", "code"), ("1234567", "code"), ("a@b", "email"),
    ],
)  # fmt: skip
def test_what_only_looks_like_an_identifier(text: str, entity: str) -> None:
    assert found(text, entity) == []


def test_check_digit() -> None:
    assert has_valid_check_digit("11010519491231002x")
    assert not has_valid_check_digit("110105194912310020")
    assert not has_valid_check_digit("1101051949123100")


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("余额低于50提醒", 5000), ("余额不足一百告诉我", 10000), ("账户里钱少于20块", 2000),
        ("八十六块四", 8640), ("86.4元", 8640), ("86块4毛5", 8645), ("三毛五", 35), ("三毛", 30), ("五分钱", 5), ("两块", 200),
        ("两块五毛", 250), ("12块3毛4分", 1234), ("1.2万元", 1_200_000), ("一块五", 150), ("一块钱", 100), ("¥12.50", 1250),
        ("￥８", 800), ("充200", 20000), ("交一百五", 15000), ("预存五百吧", 50000), ("一百块钱", 10000), ("三块半", 350),
        ("一千两百三十四块五毛六", 123456), ("1,234.56元", 123456), ("先存个300", 30000),
        ("扣了我一百二十多块", 12000), ("三百来块", 30000), ("九十几块钱", 9000), ("扣66是扣的啥", 6600),
        ("显示欠费213.45元", 21345),
        ("账上不足五十就发我", 5000), ("八十蚊", 8000), ("三百洋钿", 30000), ("差了三块多", 300), ("先打两百", 20000),
        ("五百多？太离谱", 50000), ("top up 150", 15000), ("那笔四百五退不退", 45000),
        ("一次性交两千能便宜不", 200000), ("这个月突然三百八", 38000), ("付掉86就行", 8600), ("退我45.6", 4560),
        ("充直两百到户里", 20000),
    ],
)  # fmt: skip
def test_amounts(text: str, fen: int) -> None:
    assert found(text, "amount") == [fen]


@pytest.mark.parametrize(
    "text", ["一块交了", "一块儿付", "交3月的", "付两笔", "等两分钟", "三单元", "打5分", "99.9", "交1002003004", "便宜一两块",
     "交7到9月的", "交7、8月的", "欠费2个月", "扣了两次", "充值三次都不行", "交一下", "两块表都换", "小三角不转"]
)
def test_what_is_no_amount(text: str) -> None:
    assert found(text, "amount") == []


@pytest.mark.parametrize(
    ("text", "volume"),
    [
        ("用水超30T提醒", "30"),
        ("三百二十一吨半", "321.5"), ("半吨", "0.5"), ("12.5吨", "12.5"), ("用了3方水", "3"), ("321立方", "321"),
        ("十五立方米", "15"),
        ("20m3", "20"), ("一百吨", "100"), ("二十方", "20"),
        ("漏掉十来方", "10"), ("四十多吨", "40"), ("算了38个字", "38"), ("表上是1208", "1208"), ("读数882，记一下", "882"),
        ("水表走到2345了", "2345"), ("表底0056", "56"), ("读数是一千二百零八", "1208"), ("1345是现在的表数", "1345"),
        ("自己抄了一下 5512 麻烦登记", "5512"), ("读数001234", "1234"),
        ("指针停在3310", "3310"), ("报数 1877", "1877"), ("黑字 0 3 7 2", "372"), ("抄了下表，两千零四十", "2040"),
        ("现在才走两吨四", "2.4"), ("reading: 00415", "415"),
    ],
)  # fmt: skip
def test_volumes(text: str, volume: str) -> None:
    assert found(text, "volume") == [volume]


def test_a_reading_beside_another_one() -> None:
    assert found("单子上写的表数是760，可我水表才702", "volume") == ["760", "702"]


@pytest.mark.parametrize("text", ["一方面", "第三方", "双方", "官方网站", "多少钱一吨", "一吨水两块九", "写错两个字",
     "三四吨", "水表2个都坏了", "抄表8月25号"])
def test_what_is_no_volume(text: str) -> None:
    assert found(text, "volume") == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1234", "1234"), ("１２３４", "1234"), ("一千二百三十四", "1234"), ("一二三四", "1234"), ("零零三五六", "356"),
        ("00356", "356"), ("是1243", "1243"), ("不对，是1243", "1243"), ("1234.5", "1234.5"), ("我照着念：零四七一", "471"),
        ("大概2087吧", "2087"), ("看过了，908", "908"), ("两千零八", "2008"),
    ],
)  # fmt: skip
def test_numbers_that_stand_by_themselves(text: str, number: str) -> None:
    assert found(text, "number") == [number]


@pytest.mark.parametrize("text", [
    "13812345678", "1002003004", "202512", "2", "8月", "12吨", "86.4元", "3个人", "半", "8栋3单元", "GD202611200001", "两三天",
    "120号",
])
def test_what_is_something_else_than_a_mere_number(text: str) -> None:
    assert found(text, "number") == []


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("第二个", 2),
        ("第2户", 2),
        ("最后一个", -1),
        ("倒数第二个", -2),
        ("头一个", 1),
        ("倒数头一只", -1),
        ("2", 2),
        ("选3", 3),
        ("第十二笔", 12),
        ("第一", 1),
    ],
)
def test_ordinals(text: str, position: int) -> None:
    assert found(text, "ordinal") == [position]


@pytest.mark.parametrize("text", ["第一阶梯", "第二个月", "第三季度", "我有2个户号"])
def test_what_is_no_ordinal(text: str) -> None:
    assert found(text, "ordinal") == []


@pytest.mark.parametrize(
    ("text", "start", "end", "grain"),
    [
        ("这个月", "2026-11-01", "2026-11-30", "month"),
        ("本期账单", "2026-11-01", "2026-11-30", "month"),
        ("这期", "2026-11-01", "2026-11-30", "month"),
        ("上个月水费多少", "2026-10-01", "2026-10-31", "month"),
        ("上期", "2026-10-01", "2026-10-31", "month"),
        ("上上个月", "2026-09-01", "2026-09-30", "month"),
        ("8月", "2026-08-01", "2026-08-31", "month"),
        ("八月份的", "2026-08-01", "2026-08-31", "month"),
        ("12月的账单", "2025-12-01", "2025-12-31", "month"),
        ("十二月", "2025-12-01", "2025-12-31", "month"),
        ("去年8月", "2025-08-01", "2025-08-31", "month"),
        ("2025年8月", "2025-08-01", "2025-08-31", "month"),
        ("25年8月份", "2025-08-01", "2025-08-31", "month"),
        ("二零二五年八月", "2025-08-01", "2025-08-31", "month"),
        ("2025-08", "2025-08-01", "2025-08-31", "month"),
        ("202508的账单", "2025-08-01", "2025-08-31", "month"),
        ("上周", "2026-11-09", "2026-11-15", "span"),
        ("今年", "2026-01-01", "2026-12-31", "year"),
        ("去年全年", "2025-01-01", "2025-12-31", "year"),
        ("大前年", "2023-01-01", "2023-12-31", "year"),
        ("2024年", "2024-01-01", "2024-12-31", "year"),
        ("去年年底", "2025-12-01", "2025-12-31", "month"),
        ("上半年", "2026-01-01", "2026-06-30", "span"),
        ("去年下半年", "2025-07-01", "2025-12-31", "span"),
        ("第三季度", "2026-07-01", "2026-09-30", "quarter"),
        ("一季度", "2026-01-01", "2026-03-31", "quarter"),
        ("Q2", "2026-04-01", "2026-06-30", "quarter"),
        ("上个季度", "2026-07-01", "2026-09-30", "quarter"),
        ("去年冬天", "2025-12-01", "2026-02-28", "season"),
        ("今年夏天", "2026-06-01", "2026-08-31", "season"),
        ("冬天", "2025-12-01", "2026-02-28", "season"),
        ("前年夏天", "2024-06-01", "2024-08-31", "season"),
        ("最近半年", "2026-05-01", "2026-11-21", "span"),
        ("半年来", "2026-05-01", "2026-11-21", "span"),
        ("前三个月", "2026-08-01", "2026-10-31", "span"),
        ("近一年", "2025-11-01", "2026-11-21", "span"),
        ("最近几个月", "2026-08-01", "2026-11-21", "span"),
        ("最近3期", "2026-08-01", "2026-11-21", "span"),
        ("去年12月到今年2月", "2025-12-01", "2026-02-28", "span"),
        ("3到5月", "2026-03-01", "2026-05-31", "span"),
        ("11月到2月", "2025-11-01", "2026-02-28", "span"),
        ("去年3月到8月", "2025-03-01", "2025-08-31", "span"),
        ("2024年1月至2024年6月", "2024-01-01", "2024-06-30", "span"),
        ("从去年10月到现在", "2025-10-01", "2026-11-21", "span"),
        ("今年以来", "2026-01-01", "2026-11-21", "span"),
        ("春节那个月", "2026-02-01", "2026-02-28", "month"),
        ("去年国庆", "2025-10-01", "2025-10-31", "month"),
        ("去年这时候多少", "2025-11-01", "2025-11-30", "month"),
        ("跟去年同期比", "2025-11-01", "2025-11-30", "month"),
        ("前年这个月", "2024-11-01", "2024-11-30", "month"),
        ("前个月", "2026-09-01", "2026-09-30", "month"),
        ("从年初到现在", "2026-01-01", "2026-11-21", "span"),
        ("上个账期", "2026-10-01", "2026-10-31", "month"),
        ("最近俩月", "2026-09-01", "2026-11-21", "span"),
        ("前年", "2024-01-01", "2024-12-31", "year"),
        ("前年到去年", "2024-01-01", "2025-12-31", "span"),
        ("去年的", "2025-01-01", "2025-12-31", "year"),
        ("2025Q2", "2025-04-01", "2025-06-30", "quarter"),
        ("2025全年", "2025-01-01", "2025-12-31", "year"),
        ("搿个号头", "2026-11-01", "2026-11-30", "month"),
        ("上个号头", "2026-10-01", "2026-10-31", "month"),
        ("旧年到而家", "2025-01-01", "2026-11-21", "span"),
        ("last month的bill", "2026-10-01", "2026-10-31", "month"),
        ("last year", "2025-01-01", "2025-12-31", "year"),
        ("Sept的账单", "2026-09-01", "2026-09-30", "month"),
        ("past 3 months", "2026-08-01", "2026-11-21", "span"),
        ("夏天那三个月", "2026-06-01", "2026-08-31", "season"),
    ],
)
def test_periods(text: str, start: str, end: str, grain: str) -> None:
    assert periods(text) == [(start, end, grain, False)]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("8月", "2025-08-01", "2025-08-31"),
        ("3月", "2026-03-01", "2026-03-31"),
        ("下半年", "2025-07-01", "2025-12-31"),
        ("第三季度", "2025-07-01", "2025-09-30"),
        ("去年冬天", "2025-12-01", "2026-02-28"),
        ("冬天", "2025-12-01", "2026-02-28"),
        ("前三个月", "2025-12-01", "2026-02-28"),
        ("12月到2月", "2025-12-01", "2026-02-28"),
        ("中秋", "2025-10-01", "2025-10-31"),
    ],
)
def test_what_is_said_about_bills_is_not_in_the_future(text: str, start: str, end: str) -> None:
    assert [(period[0], period[1]) for period in periods(text, SPRING)] == [(start, end)]


def test_last_winter_said_in_winter_is_the_one_before() -> None:
    assert periods("去年冬天", date(2026, 1, 10)) == [("2024-12-01", "2025-02-28", "season", False)]


@pytest.mark.parametrize(
    "text",
    [
        "三个月没交了", "每个月", "12个月", "8号楼", "四块五一吨", "上期止码", "当年谁办", "market", "你今年几岁",
        "今年七十多岁了", "过年要回老家", "一到秋天就贵", "冬天怎么防冻",
    ],
)  # fmt: skip
def test_what_is_no_period(text: str) -> None:
    assert periods(text) == []


def dates(text: str, today: date = AUTUMN) -> list[tuple[str, str, str | None]]:
    return [(value["from"][5:], value["to"][5:], value["part"]) for value in found(text, "date", today)]


@pytest.mark.parametrize(
    ("text", "day", "part"),
    [
        ("明天上午", "11-22", "morning"), ("后天", "11-23", None), ("大后天", "11-24", None),
        ("明儿早上来", "11-22", "morning"),
        ("听日上午", "11-22", "morning"), ("明朝下半天", "11-22", None), ("明晚", "11-22", "evening"),
        ("今早", "11-21", "morning"),
        ("昨晚", "11-20", "evening"), ("琴晚开始", "11-20", "evening"), ("前天夜里", "11-19", "evening"),
        ("昨天", "11-20", None),
        ("周六下午", "11-28", "afternoon"), ("星期天上午", "11-22", "morning"), ("礼拜六", "11-28", None),
        ("下周三", "11-25", None),
        ("下个礼拜三下午", "11-25", "afternoon"), ("这周五", "11-20", None), ("上周三", "11-11", None),
        ("上个星期天", "11-15", None),
        ("周三就没水了", "11-18", None), ("周三开始的", "11-18", None),
        ("25号", "11-25", None), ("约25号上午", "11-25", "morning"), ("二十五号下午", "11-25", "afternoon"),
        ("20号吧", "12-20", None),
        ("20号就停了", "11-20", None),
        ("下个月5号", "12-05", None), ("上个月8号来抄的", "10-08", None), ("本月25号", "11-25", None),
        ("12月3日上午九点", "12-03", "morning"), ("8月5号", "08-05", None), ("11月20号", "11-20", None),
        ("2025.8.5", "08-05", None),
        ("12.3上午", "12-03", "morning"),
        ("三天前", "11-18", None), ("两三天前", "11-18", None), ("一个星期前", "11-14", None), ("半小时前", "11-21", None),
        ("三天没水了", "11-18", None), ("停水两天了", "11-19", None), ("半个月了", "11-06", None), ("过两天", "11-23", None),
        ("三天后", "11-24", None), ("刚才", "11-21", None), ("刚刚停水了", "11-21", None), ("刚刚楼下水管爆了", "11-21", None),
        ("从前天晚上开始没水", "11-19", "evening"), ("礼拜五之前修好", "11-27", None),
        ("周六下午三点", "11-28", "afternoon"), ("明天 9点到11点", "11-22", "morning"),
        ("周日上午安排人来", "11-22", "morning"),
        ("25号13:30", "11-25", "afternoon"),
        ("tomorrow", "11-22", None), ("Monday", "11-23", None), ("last night", "11-20", "evening"),
        ("后天两点以后", "11-23", "afternoon"),
    ],
)  # fmt: skip
def test_days(text: str, day: str, part: str | None) -> None:
    assert dates(text) == [(day, day, part)]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("下周", "11-23", "11-29"), ("周末有空", "11-21", "11-22"), ("上周末", "11-14", "11-15"), ("月底吧", "11-21", "11-30"),
        ("下个月初", "12-01", "12-10"), ("明后天都行", "11-22", "11-23"), ("下周一到周三", "11-23", "11-25"),
        ("25号到27号", "11-25", "11-27"), ("12月25号到27号", "12-25", "12-27"), ("前天到现在", "11-19", "11-21"),
    ],
)  # fmt: skip
def test_several_days(text: str, start: str, end: str) -> None:
    assert dates(text) == [(start, end, None)]


def test_days_that_bills_can_be_asked_by() -> None:
    said = {text: found(text, "date")[0]["past"] for text in ("昨天", "8月5号", "今天", "明天", "三天前", "刚才")}
    assert said == {"昨天": True, "8月5号": True, "今天": True, "明天": False, "三天前": False, "刚才": False}


@pytest.mark.parametrize(
    "text",
    [
        "江南大道25号爆管了", "门牌是25号", "30号楼", "8号线", "每周一", "一周三次", "目前天天停水", "前个月", "三月的",
        "刚才那个", "刚才说的", "每个周末都停", "以后天天", "早上好", "三天", "提前三天", "除了昨天",
        "发票一个礼拜了还没有", "申请交了半个月了", "刚才我接了个电话", "早过了一个钟头了",
    ],
)  # fmt: skip
def test_what_is_no_day(text: str) -> None:
    assert dates(text) == []


@pytest.mark.parametrize(
    ("text", "part"),
    [("下午三点", "afternoon"), ("九点半", "morning"), ("晚上吧", "evening"), ("两点左右吧", "afternoon")],
)
def test_parts_of_a_day(text: str, part: str) -> None:
    assert found(text, "day_part") == [part]


@pytest.mark.parametrize("text", ["早上好", "晚上好啊", "一点都不对", "有一点漏", "三点五吨", "差两点"])
def test_what_is_no_part_of_a_day(text: str) -> None:
    assert found(text, "day_part") == []


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("晚上十点到早上七点", "22:00", "07:00"), ("22:00-7:00", "22:00", "07:00"), ("晚10点到早7点别发", "22:00", "07:00"),
        ("夜里11点到第二天早上6点半", "23:00", "06:30"), ("十点到七点", "22:00", "07:00"),
        ("上午九点到下午三点", "09:00", "15:00"),
        ("下午两点到四点", "14:00", "16:00"), ("晚上十点以后别发", "22:00", None), ("早上七点以前", None, "07:00"),
        ("晚上九点到早上八点不要发", "21:00", "08:00"), ("晚上十二点到六点", "00:00", "06:00"),
        ("晚上11点到7点", "23:00", "07:00"), ("中午12点到2点", "12:00", "14:00"),
    ],
)  # fmt: skip
def test_hours(text: str, start: str | None, end: str | None) -> None:
    assert found(text, "time_range") == [{"from": start, "to": end}]


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("五口人", 5), ("6个人", 6), ("我们家7口", 7), ("一家老小八个人", 8), ("户口本上六人", 6), ("老两口", 2),
        ("人口数：6", 6),
        ("三代同堂七口人", 7), ("三口之家", 3), ("就我一个人住", 1), ("家里有12人", 12),
    ],
)  # fmt: skip
def test_people(text: str, people: int) -> None:
    assert found(text, "people") == [people]


@pytest.mark.parametrize(
    "text",
    ["找一个人来", "转一个人工", "两口井", "一口气", "三人间", "给5个人工客服", "一百二十个人", "一人做事一人当"],
)
def test_what_is_not_people(text: str) -> None:
    assert found(text, "people") == []


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("提前三天", 3), ("早5天提醒我", 5), ("提前一周", 7), ("三天前提醒我就行", 3), ("停水前一天通知", 1), ("三天", 3),
        ("改5天吧", 5),
        ("提前24小时", 1), ("提前半个月说", 15),
    ],
)  # fmt: skip
def test_days_of_notice(text: str, days: int) -> None:
    assert found(text, "days") == [days]


@pytest.mark.parametrize("text", ["三天没水了", "三天前", "等三天", "最近三天"])
def test_what_is_no_notice(text: str) -> None:
    assert found(text, "days") == []


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("91330108MA2B0A1C4X", "tax_number", "91330108MA2B0A1C4X"),
        ("税号是 9133 0108 ma2b 0a1c 4x", "tax_number", "91330108MA2B0A1C4X"),
        ("９１３３０１０８ＭＡ２Ｂ０Ａ１Ｃ４Ｘ", "tax_number", "91330108MA2B0A1C4X"),
        ("抬头某某公司，税号330108123456789", "tax_number", "330108123456789"),
        ("330108123456789", "tax_number", "330108123456789"),
        ("GD202611200001", "work_order_no", "GD202611200001"),
        ("gd202611200001到哪了", "work_order_no", "GD202611200001"),
        ("BZ20261120-0001", "work_order_no", "BZ202611200001"),
    ],
)
def test_numbers_of_business(text: str, entity: str, value: str) -> None:
    assert [(each.entity, each.value) for each in find_values(text, AUTUMN, account_digits=10, code_digits=6)] == [
        (entity, value)
    ]


@pytest.mark.parametrize("text", ["110105194912310021", "11010519491231002X", "1002003004", "GD123", "G202611200001"])
def test_what_is_no_number_of_business(text: str) -> None:
    assert found(text, "tax_number") + found(text, "work_order_no") == []


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("除了8月那笔都付掉", [("08", True)]),
        ("除了8月和9月的都交了", [("08", True), ("09", True)]),
        ("8月的先不交，其他都付", [("08", True)]),
        ("别付8月的", [("08", True)]),
        ("8月以外的都交", [("08", True)]),
        ("不是8月，是9月", [("08", True), ("09", False)]),
        ("不对，是9月的", [("09", False)]),
        ("交7月的，8月的不要交", [("07", False), ("08", True)]),
        ("8月没交", [("08", False)]),
        ("7、8月的", [("07", False), ("08", False)]),
        ("七八月份的水费", [("07", False), ("08", False)]),
        ("8月9月10月的都付", [("08", False), ("09", False), ("10", False)]),
    ],
)
def test_what_is_excepted(text: str, months: list[tuple[str, bool]]) -> None:
    assert [(start[5:7], exclude) for start, _, _, exclude in periods(text)] == months


def test_a_period_keeps_the_customers_words() -> None:
    assert [value["text"] for value in found("7、8月的和去年冬天的", "period")] == ["7月", "8月", "去年冬天"]


def test_values_of_one_message_do_not_overlap() -> None:
    values = find_values("户号1002003004上个月用了15吨，60块8，打13812345678", AUTUMN, account_digits=10, code_digits=6)
    assert [value.entity for value in values] == ["account_no", "period", "volume", "amount", "phone"]
    assert all(first.end <= second.start for first, second in pairwise(values))


@pytest.mark.parametrize(
    ("piece", "times"),
    [
        ("", 1), (" ", 1), ("。", 1), ("10", 1000), ("一", 2000), ("8月", 500), ("到", 500), ("1 ", 1000), ("3到", 500),
        ("周", 2000), ("十", 2000), ("明天到", 400), ("晚上", 800), ("9a", 900), ("提前", 800), ("1点", 700), ("天", 2000),
    ],
)  # fmt: skip
def test_hostile_text_is_read_in_time(piece: str, times: int) -> None:
    started = time.process_time()
    find_values(piece * times, AUTUMN, account_digits=10, code_digits=6)
    assert time.process_time() - started < 2


def test_speed() -> None:
    text = "帮我查一下去年12月到今年2月我家户号1002003004的水费，除了8月那笔都付掉"
    started = time.process_time()
    for _ in range(50):
        find_values(text, AUTUMN, account_digits=10, code_digits=6)
    assert (time.process_time() - started) / 50 * 1000 < MILLISECONDS_A_MESSAGE
