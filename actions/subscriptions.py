"""Subscriptions and notification settings: by a sentence where it says all, else by a form that asks what is missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from itertools import islice
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions import figures
from actions.flow import Form, Need, Question, Task, digresses, payload
from actions.prepay import spoken_number
from actions.turn import Buttons, Turn
from runxia.money import yuan
from runxia.utility import QuietHours
from services.accounts import BoundAccount, named_in
from services.errors import OutOfRange
from services.subscriptions import Change, Overview, Quiet, Reminders, Topic, merged

# What can be told or set, by its short name: what it is called, and the words for it in a sentence.
KINDS = {
    "outage": ("停水通知", re.compile(r"停水|听水|断水|来水")),
    "quality": ("水质通知", re.compile(r"水质|水智|水治")),
    "overuse": (
        "用水超量提醒", re.compile(r"超量|超标用水|用超|用水|用量|水量|上限|预警|漏水|吨|方|水费(?:超|破|大于|高于|满)|账单"),
    ),
    "pay_days": ("交费提醒", re.compile(r"[缴交教]费|[缴交教]水费|[缴交]钱|交铜钿|到期|逾期|欠费|提前|截止|滞纳金|账单")),
    "balance": ("余额提醒", re.compile(r"余额|余钱|预存|钱不够|钱快没|没钱")),
    "quiet": ("免打扰时间", re.compile(r"免打|打扰|打绕|夜里|夜晚|夜间|晚上|晚间|半夜|睡觉|早上再|吵|几点")),
}
TOPICS = {"outage": Topic.OUTAGE, "quality": Topic.QUALITY}
SETTINGS = {
    "overuse": ("overuse_volume", "overuse_fen"), "pay_days": ("pay_days",), "balance": ("balance_fen",), "quiet": ("quiet",),
}
ON = {True: "已订", False: "没订"}
NAMES = {"overuse_volume": "用水量", "overuse_fen": "水费金额", "pay_days": "提前天数", "balance_fen": "余额"}
UNITS = {"overuse_volume": "吨", "overuse_fen": "元", "pay_days": "天", "balance_fen": "元"}
SPOKEN = re.compile(r"[那就设成]{0,2}(?P<number>[一二两三四五六七八九十百千万]+)[吧啊呀。]?")  # where a number is asked for
DAYS = re.compile(r"(?P<count>\d+|[一二两三四五六七八九十]+)个?(?P<unit>天|日|星期|礼拜|周|月)")
EXAMPLES = {"overuse": "30吨", "pay_days": "提前5天", "balance": "50元", "quiet": "晚上十点到早上七点"}

EVERY_ACCOUNT = re.compile(r"(?:所有|全部|每个|每户|几户|两户|两个户号|三户|都)|名下")
EVERYTHING = re.compile(r"全部|所有|都|统统|一条|别的都|全退|一切|任何")
EXCEPT = re.compile(r"除了?(?P<kept>.+?)(?:以外|之外|[，,、]|别的|其他|其它|都)|(?P<kept2>停水|水质)的?(?:留着|还要|保留)")
LEFT_OUT = re.compile(r"(?P<what>停水|水质)[^，,。；;]{0,4}(?:不要|别订|不订|不用)")
SHOW = re.compile(r"看看|查看|看一下|我的|给我看|设了哪|设的|订了|订阅了|怎么设的|多少来着|现在的|几点到几点|都有哪些|还能设")
ENOUGH = re.compile(r"别再|(?:不要|不用|勿要|别|莫)再?(?:给我)?[推发]|太频繁|太勤|太多了|不想收|退订|取消|停掉|关掉")
LOOK = re.compile(r"看|瞅|瞧|查|瞄|多少|如何|怎么样|咋样|达标|合格")
FROM_NOW_ON = re.compile(r"订|以后|往后|今后|下次|每|定期|长期|通知|推|提醒|告诉|开通|打开|关注|接收|收到|登记|变化|一出|新的")
SHORT_ANSWER = 6  # characters: 停水的那个 names a kind, whatever else it could mean
CLAUSES = re.compile(r"[，,。；;！!？?\n]|然后|还有|另外|再就是")
BALANCE = re.compile(r"余额|余钱|预存|账户里|不足|不够|低于|少于|只剩|剩")
NUMBER = re.compile(r"(?<![\d.:：])(?P<number>\d{1,6}(?:\.\d{1,2})?)(?![\d.:：点号月日])")
ONLY_AFTER = re.compile(r"(?:以后|之后|过后|后)(?:再|才|可以|能)|(?:再|才)(?:发|推|提醒|说|通知)")
NIGHT = re.compile(r"晚上|夜里|夜晚|夜间|半夜|睡觉|免打|打扰|打绕|白天(?:给我)?(?:发|推)")
ALIVE_QUIET = re.compile(r"别|不要|勿|莫|唔|不发|免|吵|打扰|只在|闭嘴|再发|才发")


# --- subscribing


class _Subscribe(Task):
    """Subscribes the accounts meant to the topics named."""

    need = Need.ACCOUNT
    kind: str
    query: str  # the task for who only asks

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[EventType]:
        """Hand on whoever wants the opposite, or only to look: nobody is subscribed by a misunderstanding."""
        turn = Turn(dispatcher, tracker)
        if ENOUGH.search(turn.text):
            return [FollowupAction("action_unsub")]
        if LOOK.search(turn.text) and not FROM_NOW_ON.search(turn.text):
            return [FollowupAction(self.query)]
        return await super().run(dispatcher, tracker, domain)

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Subscribe, and say to what and for which accounts."""
        accounts = await _accounts_meant(turn, account)
        left_out = {hit["what"] for hit in LEFT_OUT.finditer(turn.text)}
        kinds = [
            kind for kind in TOPICS
            if kind == self.kind or (KINDS[kind][1].search(turn.text) and KINDS[kind][0][:2] not in left_out)
        ]
        new = await turn.services.subscriptions.subscribe(
            turn.openid, [TOPICS[kind] for kind in kinds], [each.account_no for each in accounts],
        )
        turn.say(
            "utter_subscribed" if new else "utter_subscribed_before",
            accounts="、".join(each.label for each in accounts), topics="和".join(KINDS[kind][0] for kind in kinds),
            buttons=[("看通知设置", "/notify_settings")],
        )
        return []


