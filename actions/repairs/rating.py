"""What the customer thinks of how it was done: one to five, and a word if they like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rasa_sdk.events import EventType, SlotSet

from actions.flow import ANSWERS, LEAVE_AFTER, Form, Question, Task, payload
from actions.repairs import wording
from actions.repairs.asking import words_of
from actions.turn import Buttons, Turn
from services.accounts import BoundAccount
from services.errors import NotRateable, UnknownOrder

FORM = "rating_form"
RATES = frozenset({
    "inform", "affirm", "deny", "rate_answer", "thanks", "complaint", "nlu_fallback", "oos", "chitchat_bot", "",
})
NONE = "none"
MAX_COMMENT = 300
# The n-th button is n points, so that a typed number means the same on either way.
SCORES: Buttons = [
    (title, payload("inform", ordinal=score)) for score, title in enumerate(
        ("1 很不满意", "2 不满意", "3 一般", "4 满意", "5 很满意"), start=1,
    )
]
_NUMBER = re.compile(r"(?<![\d.])([1-5一二三四五两])\s*(?:个|颗)?\s*(?:分|星|颗|⭐|★|$)")
_NUMERALS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5}
_FULL = re.compile(r"满分|100分|一百分|十分满意")
_STARS = re.compile(r"[⭐★🌟]")
_WORDS = (
    (re.compile(r"(?:很|非常|太|特别|极其|十分|相当)不满意|差劲|极差|太差|差评|垃圾|没修好|还在漏|根本没"), 1),
    (re.compile(r"不(?:太|是很|怎么)?满意|不行|不好|不怎么样|差"), 2),
    (re.compile(r"一般|还行|凑合|马马虎虎|中等|过得去|还可以"), 3),
    (re.compile(r"(?:很|非常|特别|太|十分|相当|挺)满意|很好|非常好|太好|特别好|好评|点赞|👍|完美|真快|很快|棒|赞"), 5),
    (re.compile(r"满意|可以|不错|挺好|修好了"), 4),
)
_NOTHING = re.compile(
    r"(?:没有?了?|没啥|无|不用|不说了|就这样|没什么(?:了|好说的)?|没了|算了|不了|冇|好的?|谢谢.{0,2})[。!！了吧]*",
)


def score_of(turn: Turn) -> int | None:
    """One to five, by number, stars or words."""
    ordinal = turn.values.first("ordinal")
    if isinstance(ordinal, int) and 1 <= ordinal <= 5:
        return ordinal
    words = turn.text.strip()
    if words.startswith("/"):
        return None
    if found := _NUMBER.search(words):
        return int(found[1]) if found[1].isdigit() else _NUMERALS[found[1]]
    if _FULL.search(words):
        return 5
    if stars := _STARS.findall(words):
        return min(len(stars), 5)
    return next((score for pattern, score in _WORDS if pattern.search(words)), None)


class ActionOrderDone(Task):
    """An order is done: tell how, and ask for a rating unless the customer is busy with something else."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_order_done"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Say it."""
        order = await turn.services.repairs.known(turn.openid, str(turn.values.first("work_order_no")))
        result = order.result or "已处理完毕"
        facts: dict[str, Any] = {"order_no": order.order_no, "what": wording.title(order), "result": result}
        if order.rating is not None:
            turn.say("utter_order_done", **facts)
            return []
        if turn.active_form not in (None, FORM):
            rate = payload("EXTERNAL_rate_order", work_order_no=order.order_no)
            turn.say("utter_order_done", **facts, buttons=[("评个分", rate)])
            return []
        turn.say("utter_order_done", **facts)
        return _begin(turn, order.order_no)


class ActionRateOrder(Task):
    """The customer taps to rate an order."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_rate_order"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Ask how it was."""
        try:
            order = await turn.services.repairs.rateable(turn.openid, str(turn.values.first("work_order_no")))
        except (UnknownOrder, NotRateable):
            turn.say("utter_rating_over")
            return []
        return _begin(turn, order.order_no)


def _begin(turn: Turn, order_no: str) -> list[EventType]:
    """Start the form; it lets go as soon as the customer speaks of something else."""
    return turn.start_form(FORM, rating_order=order_no, rating_score=None, rating_comment=None, digressions=LEAVE_AFTER - 1)


class ActionAskRatingScore(Question):
    """How satisfied."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_rating_score"

    async def ask(self, turn: Turn) -> None:
        """Ask, with five buttons."""
        turn.say("utter_ask_rating_score", buttons=SCORES)


class ActionAskRatingComment(Question):
    """A word about it."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_rating_comment"

    async def ask(self, turn: Turn) -> None:
        """Ask what was wrong where it was, else whether there is anything to say."""
        is_low = (turn.slot("rating_score") or 0) <= 3
        turn.say("utter_ask_rating_why" if is_low else "utter_ask_rating_comment", buttons=[("没有了", "/deny")])


class ValidateRatingForm(Form):
    """Hears a score and a comment; anything else ends it."""

    def name(self) -> str:
        """The name in the domain."""
        return "validate_rating_form"

    async def hear_rating_score(self, turn: Turn) -> Mapping[str, Any] | None:
        """By number, stars or words; what else was said is the comment."""
        score = score_of(turn) if turn.intent in RATES or len(turn.text) <= 8 else None
        if score is None:
            if turn.intent not in ANSWERS:
                return None
            return {**self.misheard(turn, "rating_score", "utter_rating_unclear"), "digressions": LEAVE_AFTER - 1}
        words = words_of(turn)
        comment = words[:MAX_COMMENT] if len(words) > 8 else None
        return {"rating_score": score, "digressions": LEAVE_AFTER - 1, **({"rating_comment": comment} if comment else {})}

    async def hear_rating_comment(self, turn: Turn) -> Mapping[str, Any] | None:
        """Whatever is said, unless it is plainly another matter."""
        words = words_of(turn)
        if turn.intent in ("deny", "affirm", "thanks", "bye") or not words or _NOTHING.fullmatch(words):
            return {"rating_comment": NONE}
        if turn.intent not in RATES | {"suggestion", "repair_progress"}:
            return None
        return {"rating_comment": words[:MAX_COMMENT]}


class ActionRatingFormSubmit(Task):
    """Keeps the rating; the worker hands it on."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_rating_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Thank the customer; where it was bad, offer to go on."""
        comment, score = turn.slot("rating_comment"), int(turn.slot("rating_score") or 0)
        forget = [SlotSet("rating_score", None), SlotSet("rating_comment", None), SlotSet("rating_order", None)]
        if not turn.slot("rating_order") or not score:
            return forget
        try:
            await turn.services.repairs.rate(
                turn.openid, str(turn.slot("rating_order")), score, None if comment in (NONE, None) else str(comment),
            )
        except (UnknownOrder, NotRateable):
            turn.say("utter_rating_over")
            return forget
        if score <= 2:
            again: Buttons = [("再报一次修", "/repair_report"), ("投诉", "/complaint"), ("找人工", "/human")]
            turn.say("utter_rating_thanks_low", score=score, buttons=again)
        else:
            turn.say("utter_rating_thanks", score=score)
        return forget
