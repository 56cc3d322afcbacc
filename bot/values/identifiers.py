"""Account numbers, phone numbers, ID numbers, one-time codes and e-mail addresses."""

from __future__ import annotations

import re
from typing import Iterator, List, Optional, Tuple

from bot.values.numbers import DIGITS, parse_digits

Found = Tuple[int, int, str, str]  # start, end, entity, value

# Citizen identification number, GB 11643-1999: weights of the first 17 digits and the check characters by the remainder.
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10x98765432"

_DIGIT = f"[0-9{''.join(DIGITS)}]"
# Pieces of digits with single spaces or dashes between; long numbers are often written or spoken in groups.
_RUN = re.compile(rf"(?<![0-9a-z])(?<![0-9]\.){_DIGIT}+x?(?: ?[-—–－ ] ?{_DIGIT}+x?)*(?![0-9a-z])")
_LONGEST = 18  # digits of an identifier, and so pieces at most
# Figures and Chinese numerals are pieces of their own: in 3028046086一起 the 一 is no digit.
_PIECE = re.compile(rf"[0-9]+x?|[{''.join(DIGITS)}]+x?")
_PHONE = re.compile(r"1[3-9][0-9]{9}")
_EMAIL = re.compile(r"[a-z0-9][a-z0-9._%+-]*@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}")
_COUNTRY_CODE = re.compile(r"(?:\+|00)86[ -]?(?=1)")
# Six digits that are no code: a sum, a volume, a year and month.
_UNIT_AFTER = re.compile(r" ?(?:元|块|吨|方|立方|号楼|%|m)")
_YEAR_MONTH = re.compile(r"20[0-9]{2}(?:0[1-9]|1[0-2])")
_DASHED_YEAR_MONTH = re.compile(r"20[0-9]{2}-(?:0[1-9]|1[0-2])")
# Said to be a citizen's number: one with a slip in it is taken too, so that the customer hears that it is wrong.
_CALLED_ID = re.compile(r"身份证|证件|实名")
_FORM_OF_ID = re.compile(r"[1-8][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9x]")
_BILL_AFTER = re.compile(r" ?(?:的|账单|帐单|水费|期|这期|月)")


def find_identifiers(text: str, account_digits: int, code_digits: int) -> Iterator[Found]:
    """Identifiers in normalised ``text``, with their places.

    Args:
        text: what ``numbers.normalise`` returned.
        account_digits: how many digits an account number has.
        code_digits: how many digits a one-time code has.
    """
    for email in _EMAIL.finditer(text):
        yield email.start(), email.end(), "email", email.group()
    called_id = bool(_CALLED_ID.search(text))
    without_country = _COUNTRY_CODE.sub(lambda match: " " * len(match.group()), _EMAIL.sub(_blank, text))
    for run in _RUN.finditer(without_country):
        pieces = [
            (run.start() + piece.start(), run.start() + piece.end(), piece.group()) for piece in _PIECE.finditer(run.group())
        ]
        yield from _read_pieces(pieces, without_country, account_digits, code_digits, called_id)


def _blank(match: re.Match[str]) -> str:
    return "。" * len(match.group())


def _read_pieces(
    pieces: List[Tuple[int, int, str]], text: str, account_digits: int, code_digits: int, called_id: bool
) -> Iterator[Found]:
    """Join neighbouring pieces to identifiers, taking the longest that is one; a code only when nothing else fits."""
    at = 0
    while at < len(pieces):
        for end in range(min(len(pieces), at + _LONGEST), at, -1):
            joined = "".join(piece for _, _, piece in pieces[at:end])
            entity = _kind(joined, account_digits, called_id)
            if entity:
                yield pieces[at][0], pieces[end - 1][1], entity[0], entity[1]
                at = end
                break
        else:
            at += 1
    if len(pieces) > 1 and pieces[-1][2][0].isascii() != pieces[0][2][0].isascii():
        pieces = pieces[:-1]
    if len(pieces) > code_digits:
        return
    joined = "".join(piece for _, _, piece in pieces)
    start, end = pieces[0][0], pieces[-1][1]
    code = parse_digits(joined)
    if code and len(code) == code_digits and _is_code(code, text[start:end], text[end:]):
        yield start, end, "code", code


def _kind(joined: str, account_digits: int, called_id: bool) -> Optional[Tuple[str, str]]:
    if len(joined) == 18:
        number = f"{parse_digits(joined[:-1]) or ''}{joined[-1] if joined[-1] == 'x' else parse_digits(joined[-1]) or ''}"
        is_id = has_valid_check_digit(number) or (called_id and _FORM_OF_ID.fullmatch(number))
        return ("id_number", number.upper()) if is_id else None
    digits = parse_digits(joined)
    if digits and len(digits) == account_digits:
        return "account_no", digits
    if digits and _PHONE.fullmatch(digits):
        return "phone", digits
    return None


def has_valid_check_digit(number: str) -> bool:
    """Whether an 18-character citizen identification number (last may be ``x``) has the check character it should."""
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9x]", number):
        return False
    remainder = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, number, strict=False)) % 11
    return _ID_CHECKS[remainder] == number[-1]


def _is_code(code: str, written: str, rest: str) -> bool:
    is_month = _DASHED_YEAR_MONTH.fullmatch(written) or (_YEAR_MONTH.fullmatch(code) and _BILL_AFTER.match(rest))
    return not is_month and not _UNIT_AFTER.match(rest)