class ActionSubOutage(_Subscribe):
    """停水通知我."""

    kind, query = "outage", "action_outage_query"

    def name(self) -> str:
        """The name in the domain."""
        return "action_sub_outage"


class ActionSubQuality(_Subscribe):
    """水质报告发我."""

    kind, query = "quality", "action_quality_query"

    def name(self) -> str:
        """The name in the domain."""
        return "action_sub_quality"


# --- unsubscribing


class ActionUnsub(Task):
    """别发了: what is named; all of it; or what alone is on; else asks which."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_unsub"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Find out what is meant, and switch it off."""
        bound = await turn.services.accounts.bindings(turn.openid)
        chosen = named_in(turn.text, bound)
        account_nos = [chosen.account_no] if chosen else [each.account_no for each in bound]
        on = kinds_on(await turn.services.subscriptions.overview(turn.openid), account_nos)
        kinds = kinds_to_stop(turn, on)
        if not kinds and len(on) == 1 and not _is_piece(turn):
            kinds = on
        if not kinds and on:
            return turn.start_form("unsub_form", unsub_kinds=None, unsub_accounts=account_nos)
        await _stop(turn, kinds, account_nos)
        return []


class ActionAskUnsubKinds(Question):
    """Asks what to switch off, of what is on."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_unsub_kinds"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        on = kinds_on(await turn.services.subscriptions.overview(turn.openid), turn.slot("unsub_accounts") or [])
        turn.say("utter_ask_unsub_kinds", buttons=[*_kind_buttons(on), ("全部停掉", payload("inform", notify="all"))])


class ValidateUnsubForm(Form):
    """Hears what to switch off."""

    def name(self) -> str:
        """The name in the domain."""
        return "validate_unsub_form"

    async def hear_unsub_kinds(self, turn: Turn) -> Mapping[str, Any] | None:
        """Kinds by name or button; anything else is misheard, or a digression."""
        on = kinds_on(await turn.services.subscriptions.overview(turn.openid), turn.slot("unsub_accounts") or [])
        kinds = kinds_to_stop(turn, on)
        if turn.intent != "unsub" and digresses(turn, "notify") and not (kinds and len(turn.text) <= SHORT_ANSWER):
            return None
        if not kinds:
            return self.misheard(turn, "unsub_kinds", "utter_unsub_which", buttons=_kind_buttons(on))
        return {"unsub_kinds": kinds}


class ActionUnsubFormSubmit(Task):
    """After the answer: switch it off."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_unsub_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Switch it off."""
        await _stop(turn, turn.slot("unsub_kinds") or [], turn.slot("unsub_accounts") or [])
        return [SlotSet("unsub_kinds", None), SlotSet("unsub_accounts", None), *turn.resume()]


