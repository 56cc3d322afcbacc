"""What becomes of applications: how they stand, documents to add, taking them back, and news from the department."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rasa_sdk.events import EventType, FollowupAction, SlotSet

from actions.applications import reading
from actions.applications.figures import document_names, filing_lines, full_day, view_line
from actions.applications.form import label_of, review_days
from actions.applications.photos import ask_for, collect, photos_kept
from actions.applications.reading import KIND_NAMES
from actions.applications.starting import elsewhere, go_to, hotline
from actions.figures import day, price_lines
from actions.flow import ANSWERS, Form, Question, Task, agreed, payload, task_of_number
from actions.turn import Buttons, Turn
from runxia.money import yuan
from services.accounts import BoundAccount
from services.applications import Kind, State, View
from services.applications.rules import documents_for, months_later
from services.billing.tariff import price_list
from services.errors import ApplicationRefused, SystemUnavailable, UnknownApplication

LISTED = 5
STATE_NAMES = {
    State.RECEIVED: "已受理", State.REVIEWING: "审核中", State.DOCUMENTS_MISSING: "等您补材料", State.SURVEYING: "安排勘察",
    State.QUOTED: "已出报价", State.AWAITING_PAYMENT: "待缴费", State.CONSTRUCTING: "施工中", State.DONE: "已办结",
    State.REJECTED: "没有通过", State.WITHDRAWN: "已撤回",
}


def number_said(turn: Turn) -> str | None:
    """The application's number in the message or the button."""
    number = turn.values.first("application_no") or turn.values.first("work_order_no")
    return str(number) if number else None


async def applications_meant(turn: Turn) -> list[View]:
    """The customer's applications of the kind spoken of, or all, the newest first."""
    told = turn.values.first("application_kind")
    kind = Kind(told) if told else reading.kind_said(turn.text)
    mine = await turn.services.applications.list(turn.openid)
    return [view for view in mine if view.kind is kind] or mine if kind else mine


def say_unknown(turn: Turn) -> list[EventType]:
    """The same words for a number that does not exist and for somebody else's."""
    turn.say("utter_application_unknown", **hotline(turn), buttons=[("看我的申请", "/install_progress"), ("找人工", "/human")])
    return []


def say_none(turn: Turn) -> list[EventType]:
    """The customer has not applied for anything here."""
    turn.say("utter_no_applications", **hotline(turn), buttons=[("申请报装", "/new_install"), ("找人工", "/human")])
    return []


def ask_which(turn: Turn, views: Sequence[View], response: str, wish: str | None) -> list[EventType]:
    """List applications with a button for each."""
    extra = {"service_wish": wish} if wish else {}
    turn.say(
        response, lines="\n".join(view_line(view, STATE_NAMES[view.state]) for view in views[:LISTED]),
        buttons=[
            (f"{KIND_NAMES[view.kind]}{view.number[-4:]}", payload("install_progress", application_no=view.number, **extra))
            for view in views[:LISTED]
        ],
    )
    return []


def tell(turn: Turn, view: View, label: str | None) -> None:
    """How an application stands, and what comes next."""
    rules = turn.services.utility.applications
    days = rules.installation.working_days
    response = f"utter_application_{view.state}" if view.state is not State.DONE else f"utter_application_done_{view.kind}"
    turn.say(
        response, kind=KIND_NAMES[view.kind], number=view.number, filed=day(view.filed_at.date()), label=label or "",
        days=review_days(turn, view.kind), survey=days.survey, construction=days.construction,
        documents=document_names(view.missing, rules) or "· 以审核意见为准",
        quote=yuan(view.quote_fen) if view.quote_fen is not None else "以报价单为准",
        note=f"\n审核意见：{view.note}" if view.note else "", effect=_effect(turn, view),
        facts=filing_lines(view.filing, rules, label, masked=True), as_of="" if view.is_current else _as_of(view),
        buttons=_buttons(view), **hotline(turn),
    )


def _as_of(view: View) -> str:
    return f"\n（营业系统暂时没有回应，以上是{day(view.changed_at.date())}的情况。）"


