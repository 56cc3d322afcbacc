"""A dialogue test out of a real conversation, in the form of ``tests/dialogue/*.yml``, without anything of its customer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml
from sqlalchemy import select

from services.desk.inbox import understood
from services.desk.model import Understood
from services.desk.search import shown
from services.errors import UnknownConversation
from store.db import Database
from store.models import Binding, ConversationRecord, Message, Understanding

MOST: Final = 200  # messages
# What stands in a test for what a customer said of themselves: facts of the fixture's ordinary account, or made up.
ACCOUNT_NO, PHONE = "{ordinary.account_no}", "{ordinary.phone}"
INSTEAD: Final[Mapping[str, str]] = {
    "account_no": ACCOUNT_NO, "phone": PHONE, "name": "林小满", "address": "滨江区云栖路88号", "org": "临江豆浆铺",
    "email": "someone@example.com", "id_number": "330108199001011239", "alias": "爸妈家",
    "tax_number": "91330108MA27XXXX0A", "work_order_no": "{order}",
}
PLACE: Final = "30.2790,120.1270"
PHOTO: Final = "yellow_water"
_EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_MOBILE: Final = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_LONG: Final = re.compile(r"(?<![\d.])\d{7,}[\dXx]?(?!\d)")
_WORDS: Final = re.compile(r"[\u4e00-\u9fff]{3,14}")  # of an answer: without figures, names of its own, or marks


async def dialogue_test(db: Database, conversation_id: int, name: str, *, account_digits: int) -> str:
    """The conversation's newest messages as YAML.

    What is known of the customer is replaced wherever it stands, and so is whatever looks like a number of theirs. A trainer
    still reads it before it is kept: a story that somebody tells of themselves no program recognises.

    Raises:
        UnknownConversation: there is none.
    """
    async with db.read() as session:
        conversation = await session.get(ConversationRecord, conversation_id)
        if conversation is None:
            raise UnknownConversation
        newest = select(Message, Understanding).outerjoin(Understanding, Understanding.message_id == Message.id).where(
            Message.openid == conversation.openid, Message.state.not_in(("noted", "withheld", "failed")),
        ).order_by(Message.id.desc()).limit(MOST)
        rows = (await session.execute(newest)).tuples().all()[::-1]
        bindings = (await session.scalars(select(Binding).where(Binding.openid == conversation.openid))).all()
    hide = _Hider(bindings, [understood(what) for _, what in rows], account_digits)
    answers: dict[int, list[str]] = {}
    for message, _ in rows:
        kind, _, number = (message.cause or "").partition(":")
        if message.direction == "out" and kind == "answers" and number.isdigit():
            answers.setdefault(int(number), []).append(shown(message.content))
    steps = [
        step for message, _ in rows
        if message.direction == "in" and (step := _step(message, answers.get(message.id, []), hide)) is not None
    ]
    test: dict[str, Any] = {"conversation": name}
    if bindings:
        test["given"] = {"bound": ["ordinary"]}
    return yaml.safe_dump([test | {"steps": steps}], allow_unicode=True, sort_keys=False, width=128)


class _Hider:
    """Replaces what is personal."""

    def __init__(self, bindings: Sequence[Binding], told: Sequence[Understood | None], account_digits: int) -> None:
        known: dict[str, str] = {}
        for binding in bindings:
            known |= {
                binding.account_no: ACCOUNT_NO, binding.owner: INSTEAD["name"], binding.address: INSTEAD["address"],
            }
            if binding.alias:
                known[binding.alias] = INSTEAD["alias"]
        for each in (entity for what in told if what for entity in what.entities):
            if each["entity"] in INSTEAD and isinstance(each["value"], str) and len(each["value"]) > 1:
                known.setdefault(each["value"], INSTEAD[each["entity"]])
        self._known = sorted(known.items(), key=lambda pair: -len(pair[0]))
        self._account = re.compile(rf"(?<!\d)\d{{{account_digits}}}(?!\d)")

    def __call__(self, text: str) -> str:
        for known, instead in self._known:
            text = text.replace(known, instead)
        text = _EMAIL.sub(INSTEAD["email"], text)
        text = _MOBILE.sub(PHONE, text)
        text = self._account.sub(ACCOUNT_NO, text)
        return _LONG.sub(lambda hit: "0" * len(hit.group()), text)


def _step(message: Message, answers: Sequence[str], hide: _Hider) -> dict[str, Any] | None:
    content = json.loads(message.content)
    step = _said(message.kind, content, hide)
    if step is None:
        return None
    expected = [piece for text in answers if (piece := _piece(hide(text)))]
    return step | ({"bot": expected} if expected else {})


def _said(kind: str, content: Mapping[str, Any], hide: _Hider) -> dict[str, Any] | None:
    text, heard = hide(str(content.get("shown") or "")), str(content.get("message") or "")
    match kind:
        case "image":
            return {"image": PHOTO}
        case "location":
            return {"location": PLACE}
        case "text" | "voice" if heard.startswith("/inform") and "secret" in heard:
            return {"customer": "Lin2Jiang"}
        case "text" | "voice" if heard.startswith("/"):
            return {"tap": text}
        case "text" | "voice" if text:
            return {"customer": text}
        case _ if heard.startswith("/") and text.startswith("[菜单]"):
            return {"event": {"event": "CLICK", "key": text.removeprefix("[菜单]").strip()}}
    return None


def _piece(answer: str) -> str | None:
    """The longest run of plain words in an answer's first line: what will be said again next time."""
    first = next((line for line in answer.splitlines() if line.strip()), "")
    free = first
    for instead in INSTEAD.values():
        free = free.replace(instead, "|")
    found = _WORDS.findall(free)
    return max(found, key=len) if found else None