def _is_piece(turn: Turn) -> bool:
    """Whether this is one of several requests in a message: 那个太频繁了，别再推给我 says in the first what it means."""
    said = (event for event in reversed(turn.tracker.events) if event.get("event") == "user")
    return any((event.get("metadata") or {}).get("is_request") for event in islice(said, 1))


async def _stop(turn: Turn, kinds: Sequence[str], account_nos: Sequence[str]) -> None:
    service = turn.services.subscriptions
    topics = [TOPICS[kind] for kind in kinds if kind in TOPICS]
    settings = [name for kind in kinds for name in SETTINGS.get(kind, ())]
    stopped = bool(topics) and await service.unsubscribe(turn.openid, topics, account_nos)
    stopped |= bool(settings) and await service.reset(turn.openid, settings, account_nos)
    what = "、".join(KINDS[kind][0] for kind in kinds) or "任何通知"
    turn.say(
        "utter_unsubscribed" if stopped else "utter_nothing_to_unsubscribe",
        what=what, hotline=turn.services.utility.hotline.phone,
    )


def kinds_on(overview: Overview, account_nos: Sequence[str]) -> list[str]:
    """What is on for any of the accounts, in the order of :data:`KINDS`."""
    topics = {topic.value for number in account_nos for topic in overview.topics.get(number, ())}
    reminders = [overview.reminders.get(number, Reminders()) for number in account_nos]
    on = [kind for kind in TOPICS if kind in topics]
    on += [
        kind for kind, names in SETTINGS.items()
        if kind != "quiet" and any(getattr(each, name) is not None for each in reminders for name in names)
    ]
    return on + (["quiet"] if overview.quiet else [])


def kinds_to_stop(turn: Turn, on: Sequence[str]) -> list[str]:
    """What a message says to switch off; empty where it does not say."""
    tapped = turn.values.first("notify")
    if tapped:
        return list(on) if tapped == "all" else [str(tapped)]
    if kept := EXCEPT.search(turn.text):
        words = str(kept["kept"] or kept["kept2"])
        return [kind for kind in on if not KINDS[kind][1].search(words)]
    named = [kind for kind, (_, words) in KINDS.items() if kind != "quiet" and words.search(turn.text)]
    if re.search(r"免打|打扰", turn.text):
        named = ["quiet"]
    if len(named) > 1:  # 账单提醒 is of more than one: what is on decides
        named = [kind for kind in named if kind in on] or named[:1]
    return named or (list(on) if EVERYTHING.search(turn.text) else [])


# --- settings