def _effect(turn: Turn, view: View) -> str:
    """What an application that is done has changed in the prices."""
    if view.kind is Kind.HOUSEHOLD:
        prices = price_list(turn.services.utility.tariff, "residential", view.filing.people)
        until = months_later(view.changed_at.date(), turn.services.utility.applications.household.valid_months)
        return f"{price_lines(prices)}\n有效期到{full_day(until)}。"
    if view.kind is Kind.NATURE and view.filing.nature:
        return price_lines(price_list(turn.services.utility.tariff, view.filing.nature))
    return ""


def _buttons(view: View) -> Buttons:
    number = {"application_no": view.number}
    supplement = ("补材料", payload("install_progress", service_wish="supplement", **number))
    withdraw = ("撤回申请", payload("install_progress", service_wish="withdraw", **number))
    return [
        *([supplement] if view.state is State.DOCUMENTS_MISSING else []),
        *([withdraw] if view.can_be_withdrawn else []),
        *([("找人工", "/human")] if view.state is State.REJECTED else []),
    ]


class ActionInstallProgress(Task):
    """我的申请到哪一步了; also adding documents, and taking an application back."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_install_progress"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        number = turn.values.first("work_order_no")
        if number and (task := task_of_number(turn, str(number))) != "action_application_progress":
            return [FollowupAction(task)]
        events = await elsewhere(turn, None)
        return go_to(turn, "action_application_progress") if events is None else events


class ActionApplicationProgress(Task):
    """Tells how one application stands, or lists those there are."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_application_progress"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        number = number_said(turn)
        if number is None:
            views = await applications_meant(turn)
            under_way = [view for view in views if view.is_open] or views[:1]
            if not under_way:
                return say_none(turn)
            if len(under_way) > 1:
                return ask_which(turn, under_way, "utter_applications", None)
            number = under_way[0].number
        try:
            view = await turn.services.applications.find(turn.openid, number)
        except UnknownApplication:
            return say_unknown(turn)
        tell(turn, view, await label_of(turn, view.filing.account_no))
        return []


class ActionSupplementApplication(Task):
    """Starts to take in photos for an application that was filed."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_supplement_application"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        number = number_said(turn)
        if number is None:
            views = [view for view in await applications_meant(turn) if view.is_open]
            views = [view for view in views if view.state is State.DOCUMENTS_MISSING] or views
            if len(views) != 1:
                return ask_which(turn, views, "utter_supplement_which", "supplement") if views else say_none(turn)
            number = views[0].number
        try:
            view = await turn.services.applications.find(turn.openid, number)
        except UnknownApplication:
            return say_unknown(turn)
        if not view.is_open:
            turn.say("utter_application_closed", number=view.number, state=STATE_NAMES[view.state])
            return []
        return start_supplement(turn, view)


def start_supplement(turn: Turn, view: View) -> list[EventType]:
    """Events that ask for the documents of an application that are missing."""
    wanted = list(view.missing) or documents_for(view.filing, turn.services.utility.applications) or ["other"]
    image = turn.values.first("image")
    kept = [{"document": wanted[0], "media_id": str(image)}] if image else []
    return turn.start_form(
        "supplement_form", supplement_no=view.number, photo_wanted=wanted, photo_kept=kept, supplement_photos=None,
    )


class ActionAskSupplementPhotos(Question):
    """Which documents are wanted."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_supplement_photos"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        ask_for(turn, turn.slot("photo_wanted") or ["other"], "utter_ask_supplement_photos")


class ValidateSupplementForm(Form):
    """Takes photos in until the customer has no more."""

    def name(self) -> str:
        """The name in the domain."""
        return "validate_supplement_form"

    def hears_cancel(self, slot: str, turn: Turn) -> bool:
        """后面再补 only puts the photos off."""
        return reading.is_later(turn)

    async def hear_supplement_photos(self, turn: Turn) -> Mapping[str, Any] | None:
        """A photo, or that this was all."""
        return collect(turn, self, "supplement_photos", turn.slot("photo_wanted") or ["other"])


