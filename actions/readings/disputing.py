"""读数不对: shows what was read, takes down what the meter shows now and since when it is doubted, and has it looked into."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from rasa_sdk.events import EventType

from actions import figures as billing_figures
from actions.billing import Months
from actions.flow import ANSWERS, Form, Need, Question, Task, agreed, payload
from actions.readings import figures
from actions.readings.following import Submit, hotline, label_of, say_refused, see_to
from actions.readings.saying import CANCEL, LOOK, NOT_SURE, UNKNOWN, shown_said, since_said, wish_said
from actions.turn import Turn
from services.accounts import BoundAccount
from services.billing.months import first_month
from services.errors import ReadingRefused, UnknownAccount
from services.ports import Bill
from services.readings import Filing, Kind

FORM = "dispute_form"
SLOTS = ("dispute_account", "dispute_request", "dispute_bill", "dispute_value", "dispute_since", "dispute_confirmed")
MOST_DIGITS = 6


def kept(bill: Bill) -> dict[str, Any]:
    """A bill as the form keeps it."""
    return {
        "bill_no": bill.bill_no, "period": bill.period, "start": bill.start.isoformat(), "end": bill.end.isoformat(),
        "previous": int(bill.previous_reading), "current": int(bill.current_reading), "volume": int(bill.volume),
        "kind": bill.reading_kind,
    }


def meant(turn: Turn, bills: Sequence[Bill]) -> Bill:
    """The bill spoken of: the newest of the months named, else the newest."""
    months = Months.of(turn.values.periods)
    named = [bill for bill in bills if months and bill.period >= months.first and first_month(bill) <= months.last]
    return (named or bills)[0]


class ActionReadingDispute(Task):
    """Starts the form; or tells how the dispute under way stands."""

    need = Need.VERIFIED

    def name(self) -> str:
        """The name in the domain."""
        return "action_reading_dispute"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        if account is None:
            raise TypeError("the task needs an account")
        wish = wish_said(turn)
        if wish in (LOOK, CANCEL):
            events = await see_to(turn, account, Kind.DISPUTE, wish)
            if events is not None:
                return events
        try:
            bills = await turn.services.readings.disputable(account.account_no)
        except ReadingRefused as error:
            await say_refused(turn, error, Kind.DISPUTE, account.account_no)
            return []
        except UnknownAccount:
            turn.say("utter_meter_refused_unknown", account=account.label, **hotline(turn))
            return []
        if not bills:
            turn.say("utter_dispute_no_bills", account=account.label, **hotline(turn))
            return []
        bill = kept(meant(turn, bills))
        turn.say("utter_dispute_bill", account=account.label, lines=figures.bill_lines(bill))
        if bill["kind"] == "estimated":
            turn.say("utter_dispute_estimated")
        shown = shown_said(turn)
        good = shown if shown and shown.value != bill["current"] and len(str(shown.value)) <= MOST_DIGITS else None
        return turn.start_form(
            FORM, dispute_account=account.account_no, dispute_request=secrets.token_hex(8), dispute_bill=bill,
            dispute_value=good.value if good else None, dispute_since=None, dispute_confirmed=None,
        )


class ActionAskDisputeValue(Question):
    """What the meter shows now."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_dispute_value"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        turn.say("utter_ask_dispute_value")


