"""Filling an application in: one question after the other, whatever was said already left out, and a yes at the end."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from rasa_sdk.events import EventType, SlotSet

from actions import figures
from actions.applications import reading
from actions.applications.figures import filing_lines, full_day, tariff_lines
from actions.applications.photos import COLLECTED, ask_for, collect, keep, photos_kept
from actions.applications.reading import FIELDS, KIND_NAMES, OPEN_END, WITH_DOCUMENTS, facts_said, filing_of
from actions.applications.starting import PERSON, SLOTS, hotline, say_no_effect, say_refused
from actions.billing import KIND_NAMES as NATURES
from actions.flow import ANSWERS, Form, Question, Task, agreed, digresses, payload
from actions.turn import Buttons, Turn
from runxia.clock import today
from services.accounts import BoundAccount
from services.applications import Filing, Kind, View
from services.applications.rules import (
    documents_for,
    first_stop_day,
    is_address_like,
    months_later,
    natures_said,
    stop_ends,
    tariff_change,
    use_said,
)
from services.errors import ApplicationRefused, NotVerified, SystemUnavailable, UnknownAccount

MAX_ADDRESS = 100
_END_MONTHS = ((3, "三个月"), (6, "半年"), (12, "一年"))
_ENTITIES = {
    "apply_address": ("address",), "apply_name": ("name", "org"), "apply_phone": ("phone",), "apply_people": ("people",),
    "apply_start": ("date",), "apply_end": ("date",),
}
_ALL_SLOTS = (*SLOTS, "apply_kind", "apply_account", "apply_account_now", "apply_street", "apply_request", "photo_kept")


def kind_of(turn: Turn) -> Kind:
    """What is being applied for."""
    return Kind(turn.slot("apply_kind"))


def wanted_documents(turn: Turn) -> list[str]:
    """The documents still to be photographed, the next one first."""
    kept = turn.slot("photo_wanted")
    return list(kept) if kept is not None else documents_for(filing_of(turn), turn.services.utility.applications)


def choices(pairs: Sequence[tuple[str, str]]) -> Buttons:
    """Buttons that answer with a value."""
    return [(title, payload("inform", apply_choice=value)) for title, value in pairs]


async def label_of(turn: Turn, account_no: str | None) -> str | None:
    """What to call the account in question."""
    bound = await turn.services.accounts.bindings(turn.openid)
    return next((account.label for account in bound if account.account_no == account_no), account_no)


class ActionAskApplyAddress(Question):
    """Where the water is to go."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_apply_address"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        turn.say("utter_ask_apply_address")


class ActionAskApplyUse(Question):
    """What the water is for."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_apply_use"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        turn.say("utter_ask_apply_use", buttons=_use_buttons(turn))


def _use_buttons(turn: Turn) -> Buttons:
    return choices([(use.name, use.use) for use in turn.services.utility.applications.installation.uses])


class ActionAskApplyName(Question):
    """Who applies."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_apply_name"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        turn.say("utter_ask_apply_name")


class ActionAskApplyPhone(Question):
    """Whom to call."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_apply_phone"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        turn.say("utter_ask_apply_phone")


class ActionAskApplyPeople(Question):
    """How many live there."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_apply_people"

    async def ask(self, turn: Turn) -> None:
        """Put the question, with the number on file."""
        now = turn.slot("apply_account_now") or {}
        turn.say("utter_ask_apply_people", people=now.get("people"))


class ActionAskApplyNature(Question):
    """Which kind of use it is to be."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_apply_nature"

    async def ask(self, turn: Turn) -> None:
        """Put the question, with the present kind."""
        now = (turn.slot("apply_account_now") or {}).get("kind", "")
        turn.say("utter_ask_apply_nature", now=NATURES.get(now, now), buttons=_nature_buttons(turn))


def _nature_buttons(turn: Turn) -> Buttons:
    now = (turn.slot("apply_account_now") or {}).get("kind")
    kinds = turn.services.utility.applications.nature.kinds
    return choices([(NATURES[each.kind], each.kind) for each in kinds if each.kind != now])


class ActionAskApplyStart(Question):
    """The first day without water."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_apply_start"

    async def ask(self, turn: Turn) -> None:
        """Put the question, with the earliest day."""
        first = first_stop_day(turn.services.utility.applications.stop, today(turn.services.clock))
        next_month = months_later(first.replace(day=1), 1)
        days = dict.fromkeys((first, next_month))
        turn.say(
            "utter_ask_apply_start", first=full_day(first),
            buttons=choices([(figures.day(each), each.isoformat()) for each in days]),
        )