class ActionNotifySettings(Task):
    """提醒设置: what the sentence sets, else a form for what it lacks, else what is set now."""

    need = Need.ACCOUNT

    def name(self) -> str:
        """The name in the domain."""
        return "action_notify_settings"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Set, ask or show."""
        accounts = [each.account_no for each in await _accounts_meant(turn, account)]
        heard = read_change(turn)
        kind = turn.values.first("notify") or kind_named(turn.text)
        if not heard.change and kind == "quiet" and ALIVE_QUIET.search(turn.text) and not SHOW.search(turn.text):
            heard = Heard(Change(quiet=_usual(turn.services.utility.notifications.quiet)), guessed=True)
        if heard.change:
            return await self._set(turn, accounts, heard)
        if kind in SETTINGS and not SHOW.search(turn.text):
            return turn.start_form("notify_form", notify_account=accounts, notify_kind=kind, notify_change=None)
        await _show(turn, "utter_settings")
        turn.say("utter_settings_how", buttons=_kind_buttons(SETTINGS, "notify_settings"))
        return []

    @staticmethod
    async def _set(turn: Turn, accounts: Sequence[str], heard: Heard) -> list[EventType]:
        try:
            await turn.services.subscriptions.change(turn.openid, accounts, heard.change)
        except OutOfRange as error:
            _say_out_of_range(turn, error)
            return turn.start_form(
                "notify_form", notify_account=list(accounts), notify_kind=_kind_of(error.setting), notify_change=None,
            )
        await _show(turn, "utter_settings_set")
        if heard.guessed and heard.change.quiet:
            starts, ends = _hours(heard.change.quiet)
            turn.say("utter_quiet_guessed", starts=starts, ends=ends)
        return []


class ActionAskNotifyKind(Question):
    """Asks what to be reminded of."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_notify_kind"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        turn.say("utter_ask_notify_kind", buttons=_kind_buttons(SETTINGS))


class ActionAskNotifyChange(Question):
    """Asks for the threshold, the days or the hours."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_notify_change"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        days = turn.services.utility.notifications.pay_days
        turn.say(f"utter_ask_{turn.slot('notify_kind')}", lowest=days.lowest, highest=days.highest)


class ValidateNotifyForm(Form):
    """Hears what to be reminded of, and from what on."""

    def name(self) -> str:
        """The name in the domain."""
        return "validate_notify_form"

    async def hear_notify_kind(self, turn: Turn) -> Mapping[str, Any] | None:
        """A kind by name or button, or a whole wish."""
        heard = read_change(turn)
        kind = turn.values.first("notify") or kind_named(turn.text)
        if heard.change:
            return self._checked(turn, "notify_kind", heard.change) | {"notify_kind": kind or "overuse"}
        if kind in SETTINGS:
            return {"notify_kind": kind}
        if digresses(turn):
            return None
        return self.misheard(turn, "notify_kind", "utter_notify_kind_unclear", buttons=_kind_buttons(SETTINGS))

    async def hear_notify_change(self, turn: Turn) -> Mapping[str, Any] | None:
        """A number, an amount, days or hours; or another kind after all."""
        kind = str(turn.slot("notify_kind"))
        other = turn.values.first("notify")
        if other in SETTINGS:
            return {"notify_kind": other, "notify_change": None}
        heard = read_change(turn, kind)
        if not heard.change:
            if digresses(turn) and turn.intent != "notify_settings":
                return None
            return self.misheard(turn, "notify_change", "utter_notify_value_unclear", example=EXAMPLES[kind])
        return self._checked(turn, "notify_change", heard.change)

    def _checked(self, turn: Turn, slot: str, change: Change) -> dict[str, Any]:
        try:
            turn.services.subscriptions.check(change)
        except OutOfRange as error:
            _say_out_of_range(turn, error)
            return self.again(slot) | {"notify_change": None}
        return {"notify_change": to_slot(change)}


class ActionNotifyFormSubmit(Task):
    """After the answers: set it, and show everything."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_notify_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Set it."""
        bound = {each.account_no for each in await turn.services.accounts.bindings(turn.openid)}
        accounts = [number for number in turn.slot("notify_account") or [] if number in bound]
        await turn.services.subscriptions.change(turn.openid, accounts, from_slot(turn.slot("notify_change")))
        await _show(turn, "utter_settings_set")
        forget = [SlotSet(name, None) for name in ("notify_account", "notify_kind", "notify_change")]
        return [*forget, *turn.resume()]


# --- reading a sentence


@dataclass(frozen=True, slots=True)
class Heard:
    """What a sentence sets; ``guessed``: hours that it left open."""

    change: Change
    guessed: bool = False


