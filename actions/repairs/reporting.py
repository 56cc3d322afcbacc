"""Reporting a fault: what, where, since when, which phone; known outages first; one yes; a number and a promise."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from rasa_sdk.events import EventType, SlotSet

from actions.flow import ANSWERS, Form, Question, Task, agreed, payload
from actions.repairs import wording
from actions.repairs.asking import MORE, added, ask_phone, hear_phone, phone_said, says_yes, words_of
from actions.turn import Buttons, Turn
from runxia.clock import today
from services.accounts import BoundAccount, named_in
from services.errors import NotBound
from services.outages import OutageNotice
from services.repairs import Fault, OrderKind, Report, Spot
from services.repairs.triage import OUTAGE_FAULTS, SPOT_MATTERS, read

INTENTS = frozenset({"repair_report", "low_pressure_or_outage_unplanned", "yellow_water"})
FORM = "repair_form"
TOLD = "told"  # the end of a form that has said everything already
SAFETY = {
    Fault.BURST: "utter_repair_safety_burst", Fault.COVER: "utter_repair_safety_cover",
    Fault.DISCOLOURED: "utter_repair_safety_water", Fault.ODOUR: "utter_repair_safety_water",
}
SAID = (
    "repair_fault", "repair_spot", "repair_heavy", "repair_place", "repair_since", "repair_phone", "repair_photos",
    "repair_text",
)
MAX_PLACE, MAX_SINCE = 100, 40
PLACES_OFFERED = 3
_PLACE = re.compile(
    r"路|街|大道|巷|弄|\d号|栋|幢|单元|\d室|小区|新村|苑|花园|公寓|门口|大厦|广场|公园|学校|小学|中学|医院|市场|菜场|站|桥|村|楼|厂|店"
    r"|旁边|对面|附近",
)
# A street with a house number is an address wherever it stands: 地址是文三路398号2幢1单元，...
_NUMBERED = re.compile(
    r"(?:[地位][址置]?(?:错了?|不对)?[，,、是在：:]*|[我你们家就来去到在是和的里]+)*"
    r"(?P<place>[一-龥]{2,9}?(?:大道|路|街|巷|弄)\d{1,5}(?:[-—]\d{1,4})?[号弄]?"
    r"(?:[\dA-Za-z一二三四五六七八九十]{1,4}(?:号楼|[栋幢座]|单元|[室楼层]))*\d{0,4}(?:[那的]?个?(?:门口|门前|对面|旁边?|路口|附近|前面|后面))?)",
)
_NO_PLACE = re.compile(
    r"(?:我?也?不(?:知道|清楚|晓得)|随便|[你您]们?自己查|忘了?|那里|那边|这里|这边|就是这|不是这里?|不对).{0,3}",
)
_ELSEWHERE = re.compile(r"不是|不在|别的|换|不对|另外")
_UNKNOWN_TIME = re.compile(r"不(?:知道|清楚|晓得|记得)|记不[清得]|忘")
_LONG = re.compile(r"一直|好久|很久|好几|老早|一早|早上|上午|中午|下午|晚上|半夜|凌晨|半天|停水之?后|修路|施工|换表|\d+点")
_PART = re.compile(
    r"(?P<when>(?:一大?早|清早|早上|上午|中午|下午|傍晚|晚上|夜里|半夜|凌晨)(?:\d{1,2}点(?:半|多|钟)?)?)(?:开始|起|就|到现在)",
)
_CLEAR = re.compile(r"没事|没有了|就这些|没了")
_ADDRESS_WORD = re.compile(r"地址|地方|位置|地点")


def _fault(turn: Turn) -> Fault | None:
    return Fault(turn.slot("repair_fault")) if turn.slot("repair_fault") else None

_OTHER_NUMBER = (
    re.compile(r"是(?P<right>\d+)(?P<unit>号|幢|栋|单元|室|楼)?[，,、 ]*不是(?P<wrong>\d+)"),
    re.compile(r"不是(?P<wrong>\d+)(?P<unit>号|幢|栋|单元|室|楼)?[，,、 ]*(?:而|应该)?是(?P<right>\d+)"),
)


def _place_slot(turn: Turn) -> Mapping[str, Any]:
    return turn.slot("repair_place") or {}


async def place_said(turn: Turn) -> dict[str, str] | None:
    """A place in the message: one of the customer's accounts, an address, or a position sent; none where there is none."""
    location, address = turn.values.first("location"), turn.values.first("address")
    if location:
        return {"text": "微信发来的位置", "location": str(location)}
    if address and len(str(address)) > 1:
        return {"text": str(address)[:MAX_PLACE]}
    if numbered := _NUMBERED.search(words_of(turn)):
        return {"text": numbered["place"][:MAX_PLACE]}
    accounts = await turn.services.accounts.bindings(turn.openid)
    numbers = set(turn.values.account_nos)
    account = next((each for each in accounts if each.account_no in numbers), None) or named_in(turn.text, accounts)
    return _at(account) if account else None


