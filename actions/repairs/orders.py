"""What became of a work order; urging, cancelling, correcting it; and word that it has ended."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from rasa_sdk.events import EventType, FollowupAction, SlotSet

from actions.flow import ANSWERS, Form, Question, Task, agreed, payload, task_of_number
from actions.repairs import wording
from actions.repairs.asking import phone_said, words_of
from actions.turn import Turn
from services.accounts import BoundAccount
from services.errors import OrderClosed, RemindedTooOften, UnknownOrder
from services.repairs import Amendment, Order, OrderKind, OrderState

INTENTS = frozenset({"repair_progress"})
FORM = "order_form"
TOLD = "told"
LOOK, REMIND, CANCEL, AMEND = "look", "remind", "cancel", "amend"
SHOWN = 5
MAX_ADDRESS = 100
_CANCEL = re.compile(
    r"取消|撤[单掉销了回]|撤|不用(?:再?派|再?来|修|管|上门)|不修了|不需要(?:修|来|了)|不要(?:来|修)|修好了不用|不漏了|弄好了|自己修好|好了不用",
)
_REMIND = re.compile(
    r"催|加急|快[点些]|怎么还|还没(?:人|来|到|修|动静|消息)|没人(?:来|联系|管)|人呢|还要(?:等|多久)|等(?:了|到)|几个小时了|没动静|没来|冇人|忘了|到现在|没得人",
)
_AMEND = re.compile(
    r"补|写错|填错|报错|说错|改(?:一下|成|为|到|地址|电话|时间|约)|要改|换(?:一下|个|成)|忘了说|漏说|备注|加(?:一句|上)|地址不对|电话不对",
)
# What only says that something is to be changed; what is left of the message is the change.
_SUBJECT = re.compile(
    r"我|那个|报修|工单|单子|的|里|给|要|想|帮|补充|一下|改|补|点|信息|内容|东西|说明|资料|一句|，|,|。|写错了?|报错了?|地址|电话|错了|不对|个|张|照片|把|刚才|刚|报",
)


def wish_of(turn: Turn) -> str:
    """What is wanted of the order: to look, urge, cancel, or amend it."""
    if chosen := turn.values.first("order_wish"):
        return str(chosen)
    if turn.text.startswith("/"):
        return LOOK
    wishes = ((_CANCEL, CANCEL), (_AMEND, AMEND), (_REMIND, REMIND))
    return next((wish for pattern, wish in wishes if pattern.search(turn.text)), LOOK)


class ActionOrderStatus(Task):
    """Tells what became of an order; or urges, cancels or amends it. Where several may be meant, asks which."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_order_status"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Find the order and the wish; ask for what is missing."""
        wish, number = wish_of(turn), turn.values.first("work_order_no")
        if number and (task := task_of_number(turn, str(number))) != self.name():
            return [FollowupAction(task)]
        known = await self._candidates(turn, wish)
        if number is None and not known:
            turn.say(
                "utter_order_none", hotline=turn.services.utility.hotline.phone,
                buttons=[("报修", "/repair_report"), ("找人工", "/human")],
            )
            return []
        if number is not None and str(number) not in {order.order_no for order in known}:
            known = [order for order in await turn.services.repairs.orders(turn.openid) if order.order_no == number]
            if not known:
                turn.say("utter_order_unknown", hotline=turn.services.utility.hotline.phone)
                return []
        chosen = str(number) if number else known[0].order_no if len(known) == 1 else None
        change = said_to_change(turn) if wish == AMEND else None
        return turn.start_form(
            FORM, order_no=chosen, order_wish=wish, order_change=change, order_agreed=None,
            order_choices=[order.order_no for order in known[:SHOWN]], order_key=f"am-{secrets.token_hex(12)}",
        )

    @staticmethod
    async def _candidates(turn: Turn, wish: str) -> list[Order]:
        """The orders that may be meant: of the kind spoken of, open ones where something is to be done about them."""
        kinds: Sequence[OrderKind] = tuple(OrderKind)
        if turn.intent == "complaint" or "投诉" in turn.text:
            kinds = (OrderKind.COMPLAINT,)
        elif turn.intent == "suggestion" or "建议" in turn.text:
            kinds = (OrderKind.SUGGESTION,)
        elif re.search(r"修|漏|爆|水|井盖|阀", turn.text) and not turn.text.startswith("/"):
            kinds = (OrderKind.REPAIR,)
        orders = await turn.services.repairs.orders(turn.openid, kinds)
        still_open = [order for order in orders if order.state.is_open]
        if re.search(r"上次|上回|最近|刚才|刚报|昨天|昨日|今天", turn.text) and "哪些" not in turn.text:
            newest = sorted(still_open or orders, key=lambda order: order.created_at, reverse=True)
            return newest[:1]
        if wish != LOOK:
            return still_open or orders[:1]
        return still_open if len(still_open) == 1 and not re.search(r"哪些|记录|所有|都", turn.text) else orders


def said_to_change(turn: Turn) -> dict[str, Any] | None:
    """What the message itself changes of an order: phone, address, a note, photos."""
    photos = [str(each) for each in turn.values.all("image")]
    phone, address = phone_said(turn), turn.values.first("address")
    words = words_of(turn)
    said: dict[str, Any] = {}
    if photos:
        said["photos"] = photos[:turn.services.utility.repairs.max_photos]
    if phone:
        said["phone"] = phone["phone"]
    if address and re.search(r"地址|地点|位置|是在|门牌|不是", words):
        said["address"] = str(address)[:MAX_ADDRESS]
    if len(_SUBJECT.sub("", words)) > 2 and not said:
        said["note"] = words
    return said or None


class ActionAskOrderNo(Question):
    """Which of several orders."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_order_no"

    async def ask(self, turn: Turn) -> None:
        """List them."""
        shown = await choices(turn)
        turn.say(
            "utter_ask_order_no", lines=wording.listed(shown),
            buttons=[(order.order_no, payload("inform", work_order_no=order.order_no)) for order in shown],
        )


