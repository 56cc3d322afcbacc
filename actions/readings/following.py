"""What all requests about meters share: filing what was confirmed, telling how it stands, taking it back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from rasa_sdk.events import EventType, SlotSet

from actions.basics import facts
from actions.flow import ANSWERS, Form, Question, Task, agreed, payload
from actions.readings import figures
from actions.readings.saying import CANCEL, LOOK, MOVE
from actions.turn import Buttons, Turn
from services.accounts import BoundAccount
from services.errors import NotVerified, ReadingRefused, SystemUnavailable, UnknownAccount, UnknownMeterRequest
from services.readings import Filing, Kind, MeterRequest, State
from services.readings.rules import OPEN

INTENTS = {
    Kind.READING: "self_reading", Kind.DISPUTE: "reading_dispute", Kind.VISIT: "book_onsite_reading", Kind.CHECK: "spot_check",
}
AGAIN: Buttons = [("再试一次", "/affirm"), ("算了", "/cancel")]
CANCEL_SLOTS = ("meter_cancel_no", "meter_cancel_kind", "meter_cancel_agreed")


def hotline(turn: Turn) -> dict[str, Any]:
    """The utility's own facts for a response."""
    return facts(turn.services.utility, turn.services.clock.now())


async def label_of(turn: Turn, account_no: str) -> str:
    """What to call an account of the customer's."""
    bound = await turn.services.accounts.bindings(turn.openid)
    return next((account.label for account in bound if account.account_no == account_no), account_no)


def is_request_no(turn: Turn, number: str) -> bool:
    """Whether a number is one that the meter desk gives."""
    prefixes = turn.services.utility.readings.number_prefixes.model_dump().values()
    return number.startswith(tuple(prefixes))


async def tell(turn: Turn, request: MeterRequest) -> None:
    """How a request stands, and what can be done about it."""
    rules = turn.services.utility.readings
    when = figures.time(request.day, request.part, rules.visits) if request.day and request.part else ""
    turn.say(
        f"utter_meter_{request.kind}_{request.state}", number=request.request_no, filed=figures.filed(request),
        account=await label_of(turn, request.account_no), value=request.value, when=when,
        note=f"\n{request.note}" if request.note else "", days=_days(turn, request.kind), qualified=rules.check.qualified,
        unqualified=rules.check.unqualified, buttons=_buttons(request), **hotline(turn),
    )


def _days(turn: Turn, kind: Kind) -> int:
    rules = turn.services.utility.readings
    return rules.check.working_days if kind is Kind.CHECK else rules.dispute.working_days


def _buttons(request: MeterRequest) -> Buttons:
    wish = INTENTS[request.kind]
    of = {"meter_request_no": request.request_no}
    if request.state in (State.REJECTED, State.UPHELD):
        return [("找人工", "/human")]
    if request.state not in OPEN or request.kind is Kind.READING:
        return []
    move = [("改时间", payload(wish, meter_wish=MOVE, **of))] if request.kind is Kind.VISIT else []
    return [*move, ("取消" if request.kind is Kind.VISIT else "撤回", payload(wish, meter_wish=CANCEL, **of))]


def number_said(turn: Turn) -> str | None:
    """The number of a request about a meter, in a button or in the message."""
    told = turn.values.first("meter_request_no") or turn.values.first("work_order_no")
    return str(told) if told and is_request_no(turn, str(told)) else None


async def newest(turn: Turn, account: BoundAccount, kind: Kind) -> MeterRequest | None:
    """The request spoken of: the one with the number, else the one under way, else the last one.

    Raises:
        UnknownMeterRequest: the number is not one of this customer's.
    """
    number = number_said(turn)
    if number:
        return await turn.services.readings.find(turn.openid, number)
    found = await turn.services.readings.requests(account.account_no, kind)
    return next((each for each in found if each.state in OPEN), next(iter(found), None))


async def see_to(turn: Turn, account: BoundAccount, kind: Kind, wish: str) -> list[EventType] | None:
    """Events that tell how an earlier request stands, or begin to take it back; none where there is no such request."""
    try:
        request = await newest(turn, account, kind)
    except UnknownMeterRequest:
        return say_unknown(turn)
    if request is None:
        return None
    if wish == LOOK or request.state not in OPEN:
        await tell(turn, request)
        return []
    return turn.start_form(
        "meter_cancel_form", meter_cancel_no=request.request_no, meter_cancel_kind=request.kind, meter_cancel_agreed=None,
    )


def say_unknown(turn: Turn) -> list[EventType]:
    """The same words for a number that does not exist and for somebody else's."""
    turn.say("utter_meter_unknown", buttons=[("找人工", "/human")], **hotline(turn))
    return []


