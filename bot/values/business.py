"""Numbers that tax offices and work order systems give out."""

from __future__ import annotations

import re
from typing import Iterator, Tuple

from bot.values.identifiers import has_valid_check_digit

Found = Tuple[int, int, str, str]  # start, end, entity, value

# Unified social credit code, GB 32100-2015: who registered it and as what, six digits of a region, ten letters or digits.
# Whether the alphabet and the check character are right is for the service to say, so that the customer hears what is wrong.
_CREDIT_CODE = re.compile(r"(?<![0-9a-z])[1-9any] ?[1-9](?: ?[0-9]){6}(?: ?[0-9a-z]){10}(?! ?[0-9a-z])")
_OF_A_BUSINESS = re.compile("9[123]")
# Numbers from before 2015 have 15 digits, some 20; they are recognised where they are called a tax number.
_CALLED = r"(?:税号|税务登记证?号|纳税人识别号|识别号|信用代码|税务号)(?:码|是|为|[:： ,，])*"
_LABELLED = re.compile(rf"{_CALLED}(?P<number>[0-9a-z]{{20}}|[0-9a-z]{{18}}|[0-9a-z]{{15}})(?![0-9a-z])")
_ONLY_15_DIGITS = re.compile(r"\s*(?P<number>[1-9][0-9]{14})\s*")

_WORK_ORDER = re.compile(r"(?<![0-9a-z])[a-z]{2,4}-?(?:[0-9]{6,8}-[0-9]{2,8}|[0-9]{8,16})(?!-?[0-9a-z])")


def find_business_numbers(text: str) -> Iterator[Found]:
    """Tax and work order numbers in normalised ``text``, with their places; values in capitals without spaces or dashes."""
    alone = _ONLY_15_DIGITS.fullmatch(text)
    for match in (*_LABELLED.finditer(text), *([alone] if alone else [])):
        yield match.start("number"), match.end("number"), "tax_number", match["number"].upper()
    for match in _CREDIT_CODE.finditer(text):
        number = match.group().replace(" ", "")
        if not _is_of_a_person(number):
            yield match.start(), match.end(), "tax_number", number.upper()
    for match in _WORK_ORDER.finditer(text):
        yield match.start(), match.end(), "work_order_no", match.group().replace("-", "").upper()


def _is_of_a_person(number: str) -> bool:
    """Whether 18 characters are rather a citizen's identification number: 17 digits, and nothing that says business."""
    return number[:17].isdigit() and (not _OF_A_BUSINESS.match(number) or has_valid_check_digit(number))
