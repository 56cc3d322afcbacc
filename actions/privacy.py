"""Personal data in the chat: what is stored and for how long, a copy of it, and its deletion."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rasa_sdk.events import EventType, FollowupAction, SlotSet

from actions.basics import facts
from actions.flow import Form, Need, Question, Task, digresses, payload
from actions.turn import Turn
from services.accounts import BoundAccount
from services.errors import NotVerified
from services.privacy import LINK_LIFE

ERASE, EXPORT = "erase", "export"
CHOICES = [("确认删除", payload("affirm", privacy=ERASE)), ("先不删", "/deny")]
_ERASE = re.compile(r"删|清(?:除|空|了|掉)|注销|抹掉|被遗忘|整没|撤回同意|不要再用我")
_EXPORT = re.compile(
    r"导出|导一|导给|导.{0,4}(?:出来|给我)|拿到|下载|打包|副本|发(?:我|一)?.{0,2}[份一]|要一份|给我看看|查看|看看.{0,6}(?:记|存|留)|查阅|所有记录|我的(?:数据|资料|信息)$"
)
_SURE = re.compile(r"确认删除|确定删除|是的?，?删|删吧|删掉吧|都删了吧")


class ActionPrivacy(Task):
    """Says what is stored, why and how long; where a copy or the deletion is meant, goes on to that."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_privacy"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        wish = turn.values.first("privacy")
        if wish == ERASE or (not wish and _ERASE.search(turn.text)):
            return [FollowupAction("action_privacy_erase")]
        if wish == EXPORT or (not wish and _EXPORT.search(turn.text)):
            return [FollowupAction("action_privacy_export")]
        rule = turn.services.utility.privacy
        turn.say(
            "utter_privacy", message_days=rule.message_days, media_days=rule.media_days, payment_years=rule.payment_years,
            buttons=[
                ("导出我的数据", payload("privacy", privacy=EXPORT)), ("删除我的数据", payload("privacy", privacy=ERASE)),
                ("看我的户号", "/list_accounts"),
            ],
            **_facts(turn),
        )
        return []


class _OfOwnData(Task):
    """Needs a proof where an account is bound; a customer without one is known by WeChat alone."""

    proof: Need

    async def _meet_needs(self, turn: Turn) -> tuple[BoundAccount | None, list[EventType] | None]:
        bound = await turn.services.accounts.bindings(turn.openid)
        if any([await self._suffices(turn, each) for each in bound]) or not bound:
            return None, None
        chosen = next((each for each in bound if each.is_default), bound[0])
        turn.say("utter_privacy_prove_first")
        return chosen, [SlotSet("account_no", chosen.account_no), *turn.detour(self.name(), "action_verify")]

    async def _suffices(self, turn: Turn, account: BoundAccount) -> bool:
        accounts = turn.services.accounts
        ask = accounts.is_proven if self.proof is Need.PROVEN else accounts.is_verified
        return await ask(turn.openid, account.account_no)


class ActionPrivacyExport(_OfOwnData):
    """Gives the link to all that is stored."""

    proof = Need.VERIFIED

    def name(self) -> str:
        """The name in the domain."""
        return "action_privacy_export"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        counts = await turn.services.privacy.counts(turn.openid)
        url = await turn.services.privacy.link(turn.openid)
        turn.say(
            "utter_privacy_export", lines=_lines(counts), minutes=int(LINK_LIFE.total_seconds() // 60),
            custom={"kind": "link", "title": "查看、下载我的数据", "text": "", "url": url},
        )
        return []


class ActionPrivacyErase(_OfOwnData):
    """Begins the deletion: shows what would go and what would stay, and asks."""

    proof = Need.PROVEN

    def name(self) -> str:
        """The name in the domain."""
        return "action_privacy_erase"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        return turn.start_form("privacy_form", erase_agreed=None)


class ActionAskEraseAgreed(Question):
    """Shows the consequences and asks for an explicit yes."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_erase_agreed"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        turn.say(
            "utter_privacy_erase_confirm", lines=_lines(await turn.services.privacy.counts(turn.openid)),
            payment_years=turn.services.utility.privacy.payment_years,
            buttons=CHOICES,
        )


class ValidatePrivacyForm(Form):
    """Hears the explicit yes, or a no."""

    yes_or_no = frozenset({"erase_agreed"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_privacy_form"

    async def hear_erase_agreed(self, turn: Turn) -> Mapping[str, Any] | None:
        """Only 确认删除 is a yes: a 好的 may be meant for something else."""
        if turn.values.first("privacy") == ERASE or _SURE.search(turn.text):
            return {"erase_agreed": True}
        if turn.intent == "deny":
            return {"erase_agreed": False}
        if turn.intent != "privacy" and digresses(turn):
            return None
        return self.misheard(turn, "erase_agreed", "utter_privacy_say_it", buttons=CHOICES)


class ActionPrivacyFormSubmit(Task):
    """After the answer: delete, or leave it."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_privacy_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        forget = SlotSet("erase_agreed", None)
        if not turn.slot("erase_agreed"):
            turn.say("utter_privacy_kept")
            return [forget, *turn.resume()]
        try:
            fresh = await turn.services.privacy.erase(turn.openid)
        except NotVerified:
            return [forget, FollowupAction("action_privacy_erase")]
        turn.say(
            "utter_privacy_erased" if fresh else "utter_privacy_erased_already",
            payment_years=turn.services.utility.privacy.payment_years, **_facts(turn),
        )
        kept = ("requested_slot",)
        return [SlotSet(name, None) for name, value in turn.tracker.slots.items() if value is not None and name not in kept]


def _lines(counts: Mapping[str, int]) -> str:
    return "、".join(f"{title} {count} 条" for title, count in counts.items()) or "只有您关注过我们这一件事"


def _facts(turn: Turn) -> dict[str, Any]:
    return facts(turn.services.utility, turn.services.clock.now())