def read_change(turn: Turn, kind: str | None = None) -> Heard:
    """All that a message sets. A number without a unit counts for ``kind``, else for what its clause speaks of."""
    change, guessed = Change(), False
    for entity in turn.values.entities:
        clause = _clause(turn.text, entity)
        change = merged(change, _of_entity(entity["entity"], entity["value"], clause, kind))
    hours = turn.values.first("time_range")
    if hours:
        quiet, guessed = _quiet(turn, hours)
        change = merged(change, Change(quiet=quiet))
    if not change and kind == "pay_days" and (said := DAYS.search(turn.text)):
        change = Change(pay_days=days_said(said))
    if not change:
        change = _of_bare_numbers(turn, kind)
    if not change and kind in SETTINGS and (spoken := SPOKEN.fullmatch(turn.text.strip())):
        change = _of_number(Decimal(spoken_number(spoken["number"])), kind)
    return Heard(change, guessed)


def days_said(said: re.Match[str]) -> int:
    """五天 → 5, 两个星期 → 14, 一个月 → 30: where days are asked for."""
    count = said["count"]
    number = int(count) if count.isdigit() else spoken_number(count)
    return number * (1 if said["unit"] in "天日" else 30 if said["unit"] == "月" else 7)


def _of_entity(name: str, value: Any, clause: str, kind: str | None) -> Change:
    if name == "volume":
        return Change(overuse_volume=Decimal(str(value)))
    if name == "days":
        return Change(pay_days=int(value))
    if name == "amount":
        balance = kind == "balance" if kind in ("balance", "overuse") else bool(BALANCE.search(clause))
        return Change(balance_fen=int(value)) if balance else Change(overuse_fen=int(value))
    if name == "ordinal" and kind and int(value) > 0:
        return _of_number(Decimal(int(value)), kind)
    return Change()


def _of_bare_numbers(turn: Turn, kind: str | None) -> Change:
    named = [entity for entity in turn.values.entities if entity.get("end") and entity["entity"] != "number"]
    taken = [(int(entity["start"]), int(entity["end"])) for entity in named]
    change = Change()
    for found in NUMBER.finditer(turn.text):
        if any(start < found.end() and found.start() < end for start, end in taken):
            continue
        clause = _clause(turn.text, {"start": found.start(), "end": found.end()})
        about = kind or kind_named(clause)
        if about in SETTINGS and about != "quiet":
            change = merged(change, _of_number(Decimal(found["number"]), about))
    return change


def _of_number(number: Decimal, kind: str) -> Change:
    match kind:
        case "overuse":
            return Change(overuse_volume=number)
        case "pay_days":
            return Change(pay_days=int(number))
        case "balance":
            return Change(balance_fen=int(number * 100))
    return Change()


def kind_named(text: str) -> str | None:
    """The setting that a sentence speaks of; the more particular first."""
    order = ("balance", "quiet", "pay_days", "overuse")
    if re.search(r"超量|超标|用超|用量|用水", text):
        order = ("overuse", "balance", "quiet", "pay_days")
    return next((kind for kind in order if KINDS[kind][1].search(text)), None)


def _quiet(turn: Turn, hours: Mapping[str, str | None]) -> tuple[Quiet, bool]:
    """Quiet hours, the end left open filled in; after 八点以后再发 what is named is their end."""
    start, end = hours.get("from"), hours.get("to")
    usual = _usual(turn.services.utility.notifications.quiet)
    if start and end:
        return Quiet(time.fromisoformat(start), time.fromisoformat(end)), False
    if start and ONLY_AFTER.search(turn.text):
        return Quiet(usual.starts, time.fromisoformat(start)), True
    if start:
        return Quiet(time.fromisoformat(start), usual.ends), True
    return Quiet(usual.starts, time.fromisoformat(str(end))), True


def _usual(hours: QuietHours) -> Quiet:
    return Quiet(hours.starts, hours.ends)


