"""Direct debit: how it stands, the link to sign, what happens on the day, and ending it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rasa_sdk.events import EventType, SlotSet

from actions import figures
from actions.flow import ANSWERS, Form, Need, Question, Task, agreed
from actions.payments import labels_of
from actions.turn import Turn
from runxia.clock import SHANGHAI
from services.accounts import BoundAccount
from services.auto_pay import AutoPayStatus
from services.errors import AutoPayNotOffered, AutoPaySigned

END = re.compile(r"取消|关(?!注)|停|解约|解除|不要|别(?!人)|退订|终止|解了|退掉|唔要")
ASK_STATE = re.compile(r"是不是|有没有|查|状态|签上|签了没|开了没|开通了?[没吗]|办过|谁签|哪个微信")
ASK_DAY = re.compile(
    r"几号|哪天|什么时候|何时|多久|怎么扣|上限|没钱|余额不足|不够|手续费|扣多|通知|会怎样|失败|没扣|没有.{0,2}扣"
)
ONLY_END = re.compile(r"(?:嗯+|好的?|对|行|是的?|那|就|[,，。\s])*(?:取消|关|解约|解除)[了掉]?[吧它。!！]*")
NOT_END = re.compile(r"(?:不|别|甭|勿)(?:要|用|想|再)?.{0,2}(?:取消|关|停|解约|解除|终止)|(?:不|别)[要用]?了|留")
BANK = re.compile(r"银行|托收|换.{0,4}卡|卡.{0,4}[换丢]|别人的卡")


class ActionAutoPay(Task):
    """自动扣款: on, off, how it stands, or how it works."""

    need = Need.ACCOUNT

    def name(self) -> str:
        """The name in the domain."""
        return "action_auto_pay"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Find out which is meant."""
        if account is None:
            raise TypeError("the task needs an account")
        status = await turn.services.auto_pay.status(turn.openid, account.account_no)
        if ASK_DAY.search(turn.text):
            _say_rules(turn)
            if status is None:
                turn.say("utter_auto_pay_not_signed", account=account.label, buttons=[("现在开通", "/auto_pay")])
            else:
                _say_state(turn, account, status)
            return []
        if END.search(turn.text):
            return self._end(turn, account, status)
        if status is not None or ASK_STATE.search(turn.text):
            _say_state(turn, account, status)
            return []
        return await self._begin(turn, account)

    @staticmethod
    def _end(turn: Turn, account: BoundAccount, status: AutoPayStatus | None) -> list[EventType]:
        if status is None:
            turn.say("utter_auto_pay_nothing_to_end", account=account.label, **_contact(turn))
            return []
        if not status.mine:
            turn.say("utter_auto_pay_not_mine", account=account.label, day=_day(status.signed_at), **_contact(turn))
            return []
        return turn.start_form(
            "auto_pay_end_form", auto_pay_account=account.account_no, auto_pay_since=_day(status.signed_at),
            auto_pay_end_confirmed=None,
        )

    @staticmethod
    async def _begin(turn: Turn, account: BoundAccount) -> list[EventType]:
        try:
            url = await turn.services.auto_pay.offer(turn.openid, account.account_no)
        except AutoPayNotOffered:
            turn.say("utter_auto_pay_not_offered", **_contact(turn))
            return []
        except AutoPaySigned:  # in this moment
            turn.say("utter_auto_pay_signed_meanwhile", account=account.label)
            return []
        if BANK.search(turn.text):
            turn.say("utter_auto_pay_bank", **_contact(turn))
        rules = turn.services.utility.payments.auto_pay
        turn.say(
            "utter_auto_pay_link", account=account.label, minutes=rules.link_minutes, days=rules.debit_days,
            highest=rules.highest,
            custom={"kind": "link", "title": "去微信签约", "text": "", "url": url},
        )
        return []


def _say_rules(turn: Turn) -> None:
    rules = turn.services.utility.payments.auto_pay
    turn.say("utter_auto_pay_rules", days=rules.debit_days, retries=rules.retries, highest=rules.highest)


