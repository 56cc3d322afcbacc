"""Rules for the title of an invoice: names, and the numbers under which companies pay tax."""

from __future__ import annotations

import re

# GB 32100-2015, unified social credit code: 31 characters without I, O, S, V, Z; weights 3^i mod 31; check modulo 31.
_CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_SHAPE = re.compile(rf"[{_CREDIT}]{{2}}\d{{6}}[{_CREDIT}]{{10}}")
_CREDIT_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
# GB 11714-1997, organisation code: weights of the first eight characters, check modulo 11.
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_OLD_SHAPE = re.compile(r"\d{6}[0-9A-Z]{8}[0-9X]")
_REGION_DIGITS = 6

LONGEST_NAME = 100
_NAME = re.compile(r"[\u3400-\u9fff\uf900-\ufaffA-Za-z0-9（）()·.,，&＆'\- ]{2,}")
_HAS_LETTER = re.compile(r"[\u3400-\u9fff\uf900-\ufaffA-Za-z]")


def tax_number_problem(number: str) -> str | None:
    """Why ``number`` (upper case, no spaces) is no tax number: ``length``, ``characters`` or ``check``; none if it is one.

    18 characters are a unified social credit code. 15 are the number of before 2015: region and organisation code.
    """
    if len(number) == 18:
        if not _CREDIT_SHAPE.fullmatch(number):
            return "characters"
        return None if number[-1] == _credit_check(number[:17]) else "check"
    if len(number) == 15:
        if not _OLD_SHAPE.fullmatch(number):
            return "characters"
        return None if number[-1] == _organisation_check(number[_REGION_DIGITS:-1]) else "check"
    return "length"


def clean_tax_number(text: str) -> str:
    """Upper case, without the spaces and dashes that people write in between."""
    return re.sub(r"[\s\-—]", "", text).upper()


def is_name(name: str) -> bool:
    """Whether this can be the name of a person or a company."""
    return len(name) <= LONGEST_NAME and bool(_NAME.fullmatch(name) and _HAS_LETTER.search(name))


def _credit_check(code: str) -> str:
    total = sum(_CREDIT.index(character) * weight for character, weight in zip(code, _CREDIT_WEIGHTS, strict=True))
    return _CREDIT[-total % 31]


def _organisation_check(code: str) -> str:
    total = sum(int(character, 36) * weight for character, weight in zip(code, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]
