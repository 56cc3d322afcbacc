"""The beginning of every application: what the customer wants of it, what the rules say, and whether it can be taken."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from rasa_sdk.events import EventType

from actions.applications import reading
from actions.applications.figures import document_names, tariff_lines
from actions.applications.reading import FIELDS, KIND_NAMES, facts_said
from actions.basics import facts
from actions.billing import KIND_NAMES as NATURES
from actions.flow import Need, Task, payload
from actions.turn import Buttons, Turn
from runxia.money import yuan
from services.accounts import BoundAccount
from services.applications import Filing, Kind
from services.applications.rules import natures_said, tariff_change, use_said
from services.errors import ApplicationRefused, UnknownAccount

APPLY_FORM = "apply_form"
SLOTS = (*(slot for fields in FIELDS.values() for slot in fields), "apply_documents", "apply_confirmed", "photo_wanted")
PERSON: Buttons = [("找人工", "/human"), ("算了", "/cancel")]
START = {
    Kind.INSTALL: "action_apply_install", Kind.STOP: "action_apply_stop", Kind.RESTORE: "action_apply_restore",
    Kind.HOUSEHOLD: "action_apply_household", Kind.NATURE: "action_apply_nature",
}


def hotline(turn: Turn) -> dict[str, Any]:
    """The utility's own facts for a response."""
    return facts(turn.services.utility, turn.services.clock.now())


def go_to(turn: Turn, task: str, **entities: Any) -> list[EventType]:
    """Events that go on with another task, with all that was said."""
    kept = [*turn.values.entities, *({"entity": name, "value": value} for name, value in entities.items())]
    return [*turn.put_aside(task, kept), *turn.detour(task, task)[-1:]]


async def elsewhere(turn: Turn, kind: Kind | None) -> list[EventType] | None:
    """Where the message is about an application filed before, the events that go on with that; else none."""
    wish = turn.values.first("service_wish")
    if wish == "supplement" or reading.SUPPLEMENT.search(turn.text):
        return go_to(turn, "action_supplement_application", **_about(kind))
    if wish == "withdraw" or reading.WITHDRAW.search(turn.text):
        return go_to(turn, "action_withdraw_application", **_about(kind))
    if kind is not None and not turn.values.first("apply_now") and reading.PROGRESS.search(turn.text):
        mine = [view for view in await turn.services.applications.list(turn.openid) if view.kind is kind]
        if mine:
            return go_to(turn, "action_application_progress", application_kind=kind)
    return None


def _about(kind: Kind | None) -> dict[str, Any]:
    return {} if kind is None else {"application_kind": kind}


def only_asks(turn: Turn) -> bool:
    """Whether the customer wants to know about it first, and has not asked for it."""
    return bool(reading.QUESTION.search(turn.text)) and not turn.values.first("apply_now")


def offer(turn: Turn, kind: Kind) -> list[EventType]:
    """Events after an explanation: a yes starts the application, with what was said already."""
    if turn.active_form or turn.slot("pending_task"):
        return []
    return turn.put_aside(START[kind], [*turn.values.entities, {"entity": "apply_now", "value": True}])


def begin(turn: Turn, kind: Kind, account_no: str | None, now: Mapping[str, Any] | None) -> list[EventType]:
    """Events that start the form; what was said fills its slots."""
    turn.tracker.slots.update(dict.fromkeys(SLOTS) | {"apply_account_now": now})
    return turn.start_form(
        APPLY_FORM,
        **{
            **dict.fromkeys(SLOTS), "apply_kind": kind, "apply_account": account_no, "apply_account_now": now, "photo_kept": [],
            "apply_street": None, "apply_request": secrets.token_hex(8), **facts_said(turn, kind, by_words=True),
        },
    )


def is_busy(turn: Turn, kind: Kind) -> bool:
    """Whether another application is being filled in; the customer is told to end that one first."""
    open_kind = turn.slot("apply_kind")
    if turn.active_form != APPLY_FORM or open_kind in (None, kind):
        return False
    turn.say("utter_apply_one_at_a_time", now=KIND_NAMES[Kind(open_kind)], then=KIND_NAMES[kind])
    return True


def say_refused(turn: Turn, error: ApplicationRefused, kind: Kind, account: BoundAccount | None) -> None:
    """Why an application cannot be taken, and what can be done."""
    buttons: dict[str, Buttons] = {
        "arrears": [("现在缴清", "/pay_bill"), ("查欠费", "/arrears")],
        "open": [("查进度", payload("install_progress", application_no=error.number)), ("找人工", "/human")],
        "not_stopped": [("查停水", "/outage_query"), ("报修", "/repair_report")],
        "stopped": [("恢复用水", payload("stop_restore_service", service_wish="restore"))],
        "too_many": [("查进度", "/install_progress")],
    }
    turn.say(
        f"utter_apply_refused_{error.why}", buttons=buttons.get(error.why, [("找人工", "/human")]), kind=KIND_NAMES[kind],
        account=account.label if account else "", amount=yuan(error.amount_fen), number=error.number or "", **hotline(turn),
    )


