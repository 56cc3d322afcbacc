"""Reading, doubting, booking and checking in conversation: corrections, refusals, outages. Language is not at stake."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from services.errors import ReadingRefused
from services.readings import DayPart, Filing, Kind, MeterReading, State
from tests.fakes import number_of
from tests.unit.readings.conftest import Desk
from tests.unit.readings.desk import meter

ACCOUNT = number_of("paid_up")
PHONE_MASKED = "139****0001"


def day(when: date, part: str | None = None, until: date | None = None) -> dict[str, object]:
    """The value component's entity for a day."""
    return {"from": when.isoformat(), "to": (until or when).isoformat(), "part": part, "text": "", "past": False}


async def test_a_reading_step_by_step(desk: Desk) -> None:
    await desk.bind("paid_up")
    assert "抄到 312" in await desk.say("报读数", "self_reading")
    said = await desk.say("320", number="320")
    assert all(fact in said for fact in ("这次：320", "用量：8吨", "确认报上去吗"))
    assert desk.meters.filed == {}
    assert "已经采用" in await desk.talk.tap("确认报数")
    assert desk.meters.filed[desk.meters.newest] == Filing(Kind.READING, ACCOUNT, value=320)
    assert desk.talk.form is None
    assert desk.talk.slots["reading_value"] is None


@pytest.mark.parametrize(("text", "entities", "value"), [
    ("320", {"number": "320"}, 320), ("三百二", {"amount": 32000}, 320), ("320吨", {"volume": "320"}, 320),
    ("是320，报吧", {}, 320), ("320.6", {"number": "320.6"}, 320),
])
async def test_numbers_in_all_their_forms(desk: Desk, text: str, entities: dict[str, object], value: int) -> None:
    await desk.bind("paid_up")
    await desk.say("报读数", "self_reading")
    await desk.say(text, **entities)
    assert desk.talk.slots["reading_value"] == value


@pytest.mark.parametrize(("text", "entities"), [
    ("320块钱", {"amount": 32000}), ("13957100021", {"phone": "13957100021"}), ("不知道", {}), ("", {}), ("1" * 3000, {}),
])
async def test_what_is_no_reading(desk: Desk, text: str, entities: dict[str, object]) -> None:
    await desk.bind("paid_up")
    await desk.say("报读数", "self_reading")
    await desk.say(text, **entities)
    assert desk.talk.slots["reading_value"] is None
    assert desk.talk.form == "reading_form"


async def test_a_reading_said_at_once_is_not_asked_for(desk: Desk) -> None:
    await desk.bind("paid_up")
    said = await desk.say("表上是320.8", "self_reading", volume="320.8")
    assert "小数（红色数字）不用报" in said
    assert "黑色数字是多少" not in said


async def test_a_lower_reading_is_asked_again_and_can_become_a_dispute(desk: Desk) -> None:
    await desk.bind("paid_up")
    said = await desk.say("表上是300", "self_reading", volume="300")
    assert "水表不会倒走" in said
    assert "黑色数字是多少" in said
    assert "水表不会倒走" in await desk.say("301", number="301")
    assert "上次抄错了" in desk.talk.buttons
    assert "换表的记录" in await desk.talk.tap("换过水表")
    await desk.say("330", number="330")
    assert desk.talk.slots["reading_value"] == 330


async def test_the_third_number_that_cannot_be_offers_a_person(desk: Desk) -> None:
    await desk.bind("paid_up")
    await desk.say("报读数", "self_reading")
    assert "水表不会倒走" in await desk.say("1", ordinal=1)
    assert "整吨数" in await desk.say("2", ordinal=2)
    assert "人工" in await desk.say("3", ordinal=3)


async def test_below_an_estimate(desk: Desk) -> None:
    account = await desk.bind("paid_up")
    read = MeterReading(date(2026, 10, 20), Decimal(312), "estimated")
    desk.meters.meters[account] = meter(desk.clock, account, readings=(read,))
    assert "可能估多了" in await desk.say("表上是300", "self_reading", volume="300")


async def test_much_more_than_usual_asks_to_look_for_a_leak(desk: Desk) -> None:
    await desk.bind("paid_up")
    said = await desk.say("表上是412", "self_reading", volume="412")
    assert "比平时多很多" in said
    assert "漏水" in said
    await desk.talk.tap("没错，报上去")
    assert desk.meters.filed[desk.meters.newest].value == 412