def renumbered(place: str, text: str) -> str | None:
    """The address with another number in it, as 是286号不是288 says; none where the text puts right none of its numbers."""
    for pattern in _OTHER_NUMBER:
        if said := pattern.search(text):
            wrong = rf"(?<!\d){said['wrong']}(?!\d)(?={said['unit'] or ''})"
            found = re.sub(wrong, said["right"], place, count=1)
            return found if found != place else None
    return None


def _at(account: BoundAccount) -> dict[str, str]:
    return {"account_no": account.account_no, "text": account.label}


def since_said(turn: Turn) -> str | None:
    """Since when, in the customer's words, if they named a time that is not still to come."""
    for value in turn.values.all("date"):
        if str(value.get("from", "")) <= today(turn.services.clock).isoformat():
            return str(value.get("text") or "")[:MAX_SINCE] or None
    part = _PART.search(words_of(turn))  # without a day it is no date: 从早上开始的
    return part["when"] if part else None


def is_ahead(turn: Turn) -> bool:
    """Whether a time named is still to come."""
    day = today(turn.services.clock).isoformat()
    return any(str(value.get("from", "")) > day for value in turn.values.all("date"))


async def gather(turn: Turn, *, fault_known: bool) -> dict[str, Any]:
    """Slots for all that the message says of a fault, whatever was asked."""
    words = words_of(turn)
    symptoms = read(words, turn.intent)
    found: dict[str, Any] = {}
    if symptoms.fault and not fault_known:
        found["repair_fault"] = symptoms.fault.value
    if symptoms.spot and turn.slot("repair_spot") is None:
        found["repair_spot"] = symptoms.spot.value
    if symptoms.heavy:
        found["repair_heavy"] = True
    if place := await place_said(turn):
        found["repair_place"] = place
    if since := since_said(turn):
        found["repair_since"] = since
    if phone := phone_said(turn):
        found["repair_phone"] = phone
    return {**found, **_photos(turn)}


def _photos(turn: Turn) -> dict[str, Any]:
    """Photos sent, with those before it; no more than the rule allows."""
    kept: list[str] = list(turn.slot("repair_photos") or [])
    new = [str(each) for each in turn.values.all("image") if each not in kept]
    return {"repair_photos": [*kept, *new][:turn.services.utility.repairs.max_photos]} if new else {}


async def look_for_outage(turn: Turn, fault: Fault | None, place: Mapping[str, Any] | None) -> dict[str, Any]:
    """Slots that say whether a known outage explains the fault: the notice told of, or false."""
    if fault not in OUTAGE_FAULTS or not place or place.get("location"):
        return {}
    account_no = place.get("account_no")
    address = None if account_no else place.get("text")
    notice = await turn.services.repairs.known_outage(turn.openid, account_no, address)
    return {"repair_notice": _kept(notice) if notice else False}


def _kept(notice: OutageNotice) -> dict[str, str]:
    return {
        "notice_no": notice.notice_no, "kind": notice.kind.value, "reason": notice.reason,
        "starts": wording.moment(notice.starts_at), "ends": wording.moment(notice.ends_at),
    }


def advise(turn: Turn, fault: Fault | None, spot: Spot | None) -> None:
    """Say first what keeps people and rooms safe, or whose the pipe is."""
    if fault in SAFETY:
        turn.say(SAFETY[fault], hotline=turn.services.utility.hotline.phone)
    elif fault is Fault.LEAK and spot is Spot.AFTER_METER:
        turn.say("utter_repair_after_meter", rule=turn.services.utility.repairs.after_meter)


