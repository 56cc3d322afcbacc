"""Readings on file, and when the meter is read next."""

from __future__ import annotations

from actions.billing import AccountTask, Months, command
from actions.readings import figures
from actions.readings.following import tell
from actions.readings.saying import APPOINTMENT, LOOK, wish_said
from actions.turn import Turn
from runxia.clock import today
from services.accounts import BoundAccount
from services.readings import Kind, Meter, MeterReading
from services.readings.rules import previous_reading, taken, window

OTHERS = 2


class ActionReadingQuery(AccountTask):
    """上次抄到多少, 下次哪天抄: of the months named, else the newest."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_reading_query"

    async def answer(self, turn: Turn, account: BoundAccount) -> None:
        """See :class:`AccountTask`."""
        if APPOINTMENT.search(turn.text) and wish_said(turn) == LOOK and await self._say_visit(turn, account):
            return
        meter = await turn.services.readings.meter(account.account_no)
        rules = turn.services.utility.readings
        months = Months.of(turn.values.periods)
        asked = _of_months(meter, months) if months else list(meter.readings[:rules.self_reading.shown])
        if months and not asked:
            turn.say("utter_readings_none_then", account=account.label, span=str(months))
            asked = list(meter.readings[:rules.self_reading.shown])
        if asked:
            turn.say("utter_readings", account=account.label, lines=figures.readings(asked))
        else:
            start = previous_reading(meter)
            turn.say("utter_readings_none", account=account.label, on=figures.dated(start.read_on), start=figures.whole(start))
        await self._say_next(turn, account, meter)

    @staticmethod
    async def _say_visit(turn: Turn, account: BoundAccount) -> bool:
        """我约的抄表是哪天: the visit under way, if there is one."""
        booked = await turn.services.readings.under_way(account.account_no, Kind.VISIT)
        for visit in booked[:1]:
            await tell(turn, visit)
        return bool(booked)

    @staticmethod
    async def _say_next(turn: Turn, account: BoundAccount, meter: Meter) -> None:
        own = taken(await turn.services.readings.requests(account.account_no, Kind.READING), meter)
        if own is not None:
            turn.say(
                "utter_readings_own", value=own.value, filed=figures.filed(own), state=figures.STATE_NAMES[own.state],
                number=own.request_no,
            )
        if meter.next_on is None:
            turn.say("utter_readings_no_next", buttons=await _others(turn, account))
            return
        span, day = window(meter, turn.services.utility.readings.self_reading), today(turn.services.clock)
        can_send = own is None and span is not None and span.holds(day)
        turn.say(
            "utter_readings_due" if meter.next_on <= day else "utter_readings_next", next=figures.full_day(meter.next_on),
            buttons=[
                *([("自己报读数", command("self_reading", account.account_no))] if can_send else []),
                ("读数不对", command("reading_dispute", account.account_no)), *await _others(turn, account),
            ],
        )


def _of_months(meter: Meter, months: Months) -> list[MeterReading]:
    return [reading for reading in meter.readings if months.first <= f"{reading.read_on:%Y-%m}" <= months.last]


async def _others(turn: Turn, account: BoundAccount) -> list[tuple[str, str]]:
    """Buttons that ask the same about the customer's other accounts."""
    bound = await turn.services.accounts.bindings(turn.openid)
    others = [each for each in bound if each.account_no != account.account_no]
    return [(f"看{each.short_label}", command("inform", each.account_no)) for each in others[:OTHERS]]