async def test_corrections_before_the_yes(desk: Desk) -> None:
    await desk.bind("paid_up")
    await desk.say("表上是320", "self_reading", volume="320")
    assert "这次：323" in await desk.say("不对，是323", "deny", number="323")
    assert "黑色数字" in await desk.say("看错了", "deny")
    await desk.say("324", number="324")
    await desk.say("对", "affirm")
    assert [filing.value for filing in desk.meters.filed.values()] == [324]


async def test_a_no_sends_nothing(desk: Desk) -> None:
    await desk.bind("paid_up")
    await desk.say("表上是320", "self_reading", volume="320")
    assert "没有报上去" in await desk.talk.tap("先不报")
    assert desk.meters.filed == {}


async def test_a_photo_is_honestly_refused(desk: Desk) -> None:
    await desk.bind("paid_up")
    await desk.say("报读数", "self_reading")
    assert "看图识数还没开通" in await desk.say("/inform", image="m1")
    await desk.say("320", number="320")
    assert "看图识数还没开通" in await desk.say("/inform", image="m1")
    assert desk.talk.slots["reading_value"] == 320


async def test_an_outage_keeps_the_reading_and_sends_it_once(desk: Desk) -> None:
    await desk.bind("paid_up")
    await desk.say("表上是320", "self_reading", volume="320")
    desk.meters.lost_answer = True
    said = await desk.talk.tap("确认报数")
    assert "没有回应" in said
    assert "0571-96390" in said
    assert desk.meters.newest in await desk.talk.tap("再试一次")
    assert len(desk.meters.requests) == 1


async def test_an_outage_while_the_number_is_heard_asks_again(desk: Desk) -> None:
    await desk.bind("paid_up")
    await desk.say("报读数", "self_reading")
    desk.meters.down = True
    assert "没有回应" in await desk.say("320", number="320")
    desk.meters.down = False
    assert "用量：8吨" in await desk.say("320", number="320")


async def test_out_of_time_and_twice(desk: Desk) -> None:
    account = await desk.bind("paid_up")
    desk.meters.meters[account] = meter(desk.clock, account, next_on=date(2027, 1, 20))
    assert "12月21日" in await desk.say("表上是320", "self_reading", volume="320")
    assert desk.talk.form is None
    desk.meters.meters[account] = meter(desk.clock, account)
    await desk.say("表上是320", "self_reading", volume="320")
    await desk.talk.tap("确认报数")
    said = await desk.say("报读数", "self_reading")
    assert "已经报过" in said
    assert desk.meters.newest in said


async def test_what_csms_refuses_in_the_end_is_said(desk: Desk) -> None:
    await desk.bind("paid_up")
    await desk.say("表上是320", "self_reading", volume="320")
    desk.meters.failures.append(ReadingRefused("closed"))
    assert "已经销户" in await desk.talk.tap("确认报数")


@pytest.mark.parametrize(("role", "words"), [("stopped", "停用"), ("closed", "销户")])
@pytest.mark.parametrize("intent", ["self_reading", "book_onsite_reading", "spot_check"])
async def test_accounts_that_are_not_read(desk: Desk, role: str, words: str, intent: str) -> None:
    await desk.bind(role)
    assert words in await desk.say("办一下", intent)
    assert desk.talk.form is None


async def test_readings_on_file_and_the_next_day(desk: Desk) -> None:
    await desk.bind("paid_up")
    said = await desk.say("上次抄到多少", "reading_query")
    assert all(fact in said for fact in ("2026年10月20日　312（实抄）", "下次抄表是 11月20日（周五）"))
    await desk.say("表上是320", "self_reading", volume="320")
    await desk.talk.tap("确认报数")
    assert "自己报过 320" in await desk.say("查读数", "reading_query")


async def test_readings_of_a_month_and_of_a_new_account(desk: Desk) -> None:
    account = await desk.bind("paid_up")
    september = {"from": "2026-09-01", "to": "2026-09-30", "text": "9月", "grain": "month", "exclude": False}
    said = await desk.say("9月抄到多少", "reading_query", period=september)
    assert "300" in said
    assert "312" not in said
    may = {**september, "from": "2026-05-01", "to": "2026-05-31"}
    assert "没有抄表记录" in await desk.say("5月抄到多少", "reading_query", period=may)
    desk.meters.meters[account] = meter(desk.clock, account, readings=(), next_on=None)
    said = await desk.say("上次抄到多少", "reading_query")
    assert "还没抄过表" in said
    assert "不抄表" in said