class ActionReportFault(Task):
    """Takes up a report with all that the message says already."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_report_fault"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Advise, look for what is known, and start the form."""
        again = bool(turn.values.first("again"))  # another of the same kind: what was said of it is kept
        slots: dict[str, Any] = {name: turn.slot(name) if again else None for name in SAID}
        turn.tracker.slots.update(slots)
        slots |= await gather(turn, fault_known=again)
        slots |= {"repair_key": f"rep-{secrets.token_hex(12)}", "repair_text": added(slots["repair_text"], words_of(turn))}
        slots |= {"repair_notice": None, "repair_despite": None, "repair_agreed": None}
        turn.tracker.slots.update(slots)
        fault, spot = _fault(turn), Spot(slots["repair_spot"]) if slots["repair_spot"] else None
        if fault and not again and (like := await turn.services.repairs.like(turn.openid, fault)):
            turn.say(
                "utter_repair_reported_before", order_no=like.order_no, what=wording.title(like),
                when=wording.moment(like.created_at), state=wording.STATES[like.state],
                buttons=[
                    ("查这张单的进度", payload("repair_progress", work_order_no=like.order_no)),
                    ("是另一处，继续报", payload("repair_report", again=fault.value)),
                ],
            )
            return [SlotSet(name, value) for name, value in slots.items()]
        advise(turn, fault, spot)
        slots |= await look_for_outage(turn, fault, slots["repair_place"])
        return turn.start_form(FORM, **slots)


class ActionAskRepairFault(Question):
    """What is wrong."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_repair_fault"

    async def ask(self, turn: Turn) -> None:
        """Ask, with the usual faults."""
        turn.say("utter_ask_repair_fault", buttons=[
            (title, payload("inform", fault=fault.value)) for title, fault in (
                ("漏水", Fault.LEAK), ("水管爆了", Fault.BURST), ("没水", Fault.NO_WATER), ("水小", Fault.LOW_PRESSURE),
                ("水黄、浑", Fault.DISCOLOURED),
                ("水有异味", Fault.ODOUR), ("水表坏了", Fault.METER), ("阀门坏了", Fault.VALVE), ("井盖", Fault.COVER),
            )
        ])


class ActionAskRepairSpot(Question):
    """Where in the network."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_repair_spot"

    async def ask(self, turn: Turn) -> None:
        """Ask, with the places."""
        turn.say("utter_ask_repair_spot", buttons=[
            (title, payload("inform", spot=spot.value)) for title, spot in (
                ("马路或户外", Spot.ROAD), ("楼道、公共部位", Spot.CORRIDOR), ("水表前面", Spot.BEFORE_METER),
                ("水表后面、家里", Spot.AFTER_METER), ("说不清", Spot.UNKNOWN),
            )
        ])


class ActionAskRepairPlace(Question):
    """Which address."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_repair_place"

    async def ask(self, turn: Turn) -> None:
        """Offer the bound addresses, unless it is out in the street."""
        accounts = await turn.services.accounts.bindings(turn.openid)
        outside = turn.slot("repair_spot") == Spot.ROAD.value or turn.slot("repair_fault") == Fault.COVER.value
        if not accounts or outside:
            turn.say("utter_ask_repair_place")
        elif len(accounts) == 1:
            turn.say(
                "utter_ask_repair_place_bound", place=accounts[0].label,
                buttons=[("是这里", "/affirm"), ("是别的地方", "/deny")],
            )
        else:
            shown = accounts[:PLACES_OFFERED]
            buttons = [(each.short_label, payload("inform", account_no=each.account_no)) for each in shown]
            turn.say(
                "utter_ask_repair_place_which", places="\n".join(each.label for each in shown),
                buttons=[*buttons, ("是别的地方", "/deny")],
            )


class ActionAskRepairDespite(Question):
    """An outage is known: whether to report all the same."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_repair_despite"

    async def ask(self, turn: Turn) -> None:
        """Tell of it, and ask."""
        notice = turn.slot("repair_notice") or {}
        turn.say(
            "utter_repair_known_sudden" if notice.get("kind") == "sudden" else "utter_repair_known_planned",
            reason=notice.get("reason"), starts=notice.get("starts"), ends=notice.get("ends"),
            buttons=[("知道了，等来水", "/deny"), ("还是要报修", "/affirm")],
        )


