"""Complaints and suggestions: the customer's words, a phone, one yes; filed like a report."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from rasa_sdk.events import EventType, FollowupAction, SlotSet

from actions.flow import ANSWERS, Form, Question, Task, payload
from actions.repairs import wording
from actions.repairs.asking import MORE, added, ask_phone, hear_phone, looks_like_phone, phone_said, says_yes, words_of
from actions.turn import Turn
from services.accounts import BoundAccount
from services.repairs import OrderKind, Report

INTENTS = frozenset({"complaint", "suggestion"})
FORM = "feedback_form"
NO_PHONE = {"shown": "不留"}
# What only says that a complaint or suggestion will come; with nothing else in the message, it must still be asked for.
_OPENING = re.compile(
    r"你好|您好|请问|麻烦|我|想|要|来|去|给|跟|向|对|你们?|您|领导|公司|自来水|提|点|个|些|一下|一|下|怎么|怎样|如何|哪里|在哪|哪儿|能|可以|不|有|是|的"
    r"|投诉|投素|投拆|头诉|举报|建议|建意|建益|意见|反馈|反映|情况|问题|事情?|小|合理化|想法|吧|吗|啊|呀|呢|了|行|差评|箱|在|这里|登记",
)
_LEAST_CHARACTERS = 3
_RESULT = re.compile(
    r"(?:投诉|反映|建议|意见|举报).{0,10}(?:结果|进度|进展|怎么样了|到哪|有人处理|处理了[吗没]|回复|怎么结|处理到|处理得)|查.{0,6}投诉|有结果",
)


class ActionFeedback(Task):
    """Takes up a complaint or a suggestion; or tells what became of an earlier one, where that is asked."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_feedback"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Start the form with what was said."""
        if turn.values.first("work_order_no") or _RESULT.search(turn.text):
            return [FollowupAction("action_order_status")]
        kind = OrderKind(turn.intent) if turn.intent in INTENTS else OrderKind.COMPLAINT
        if kind is OrderKind.COMPLAINT:
            turn.say("utter_complaint_sorry")
        return turn.start_form(
            FORM, feedback_kind=kind.value, feedback_key=f"fb-{secrets.token_hex(12)}", feedback_agreed=None,
            feedback_text=said_of_it(turn), feedback_phone=phone_said(turn), feedback_photos=None,
        )


def said_of_it(turn: Turn) -> str | None:
    """The message, where it says more than that something will be said."""
    words = words_of(turn)
    left = re.sub(r"[^一-龥A-Za-z0-9]", "", _OPENING.sub("", words))
    return words if len(left) >= _LEAST_CHARACTERS else None


class ActionAskFeedbackText(Question):
    """What it is about."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_feedback_text"

    async def ask(self, turn: Turn) -> None:
        """Ask."""
        turn.say(f"utter_ask_{turn.slot('feedback_kind')}_text")


class ActionAskFeedbackPhone(Question):
    """Which phone; none is needed."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_feedback_phone"

    async def ask(self, turn: Turn) -> None:
        """Offer the one on file."""
        await ask_phone(turn, None, optional=True)


class ActionAskFeedbackAgreed(Question):
    """Shows what will be filed, and asks for a yes."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_feedback_agreed"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        turn.say(
            "utter_feedback_confirm", kind=wording.KINDS[OrderKind(turn.slot("feedback_kind"))],
            words=turn.slot("feedback_text"),
            phone=turn.slot("feedback_phone")["shown"],
            buttons=[("确认提交", "/affirm"), ("改内容", payload("inform", change="text")), ("先不提交", "/deny")],
        )


