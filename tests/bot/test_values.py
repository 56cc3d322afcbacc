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
        ("八十六块四", 8640), ("86.4元", 8640), ("86块4毛5", 8645), ("三毛五", 35), ("三毛", 30), ("五分钱", 5), ("两块", 200),
        ("两块五毛", 250), ("12块3毛4分", 1234), ("1.2万元", 1_200_000), ("一块五", 150), ("一块钱", 100), ("¥12.50", 1250),
        ("￥８", 800), ("充200", 20000), ("交一百五", 15000), ("预存五百吧", 50000), ("一百块钱", 10000), ("三块半", 350),
        ("一千两百三十四块五毛六", 123456), ("1,234.56元", 123456), ("先存个300", 30000),
    ],
)  # fmt: skip
def test_amounts(text: str, fen: int) -> None:
    assert found(text, "amount") == [fen]


@pytest.mark.parametrize(
    "text", ["一块交了", "一块儿付", "交3月的", "付两笔", "等两分钟", "三单元", "打5分", "99.9", "交1002003004"]
)
def test_what_is_no_amount(text: str) -> None:
    assert found(text, "amount") == []


@pytest.mark.parametrize(
    ("text", "volume"),
    [
        ("三百二十一吨半", "321.5"), ("半吨", "0.5"), ("12.5吨", "12.5"), ("用了3方水", "3"), ("321立方", "321"),
        ("十五立方米", "15"),
        ("20m3", "20"), ("一百吨", "100"), ("二十方", "20"),
    ],
)  # fmt: skip
def test_volumes(text: str, volume: str) -> None:
    assert found(text, "volume") == [volume]


@pytest.mark.parametrize("text", ["一方面", "第三方", "双方", "官方网站"])
def test_what_is_no_volume(text: str) -> None:
    assert found(text, "volume") == []


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("第二个", 2),
        ("第2户", 2),
        ("最后一个", -1),
        ("倒数第二个", -2),
        ("头一个", 1),
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
        ("2025.8.5", "2025-08-05", "2025-08-05", "day"),
        ("8月5号", "2026-08-05", "2026-08-05", "day"),
        ("昨天", "2026-11-20", "2026-11-20", "day"),
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


@pytest.mark.parametrize("text", ["三个月没交了", "每个月", "12个月", "8号楼"])
def test_what_is_no_period(text: str) -> None:
    assert periods(text) == []


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
    [("", 1), (" ", 1), ("。", 1), ("10", 1000), ("一", 2000), ("8月", 500), ("到", 500), ("1 ", 1000), ("3到", 500)],
)
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
