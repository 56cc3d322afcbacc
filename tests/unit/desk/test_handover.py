"""What brings a customer to a person, and what they are told."""

from __future__ import annotations

from datetime import datetime

import pytest

from runxia.clock import SHANGHAI
from runxia.utility import Staffed
from tests.unit.desk.office import ANNA, BELLA, Office, understood


async def test_asking_queues_once_and_tells_how_many_come_first(office: Office) -> None:
    anna, bella = await office.write(ANNA), await office.write(BELLA)
    first = await office.handovers.ask(ANNA, "水费不对")
    office.clock.advance(seconds=5)
    second = await office.handovers.ask(BELLA, "我要投诉")
    again = await office.handovers.ask(BELLA, "还没人？")
    assert [(each.staffed, each.again, each.ahead) for each in (first, second, again)] == [
        (True, False, 0), (True, False, 1), (True, True, 1),
    ]
    row = await office.row(bella)
    assert (row.state, row.trigger, row.reason, row.outcome) == ("waiting", "asked", "我要投诉", "handed_over")
    assert await office.steps(anna) == ["queued"]
    assert await office.handovers.owner(ANNA) is None


async def test_somebody_who_never_wrote_can_ask_too(office: Office) -> None:
    assert not (await office.handovers.ask("oNew", "人工")).again
    assert (await office.handovers.ask("oNew", "人工")).again


async def test_two_messages_in_a_row_that_were_not_understood_bring_a_person(office: Office) -> None:
    lost = understood("nlu_fallback", 0.3, actions=())
    assert await office.handovers.after_turn(ANNA, "那个啥", lost) == []
    conversation = await office.write(ANNA, "那个啥", lost)
    (told,) = await office.handovers.after_turn(ANNA, "就那个", lost)
    assert "人工客服" in told["text"]
    assert (await office.row(conversation)).trigger == "fallback"
    assert await office.handovers.after_turn(ANNA, "就那个", lost) == []


async def test_a_message_understood_in_between_counts_anew(office: Office) -> None:
    lost = understood("nlu_fallback", 0.3, actions=())
    await office.write(ANNA, "那个啥", lost)
    await office.write(ANNA, "水费", understood())
    assert await office.handovers.after_turn(ANNA, "就那个", lost) == []


@pytest.mark.parametrize(("text", "intent", "trigger"), [
    ("路口主管道爆了，水柱两米高", "repair_report", "burst"),
    ("这个月给我多扣了一笔", "bill_explain", "payment_dispute"),
    ("你们这帮骗子", "complaint", "anger"),
    ("垃圾服务", None, "anger"),
    ("爆管了一般要修多久", "faq", None),
    ("水费多少", "bill_current", None),
])
async def test_rules_and_anger_bring_a_person(office: Office, text: str, intent: str | None, trigger: str | None) -> None:
    conversation = await office.write(ANNA, text)
    told = await office.handovers.after_turn(ANNA, text, understood(intent) if intent else None)
    row = await office.row(conversation)
    assert (row.trigger, row.state) == (trigger, "waiting" if trigger else "bot")
    assert (bool(told), row.angry) == (bool(trigger), trigger == "anger")


async def test_at_noon_and_at_night_the_customer_is_told_when_somebody_comes(office: Office) -> None:
    office.clock.moment = datetime(2026, 11, 2, 12, 20, tzinfo=SHANGHAI)
    (noon,) = await office.handovers.after_turn(ANNA, "骗子", None)
    assert "今天 13:00" in noon["text"]
    office.clock.moment = datetime(2026, 11, 2, 20, tzinfo=SHANGHAI)
    (night,) = await office.handovers.after_turn(BELLA, "骗子", None)
    assert "明天 08:30" in night["text"]


async def test_out_of_hours_is_said_once_for_each_time_that_is_closed(office: Office) -> None:
    await office.write(ANNA)
    assert await office.handovers.out_of_hours(ANNA) is None
    office.clock.moment = datetime(2026, 11, 2, 12, 20, tzinfo=SHANGHAI)
    assert "今天 13:00" in (await office.handovers.out_of_hours(ANNA) or "")
    assert await office.handovers.out_of_hours(ANNA) is None
    office.clock.moment = datetime(2026, 11, 2, 18, 0, tzinfo=SHANGHAI)
    assert "明天 08:30" in (await office.handovers.out_of_hours(ANNA) or "")
    office.clock.moment = datetime(2026, 11, 3, 7, 0, tzinfo=SHANGHAI)
    assert await office.handovers.out_of_hours(ANNA) is None


@pytest.mark.parametrize(("moment", "is_open", "opens"), [
    ("2026-11-02 08:29", False, "2026-11-02 08:30"), ("2026-11-02 08:30", True, "2026-11-02 13:00"),
    ("2026-11-02 12:00", False, "2026-11-02 13:00"), ("2026-11-02 17:30", False, "2026-11-03 08:30"),
    ("2026-11-06 18:00", False, "2026-11-09 08:30"),  # a Friday
    ("2026-11-07 10:00", False, "2026-11-09 08:30"),
    ("2026-11-14 10:00", True, "2026-11-14 13:00"),  # a Saturday worked in place of a holiday
    ("2026-11-10 18:00", False, "2026-11-12 08:30"),  # before a holiday
])
def test_hours_with_a_break_weekends_and_holidays(moment: str, is_open: bool, opens: str) -> None:
    staffed = Staffed.model_validate({
        "from": "08:30", "to": "17:30", "breaks": [{"from": "12:00", "to": "13:00"}], "weekdays": [1, 2, 3, 4, 5],
        "holidays": ["2026-11-11"], "workdays": ["2026-11-14"],
    })
    now = datetime.fromisoformat(moment).replace(tzinfo=SHANGHAI)
    assert (staffed.is_open(now), f"{staffed.next_open(now):%Y-%m-%d %H:%M}") == (is_open, opens)


@pytest.mark.parametrize("wrong", [
    {"from": "08:30", "to": "08:00"}, {"from": "08:30", "to": "17:30", "breaks": [{"from": "13:00", "to": "12:00"}]},
    {"from": "08:30", "to": "17:30", "breaks": [{"from": "17:00", "to": "18:00"}]},
    {"from": "08:30", "to": "17:30", "weekdays": []},
])
def test_hours_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must|need"):
        Staffed.model_validate(wrong)