async def test_a_dispute_step_by_step(desk: Desk) -> None:
    account = await desk.bind("paid_up")
    (newest, *_) = await desk.csms.bills(account)
    said = await desk.say("抄错了", "reading_dispute")
    assert str(int(newest.current_reading)) in said
    less = int(newest.current_reading) - 5
    assert "从哪一期" in await desk.say(str(less), number=str(less))
    assert "少 5" in await desk.talk.tap("就这一期")
    assert "已经受理" in await desk.talk.tap("提交复核")
    assert desk.meters.filed[desk.meters.newest] == Filing(
        Kind.DISPUTE, account, value=less, bill_no=newest.bill_no, since=newest.period,
    )
    said = await desk.say("又抄错了", "reading_dispute")
    assert "已经有一件读数复核在办" in said
    assert len(desk.meters.requests) == 1


async def test_a_dispute_tells_what_the_number_says(desk: Desk) -> None:
    account = await desk.bind("paid_up")
    (newest, *_) = await desk.csms.bills(account)
    more, before = int(newest.current_reading) + 3, int(newest.previous_reading) - 3
    await desk.say("抄错了", "reading_dispute", volume=str(more))
    said = await desk.talk.tap("说不清")
    assert "不一定是抄错" in said
    assert "说不清" in said
    assert "可能换过表" in await desk.say(f"是{before}", number=str(before))
    assert "没有提交" in await desk.talk.tap("先不提交")
    assert desk.meters.filed == {}


async def test_a_dispute_since_a_month(desk: Desk) -> None:
    account = await desk.bind("paid_up")
    (newest, *_) = await desk.csms.bills(account)
    less = str(int(newest.current_reading) - 1)
    await desk.say("抄错了", "reading_dispute", volume=less)
    assert "没听清" in await desk.say("咳", "nlu_fallback")
    august = {"from": "2026-08-01", "to": "2026-08-31", "text": "8月", "grain": "month", "exclude": False}
    assert "2026年8月起" in await desk.say("8月起", period=august)


async def test_an_account_without_bills_has_nothing_to_dispute(desk: Desk) -> None:
    await desk.bind("no_bills")
    assert "还没有出过账" in await desk.say("抄错了", "reading_dispute")


async def test_taking_a_dispute_back(desk: Desk) -> None:
    account = await desk.bind("paid_up")
    request = await desk.service.file("oCustomer", "r" * 8, Filing(Kind.DISPUTE, account, value=1, bill_no="B1"))
    assert "要取消读数复核" in await desk.say("读数复核撤回", "reading_dispute")
    assert "照旧" in await desk.talk.tap("先留着")
    await desk.say("读数复核撤回", "reading_dispute")
    assert "已经撤回" in await desk.talk.tap("确认取消")
    assert desk.meters.requests[request.request_no].state is State.CANCELLED


async def test_a_visit_step_by_step(desk: Desk) -> None:
    await desk.bind("paid_up")
    assert "想约哪天" in await desk.say("约人上门抄表", "book_onsite_reading")
    assert "上午还是下午" in await desk.say("11月5号", date=day(date(2026, 11, 5)))
    said = await desk.say("下午", day_part="afternoon")
    assert PHONE_MASKED in said
    said = await desk.talk.tap("就打这个")
    assert "11月5日（周四）下午 14:00–17:00" in said
    assert "约好了" in await desk.talk.tap("确认预约")
    filing = desk.meters.filed[desk.meters.newest]
    assert (filing.day, filing.part, filing.phone) == (date(2026, 11, 5), DayPart.AFTERNOON, "13900000001")