class ActionSupplementFormSubmit(Task):
    """Passes the photos on."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_supplement_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        number = turn.slot("supplement_no")
        forget = [SlotSet(slot, None) for slot in ("supplement_no", "supplement_photos", "photo_wanted", "photo_kept")]
        photos = photos_kept(turn)
        if not photos:
            turn.say("utter_supplement_later", number=number)
            return forget
        try:
            count = await turn.services.applications.supplement(turn.openid, number, photos)
        except (ApplicationRefused, UnknownApplication):
            turn.say("utter_supplement_too_late", number=number, **hotline(turn))
            return forget
        turn.say("utter_supplemented", number=number, count=count)
        return forget


class ActionWithdrawApplication(Task):
    """Starts to take an application back."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_withdraw_application"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        number = number_said(turn)
        if number is None:
            views = await applications_meant(turn)
            takeable = [view for view in views if view.can_be_withdrawn]
            if len(takeable) > 1:
                return ask_which(turn, takeable, "utter_withdraw_which", "withdraw")
            if not views:
                return say_none(turn)
            number = (takeable or views)[0].number
        try:
            view = await turn.services.applications.find(turn.openid, number)
        except UnknownApplication:
            return say_unknown(turn)
        if not view.can_be_withdrawn:
            turn.say("utter_withdraw_too_late", number=view.number, state=STATE_NAMES[view.state], **hotline(turn))
            return []
        return turn.start_form("withdraw_form", withdraw_no=view.number, withdraw_kind=view.kind, withdraw_agreed=None)


class ActionAskWithdrawAgreed(Question):
    """Whether the customer is sure."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_withdraw_agreed"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        turn.say(
            "utter_withdraw_confirm", number=turn.slot("withdraw_no"), kind=KIND_NAMES[Kind(turn.slot("withdraw_kind"))],
            buttons=[("确认撤回", "/affirm"), ("不撤了", "/deny")],
        )


class ValidateWithdrawForm(Form):
    """Hears yes or no."""

    yes_or_no = frozenset({"withdraw_agreed"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_withdraw_form"

    async def hear_withdraw_agreed(self, turn: Turn) -> Mapping[str, Any] | None:
        """A yes or a no."""
        yes = agreed(turn)
        if yes is not None:
            return {"withdraw_agreed": yes}
        return self.misheard(turn, "withdraw_agreed", "utter_withdraw_yes_or_no") if turn.intent in ANSWERS else None


class ActionWithdrawFormSubmit(Task):
    """Takes the application back, or leaves it. Trying again after an outage comes here too."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_withdraw_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        number = turn.slot("withdraw_no")
        forget = [SlotSet(slot, None) for slot in ("withdraw_no", "withdraw_kind", "withdraw_agreed")]
        if not turn.slot("withdraw_agreed"):
            turn.say("utter_withdraw_not", number=number)
            return forget
        try:
            view = await turn.services.applications.withdraw(turn.openid, number)
        except SystemUnavailable:
            turn.say("utter_withdraw_unavailable", **hotline(turn), buttons=[("再试一次", "/affirm"), ("算了", "/cancel")])
            return turn.put_aside(self.name())
        except (ApplicationRefused, UnknownApplication):
            turn.say("utter_withdraw_too_late", number=number, state="已在办理", **hotline(turn))
            return forget
        turn.say("utter_withdrawn", number=view.number, kind=KIND_NAMES[view.kind])
        return forget


class ActionApplicationChanged(Task):
    """News from the department: what an ``EXTERNAL_application_...`` intent carries."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_application_changed"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Tell it; where documents are missing, the next photo is taken for one of them."""
        try:
            view = await turn.services.applications.find(turn.openid, number_said(turn) or "")
        except UnknownApplication:
            return []
        if turn.intent == "EXTERNAL_application_filed":
            turn.say("utter_application_filed_after_all", kind=KIND_NAMES[view.kind], number=view.number)
        tell(turn, view, await label_of(turn, view.filing.account_no))
        if view.state is State.DOCUMENTS_MISSING and turn.active_form is None:
            return start_supplement(turn, view)
        return []
