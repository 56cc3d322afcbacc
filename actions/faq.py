"""The knowledge base in the chat: answers, near misses, browsing, searching, and what customers think of an answer.

The dialogue engine's retriever (``bot/nlu/faq.py``) has ranked the entries for every message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import EventType, SlotSet

from actions.basics import TITLES, facts
from actions.flow import Task, payload
from actions.turn import Buttons, Turn
from runxia.faq import FaqEntry
from services.accounts import BoundAccount
from services.knowledge import FAIR, LEAST_USEFUL, MOST_USELESS, USEFUL, USELESS

SURE = 0.5  # confidence from which an entry is answered at once; of those, 85 in 100 are right (make evaluate)
NEAR = 0.2  # score under which no entry has anything to do with the message
OFFERED = 3
FOUND = 6
CATEGORIES_SHOWN = 8  # of them on a page
PAGE = 6  # questions on a page: with the ways out, one menu of WeChat's
BROWSE = "service_list"  # the entry that opens the list of categories
ANSWERED = ("action_faq", "action_rate_answer")

_USELESS = re.compile(
    r"没(?:啥|什么|有|多大|得)?(?:用|帮|解决)|么得用|冇用|不(?:管用|满意|得行|行|对|好用)|无用|毫无|白说|说了等于|答非所问|差评|垃圾|踩|👎|"
    r"看不懂|太笼统|太官方|答(?:得|的)?不(?:对|好|是)|不是我想|不沾边|不是这个意思|[没未].{0,4}解决|问题还在|零分"
)
_USEFUL = re.compile(
    r"有用|管用|有帮助|帮到|帮上|满意|好评|满分|解决了|弄好了|巴适|👍|赞|不错|很好|清楚|到位|答(?:得|的)?对|⭐{4,}|好"
)
_FAIR = re.compile(r"一般|凑合|还行|马马虎虎|比较满意")
_DIGITS = {"零": 0, "一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "十": 10}
_STARS = re.compile(r"(?P<count>10|[0-5零一两二三四五十])\s*颗?[星分]")
_STAR_MARKS = re.compile("[⭐★🌟]")


def ranking(turn: Turn) -> list[Mapping[str, Any]]:
    """The entries that the retriever found for the message, best first."""
    return list(_retrieved(turn.tracker).get("ranking") or [])


def best_entry(turn: Turn) -> FaqEntry | None:
    """The entry that answers the message, for a service that wants to add what is generally so; none where none surely does."""
    found = ranking(turn)
    if not found or found[0]["confidence"] < SURE or found[0]["score"] < NEAR:
        return None
    return turn.services.knowledge.entry(str(found[0]["id"]))


def _retrieved(tracker: Tracker) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (tracker.latest_message.get("response_selector") or {}).get("faq") or {}
    return found


class ActionFaq(Task):
    """Answers a question of the knowledge base, or shows what there is."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_faq"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        knowledge = turn.services.knowledge
        tapped, category = turn.values.first("faq_entry"), turn.values.first("faq_category")
        if tapped:
            entry = knowledge.entry(str(tapped))
            return _gone(turn) if entry is None else _show(turn, entry)
        page = int(turn.values.first("faq_page") or 1)
        if category:
            return _list_questions(turn, str(category), page)
        if words := _retrieved(turn.tracker).get("search"):
            return _search(turn, str(words))
        if turn.text.startswith("/"):
            return _list_categories(turn, page)
        return _answer(turn, [(knowledge.entry(str(each["id"])), each) for each in ranking(turn)])