@pytest.mark.parametrize(("said", "words"), [
    (day(date(2026, 11, 1)), "已经过去"), (day(date(2026, 11, 2), "afternoon"), "当天约来不及"),
    (day(date(2026, 11, 8)), "休息"), (day(date(2026, 12, 8)), "太远"), (day(date(2026, 11, 5), "evening"), "晚上不上门"),
    (day(date(2026, 11, 9), None, date(2026, 11, 15)), "那几天可以约"),
])
async def test_times_that_cannot_be(desk: Desk, said: dict[str, object], words: str) -> None:
    await desk.bind("paid_up")
    assert words in await desk.say("约人上门抄表", "book_onsite_reading", date=said)
    assert desk.talk.slots["visit_day"] is None
    assert desk.talk.form == "visit_form"


async def test_a_full_day_offers_the_two_nearest(desk: Desk) -> None:
    await desk.bind("paid_up")
    await desk.say("约人上门抄表", "book_onsite_reading")
    said = await desk.say("11月8号", date=day(date(2026, 11, 8)))
    assert "离得最近的是 11月7日上午、11月7日下午" in said
    await desk.talk.tap("11月7日下午")
    assert (desk.talk.slots["visit_day"], desk.talk.slots["visit_part"]) == ("2026-11-07", "afternoon")


async def test_no_time_at_all(desk: Desk) -> None:
    await desk.bind("paid_up")
    desk.meters.free = 0
    assert "都约满了" in await desk.say("约人上门抄表", "book_onsite_reading")


async def test_time_and_phone_are_corrected_before_the_yes(desk: Desk) -> None:
    await desk.bind("paid_up")
    await desk.say("5号上午抄表", "book_onsite_reading", date=day(date(2026, 11, 5), "morning"), phone="13957100021")
    assert "13957100022"[-4:] in await desk.say("电话是13957100022", phone="13957100022")
    assert "下午" in await desk.say("改下午", day_part="afternoon")
    assert "11月6日" in await desk.say("6号上午", date=day(date(2026, 11, 6), "morning"))
    await desk.say("确认", "affirm")
    filing = desk.meters.filed[desk.meters.newest]
    assert (filing.day, filing.part, filing.phone) == (date(2026, 11, 6), DayPart.MORNING, "13957100022")


async def booked(desk: Desk) -> str:
    account = await desk.bind("paid_up")
    filing = Filing(Kind.VISIT, account, day=date(2026, 11, 5), part=DayPart.MORNING, phone="13900000001")
    return (await desk.service.file("oCustomer", "r" * 8, filing)).request_no


async def test_a_visit_is_looked_up_moved_and_taken_back(desk: Desk) -> None:
    number = await booked(desk)
    assert number in await desk.say("我约的抄表是哪天来着", "book_onsite_reading")
    assert "想改到哪天" in await desk.talk.tap("改时间")
    await desk.say("6号下午", date=day(date(2026, 11, 6), "afternoon"))
    assert "确认改期吗" in await desk.say("就打这个")
    assert "11月6日" in await desk.talk.tap("确认改期")
    assert desk.meters.requests[number].part is DayPart.AFTERNOON
    assert "要取消上门抄表" in await desk.say("抄表不用来了", "book_onsite_reading")
    assert "已经取消" in await desk.talk.tap("确认取消")
    assert desk.meters.requests[number].state is State.CANCELLED


async def test_a_question_for_the_booked_day_is_not_one_for_readings(desk: Desk) -> None:
    number = await booked(desk)
    assert number in await desk.say("我约的抄表是哪天来着", "reading_query")


async def test_not_knowing_since_when_is_an_answer(desk: Desk) -> None:
    account = await desk.bind("paid_up")
    (newest, *_) = await desk.csms.bills(account)
    await desk.say("抄错了", "reading_dispute", volume=str(int(newest.current_reading) - 1))
    assert "确认提交读数复核吗" in await desk.say("说不清楚", "repeat")


async def test_one_visit_at_a_time(desk: Desk) -> None:
    number = await booked(desk)
    said = await desk.say("再约一次上门抄表", "book_onsite_reading")
    assert "已经有一件上门抄表在办" in said
    assert number in said
    assert len(desk.meters.requests) == 1


async def test_a_time_that_is_taken_meanwhile(desk: Desk) -> None:
    await desk.bind("paid_up")
    await desk.say("5号上午抄表", "book_onsite_reading", date=day(date(2026, 11, 5), "morning"), phone="13957100021")
    desk.meters.failures.append(ReadingRefused("full"))
    said = await desk.say("确认", "affirm")
    assert "刚刚被别人约走" in said
    assert "想约哪天" in said
    assert desk.talk.slots["visit_phone"] == "13957100021"