class _OnAccount(Task):
    """Starts an application that changes an account, when the account is in a state for it."""

    need = Need.PROVEN
    kind: Kind

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Check, and start the form."""
        if account is None:
            raise TypeError("the task needs an account")
        if is_busy(turn, self.kind):
            return []
        try:
            now = await turn.services.applications.check(turn.openid, self.kind, account.account_no)
        except ApplicationRefused as error:
            say_refused(turn, error, self.kind, account)
            return []
        except UnknownAccount:
            turn.say("utter_apply_refused_unknown", account=account.label, **hotline(turn))
            return []
        if now is None:
            raise TypeError("an account was asked for")
        events = begin(turn, self.kind, account.account_no, {"kind": now.kind, "people": now.people})
        people = turn.values.first("people")
        if self.kind is Kind.HOUSEHOLD and people and not reading.widens(turn, people):
            say_no_effect(turn, people)
            return []
        turn.say("utter_apply_start", kind=KIND_NAMES[self.kind], account=account.label)
        return events



class ActionApplyStop(_OnAccount):
    """Stop the supply for a time."""

    kind = Kind.STOP

    def name(self) -> str:
        """The name in the domain."""
        return START[Kind.STOP]


class ActionApplyRestore(_OnAccount):
    """Take water again."""

    kind = Kind.RESTORE

    def name(self) -> str:
        """The name in the domain."""
        return START[Kind.RESTORE]


class ActionApplyHousehold(_OnAccount):
    """Have the tiers reckoned for more people."""

    kind = Kind.HOUSEHOLD

    def name(self) -> str:
        """The name in the domain."""
        return START[Kind.HOUSEHOLD]


class ActionApplyNature(_OnAccount):
    """Change what the water is used for."""

    kind = Kind.NATURE

    def name(self) -> str:
        """The name in the domain."""
        return START[Kind.NATURE]


class ActionApplyInstall(Task):
    """Starts the form of a new connection. Nobody needs an account for it."""

    def name(self) -> str:
        """The name in the domain."""
        return START[Kind.INSTALL]

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Refuse what is outside the area at once; else start."""
        if is_busy(turn, Kind.INSTALL):
            return []
        said = turn.values.first("address")
        if said and reading.placed(turn, str(said)).elsewhere:
            say_outside(turn)
            return []
        try:
            await turn.services.applications.check(turn.openid, Kind.INSTALL)
        except ApplicationRefused as error:
            say_refused(turn, error, Kind.INSTALL, None)
            return []
        turn.say("utter_apply_install_start")
        return begin(turn, Kind.INSTALL, None, None)


def say_no_effect(turn: Turn, people: int) -> None:
    """So many people have the usual tiers anyway."""
    included = turn.services.utility.tariff.residential.people_included
    turn.say("utter_apply_people_no_effect", people=people, included=included, buttons=PERSON)


def say_outside(turn: Turn) -> None:
    """An address that this utility does not serve."""
    districts = "、".join(each.district for each in turn.services.utility.service_area)
    turn.say("utter_apply_outside", districts=districts, buttons=PERSON, **hotline(turn))


