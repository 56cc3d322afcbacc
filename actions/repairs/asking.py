"""What reports and complaints ask alike: the phone to be called on, and the customer's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from actions.flow import agreed
from actions.turn import Buttons, Turn
from runxia.masking import mask_phone

KEPT_CHARACTERS = 800  # of the customer's own words
_LANDLINE = re.compile(r"(?<!\d)0\d{2,3}[-—\s]?\d{7,8}(?!\d)")
_DIGITS = re.compile(r"\d[\d\s-]{4,}\d")
_GO_AHEAD = re.compile(
    r"(?:好的?|那|就|可以|确认|帮我|马上|赶紧|行|嗯|[,，])*(?:提交|上报|报修?|登记|报上去)(?:吧|了|啊|呗|一下)*[。!！]*",
)
_THIS_ONE = re.compile(r"^(?!.*[不别换]).*(?:[用打就]这个|这个(?:号码?|电话)?(?:就?行|可以|就好|能打通))")
MORE = re.compile(r"[^，,。]{0,4}(?:补充|还有|另外|对了|再说|加一句|加上)")  # about what is to be filed
_WORDS = re.compile(r"[一-龥A-Za-z0-9]")
USE_ON_FILE: Buttons = [("就用这个号码", "/affirm"), ("换个号码", "/deny")]


def words_of(turn: Turn) -> str:
    """What the customer said, if they said it in words: a tap and emoji alone are none."""
    text = turn.text.strip()
    return "" if text.startswith("/") or len(_WORDS.findall(text)) < 2 else text[:KEPT_CHARACTERS]


def added(kept: str | None, more: str) -> str:
    """Words after what was said before, each thing once."""
    if not more or more in (kept or ""):
        return kept or ""
    return f"{kept}；{more}"[:KEPT_CHARACTERS] if kept else more[:KEPT_CHARACTERS]


def says_yes(turn: Turn) -> bool | None:
    """Yes, no, or neither, to the question whether to file: 报吧 and 提交 are a yes as well."""
    return True if _GO_AHEAD.fullmatch(turn.text.strip()) else agreed(turn)


def phone_said(turn: Turn) -> dict[str, str] | None:
    """A mobile or landline number in the message, as the slot keeps it."""
    mobile = turn.values.first("phone")
    landline = None if turn.text.startswith("/") else _LANDLINE.search(turn.text)
    number = str(mobile) if mobile else re.sub(r"[—\s]", "-", landline.group()) if landline else None
    return {"phone": number, "shown": mask_phone(number)} if number else None


def looks_like_phone(turn: Turn) -> bool:
    """Whether the message has a number that may be meant as one."""
    return not turn.text.startswith("/") and bool(_DIGITS.search(turn.text))


def takes_what_is_offered(turn: Turn) -> bool:
    """Whether the message is a yes that names the number: 用这个号码行."""
    return bool(_THIS_ONE.search(turn.text))


async def on_file(turn: Turn, account_no: str | None) -> dict[str, str] | None:
    """The phone on file of an account in question, else of the default one, as the slot keeps it."""
    if account_no is None:
        bound = await turn.services.accounts.bindings(turn.openid)
        if not bound:
            return None
        account_no = bound[0].account_no
    shown = await turn.services.repairs.phone_on_file(turn.openid, account_no)
    return {"account_no": account_no, "shown": shown} if shown else None


async def ask_phone(turn: Turn, account_no: str | None, *, optional: bool = False) -> None:
    """Ask for a phone; where one is on file, offer it masked."""
    known = await on_file(turn, account_no)
    if known:
        question = "utter_ask_phone_on_file_optional" if optional else "utter_ask_phone_on_file"
        turn.say(question, phone=known["shown"], buttons=USE_ON_FILE)
    else:
        question = "utter_ask_phone_optional" if optional else "utter_ask_phone"
        turn.say(question, buttons=[("不留电话", "/deny")] if optional else [])


async def hear_phone(turn: Turn, account_no: str | None) -> Mapping[str, Any] | str:
    """The phone as the slot keeps it; else which response says what is wrong with the answer."""
    said = phone_said(turn)
    if said:
        return said
    if looks_like_phone(turn):
        return "utter_phone_wrong"
    if agreed(turn) or takes_what_is_offered(turn):
        return await on_file(turn, account_no) or "utter_ask_phone"
    return "utter_phone_which"