class ActionAskDisputeSince(Question):
    """Since when the readings are doubted."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_dispute_since"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        turn.say("utter_ask_dispute_since", buttons=[
            ("就这一期", payload("inform", meter_choice="this")), ("说不清", payload("inform", meter_choice=UNKNOWN)),
        ])


class ActionAskDisputeConfirmed(Question):
    """Everything once more, what the number tells, and a yes."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_dispute_confirmed"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        bill, value, since = (turn.slot(f"dispute_{name}") for name in ("bill", "value", "since"))
        turn.say(
            "utter_dispute_confirm", account=await label_of(turn, turn.slot("dispute_account")),
            lines=figures.bill_lines(bill), value=value, finding=self._finding(bill, value),
            since="说不清" if since == UNKNOWN else f"{billing_figures.month(since)}起",
            days=turn.services.utility.readings.dispute.working_days,
            buttons=[("提交复核", "/affirm"), ("先不提交", "/deny")],
        )

    @staticmethod
    def _finding(bill: Mapping[str, Any], value: int) -> str:
        """What the number now says about the one in doubt."""
        if value < bill["previous"]:
            return "比上一次抄的还小，可能换过表，也可能抄的不是您家的表"
        if value < bill["current"]:
            return f"比账单上的少 {bill['current'] - value}，确实对不上"
        return "不比账单上的小，抄表以后又用了水也会这样，光看这个数不一定是抄错"


class ValidateDisputeForm(Form):
    """Hears the number, the month, and the yes."""

    yes_or_no = frozenset({"dispute_confirmed"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_dispute_form"

    def required(self, turn: Turn, slots: list[str]) -> list[str]:
        """A no ends the form at once."""
        return [] if turn.slot("dispute_confirmed") is False else slots

    async def _hear(self, turn: Turn, asked: str) -> Mapping[str, Any] | None:
        """说不清楚 tells of this question that the customer does not know; elsewhere it asks to be told again."""
        if asked == "dispute_since" and turn.intent == "repeat" and NOT_SURE.search(turn.text):
            turn.intent = "inform"
        return await super()._hear(turn, asked)

    async def hear_dispute_value(self, turn: Turn) -> Mapping[str, Any] | None:
        """What the meter shows now."""
        if turn.values.first("image"):
            turn.say("utter_reading_photo_later")
            return self.again("dispute_value")
        shown = shown_said(turn)
        if shown is None:
            if turn.intent not in ANSWERS | {"self_reading", "reading_dispute"}:
                return None
            return self.misheard(turn, "dispute_value", "utter_dispute_number_please")
        if len(str(shown.value)) > MOST_DIGITS:
            return self.misheard(turn, "dispute_value", "utter_dispute_number_please")
        return {"dispute_value": shown.value}

    async def hear_dispute_since(self, turn: Turn) -> Mapping[str, Any] | None:
        """A month, this bill only, or that they do not know."""
        since = since_said(turn, turn.slot("dispute_bill")["period"])
        if since is not None:
            return {"dispute_since": since}
        shown = shown_said(turn)
        if shown is not None and len(str(shown.value)) <= MOST_DIGITS:
            return {"dispute_value": shown.value, "dispute_since": None}
        if turn.intent not in ANSWERS | {"reading_dispute"}:
            return None
        return self.misheard(turn, "dispute_since", "utter_dispute_since_again")

    async def hear_dispute_confirmed(self, turn: Turn) -> Mapping[str, Any] | None:
        """A yes or a no; or another number."""
        shown = shown_said(turn)
        if shown is not None and len(str(shown.value)) <= MOST_DIGITS:
            return {"dispute_value": shown.value, "dispute_confirmed": None}
        yes = agreed(turn)
        if yes is not None:
            return {"dispute_confirmed": yes}
        return self.misheard(turn, "dispute_confirmed", "utter_dispute_yes_or_no") if turn.intent in ANSWERS else None


class ActionDisputeFormSubmit(Submit):
    """Files the dispute."""

    kind = Kind.DISPUTE
    agreed_slot, request_slot, slots = "dispute_confirmed", "dispute_request", SLOTS

    def name(self) -> str:
        """The name in the domain."""
        return "action_dispute_form_submit"

    def filing(self, turn: Turn) -> Filing:
        """See :class:`Submit`."""
        since = turn.slot("dispute_since")
        return Filing(
            Kind.DISPUTE, turn.slot("dispute_account"), value=turn.slot("dispute_value"),
            bill_no=turn.slot("dispute_bill")["bill_no"], since=None if since == UNKNOWN else since,
        )