def _say_state(turn: Turn, account: BoundAccount, status: AutoPayStatus | None) -> None:
    if status is None:
        turn.say("utter_auto_pay_not_signed", account=account.label, buttons=[("现在开通", "/auto_pay")])
    elif status.mine:
        rules = turn.services.utility.payments.auto_pay
        turn.say("utter_auto_pay_on", account=account.label, day=_day(status.signed_at), days=rules.debit_days)
    else:
        turn.say("utter_auto_pay_not_mine", account=account.label, day=_day(status.signed_at), **_contact(turn))


def _day(moment: datetime) -> str:
    local = moment.astimezone(SHANGHAI)
    return f"{local.year}年{figures.day(local.date())}"


def _contact(turn: Turn) -> dict[str, Any]:
    hotline = turn.services.utility.hotline
    return {"hotline": hotline.phone, "hotline_hours": hotline.hours}


class ActionAskAutoPayEndConfirmed(Question):
    """Asks for a yes before a contract is ended."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_auto_pay_end_confirmed"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        labels = await labels_of(turn)
        turn.say(
            "utter_auto_pay_end_confirm", account=labels.get(turn.slot("auto_pay_account"), ""),
            day=turn.slot("auto_pay_since"), buttons=[("确认取消", "/affirm"), ("保留", "/deny")],
        )


class ValidateAutoPayEndForm(Form):
    """Hears yes or no."""

    yes_or_no = frozenset({"auto_pay_end_confirmed"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_auto_pay_end_form"

    async def hear_auto_pay_end_confirmed(self, turn: Turn) -> Mapping[str, Any] | None:
        """A yes or a no; asking for it again is a yes, as 嗯取消掉 is; 别取消 is a no."""
        if turn.intent not in ANSWERS | {"auto_pay"} and not ONLY_END.fullmatch(turn.text.strip()):
            return None
        yes = agreed(turn)
        if NOT_END.search(turn.text):
            yes = False
        elif END.search(turn.text):
            yes = True
        if yes is None:
            return self.misheard(turn, "auto_pay_end_confirmed", "utter_auto_pay_yes_or_no")
        return {"auto_pay_end_confirmed": yes}


class ActionAutoPayEndFormSubmit(Task):
    """After the answer: end the contract, or leave it. Trying again after an outage comes here too."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_auto_pay_end_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """End exactly the contract that was shown."""
        forget: list[EventType] = [
            SlotSet(name, None) for name in ("auto_pay_account", "auto_pay_since", "auto_pay_end_confirmed")
        ]
        if not turn.slot("auto_pay_end_confirmed"):
            turn.say("utter_auto_pay_kept")
            return forget
        account_no, labels = turn.slot("auto_pay_account"), await labels_of(turn)
        ended = await turn.services.auto_pay.cancel(turn.openid, account_no)
        label = labels.get(account_no, f"尾号{account_no[-4:]}")
        turn.say("utter_auto_pay_ended" if ended else "utter_auto_pay_nothing_to_end", account=label, **_contact(turn))
        return forget


class _Told(Task):
    response: str

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Say it."""
        labels = await labels_of(turn)
        numbers: list[str] = turn.values.first("accounts") or []
        rules = turn.services.utility.payments.auto_pay
        turn.say(
            self.response, account="、".join(labels.get(number, f"尾号{number[-4:]}") for number in numbers),
            days=rules.debit_days, highest=rules.highest,
        )
        return []


class ActionAutoPayOn(_Told):
    """A contract was signed."""

    response = "utter_auto_pay_signed"

    def name(self) -> str:
        """The name in the domain."""
        return "action_auto_pay_on"


class ActionAutoPayOff(_Told):
    """A contract has ended, but not here."""

    response = "utter_auto_pay_ended_elsewhere"

    def name(self) -> str:
        """The name in the domain."""
        return "action_auto_pay_off"