class ValidateFeedbackForm(Form):
    """Hears the words, the phone, and the yes."""

    yes_or_no = frozenset({"feedback_agreed"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_feedback_form"

    async def hear_feedback_text(self, turn: Turn) -> Mapping[str, Any] | None:
        """What it is about: whatever is said, for people complain of everything."""
        if photos := self._photos(turn):
            turn.say("utter_feedback_photo_added")
            return {**photos, **self.again("feedback_text")}
        words = words_of(turn)
        if len(words) < _LEAST_CHARACTERS or (turn.intent in INTENTS and said_of_it(turn) is None):
            return self.misheard(turn, "feedback_text", "utter_feedback_text_short")
        if turn.intent in ("human", "repeat", "restart", "help"):
            return None
        return {"feedback_text": words, **({"feedback_phone": phone} if (phone := phone_said(turn)) else {})}

    async def hear_feedback_phone(self, turn: Turn) -> Mapping[str, Any] | None:
        """Which phone, or none."""
        if photos := self._photos(turn):
            turn.say("utter_feedback_photo_added")
            return {**photos, **self.again("feedback_phone")}
        if turn.intent == "deny" or re.search(r"不留|匿名|不用(?:回|打|联系)|不方便", turn.text):
            if "换" in turn.text or (turn.text == "/deny" and await self._offered(turn)):
                turn.say("utter_ask_phone_optional", buttons=[("不留电话", payload("inform", change="no_phone"))])
                return self.again("feedback_phone")
            return {"feedback_phone": NO_PHONE}
        if turn.values.first("change") == "no_phone":
            return {"feedback_phone": NO_PHONE}
        heard = await hear_phone(turn, None)
        if not isinstance(heard, str):
            return {"feedback_phone": dict(heard)}
        if turn.intent in INTENTS and not looks_like_phone(turn):
            return {"feedback_text": added(turn.slot("feedback_text"), words_of(turn)), **self.again("feedback_phone")}
        if turn.intent not in ANSWERS and heard == "utter_phone_which":
            return None
        return self.misheard(turn, "feedback_phone", heard)

    async def hear_feedback_agreed(self, turn: Turn) -> Mapping[str, Any] | None:
        """A yes, a no, or more to say."""
        if photos := self._photos(turn):
            turn.say("utter_feedback_photo_added")
            return {**photos, **self.again("feedback_agreed")}
        if turn.values.first("change") == "text":
            return {"feedback_text": None, "feedback_agreed": None}
        if phone := phone_said(turn):
            return {"feedback_phone": phone, "feedback_agreed": None}
        yes = says_yes(turn)
        if yes is not None:
            return {"feedback_agreed": yes}
        if turn.intent not in ANSWERS | INTENTS and not MORE.match(turn.text):
            return None
        words = words_of(turn)
        if len(words) < _LEAST_CHARACTERS:
            return self.misheard(turn, "feedback_agreed", "utter_feedback_yes_or_no")
        return {"feedback_text": added(turn.slot("feedback_text"), words), "feedback_agreed": None}

    @staticmethod
    async def _offered(turn: Turn) -> bool:
        """Whether a phone on file was offered, so that the no may mean another one."""
        bound = await turn.services.accounts.bindings(turn.openid)
        return bool(bound) and await turn.services.repairs.phone_on_file(turn.openid, bound[0].account_no) is not None

    @staticmethod
    def _photos(turn: Turn) -> dict[str, Any]:
        kept: list[str] = list(turn.slot("feedback_photos") or [])
        new = [str(each) for each in turn.values.all("image") if each not in kept]
        return {"feedback_photos": [*kept, *new][:turn.services.utility.repairs.max_photos]} if new else {}


class ActionFeedbackFormSubmit(Task):
    """After the answer: file it, or leave it. Trying again after an outage comes here too."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_feedback_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """File exactly what was confirmed, once."""
        forget = [SlotSet("feedback_agreed", None), SlotSet("feedback_key", None)]
        if not turn.slot("feedback_key"):
            return forget
        if not turn.slot("feedback_agreed"):
            turn.say("utter_feedback_not_now")
            return forget
        kind, phone = OrderKind(turn.slot("feedback_kind")), turn.slot("feedback_phone") or {}
        order = await turn.services.repairs.file(turn.openid, Report(
            request_key=turn.slot("feedback_key"), kind=kind, description=turn.slot("feedback_text"),
            account_no=phone.get("account_no"), phone=phone.get("phone"), photos=tuple(turn.slot("feedback_photos") or ()),
        ))
        turn.say(
            f"utter_{kind.value}_filed", order_no=order.order_no, promised=wording.moment(order.promised_at),
            buttons=[("查进度", payload("repair_progress", work_order_no=order.order_no))],
        )
        return forget