async def choices(turn: Turn) -> list[Order]:
    """The orders that were offered, in order."""
    known = {order.order_no: order for order in await turn.services.repairs.orders(turn.openid)}
    return [known[number] for number in turn.slot("order_choices") or [] if number in known]


class ActionAskOrderChange(Question):
    """What to correct or add."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_order_change"

    async def ask(self, turn: Turn) -> None:
        """Ask."""
        turn.say("utter_ask_order_change", order_no=turn.slot("order_no"))


class ActionAskOrderAgreed(Question):
    """Whether really to cancel."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_order_agreed"

    async def ask(self, turn: Turn) -> None:
        """Show which, and ask."""
        number = turn.slot("order_no")
        order = next((each for each in await turn.services.repairs.orders(turn.openid) if each.order_no == number), None)
        turn.say(
            "utter_ask_order_cancel", order_no=number, what=wording.title(order) if order else "",
            buttons=[("确认取消", "/affirm"), ("不取消", "/deny")],
        )


class ValidateOrderForm(Form):
    """Hears which order, what to change, and whether to cancel."""

    yes_or_no = frozenset({"order_agreed"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_order_form"

    def required(self, turn: Turn, slots: list[str]) -> list[str]:
        """A change only to amend, a yes only to cancel."""
        wish = turn.slot("order_wish")
        needed = {"order_no": True, "order_change": wish == AMEND, "order_agreed": wish == CANCEL}
        return [slot for slot in slots if needed[slot]]

    async def hear_order_no(self, turn: Turn) -> Mapping[str, Any] | None:
        """By number, by place, or by what it is about."""
        offered = await choices(turn)
        number, ordinal = turn.values.first("work_order_no"), turn.values.first("ordinal")
        if number is not None:
            if number in {order.order_no for order in offered}:
                return {"order_no": number}
            return self.misheard(turn, "order_no", "utter_order_not_listed")
        if ordinal and -len(offered) <= ordinal <= len(offered):
            return {"order_no": offered[ordinal - 1 if ordinal > 0 else ordinal].order_no}
        words = words_of(turn)
        about = [order for order in offered if order.fault and _about(order, words)]
        if len(about) == 1:
            return {"order_no": about[0].order_no}
        if turn.intent not in ANSWERS | INTENTS:
            return None
        return self.misheard(turn, "order_no", "utter_order_which")

    async def hear_order_change(self, turn: Turn) -> Mapping[str, Any] | None:
        """Phone, address, photos, or words to add."""
        said = said_to_change(turn)
        if said is None and turn.values.first("address"):
            said = {"address": str(turn.values.first("address"))[:MAX_ADDRESS]}
        if said is None and turn.intent in ANSWERS | INTENTS | {"repair_report"} and len(words_of(turn)) >= 2:
            said = {"note": words_of(turn)}
        if said is None:
            if turn.intent not in ANSWERS | INTENTS:
                return None
            return self.misheard(turn, "order_change", "utter_order_change_unclear")
        return {"order_change": said}

    async def hear_order_agreed(self, turn: Turn) -> Mapping[str, Any] | None:
        """A yes or a no."""
        yes = agreed(turn)
        if yes is None and turn.intent in INTENTS and wish_of(turn) == CANCEL:
            yes = True
        if yes is None and turn.intent not in ANSWERS:
            return None
        if yes is None:
            return self.misheard(turn, "order_agreed", "utter_order_cancel_unclear")
        return {"order_agreed": yes}


def _about(order: Order, words: str) -> bool:
    name = wording.FAULTS[order.fault] if order.fault else wording.KINDS[order.kind]
    return any(part in words for part in re.split(r"[、或]|的", name)) or any(
        word in words and word in name for word in ("漏", "爆", "黄", "味", "井盖", "阀", "表", "没水", "水小")
    )


class ActionOrderFormSubmit(Task):
    """Does what is wanted of the order. Trying again after an outage comes here too."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_order_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Do it, and say how it ended."""
        number, wish = str(turn.slot("order_no")), turn.slot("order_wish")
        forget = [SlotSet("order_agreed", None), SlotSet("order_change", None)]
        try:
            match wish:
                case "remind":
                    await self._remind(turn, number)
                case "cancel":
                    await self._cancel(turn, number)
                case "amend":
                    await self._amend(turn, number)
                case _:
                    say_status(turn, await turn.services.repairs.order(turn.openid, number))
        except UnknownOrder:
            turn.say("utter_order_unknown", hotline=turn.services.utility.hotline.phone)
        except OrderClosed:
            turn.say("utter_order_closed", order_no=number)
            say_status(turn, await turn.services.repairs.order(turn.openid, number))
        return forget

    @staticmethod
    async def _remind(turn: Turn, number: str) -> None:
        try:
            order = await turn.services.repairs.remind(turn.openid, number)
        except RemindedTooOften as error:
            say_status(turn, await turn.services.repairs.order(turn.openid, number))
            if error.again_at is None:
                turn.say("utter_order_reminded_enough", hotline=turn.services.utility.hotline.phone)
            else:
                turn.say("utter_order_remind_later", again=wording.moment(error.again_at))
            return
        say_status(turn, order)
        turn.say("utter_order_reminded")

    @staticmethod
    async def _cancel(turn: Turn, number: str) -> None:
        if not turn.slot("order_agreed"):
            turn.say("utter_order_kept", order_no=number)
            return
        await turn.services.repairs.cancel(turn.openid, number)
        turn.say("utter_order_cancelled", order_no=number)

    @staticmethod
    async def _amend(turn: Turn, number: str) -> None:
        change = turn.slot("order_change") or {}
        await turn.services.repairs.amend(turn.openid, number, Amendment(
            request_key=turn.slot("order_key"), address=change.get("address"), phone=change.get("phone"),
            note=change.get("note"), photos=tuple(change.get("photos") or ()),
        ))
        turn.say("utter_order_amended", order_no=number)


def say_status(turn: Turn, order: Order) -> None:
    """Number, what, state, promise or result."""
    lines = [f"{order.order_no}　{wording.title(order)}", f"登记：{wording.moment(order.created_at)}"]
    if order.place:
        lines.append(f"地点：{order.place}")
    lines.append(f"现在：{wording.STATES[order.state]}")
    if order.crew:
        lines.append(f"处理：{order.crew}")
    if order.result and not order.state.is_open:
        lines.append(f"结果：{order.result}")
    is_late = order.promised_at < turn.services.clock.now()
    if order.state in (OrderState.ACCEPTED, OrderState.ASSIGNED):
        name = "承诺到场" if order.kind is OrderKind.REPAIR else "承诺答复"
        lines.append(f"{name}：{wording.moment(order.promised_at)} 前" + ("（已经超时，抱歉）" if is_late else ""))
    buttons = []
    if order.state.is_open:
        buttons = [
            (title, payload("repair_progress", work_order_no=order.order_no, order_wish=wish))
            for title, wish in (("催一下", REMIND), ("补充或更正", AMEND), ("取消这张单", CANCEL))
        ]
    elif order.state is OrderState.DONE and order.rating is None:
        buttons = [("评个分", payload("EXTERNAL_rate_order", work_order_no=order.order_no))]
    turn.say("utter_order_status", lines="\n".join(lines), buttons=buttons)


class ActionOrderDropped(Task):
    """The hotline closed an order without doing it."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_order_dropped"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Say so, with the reason."""
        order = await turn.services.repairs.known(turn.openid, str(turn.values.first("work_order_no")))
        turn.say(
            "utter_order_dropped", order_no=order.order_no, what=wording.title(order), reason=order.result or "没有写明原因",
            hotline=turn.services.utility.hotline.phone,
        )
        return []