class ActionAskApplyEnd(Question):
    """The last day without water."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_apply_end"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        rules = turn.services.utility.applications.stop
        turn.say("utter_ask_apply_end", least=rules.min_days, most=rules.max_days, buttons=_end_buttons(turn))


def _end_buttons(turn: Turn) -> Buttons:
    start = date.fromisoformat(turn.slot("apply_start"))
    ends = [(title, reading.duration_end(title, start)) for _, title in _END_MONTHS]
    fitting = [(title, end.isoformat()) for title, end in ends if end and reading.end_problem(turn, start, end) is None]
    return choices([*fitting, ("还没定", OPEN_END)])


class ActionAskApplyDocuments(Question):
    """Photos of the documents, now or later."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_apply_documents"

    async def ask(self, turn: Turn) -> None:
        """Ask for the first, naming all."""
        ask_for(turn, wanted_documents(turn), "utter_ask_apply_documents")


class ActionAskApplyConfirmed(Question):
    """Everything once more, what it changes and what it costs, and a yes."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_apply_confirmed"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        filing, kind = filing_of(turn), kind_of(turn)
        label = await label_of(turn, filing.account_no)
        turn.say(
            "utter_apply_confirm", lines=filing_lines(filing, turn.services.utility.applications, label, masked=False),
            terms=self._terms(turn, filing), kind=KIND_NAMES[kind],
            buttons=[("确认提交", "/affirm"), ("先不提交", "/deny")],
        )

    def _terms(self, turn: Turn, filing: Filing) -> str:
        """What follows from it: money, time, prices."""
        rules = turn.services.utility.applications
        parts = [self._documents(turn), *self._tariff(turn, filing)]
        match filing.kind:
            case Kind.INSTALL:
                parts.append(f"费用：{next(use.fee for use in rules.installation.uses if use.use == filing.use)}")
            case Kind.STOP:
                parts.append(f"费用：{rules.stop.fee}。最长停{rules.stop.max_days}天，到期不恢复的会销户。")
            case Kind.RESTORE:
                parts.append(f"时限：{rules.restore.working_days}个工作日内通水。{rules.restore.fee}。")
            case Kind.HOUSEHOLD:
                months, renew = rules.household.valid_months, rules.household.renew_days
                parts.append(f"{rules.household.takes_effect}生效，有效{months}个月，到期前{renew}天内要续办。")
            case Kind.NATURE:
                parts.append(f"{rules.nature.takes_effect}。")
        return "\n".join(part for part in parts if part)

    @staticmethod
    def _documents(turn: Turn) -> str:
        if kind_of(turn) not in WITH_DOCUMENTS:
            return ""
        count = len(photos_kept(turn))
        sent = f"已发{count}张照片" if count else ""
        later = "" if turn.slot("apply_documents") == COLLECTED else "其余提交后再补" if count else "提交后再补"
        return f"材料：{'，'.join(part for part in (sent, later) if part)}"

    @staticmethod
    def _tariff(turn: Turn, filing: Filing) -> list[str]:
        now = turn.slot("apply_account_now")
        change = tariff_change(filing, turn.services.utility.tariff, now["kind"], now["people"]) if now else None
        return [f"水价变化：\n{tariff_lines(change)}"] if change else []


class ValidateApplyForm(Form):
    """Hears the answers. A fact of this application given out of turn is taken too, and corrects what was said before."""

    yes_or_no = frozenset({"apply_confirmed"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_apply_form"

    def required(self, turn: Turn, slots: list[str]) -> list[str]:
        """The fields of this kind of application, documents where there are any, the yes."""
        kind = kind_of(turn)
        documents = ["apply_documents"] if kind in WITH_DOCUMENTS else []
        return [*FIELDS[kind], *documents, "apply_confirmed"]

    async def _hear(self, turn: Turn, asked: str) -> Mapping[str, Any] | None:
        kind = kind_of(turn)
        if turn.values.first("image") and asked != "apply_documents" and kind in WITH_DOCUMENTS:
            turn.say("utter_photo_kept")
            return {asked: None, **keep(turn, (wanted_documents(turn) or ["other"])[0])}
        others = self._corrections(turn, kind, asked)
        if others and not any(turn.values.first(entity) for entity in _ENTITIES.get(asked, ())):
            turn.say("utter_apply_noted")
            return {asked: None, **others}
        answer = await super()._hear(turn, asked)
        return answer if answer is None else {**others, **answer}

    @staticmethod
    def _corrections(turn: Turn, kind: Kind, asked: str) -> dict[str, Any]:
        """Facts for other questions than the one that is open."""
        by_words = asked == "apply_confirmed" and turn.intent not in ("affirm", "cancel")
        said = facts_said(turn, kind, by_words=by_words)
        changed = {slot: value for slot, value in said.items() if slot != asked and turn.slot(slot) != value}
        if asked in ("apply_start", "apply_end"):
            changed.pop("apply_start" if asked == "apply_end" and len(turn.values.all("date")) < 2 else "", None)
        if {"apply_use", "apply_nature"} & changed.keys():
            changed["photo_wanted"] = None
        return changed

    def hears_cancel(self, slot: str, turn: Turn) -> bool:
        """后面再补 only puts the photos off."""
        return slot == "apply_documents" and reading.is_later(turn)

    async def hear_apply_address(self, turn: Turn) -> Mapping[str, Any] | None:
        """The address, as far as it can be placed in the area; otherwise the district is asked for."""
        if turn.values.first("apply_choice") == "elsewhere":
            return self._outside(turn)
        if digresses(turn, "address", "location", "apply_choice"):
            return None
        said = str(turn.values.first("address") or turn.values.first("apply_choice") or turn.text).strip()
        street = turn.slot("apply_street")
        if street and reading.names_only_district(turn, said):
            said = f"{reading.placed(turn, said).district}{street}"
        only_yes_or_no = agreed(turn) is not None and not turn.values.first("address")
        if turn.values.first("location") or not 2 <= len(said) <= MAX_ADDRESS or only_yes_or_no:
            return self.misheard(turn, "apply_address", "utter_apply_address_in_words")
        where = reading.placed(turn, said)
        if where.elsewhere:
            return self._outside(turn)
        if where.district is None and not is_address_like(said):
            return self.misheard(turn, "apply_address", "utter_apply_address_in_words")
        if where.district is None:
            return self._ask_district(turn, said)
        if reading.names_only_district(turn, said):
            return self.misheard(turn, "apply_address", "utter_apply_address_more", district=where.district)
        return {"apply_address": reading.whole_address(turn, said)}

    def _outside(self, turn: Turn) -> Mapping[str, Any]:
        districts = "、".join(each.district for each in turn.services.utility.service_area)
        return self.misheard(turn, "apply_address", "utter_apply_outside", districts=districts, buttons=PERSON, **hotline(turn))

    def _ask_district(self, turn: Turn, said: str) -> Mapping[str, Any]:
        area = turn.services.utility.service_area
        buttons = choices([*((each.district, each.district) for each in area), ("都不是", "elsewhere")])
        return {**self.misheard(turn, "apply_address", "utter_apply_which_district", buttons=buttons), "apply_street": said}

    async def hear_apply_use(self, turn: Turn) -> Mapping[str, Any] | None:
        """What for."""
        uses = turn.services.utility.applications.installation.uses
        chosen = turn.values.first("apply_choice")
        use = next((use for use in uses if use.use == chosen), None) or use_said(turn.text, uses)
        if use:
            return {"apply_use": use.use, "photo_wanted": None}
        if digresses(turn):
            return None
        return self.misheard(turn, "apply_use", "utter_apply_which_use", buttons=_use_buttons(turn))

    async def hear_apply_name(self, turn: Turn) -> Mapping[str, Any] | None:
        """A person's or a company's name."""
        if digresses(turn, "name", "org") and not reading.is_name_given(turn.text):
            return None
        name = turn.values.first("name") or reading.company(turn)
        if not name and agreed(turn) is None:
            name = reading.person_in(turn.text)
        if not name:
            return self.misheard(turn, "apply_name", "utter_apply_name_again")
        return {"apply_name": str(name)[:40]}

    async def hear_apply_phone(self, turn: Turn) -> Mapping[str, Any] | None:
        """A mobile number."""
        phone = turn.values.first("phone")
        if phone:
            return {"apply_phone": str(phone)}
        is_wrong_number = re.search(r"\d{5}", turn.text) and not turn.text.startswith("/")
        if digresses(turn) and not is_wrong_number:
            return None
        return self.misheard(turn, "apply_phone", "utter_apply_phone_again")

    async def hear_apply_people(self, turn: Turn) -> Mapping[str, Any] | None:
        """A number that makes a difference."""
        people = turn.values.first("people") or reading.number_in(turn.text)
        rules = turn.services.utility.applications.household
        if people is None:
            return None if digresses(turn) else self.misheard(turn, "apply_people", "utter_apply_people_again")
        if not 1 <= people <= rules.max_people:
            return self.misheard(turn, "apply_people", "utter_apply_people_range", most=rules.max_people)
        if not reading.widens(turn, people):
            say_no_effect(turn, people)
            return self.again("apply_people")
        return {"apply_people": people}

    async def hear_apply_nature(self, turn: Turn) -> Mapping[str, Any] | None:
        """Another kind than the present one."""
        wanted = reading.wanted_natures(turn)
        if len(wanted) == 1:
            return {"apply_nature": wanted[0], "photo_wanted": None}
        named = natures_said(turn.text, turn.services.utility.applications.nature.kinds)
        if not named and digresses(turn):
            return None
        return self.misheard(turn, "apply_nature", "utter_apply_which_nature", buttons=_nature_buttons(turn))

    async def hear_apply_start(self, turn: Turn) -> Mapping[str, Any] | None:
        """A day within the rules; the end too, where it is named."""
        start, end = reading.stop_days(turn)
        if start is None:
            return None if digresses(turn) else self.misheard(turn, "apply_start", "utter_apply_which_day")
        problem = reading.start_problem(turn, start)
        if problem:
            rules, day = turn.services.utility.applications.stop, today(turn.services.clock)
            return self.misheard(
                turn, "apply_start", f"utter_apply_start_{problem}", said=full_day(start), notice=rules.notice_days,
                first=full_day(first_stop_day(rules, day)), latest=rules.latest_days,
            )
        end = end or reading.duration_end(turn.text, start)
        fits = end is not None and reading.end_problem(turn, start, end) is None
        return {"apply_start": start.isoformat(), "apply_end": end.isoformat() if end and fits else None}

    async def hear_apply_end(self, turn: Turn) -> Mapping[str, Any] | None:
        """A day within the rules, or 还没定."""
        start = date.fromisoformat(turn.slot("apply_start"))
        if turn.values.first("apply_choice") == OPEN_END or reading.NOT_SURE.search(turn.text):
            return {"apply_end": OPEN_END}
        named, last = reading.stop_days(turn)
        end = last or named or reading.duration_end(turn.text, start)
        if end is None:
            return None if digresses(turn) else self.misheard(
                turn, "apply_end", "utter_apply_end_again", buttons=_end_buttons(turn),
            )
        problem = reading.end_problem(turn, start, end)
        if problem:
            rules = turn.services.utility.applications.stop
            earliest, latest = stop_ends(rules, start)
            return self.misheard(
                turn, "apply_end", f"utter_apply_end_{problem}", said=full_day(end), least=rules.min_days, most=rules.max_days,
                earliest=full_day(earliest), latest=full_day(latest), buttons=_end_buttons(turn),
            )
        return {"apply_end": end.isoformat()}

    async def hear_apply_documents(self, turn: Turn) -> Mapping[str, Any] | None:
        """Photos, or later."""
        return collect(turn, self, "apply_documents", wanted_documents(turn))

    async def hear_apply_confirmed(self, turn: Turn) -> Mapping[str, Any] | None:
        """A yes or a no; corrections were taken before."""
        yes = True if reading.says_submit(turn.text) else agreed(turn)
        if yes is not None:
            return {"apply_confirmed": yes}
        if turn.intent not in ANSWERS:
            return None
        return self.misheard(turn, "apply_confirmed", "utter_apply_yes_or_no")


class ActionApplyFormSubmit(Task):
    """After the answer: file it and give the number, or leave it. Trying again after an outage comes here too."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_apply_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """File exactly what was confirmed, once."""
        if not turn.slot("apply_confirmed"):
            turn.say("utter_apply_not_now")
            return _forget()
        filing, kind = filing_of(turn), kind_of(turn)
        try:
            view = await turn.services.applications.file(turn.openid, turn.slot("apply_request"), filing, photos_kept(turn))
        except SystemUnavailable:
            turn.say("utter_apply_unavailable", kind=KIND_NAMES[kind], **hotline(turn), buttons=[
                ("再试一次", "/affirm"), ("算了", "/cancel"),
            ])
            return turn.put_aside(self.name())
        except NotVerified:
            return [SlotSet("account_no", filing.account_no), *turn.detour(self.name(), "action_verify")]
        except ApplicationRefused as error:
            say_refused(turn, error, kind, None)
            return _forget()
        except UnknownAccount:
            turn.say("utter_apply_refused_unknown", account=filing.account_no, **hotline(turn))
            return _forget()
        self._say_filed(turn, view)
        return _forget()

    @staticmethod
    def _say_filed(turn: Turn, view: View) -> None:
        later = view.kind in WITH_DOCUMENTS and turn.slot("apply_documents") != COLLECTED
        number = {"application_no": view.number}
        turn.say(
            "utter_apply_filed_documents_later" if later else "utter_apply_filed", kind=KIND_NAMES[view.kind],
            number=view.number, days=review_days(turn, view.kind),
            buttons=[
                *([("补材料", payload("install_progress", service_wish="supplement", **number))] if later else []),
                ("查进度", payload("install_progress", **number)),
            ],
        )


def review_days(turn: Turn, kind: Kind) -> int:
    """Working days until the customer hears of a decision."""
    rules = turn.services.utility.applications
    return {
        Kind.INSTALL: rules.installation.working_days.review, Kind.STOP: rules.stop.notice_days,
        Kind.RESTORE: rules.restore.working_days, Kind.HOUSEHOLD: rules.household.working_days,
        Kind.NATURE: rules.nature.working_days,
    }[kind]


def _forget() -> list[EventType]:
    return [SlotSet(slot, None) for slot in _ALL_SLOTS]