async def test_taking_back_when_csms_is_away_or_it_is_too_late(desk: Desk) -> None:
    number = await booked(desk)
    await desk.say("抄表不用来了", "book_onsite_reading")
    desk.meters.lost_answer = True
    assert "还不能确定取消成没有" in await desk.talk.tap("确认取消")
    assert "已经取消" in await desk.talk.tap("再试一次")
    desk.meters.decide(number, State.BOOKED)
    await desk.say("抄表不用来了", "book_onsite_reading")
    desk.meters.decide(number, State.DONE)
    assert "现在不能改" in await desk.talk.tap("确认取消")


async def test_a_check_tells_who_pays_and_is_filed(desk: Desk) -> None:
    await desk.bind("paid_up")
    said = await desk.say("水表不准要校", "spot_check")
    assert all(fact in said for fact in ("JJG 162", "60 元", "检定合格的，检定费由您承担", "检定不合格的"))
    assert PHONE_MASKED in await desk.talk.tap("申请校表")
    assert "请发一个 11 位" in await desk.say("咳", "nlu_fallback")
    assert "已经受理" in await desk.talk.say("好", "affirm")
    assert desk.meters.filed[desk.meters.newest] == Filing(Kind.CHECK, ACCOUNT, phone="13900000001")
    assert "已经有一件校表在办" in await desk.say("水表不准要校", "spot_check")


async def test_a_check_that_is_not_wanted(desk: Desk) -> None:
    await desk.bind("paid_up")
    await desk.say("水表不准要校", "spot_check")
    assert "没有申请校表" in await desk.talk.tap("先不申请")
    assert desk.meters.filed == {}


@pytest.mark.parametrize(("kind", "state", "words"), [
    (Kind.READING, State.REJECTED, "没有采用"), (Kind.DISPUTE, State.UPHELD, "读数没有错"),
    (Kind.DISPUTE, State.CORRECTED, "已经更正"),
    (Kind.CHECK, State.QUALIFIED, "检定合格"), (Kind.CHECK, State.SCHEDULED, "已经排期"), (Kind.VISIT, State.DONE, "已经完成"),
])
async def test_news_from_the_desk(desk: Desk, kind: Kind, state: State, words: str) -> None:
    account = await desk.bind("paid_up")
    filing = Filing(kind, account, value=320, day=date(2026, 11, 5), part=DayPart.MORNING, phone="13900000001")
    number = (await desk.service.file("oCustomer", "r" * 8, filing)).request_no
    desk.meters.decide(number, state, "详见短信")
    said = await desk.say("/EXTERNAL", "EXTERNAL_meter_request_changed", meter_request_no=number)
    assert words in said
    assert "详见短信" in said
    filed = await desk.say("/EXTERNAL", "EXTERNAL_meter_request_filed", meter_request_no=number)
    assert "其实已经交上去了" in filed


async def test_somebody_elses_number_is_unknown(desk: Desk) -> None:
    await desk.bind("paid_up")
    other = number_of("ordinary")
    desk.meters.meters[other] = meter(desk.clock, other)
    number = (await desk.meters.file("r" * 8, Filing(Kind.READING, other, value=320))).request_no
    assert "没有查到您名下" in await desk.say(number, work_order_no=number)
    assert "没有查到您名下" in await desk.say("取消", "book_onsite_reading", meter_request_no=number, meter_wish="cancel")


async def test_a_proof_that_has_expired_is_asked_for_again(desk: Desk) -> None:
    await desk.bind("paid_up")
    await desk.say("表上是320", "self_reading", volume="320")
    desk.clock.advance(minutes=31)
    await desk.talk.tap("确认报数")
    assert desk.meters.filed == {}
    assert desk.talk.slots["pending_task"] == "action_reading_form_submit"


async def test_no_reading_is_taken_for_the_time_that_a_visit_is_for(desk: Desk) -> None:
    await desk.bind("paid_up")
    await desk.say("约人上门抄表", "book_onsite_reading")
    assert "没听清是哪天" in await desk.say("嗯", "affirm")
    later = date(2026, 11, 2) + timedelta(days=5)
    await desk.say("7号", date=day(later))
    assert desk.talk.slots["visit_day"] == "2026-11-07"