class ActionAskRepairSince(Question):
    """Since when."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_repair_since"

    async def ask(self, turn: Turn) -> None:
        """Ask."""
        times = ("刚刚", "今天", "昨天", "好几天了")
        turn.say("utter_ask_repair_since", buttons=[(time, payload("inform", since=time)) for time in times])


class ActionAskRepairPhone(Question):
    """Which phone."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_repair_phone"

    async def ask(self, turn: Turn) -> None:
        """Offer the one on file."""
        await ask_phone(turn, _place_slot(turn).get("account_no"))


class ActionAskRepairAgreed(Question):
    """Shows what will be filed, and asks for a yes."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_repair_agreed"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        turn.say("utter_repair_confirm", lines=summary(turn), buttons=_confirm_buttons())


def _confirm_buttons() -> Buttons:
    changes = [(title, payload("inform", change=what)) for title, what in (("改地址", "place"), ("改电话", "phone"))]
    return [("确认报修", "/affirm"), *changes, ("先不报了", "/deny")]


def summary(turn: Turn) -> str:
    """The report as it stands, line by line."""
    fault, spot = _fault(turn) or Fault.OTHER, turn.slot("repair_spot")
    photos = len(turn.slot("repair_photos") or [])
    lines = (
        ("问题", wording.what(fault, Spot(spot) if spot else None)), ("地点", _place_slot(turn).get("text")),
        ("开始", turn.slot("repair_since")), ("电话", (turn.slot("repair_phone") or {}).get("shown")),
        ("照片", f"{photos}份" if photos else None),
    )
    return "\n".join(f"{name}：{value}" for name, value in lines if value)


class ValidateRepairForm(Form):
    """Hears the answers; takes whatever else the message says along."""

    yes_or_no = frozenset({"repair_agreed"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_repair_form"

    def required(self, turn: Turn, slots: list[str]) -> list[str]:
        """Only what matters for this fault: no spot but for leaks, no beginning where somebody must come at once."""
        if turn.slot("repair_agreed") == TOLD:
            return []
        fault = _fault(turn)
        skipped = {
            "repair_spot": fault not in SPOT_MATTERS, "repair_despite": not turn.slot("repair_notice"),
            "repair_since": fault is None or self._urgency(turn, fault) == "immediate",
        }
        return [slot for slot in slots if not skipped.get(slot)]

    @staticmethod
    def _urgency(turn: Turn, fault: Fault) -> str:
        spot = turn.slot("repair_spot")
        return turn.services.repairs.urgency(fault, Spot(spot) if spot else None, heavy=bool(turn.slot("repair_heavy")))

    async def hear_repair_fault(self, turn: Turn) -> Mapping[str, Any] | None:
        """What is wrong."""
        chosen = turn.values.first("fault")
        found = await gather(turn, fault_known=False)
        if chosen:
            found["repair_fault"] = str(chosen)
        if self._wanders(turn, found):
            return None
        if "repair_fault" not in found:
            words = words_of(turn)
            if not turn.slot("wrong_answers") or not words:
                return {**self.misheard(turn, "repair_fault", "utter_repair_fault_unclear"), **found}
            found["repair_fault"] = Fault.OTHER.value  # twice in words of their own: the hotline reads them
        return await self._learned(turn, found, "repair_fault")

    async def hear_repair_spot(self, turn: Turn) -> Mapping[str, Any] | None:
        """Where in the network."""
        found = await gather(turn, fault_known=True)
        if chosen := turn.values.first("spot"):
            found["repair_spot"] = str(chosen)
        if self._wanders(turn, found):
            return None
        if "repair_spot" not in found:
            if not re.search(r"不(?:知道|清楚|晓得|懂)|说不清|分不清|看不出|不好说", turn.text):
                return {**self.misheard(turn, "repair_spot", "utter_repair_spot_unclear"), **found}
            found["repair_spot"] = Spot.UNKNOWN.value
        return await self._learned(turn, found, "repair_spot")

    async def hear_repair_place(self, turn: Turn) -> Mapping[str, Any] | None:
        """Which address."""
        found = await gather(turn, fault_known=True)
        accounts = await turn.services.accounts.bindings(turn.openid)
        if "repair_place" not in found:
            if any(number not in {each.account_no for each in accounts} for number in turn.values.account_nos):
                return self.misheard(turn, "repair_place", "utter_repair_not_your_account")
            place = self._picked(turn, accounts) or self._as_said(turn)
            if place:
                found["repair_place"] = place
        if self._wanders(turn, found):
            return None
        if "repair_place" not in found:
            if turn.intent == "deny":
                turn.say("utter_ask_repair_place")
                return {**found, **self.again("repair_place")}
            return {**self.misheard(turn, "repair_place", "utter_repair_place_unclear"), **found}
        return await self._learned(turn, found, "repair_place")

    async def hear_repair_despite(self, turn: Turn) -> Mapping[str, Any] | None:
        """Whether to report all the same."""
        yes = agreed(turn)
        if re.search(r"还是|也要|照样|要报|报修|派人", turn.text) and not re.search(r"不用|不报|先不|算了", turn.text):
            yes = True
        elif re.search(r"等|知道了|不用|不报|那好|算了", turn.text):
            yes = False
        if yes is None:
            found = await gather(turn, fault_known=True)
            if self._wanders(turn, found):
                return None
            return {**self.misheard(turn, "repair_despite", "utter_repair_despite_unclear"), **found}
        if yes:
            return {"repair_despite": True}
        turn.say("utter_repair_wait")
        return {"repair_despite": False, "repair_agreed": TOLD}

    async def hear_repair_since(self, turn: Turn) -> Mapping[str, Any] | None:
        """Since when."""
        found = await gather(turn, fault_known=True)
        if chosen := turn.values.first("since"):
            found["repair_since"] = str(chosen)[:MAX_SINCE]
        elif "repair_since" not in found:
            if is_ahead(turn):
                return {**self.misheard(turn, "repair_since", "utter_repair_since_ahead"), **found}
            words = words_of(turn)
            if _UNKNOWN_TIME.search(words):
                found["repair_since"] = "不清楚"
            elif words and _LONG.search(words) and len(words) <= MAX_SINCE:
                found["repair_since"] = words
        if self._wanders(turn, found):
            return None
        if "repair_since" not in found:
            return {**self.misheard(turn, "repair_since", "utter_repair_since_unclear"), **found}
        return await self._learned(turn, found, "repair_since")

    async def hear_repair_phone(self, turn: Turn) -> Mapping[str, Any] | None:
        """Which phone."""
        found = await gather(turn, fault_known=True)
        heard = found.get("repair_phone") or await hear_phone(turn, _place_slot(turn).get("account_no"))
        if isinstance(heard, str):
            if heard == "utter_phone_which" and self._wanders(turn, found):
                return None
            if turn.intent == "deny":
                turn.say("utter_ask_phone")
                return {**found, **self.again("repair_phone")}
            return {**self.misheard(turn, "repair_phone", heard), **found}
        return await self._learned(turn, {**found, "repair_phone": dict(heard)}, "repair_phone")

    async def hear_repair_agreed(self, turn: Turn) -> Mapping[str, Any] | None:
        """A yes or a no; or a correction, after which it is put again."""
        if says_yes(turn) and turn.intent in INTENTS:  # 报修吧, which names no fault
            return {"repair_agreed": True}
        change = turn.values.first("change")
        if change in ("place", "phone"):
            return {f"repair_{change}": None, "repair_agreed": None, "repair_notice": None}
        corrected = await gather(turn, fault_known=not _ELSEWHERE.search(turn.text))
        if corrected.get("repair_photos"):
            turn.say("utter_repair_photo_added")
        place = renumbered(str(_place_slot(turn).get("text") or ""), turn.text)
        if place and not _place_slot(turn).get("account_no"):
            corrected["repair_place"] = {**_place_slot(turn), "text": place}
        if corrected:
            return await self._learned(turn, corrected, "repair_agreed")
        if _ELSEWHERE.search(turn.text) and _ADDRESS_WORD.search(turn.text):
            return {"repair_place": None, "repair_agreed": None}
        if "电话" in turn.text or "号码" in turn.text:
            return {"repair_phone": None, "repair_agreed": None}
        yes = says_yes(turn)
        if yes is not None:
            return {"repair_agreed": yes}
        if turn.intent not in ANSWERS | INTENTS | {"repair_progress"} and not MORE.match(turn.text):
            return None
        words = words_of(turn)
        if len(words) < 3 or _CLEAR.search(words):
            return self.misheard(turn, "repair_agreed", "utter_repair_yes_or_no")
        turn.say("utter_repair_noted")
        return {"repair_text": added(turn.slot("repair_text"), words), "repair_agreed": None}

    @staticmethod
    def _picked(turn: Turn, accounts: list[BoundAccount]) -> dict[str, str] | None:
        """One of the addresses offered, by place or by a yes."""
        ordinal = turn.values.first("ordinal")
        offered = accounts[:PLACES_OFFERED]
        if ordinal and -len(offered) <= ordinal <= len(offered):
            return _at(offered[ordinal - 1 if ordinal > 0 else ordinal])
        if agreed(turn) and len(accounts) == 1:
            return _at(accounts[0])
        if len(accounts) == 1 and re.search(r"(?:就|是|在|^)我?(?:们|自己)?家(?:里|的|这里)?[吧啊呀。]*$", turn.text):
            return _at(accounts[0])
        return None

    @staticmethod
    def _as_said(turn: Turn) -> dict[str, str] | None:
        """The message as an address, where it reads like one."""
        words = words_of(turn)
        if not words or len(words) > MAX_PLACE or _NO_PLACE.fullmatch(words) or turn.intent in ("deny", "affirm", "cancel"):
            return None
        is_answer = turn.intent in ANSWERS | INTENTS | {"outlets", "outage_query"}
        return {"text": words} if is_answer and _PLACE.search(words) else None

    @staticmethod
    def _wanders(turn: Turn, found: Mapping[str, Any]) -> bool:
        return not found and turn.intent not in ANSWERS | INTENTS

    @staticmethod
    async def _learned(turn: Turn, found: Mapping[str, Any], asked: str) -> Mapping[str, Any]:
        """What was found, with the customer's words kept, advice given on what is new, and outages looked up."""
        slots = {"repair_text": added(turn.slot("repair_text"), words_of(turn)), **found}
        before = (turn.slot("repair_fault"), turn.slot("repair_spot"))
        turn.tracker.slots.update(slots)
        fault, spot = _fault(turn), turn.slot("repair_spot")
        if (turn.slot("repair_fault"), spot) != before:
            advise(turn, fault, Spot(spot) if spot else None)
            if fault is Fault.LEAK and spot == Spot.AFTER_METER.value and not turn.services.utility.repairs.after_meter_served:
                return {**slots, "repair_agreed": TOLD}
        if "repair_place" in found or "repair_fault" in found:
            slots |= await look_for_outage(turn, fault, turn.slot("repair_place"))
        if asked == "repair_agreed":
            slots["repair_agreed"] = None
        return slots