class ActionNewInstall(Task):
    """报装: explain it, start it, or see to one filed before."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_new_install"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        events = await elsewhere(turn, Kind.INSTALL)
        if events is not None:
            return events
        filling = turn.active_form == APPLY_FORM and turn.slot("apply_kind") == Kind.INSTALL
        if not (only_asks(turn) or filling):
            return go_to(turn, START[Kind.INSTALL])
        self._explain(turn)
        return offer(turn, Kind.INSTALL)

    @staticmethod
    def _explain(turn: Turn) -> None:
        rules = turn.services.utility.applications
        uses = rules.installation.uses
        meant = use_said(turn.text, uses) or next((use for use in uses if use.use == turn.slot("apply_use")), None)
        shown = [meant] if meant else uses
        lines = "\n\n".join(
            f"【{use.name}用水】\n材料：\n{document_names(use.documents, rules)}\n费用：{use.fee}" for use in shown
        )
        days = rules.installation.working_days
        turn.say(
            "utter_new_install", lines=lines, review=days.review, survey=days.survey, construction=days.construction,
            buttons=_start_buttons("new_install"), **hotline(turn),
        )


def _start_buttons(intent: str, **entities: Any) -> Buttons:
    return [("现在申请", payload(intent, apply_now=True, **entities)), ("找人工", "/human")]


class ActionStopRestoreService(Task):
    """报停、复用、销户: which of them, and then explain or start it."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_stop_restore_service"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        wish = self._wish(turn)
        kind = {"stop": Kind.STOP, "restore": Kind.RESTORE}.get(wish or "")
        events = await elsewhere(turn, kind) if kind else None
        if events is not None:
            return events
        if wish == "close":
            self._explain_closing(turn)
            return []
        if kind is None:
            turn.say("utter_stop_restore_service", buttons=[
                (title, payload("stop_restore_service", service_wish=each))
                for title, each in (("报停", "stop"), ("恢复用水", "restore"), ("销户", "close"))
            ])
            return []
        if not only_asks(turn):
            return go_to(turn, START[kind])
        self._explain(turn, kind)
        return offer(turn, kind)

    @staticmethod
    def _wish(turn: Turn) -> str | None:
        told = turn.values.first("service_wish")
        if told in ("stop", "restore", "close"):
            return str(told)
        words = (("close", reading.CLOSE), ("restore", reading.RESTORE), ("stop", reading.STOP))
        return next((wish for wish, pattern in words if pattern.search(turn.text)), None)

    @staticmethod
    def _explain_closing(turn: Turn) -> None:
        rules = turn.services.utility.applications
        turn.say(
            "utter_close_account", documents=document_names(rules.close.documents, rules), where=rules.close.where,
            buttons=[("查欠费", "/arrears"), ("营业厅在哪", "/outlets"), ("只是暂时停用", payload(
                "stop_restore_service", service_wish="stop", apply_now=True,
            ))], **hotline(turn),
        )

    @staticmethod
    def _explain(turn: Turn, kind: Kind) -> None:
        rules = turn.services.utility.applications
        buttons: Buttons = [
            ("现在申请", payload("stop_restore_service", service_wish=kind, apply_now=True)), ("查欠费", "/arrears"),
        ]
        if kind is Kind.STOP:
            turn.say(
                "utter_explain_stop", notice=rules.stop.notice_days, least=rules.stop.min_days, most=rules.stop.max_days,
                fee=rules.stop.fee, buttons=buttons,
            )
        else:
            turn.say("utter_explain_restore", days=rules.restore.working_days, fee=rules.restore.fee, buttons=buttons)


class ActionMultiPerson(Task):
    """一户多人口: what it brings, or apply for it."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_multi_person"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        events = await elsewhere(turn, Kind.HOUSEHOLD)
        if events is not None:
            return events
        if not only_asks(turn):
            return go_to(turn, START[Kind.HOUSEHOLD])
        utility = turn.services.utility
        rules, tariff = utility.applications, utility.tariff
        included = tariff.residential.people_included
        people = facts_said(turn, Kind.HOUSEHOLD, by_words=True).get("apply_people") or included + 1
        change = tariff_change(Filing(Kind.HOUSEHOLD, people=people), tariff, "residential", included)
        turn.say(
            "utter_multi_person", included=included, extra=tariff.residential.extra_volume_per_person, people=people,
            lines=tariff_lines(change) if change and people > included else "不变", months=rules.household.valid_months,
            renew=rules.household.renew_days, documents=document_names(rules.household.documents, rules),
            days=rules.household.working_days, takes_effect=rules.household.takes_effect,
            buttons=_start_buttons("multi_person", **({"people": people} if turn.values.first("people") else {})),
        )
        return offer(turn, Kind.HOUSEHOLD)


class ActionWaterUseNature(Task):
    """用水性质: the rules, or apply for another one."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_water_use_nature"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        events = await elsewhere(turn, Kind.NATURE)
        if events is not None:
            return events
        if not only_asks(turn):
            return go_to(turn, START[Kind.NATURE])
        rules = turn.services.utility.applications
        named = natures_said(turn.text, rules.nature.kinds) or [each.kind for each in rules.nature.kinds]
        lines = "\n\n".join(
            f"改成{NATURES[each.kind]}要带：\n{document_names(each.documents, rules)}"
            for each in rules.nature.kinds if each.kind in named
        )
        turn.say(
            "utter_water_use_nature", lines=lines, days=rules.nature.working_days, takes_effect=rules.nature.takes_effect,
            buttons=[*_start_buttons("water_use_nature"), ("看各类水价", "/price_query")],
        )
        return offer(turn, Kind.NATURE)