def _clause(text: str, entity: Mapping[str, Any]) -> str:
    """The part of a sentence that an entity stands in; all of it where its place is not known."""
    start = entity.get("start")
    if start is None or not text:
        return text
    first = max((cut.end() for cut in CLAUSES.finditer(text) if cut.end() <= start), default=0)
    last = min((cut.start() for cut in CLAUSES.finditer(text) if cut.start() >= int(entity["end"])), default=len(text))
    return text[first:last]


# --- showing, asking


async def _show(turn: Turn, response: str) -> None:
    overview = await turn.services.subscriptions.overview(turn.openid)
    bound = await turn.services.accounts.bindings(turn.openid)
    turn.say(response, lines=setting_lines(overview, bound))


def setting_lines(overview: Overview, bound: Sequence[BoundAccount]) -> str:
    """All that is set, by account; what is not set says so."""
    lines = []
    for account in bound:
        topics = overview.topics.get(account.account_no, frozenset())
        reminders = overview.reminders.get(account.account_no, Reminders())
        lines += [
            account.label,
            f"　停水通知：{ON[Topic.OUTAGE in topics]}　水质通知：{ON[Topic.QUALITY in topics]}",
            f"　用水超量：{_overuse(reminders)}",
            f"　交费提醒：{f'截止日前{reminders.pay_days}天' if reminders.pay_days else '没设'}",
            f"　余额提醒：{f'低于{yuan(reminders.balance_fen)}' if reminders.balance_fen else '没设'}",
        ]
    quiet = "到".join(_hours(overview.quiet)) if overview.quiet else "没设"
    return "\n".join([*lines, f"免打扰时间：{quiet}"])


def _overuse(reminders: Reminders) -> str:
    said = []
    if reminders.overuse_volume is not None:
        said.append(f"一期超过{figures.tons(reminders.overuse_volume)}")
    if reminders.overuse_fen is not None:
        said.append(f"一期水费超过{yuan(reminders.overuse_fen)}")
    return "，或".join(said) or "没设"


def _hours(quiet: Quiet) -> tuple[str, str]:
    end = f"{quiet.ends:%H:%M}"
    return f"{quiet.starts:%H:%M}", f"次日{end}" if quiet.starts > quiet.ends else end


def _kind_buttons(kinds: Iterable[str], intent: str = "inform") -> Buttons:
    return [(KINDS[kind][0], payload(intent, notify=kind)) for kind in kinds]


def _kind_of(setting: str) -> str:
    return next(kind for kind, names in SETTINGS.items() if setting in names)


def _say_out_of_range(turn: Turn, error: OutOfRange) -> None:
    if error.setting == "quiet":
        turn.say("utter_quiet_no_length")
        return
    turn.say(
        "utter_out_of_range", name=NAMES[error.setting], lowest=error.lowest, highest=error.highest, unit=UNITS[error.setting],
    )


async def _accounts_meant(turn: Turn, account: BoundAccount | None) -> list[BoundAccount]:
    """The account in question, or all where all are named."""
    if account is None:
        raise TypeError("the task needs an account")
    bound = await turn.services.accounts.bindings(turn.openid)
    every = EVERY_ACCOUNT.search(turn.text) and not turn.values.account_nos and not named_in(turn.text, bound)
    return bound if every else [account]


def to_slot(change: Change) -> dict[str, Any]:
    """A change as a slot keeps it."""
    volume = change.overuse_volume
    return {
        "overuse_volume": None if volume is None else str(volume), "overuse_fen": change.overuse_fen,
        "pay_days": change.pay_days, "balance_fen": change.balance_fen,
        "quiet": None if change.quiet is None else [change.quiet.starts.isoformat(), change.quiet.ends.isoformat()],
    }


def from_slot(kept: Mapping[str, Any]) -> Change:
    """A change out of a slot."""
    volume, quiet = kept["overuse_volume"], kept["quiet"]
    return Change(
        overuse_volume=None if volume is None else Decimal(volume), overuse_fen=kept["overuse_fen"],
        pay_days=kept["pay_days"], balance_fen=kept["balance_fen"],
        quiet=None if quiet is None else Quiet(*map(time.fromisoformat, quiet)),
    )
