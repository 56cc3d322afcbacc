"""Small talk, a person, and what to say when the customer was not understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, FollowupAction
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.flow import Task, names_place_or_day, payload
from actions.turn import DID_YOU_MEAN, Turn
from runxia.utility import Staffed, Utility
from services.accounts import BoundAccount

# Below this a guess is no better than none: with some sixty intents, chance alone gives 0.02.
WORTH_OFFERING = 0.08
CHOICES = 2
_WEEKDAYS = " 一二三四五六日"  # by ISO weekday
# What an intent is called where the customer chooses: an intent that is not here is never offered.
TITLES = {
    "bill_current": "查水费账单", "bill_history": "查历史账单", "bill_explain": "水费为什么这么多", "arrears": "查欠费",
    "tier_usage": "查阶梯用量", "price_query": "查水价", "pay_history": "查缴费记录", "pay_bill": "缴水费",
    "pay_all_merged": "几笔一起缴", "pay_channels": "缴费方式", "prepay": "预存水费", "auto_pay": "自动扣款",
    "bind_account": "绑定户号", "unbind_account": "解绑户号", "switch_account": "换一个户号", "list_accounts": "看我的户号",
    "set_alias": "给户号起名", "change_contact": "改手机或邮箱", "set_query_password": "设置查询密码",
    "bill_type": "电子或纸质账单", "outlets": "营业厅地址", "hotline": "客服热线", "website": "官网",
    "promotions": "优惠活动", "human": "找人工客服",
    "help": "我能办什么", "privacy": "个人信息怎么保护",
    "faq": "看常见问题", "self_reading": "自己报读数", "reading_query": "查抄表读数",
    "reading_dispute": "读数有疑问", "book_onsite_reading": "预约上门抄表", "spot_check": "申请复核水表",
    "repair_report": "报修", "repair_progress": "查报修进度", "complaint": "投诉", "suggestion": "提建议",
    "new_install": "申请新装水表", "install_progress": "查报装进度", "stop_restore_service": "停用或恢复用水",
    "multi_person": "多人口家庭", "water_use_nature": "改用水性质", "transfer_owner": "过户", "real_name": "实名登记",
    "usage_trend": "看用水变化", "usage_export": "导出用水记录", "forecast": "预测用水", "refund_issue": "退款",
    "invoice": "开发票", "sub_outage": "订阅停水通知", "sub_quality": "订阅水质通知", "unsub": "取消订阅",
    "notify_settings": "通知设置", "outage_query": "查停水", "quality_query": "查水质",
    "low_pressure_or_outage_unplanned": "没水或水小", "yellow_water": "水发黄有异味",
}


def facts(utility: Utility, now: datetime) -> dict[str, Any]:
    """What a response may say of the utility and the time of day."""
    hotline = utility.hotline
    return {
        "utility": utility.name, "short_name": utility.short_name, "assistant": utility.assistant_name,
        "hotline": hotline.phone, "hotline_hours": hotline.hours, "website": utility.website,
        "staffed_hours": hours(hotline.staffed),
        "hello": hello(now),
    }


def hours(staffed: Staffed) -> str:
    """``每天 08:30–12:00、13:00–17:30``, or ``周一至周五 ...`` where not every day is worked."""
    days = sorted(staffed.weekdays)
    unbroken = days == list(range(days[0], days[-1] + 1)) and len(days) > 2
    named = f"周{_WEEKDAYS[days[0]]}至周{_WEEKDAYS[days[-1]]}" if unbroken else "、".join(f"周{_WEEKDAYS[day]}" for day in days)
    spans = "、".join(f"{start:%H:%M}–{end:%H:%M}" for start, end in staffed.spans)
    return f"{'每天' if len(days) == 7 else named} {spans}"


def hello(now: datetime) -> str:
    """A greeting that fits the hour."""
    for until, words in ((5, "晚上好"), (11, "早上好"), (13, "中午好"), (18, "下午好")):
        if now.hour < until:
            return words
    return "晚上好"


class ActionAnswer(Task):
    """Says ``utter_<intent>`` with the utility's facts: a new fixed answer needs only language data, no code."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_answer"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        turn.say(f"utter_{turn.intent}", **_facts(turn))
        return []


class ActionHuman(Task):
    """Records that the customer wants a person, and says honestly when one will answer."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_human"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        asked = await turn.services.handovers.ask(turn.openid, _reason(turn.tracker))
        when = "staffed" if asked.staffed else "closed"
        turn.say(f"utter_human_again_{when}" if asked.again else f"utter_human_{when}", **_facts(turn))
        if asked.staffed and asked.ahead:
            turn.say("utter_human_ahead", ahead=asked.ahead)
        return []


class ActionBackFromPerson(Action):
    """A person has given the conversation back: says so. An open form then puts its question again by itself."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_back_from_person"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[EventType]:
        """Say who speaks now."""
        turn = Turn(dispatcher, tracker)
        turn.say("utter_back_from_person_form" if turn.active_form else "utter_back_from_person", **_facts(turn))
        return []


class ActionDidYouMean(Task):
    """Not understood: offer the two likeliest meanings; the second time in a row, a person."""

    def name(self) -> str:
        """The name in the domain."""
        return DID_YOU_MEAN

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        if turn.slot("last_task") and (
            turn.values.account_nos or turn.values.periods or await names_place_or_day(turn)
        ):
            return [FollowupAction("action_inform")]  # "那3028这户呢": the value tells what the words do not
        choices = [
            _question_meant(turn) or (title, to) if to == "/faq" else (title, to)
            for title, to in likeliest(turn.tracker.latest_message.get("intent_ranking") or [])
        ]
        if failed_before(turn.tracker):
            ways_out = [*choices, ("找人工", "/human"), ("看能办什么", "/help")]
            turn.say("utter_not_understood_again", buttons=ways_out, **_facts(turn))
        elif choices:
            turn.say("utter_did_you_mean", buttons=[*choices, ("都不是", "/nlu_fallback")])
        else:
            turn.say("utter_not_understood", buttons=[("看能办什么", "/help"), ("找人工", "/human")])
        return []


def likeliest(ranking: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Buttons for the best guesses that have a title."""
    guesses = [
        str(each.get("name")) for each in ranking
        if each.get("name") in TITLES and float(each.get("confidence") or 0) >= WORTH_OFFERING
    ]
    return [(TITLES[name], f"/{name}") for name in guesses[:CHOICES]]


def _question_meant(turn: Turn) -> tuple[str, str] | None:
    """The button of the question that the knowledge base's retriever found; none where it was removed."""
    found = (turn.tracker.latest_message.get("response_selector") or {}).get("faq", {}).get("response") or {}
    entry = turn.services.knowledge.entry(str(found.get("id")))
    return (entry.question, payload("faq", faq_entry=entry.id)) if entry else None


def failed_before(tracker: Tracker) -> bool:
    """Whether the customer's last message but this one was not understood either."""
    messages = 0
    for event in reversed(tracker.events):
        messages += event.get("event") == "user"
        if messages > 1:
            return False
        if messages == 1 and event.get("event") == "action" and event.get("name") == DID_YOU_MEAN:
            return True
    return False


def _reason(tracker: Tracker) -> str:
    """The last thing that the customer said in words: a tap on a button tells nothing."""
    said = (str(event.get("text") or "") for event in reversed(tracker.events) if event.get("event") == "user")
    return next((text for text in said if text and not text.startswith("/")), "")


def _facts(turn: Turn) -> dict[str, Any]:
    return facts(turn.services.utility, turn.services.clock.now())