class ActionRateAnswer(Task):
    """Keeps what the customer thinks of the last answer; where it was no help, offers what may be."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_rate_answer"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        shown = _shown(turn)
        score = turn.values.first("rating") or score_of(turn.text)
        if score is None:
            turn.say("utter_rate_ask", buttons=_rating_buttons(shown["entry"]))
            return []
        comment = "" if turn.text.startswith("/") else turn.text
        await turn.services.knowledge.rate(turn.openid, shown["entry"], shown["message"], int(score), comment)
        if score >= LEAST_USEFUL:
            turn.say("utter_rate_useful")
        elif score > MOST_USELESS:
            turn.say("utter_rate_fair")
        else:
            _offer_others(turn, shown["entry"])
        return []


def score_of(text: str) -> int | None:
    """1 to 5 for what is said of an answer; none for what says nothing of the kind."""
    if stars := _STAR_MARKS.findall(text):
        return min(len(stars), USEFUL)
    if counted := _STARS.search(text):
        return _of_count(counted["count"])
    for score, words in ((USELESS, _USELESS), (FAIR, _FAIR), (USEFUL, _USEFUL)):
        if words.search(text):
            return score
    return None


def _of_count(said: str) -> int:
    """Five stars or points are best, ten points too."""
    count = int(said) if said.isdigit() else _DIGITS[said]
    return max(USELESS, min(count, USEFUL))


def _answer(turn: Turn, found: Iterable[tuple[FaqEntry | None, Mapping[str, Any]]]) -> list[EventType]:
    """The best entry where it is clear, else a choice."""
    near = [(entry, each) for entry, each in found if entry is not None and each["score"] >= NEAR]
    if not near:
        turn.say("utter_faq_unknown", buttons=[("看常见问题", "/faq"), ("找人工", "/human")], **_facts(turn))
        return []
    entry, best = near[0]
    if best["confidence"] >= SURE:
        return _list_categories(turn) if entry.id == BROWSE else _show(turn, entry)
    turn.say("utter_faq_choose", buttons=[*_questions(entry for entry, _ in near[:OFFERED]), ("都不是，找人工", "/human")])
    return []


def _show(turn: Turn, entry: FaqEntry) -> list[EventType]:
    service = [(f"现在办理：{TITLES[entry.intent]}", f"/{entry.intent}")] if entry.intent in TITLES else []
    turn.say(
        "utter_faq_answer", question=entry.question, answer=turn.services.knowledge.answer(entry),
        buttons=[*service, *_rating_buttons(entry.id)],
    )
    return [SlotSet("faq_shown", {"entry": entry.id, "message": _message_id(turn.tracker)})]


def _gone(turn: Turn) -> list[EventType]:
    turn.say("utter_faq_gone", buttons=[("看常见问题", "/faq")])
    return []


def _list_categories(turn: Turn, page: int = 1) -> list[EventType]:
    categories = turn.services.knowledge.categories
    start = (page - 1) * CATEGORIES_SHOWN if 0 < page <= -(-len(categories) // CATEGORIES_SHOWN) else 0
    shown = categories[start:start + CATEGORIES_SHOWN]
    further = page + 1 if start + CATEGORIES_SHOWN < len(categories) else 1
    buttons = [(category.title, payload("faq", faq_category=category.name)) for category in shown]
    turn.say("utter_faq_categories", buttons=[*buttons, ("更多分类", payload("faq", faq_page=further))])
    return []


def _list_questions(turn: Turn, name: str, page: int) -> list[EventType]:
    category = turn.services.knowledge.category(name)
    if category is None:
        return _list_categories(turn)
    pages = -(-len(category.entries) // PAGE)
    page = min(max(page, 1), pages)
    shown = category.entries[(page - 1) * PAGE:page * PAGE]
    turns = [("下一页", page + 1)] if page < pages else [("回第一页", 1)] if pages > 1 else []
    turn.say(
        "utter_faq_questions", title=category.title, page=page, pages=pages,
        buttons=[
            *_questions(shown), *((title, payload("faq", faq_category=name, faq_page=to)) for title, to in turns),
            ("全部分类", "/faq"),
        ],
    )
    return []


def _search(turn: Turn, words: str) -> list[EventType]:
    knowledge = turn.services.knowledge
    found = knowledge.search(words, FOUND)
    if not found:
        turn.say("utter_faq_not_found", words=words, buttons=[("看常见问题", "/faq"), ("找人工", "/human")])
        return []
    if len(found) == 1:
        return _show(turn, found[0])
    turn.say("utter_faq_found", words=words, buttons=_questions(found))
    return []


def _offer_others(turn: Turn, about: str) -> None:
    entry = turn.services.knowledge.entry(about)
    others = turn.services.knowledge.related(entry, OFFERED) if entry else []
    turn.say(
        "utter_rate_useless" if others else "utter_rate_useless_else",
        buttons=[*_questions(others), ("找人工", "/human")], **_facts(turn),
    )


def _shown(turn: Turn) -> dict[str, Any]:
    """What is rated: the entry whose button was tapped, the one just shown, or the action that answered last."""
    kept: Mapping[str, Any] = turn.slot("faq_shown") or {}
    tapped = turn.values.first("faq_entry")
    if tapped:
        mine = kept.get("entry") == tapped
        return {"entry": str(tapped), "message": int(kept["message"]) if mine else 0}
    last = _last_action(turn.tracker)
    if kept and last in ANSWERED:
        return {"entry": str(kept["entry"]), "message": int(kept["message"])}
    return {"entry": last, "message": _message_id(turn.tracker)}


def _last_action(tracker: Tracker) -> str:
    """The action that answered the message before this one."""
    names = (str(event.get("name")) for event in reversed(tracker.events) if event.get("event") == "action")
    return next((name for name in names if name not in ("action_listen", "action_session_start")), "none")


def _message_id(tracker: Tracker) -> int:
    """The gateway's number of the customer's message; 0 where it is not told."""
    for event in reversed(tracker.events):
        if event.get("event") == "user" and (number := (event.get("metadata") or {}).get("message_id")):
            return int(number)
    return 0


def _questions(entries: Iterable[FaqEntry]) -> Sequence[tuple[str, str]]:
    return [(entry.question, payload("faq", faq_entry=entry.id)) for entry in entries]


def _rating_buttons(entry: str) -> Buttons:
    return [
        ("有用", payload("rate_answer", faq_entry=entry, rating=USEFUL)),
        ("没解决", payload("rate_answer", faq_entry=entry, rating=USELESS)),
    ]


def _facts(turn: Turn) -> dict[str, Any]:
    return facts(turn.services.utility, turn.services.clock.now())