class ActionRepairFormSubmit(Task):
    """After the answer: file it, or leave it. Trying again after an outage comes here too."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_repair_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """File exactly what was confirmed, once."""
        done = turn.slot("repair_agreed")
        forget = [SlotSet("repair_agreed", None), SlotSet("repair_key", None)]
        if done == TOLD or not turn.slot("repair_key"):
            return forget
        if not done:
            turn.say("utter_repair_not_now", hotline=turn.services.utility.hotline.phone)
            return forget
        try:
            order = await turn.services.repairs.file(turn.openid, self._report(turn))
        except NotBound:
            turn.say("utter_repair_unbound")
            return forget
        turn.say(
            "utter_repair_filed", order_no=order.order_no, promised=wording.moment(order.promised_at),
            buttons=[("查进度", payload("repair_progress", work_order_no=order.order_no))],
        )
        return forget

    @staticmethod
    def _report(turn: Turn) -> Report:
        place, phone, spot = _place_slot(turn), turn.slot("repair_phone") or {}, turn.slot("repair_spot")
        fault = _fault(turn) or Fault.OTHER
        return Report(
            request_key=turn.slot("repair_key"), kind=OrderKind.REPAIR, fault=fault, spot=Spot(spot) if spot else None,
            description=turn.slot("repair_text") or wording.FAULTS[fault], heavy=bool(turn.slot("repair_heavy")),
            account_no=place.get("account_no") or phone.get("account_no"),
            address=None if place.get("account_no") else place.get("text"), location=place.get("location"),
            since=turn.slot("repair_since"), phone=phone.get("phone"), photos=tuple(turn.slot("repair_photos") or ()),
        )