class Submit(Task):
    """After a form: file exactly what was confirmed, once, or leave it. Trying again after an outage comes here too."""

    kind: ClassVar[Kind]
    agreed_slot: ClassVar[str]
    request_slot: ClassVar[str]
    slots: ClassVar[tuple[str, ...]]

    @abstractmethod
    def filing(self, turn: Turn) -> Filing:
        """What was confirmed."""

    async def file(self, turn: Turn) -> MeterRequest:
        """File it."""
        return await turn.services.readings.file(turn.openid, turn.slot(self.request_slot), self.filing(turn))

    async def refused(self, turn: Turn, error: ReadingRefused) -> list[EventType]:
        """Events after a refusal; says why."""
        await say_refused(turn, error, self.kind, self.filing(turn).account_no)
        return self.forget()

    def forget(self) -> list[EventType]:
        """Events that clear the form's slots."""
        return [SlotSet(slot, None) for slot in self.slots]

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        if not turn.slot(self.agreed_slot):
            turn.say(f"utter_{self.kind}_not_now")
            return self.forget()
        account_no = self.filing(turn).account_no
        try:
            request = await self.file(turn)
        except SystemUnavailable:
            turn.say("utter_meter_unavailable", what=figures.KIND_NAMES[self.kind], buttons=AGAIN, **hotline(turn))
            return turn.put_aside(self.name())
        except NotVerified:
            return [SlotSet("account_no", account_no), *turn.detour(self.name(), "action_verify")]
        except (UnknownAccount, UnknownMeterRequest):
            return [*say_unknown(turn), *self.forget()]
        except ReadingRefused as error:
            return await self.refused(turn, error)
        await tell(turn, request)
        return self.forget()


async def say_refused(turn: Turn, error: ReadingRefused, kind: Kind, account_no: str) -> None:
    """Why a request cannot be taken; where one is under way, how that one stands."""
    if error.why in ("open", "taken"):
        found = await turn.services.readings.requests(account_no, kind)
        same = next((each for each in found if error.number in (None, each.request_no)), None)
        if same is not None:
            turn.say(f"utter_meter_{error.why}", what=figures.KIND_NAMES[kind])
            await tell(turn, same)
            return
    buttons: dict[str, Buttons] = {"stopped": [("恢复用水", payload("stop_restore_service", service_wish="restore"))]}
    turn.say(
        f"utter_meter_refused_{error.why}", what=figures.KIND_NAMES[kind], account=await label_of(turn, account_no),
        buttons=buttons.get(error.why, [("找人工", "/human")]), **hotline(turn),
    )


class ActionMeterRequestStatus(Task):
    """Tells how the request stands whose number was given; also what an ``EXTERNAL_meter_request_...`` intent carries."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_meter_request_status"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        is_pushed = turn.intent.startswith("EXTERNAL_")
        try:
            request = await turn.services.readings.find(turn.openid, number_said(turn) or "")
        except UnknownMeterRequest:
            return [] if is_pushed else say_unknown(turn)
        if turn.intent == "EXTERNAL_meter_request_filed":
            turn.say("utter_meter_filed_after_all", what=figures.KIND_NAMES[request.kind], number=request.request_no)
        await tell(turn, request)
        return []


class ActionAskMeterCancelAgreed(Question):
    """Whether the customer is sure."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_meter_cancel_agreed"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        kind = Kind(turn.slot("meter_cancel_kind"))
        turn.say(
            "utter_meter_cancel_confirm", what=figures.KIND_NAMES[kind], number=turn.slot("meter_cancel_no"),
            buttons=[("确认取消", "/affirm"), ("先留着", "/deny")],
        )


class ValidateMeterCancelForm(Form):
    """Hears yes or no."""

    yes_or_no = frozenset({"meter_cancel_agreed"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_meter_cancel_form"

    def hears_cancel(self, slot: str, turn: Turn) -> bool:
        """取消 is what is asked here."""
        return True

    async def hear_meter_cancel_agreed(self, turn: Turn) -> Mapping[str, Any] | None:
        """A yes or a no."""
        yes = True if turn.intent == "cancel" and "取消" in turn.text else agreed(turn)
        if yes is not None:
            return {"meter_cancel_agreed": yes}
        if turn.intent == "cancel":
            return {"meter_cancel_agreed": False}
        return self.misheard(turn, "meter_cancel_agreed", "utter_meter_yes_or_no") if turn.intent in ANSWERS else None


class ActionMeterCancelFormSubmit(Task):
    """Takes the request back, or leaves it. Trying again after an outage comes here too."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_meter_cancel_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        number = turn.slot("meter_cancel_no")
        forget: list[EventType] = [SlotSet(slot, None) for slot in CANCEL_SLOTS]
        if not turn.slot("meter_cancel_agreed"):
            turn.say("utter_meter_not_cancelled", number=number)
            return forget
        try:
            request = await turn.services.readings.cancel(turn.openid, number)
        except SystemUnavailable:
            turn.say("utter_meter_cancel_unavailable", buttons=AGAIN, **hotline(turn))
            return turn.put_aside(self.name())
        except NotVerified:
            return turn.detour(self.name(), "action_verify")
        except (ReadingRefused, UnknownMeterRequest):
            turn.say("utter_meter_refused_too_late", what="", buttons=[("找人工", "/human")], **hotline(turn))
            return forget
        await tell(turn, request)
        return forget
