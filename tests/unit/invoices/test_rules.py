"""Tax numbers and names."""

from __future__ import annotations

import pytest

from services.invoices.rules import clean_tax_number, is_name, tax_number_problem


@pytest.mark.parametrize(("number", "problem"), [
    ("91110000802100433B", None),
    ("91350100M000100Y43", None),  # the example of GB 32100-2015
    ("91350100M000100Y44", "check"),
    ("91110000802100433C", "check"),
    ("9111000080210O433B", "characters"),  # the letter O is not used
    ("9I110000802100433B", "characters"),
    ("110108802100433", None),  # 15 characters: region and organisation code
    ("110108802100434", "check"),
    ("11010880210043A", "characters"),
    ("9111000080210043", "length"),
    ("91110000802100433BX", "length"),
    ("", "length"),
])
def test_tax_numbers(number: str, problem: str | None) -> None:
    assert tax_number_problem(number) == problem


def test_numbers_are_read_as_people_write_them() -> None:
    assert clean_tax_number("9111 0000-8021 00433b") == "91110000802100433B"


@pytest.mark.parametrize(("name", "good"), [
    ("王大明", True), ("杭州润泽科技有限公司（西湖分店）", True), ("H&M 临江店", True), ("阿依古丽·买买提", True),
    ("王", False), ("12345", False), ("王大明😀", False), ("a" * 101, False), ("<b>公司</b>", False), ("公司\n第二行", False),
])
def test_names(name: str, good: bool) -> None:
    assert is_name(name) is good
