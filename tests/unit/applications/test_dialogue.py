"""Filling applications in, correcting, postponing, filing once; progress, documents, taking back. Language is not at stake."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from services.applications import Filing, Kind, State
from services.ports import AccountState
from tests.fakes import number_of, paid
from tests.unit.accounts.talk import OPENID
from tests.unit.applications.conftest import Counter, day

PAID_UP = number_of("paid_up")


async def fill_install(counter: Counter) -> str:
    await counter.say("我要装水表", "new_install")
    await counter.say("滨江区云栖路88号", address="滨江区云栖路88号")
    await counter.talk.tap("居民")
    await counter.say("陈建国")
    return await counter.say("13957100021", phone="13957100021")


async def test_a_new_connection_step_by_step(counter: Counter) -> None:
    assert "要装水表的地址" in await counter.say("我要装水表", "new_install")
    assert "做什么用" in await counter.say("滨江区云栖路88号3幢", address="滨江区云栖路88号3幢")
    assert "申请人" in await counter.talk.tap("居民")
    assert "手机号" in await counter.say("我叫陈建国")
    documents = await counter.say("13957100021", phone="13957100021")
    assert "身份证" in documents
    assert "不动产权证" in documents
    summary = await counter.talk.tap("以后再补")
    assert all(fact in summary for fact in ("滨江区云栖路88号3幢", "居民", "陈建国", "13957100021", "1200 元", "提交后再补"))
    assert counter.desk.filed == {}
    filed = await counter.talk.tap("确认提交")
    assert counter.desk.newest in filed
    assert "补材料" in filed
    assert counter.desk.filed[counter.desk.newest] == Filing(
        Kind.INSTALL, name="陈建国", phone="13957100021", address="滨江区云栖路88号3幢", use="residential",
    )
    assert counter.talk.form is None


async def test_what_the_first_message_says_is_not_asked(counter: Counter) -> None:
    said = await counter.say(
        "在橘洲路66号开了家面馆要报装，我叫李秀英，电话13957100021", "new_install",
        address="橘洲路66号", name="李秀英", phone="13957100021",
    )
    assert "营业执照" in said
    assert "地址是哪里" not in said


async def test_a_street_without_a_district_is_placed_after_one_question(counter: Counter) -> None:
    await counter.say("报装", "new_install")
    assert "哪个区" in await counter.say("解放路8号", address="解放路8号")
    await counter.talk.tap("江东区")
    assert counter.talk.slots["apply_address"] == "江东区解放路8号"


async def test_a_place_outside_is_said_so_and_a_person_offered(counter: Counter) -> None:
    said = await counter.say("在萧山区市心路1号装水表", "new_install", address="萧山区市心路1号")
    assert "不在我们的供水范围" in said
    assert "0571-96390" in said
    assert "找人工" in counter.talk.buttons
    assert counter.talk.form is None
    await counter.say("报装", "new_install")
    assert "供水范围" in await counter.say("上海市南京路1号")
    assert counter.talk.form == "apply_form"


@pytest.mark.parametrize("nonsense", ["啊", "😀😀😀", "a" * 3000, "12345678"])
async def test_answers_that_are_no_address(counter: Counter, nonsense: str) -> None:
    await counter.say("报装", "new_install")
    await counter.say(nonsense, "nlu_fallback")
    assert not counter.talk.slots["apply_address"]
    await counter.say(nonsense, "nlu_fallback")
    assert "人工客服" in await counter.say(nonsense, "nlu_fallback")


async def test_a_pin_on_the_map_is_no_address(counter: Counter) -> None:
    await counter.say("报装", "new_install")
    assert "用文字写地址" in await counter.say("/inform", location="30.2,120.2")


async def test_corrections_before_the_yes(counter: Counter) -> None:
    await fill_install(counter)
    await counter.talk.tap("以后再补")
    assert "13800138000" in await counter.say("不对，电话是13800138000", "deny", phone="13800138000")
    assert "西湖区松风巷1号" in await counter.say("地址错了，西湖区松风巷1号", "inform", address="西湖区松风巷1号")
    assert "商业" in await counter.say("用途改成商业", "inform")
    await counter.say("确认", "affirm")
    filing = counter.desk.filed[counter.desk.newest]
    assert (filing.phone, filing.address, filing.use) == ("13800138000", "西湖区松风巷1号", "commercial")


async def test_a_fact_out_of_turn_is_taken(counter: Counter) -> None:
    await counter.say("报装", "new_install")
    await counter.say("滨江区云栖路88号", address="滨江区云栖路88号")
    assert "记下了" in await counter.say("地址错了，是西湖区松风巷1号", "inform", address="西湖区松风巷1号")
    assert counter.talk.slots["apply_address"] == "西湖区松风巷1号"


async def test_a_no_files_nothing(counter: Counter) -> None:
    await fill_install(counter)
    await counter.talk.tap("以后再补")
    assert "没有提交" in await counter.talk.tap("先不提交")
    assert counter.desk.filed == {}


async def test_an_outage_keeps_what_was_filled_in(counter: Counter) -> None:
    await fill_install(counter)
    await counter.talk.tap("以后再补")
    counter.desk.lost_answer = True
    said = await counter.talk.tap("确认提交")
    assert "没有回应" in said
    assert "0571-96390" in said
    assert counter.desk.newest in await counter.talk.tap("再试一次")
    assert len(counter.desk.applications) == 1


async def test_photos_one_document_after_the_other(counter: Counter) -> None:
    await fill_install(counter)
    assert "第 1 张" in await counter.say("/inform", image=await counter.photo())
    assert "第 2 张" in await counter.say("/inform", image=await counter.photo())
    assert "不动产权证" in await counter.say("好了")
    assert "请发" in await counter.say("好了")  # none of this one yet
    await counter.say("/inform", image=await counter.photo())
    assert "已发3张照片" in await counter.talk.tap("发完了")
    await counter.talk.tap("确认提交")
    await counter.service.hand_over_documents()
    assert [document for _, document, _ in counter.desk.documents.values()] == ["identity", "identity", "property"]


async def test_photos_that_come_early_are_kept(counter: Counter) -> None:
    await counter.say("报装", "new_install")
    assert "先放着" in await counter.say("/inform", image=await counter.photo())
    assert len(counter.talk.slots["photo_kept"]) == 1


async def test_more_photos_than_anybody_needs(counter: Counter) -> None:
    await fill_install(counter)
    for _ in range(12):
        await counter.say("/inform", image=await counter.photo())
    assert "够多" in await counter.say("/inform", image=await counter.photo())
    assert len(counter.talk.slots["photo_kept"]) == 12


async def test_a_question_is_explained_and_a_yes_then_starts(counter: Counter) -> None:
    said = await counter.say("报装要什么材料", "new_install")
    assert "身份证" in said
    assert "1200 元" in said
    assert counter.talk.form is None
    assert "要装水表的地址" in await counter.say("好，那就办吧", "affirm")


async def test_a_question_inside_the_form_is_answered_and_the_form_goes_on(counter: Counter) -> None:
    await counter.say("报装", "new_install")
    said = await counter.say("装表要多少钱", "new_install")
    assert "1200 元" in said
    assert "要装水表的地址" in said


async def test_stopping_with_days(counter: Counter) -> None:
    await counter.bind("paid_up")
    assert "从哪天起停水" in await counter.say("我要报停", "stop_restore_service")
    assert "来不及" in await counter.say("明天", date=day(date(2026, 11, 3)))
    assert "太远" in await counter.say("明年五月", date=day(date(2027, 5, 1)))
    assert "停到什么时候" in await counter.say("12月1号", date=day(date(2026, 12, 1)))
    assert "太短" in await counter.say("到年底", date=day(date(2026, 12, 31)))
    summary = await counter.say("半年吧")
    assert "2026年12月1日起，到2027年5月31日" in summary
    await counter.talk.tap("确认提交")
    filing = counter.desk.filed[counter.desk.newest]
    assert (filing.kind, filing.account_no, filing.start, filing.end) == (
        Kind.STOP, PAID_UP, date(2026, 12, 1), date(2027, 5, 31),
    )


async def test_stopping_said_in_one_breath(counter: Counter) -> None:
    await counter.bind("paid_up")
    said = await counter.say("12月1号起报停半年", "stop_restore_service", date=day(date(2026, 12, 1)))
    assert "2026年12月1日起，到2027年5月31日" in said
    assert "确认提交" in counter.talk.buttons


async def test_an_open_end_and_another_start(counter: Counter) -> None:
    await counter.bind("paid_up")
    await counter.say("报停", "stop_restore_service")
    await counter.say("12月1号", date=day(date(2026, 12, 1)))
    assert "恢复日期未定" in await counter.talk.tap("还没定")
    assert "2026年12月10日起" in await counter.say("不对，10号开始", "deny", date=day(date(2026, 12, 10)))
    assert "到2027年6月30日" in await counter.say("停到6月30号", date=day(date(2027, 6, 30)))
    await counter.say("确认", "affirm")
    filing = counter.desk.filed[counter.desk.newest]
    assert (filing.start, filing.end) == (date(2026, 12, 10), date(2027, 6, 30))


async def test_stopping_needs_no_arrears(counter: Counter) -> None:
    await counter.bind("arrears")
    said = await counter.say("我要报停", "stop_restore_service")
    assert "还欠水费" in said
    assert "现在缴清" in counter.talk.buttons
    assert counter.talk.form is None


async def test_restoring_a_stopped_account(counter: Counter) -> None:
    counter.csms.accounts[PAID_UP] = replace(counter.csms.accounts[PAID_UP], state=AccountState.STOPPED)
    await counter.bind("paid_up")
    assert "确认提交恢复用水申请吗" in await counter.say("给我恢复用水", "stop_restore_service")
    await counter.talk.tap("确认提交")
    assert counter.desk.kinds() == [Kind.RESTORE]


async def test_restoring_what_is_not_stopped(counter: Counter) -> None:
    await counter.bind("paid_up")
    assert "正常用水" in await counter.say("恢复用水", "stop_restore_service")


async def test_closing_is_explained(counter: Counter) -> None:
    said = await counter.say("我要销户", "stop_restore_service")
    assert "营业厅" in said
    assert "身份证" in said


async def test_which_of_them_is_asked_when_it_is_not_said(counter: Counter) -> None:
    assert "哪一种" in await counter.say("用水状态变更", "stop_restore_service")
    assert "提前 3 天" in await counter.say("报停怎么办，收钱吗", "stop_restore_service")


async def test_a_larger_household_sees_its_tiers(counter: Counter) -> None:
    await counter.bind("paid_up")
    await counter.say("我家六口人，申请多人口", "multi_person", people=6)
    summary = await counter.talk.tap("以后再补")
    assert "0至180吨 → 0至276吨" in summary
    assert "180至300吨 → 276至492吨" in summary
    assert "24个月" in summary
    await counter.talk.tap("确认提交")
    assert counter.desk.filed[counter.desk.newest].people == 6


async def test_a_household_that_gains_nothing(counter: Counter) -> None:
    await counter.bind("paid_up")
    assert "不用申请" in await counter.say("我家三口人申请多人口", "multi_person", people=3)
    assert counter.talk.form is None
    await counter.say("办一户多人口", "multi_person")
    assert "不用申请" in await counter.say("4", )
    assert "1 到 20" in await counter.say("100个人", people=100)
    assert "材料" in await counter.say("六")


async def test_a_household_question_is_answered_for_the_number_named(counter: Counter) -> None:
    said = await counter.say("我家七口人怎么申请多人口", "multi_person", people=7)
    assert "按 7 人算" in said
    assert "0至324吨" in said
    assert counter.talk.form is None


async def test_another_use_shows_both_prices(counter: Counter) -> None:
    await counter.bind("commercial")
    await counter.say("商业改成居民", "water_use_nature")
    summary = await counter.talk.tap("以后再补")
    assert "4.90元" in summary
    assert "3.25元" in summary
    await counter.talk.tap("确认提交")
    assert counter.desk.filed[counter.desk.newest].nature == "residential"


async def test_the_use_is_asked_where_only_the_present_one_is_named(counter: Counter) -> None:
    await counter.bind("commercial")
    assert "改成哪一种" in await counter.say("我这户是商业的，改一下性质", "water_use_nature")
    assert "请从下面选" in await counter.say("商业")
    assert "营业执照" in await counter.talk.tap("特种用水")


async def test_only_one_application_is_filled_in_at_a_time(counter: Counter) -> None:
    await counter.bind("paid_up")
    await counter.say("报装", "new_install")
    said = await counter.say("再给我报停", "stop_restore_service")
    assert "先办完这个" in said
    assert counter.talk.slots["apply_kind"] == Kind.INSTALL


async def test_an_unbound_customer_binds_first(counter: Counter) -> None:
    assert "绑定" in await counter.say("我要报停", "stop_restore_service")
    assert counter.talk.form == "bind_form"
    assert counter.talk.slots["pending_task"] == "action_apply_stop"


async def test_a_change_needs_a_proof(counter: Counter) -> None:
    await counter.bind("paid_up", proven=False)
    await counter.say("12月1号起报停半年", "stop_restore_service", date=day(date(2026, 12, 1)))
    assert counter.talk.form == "verify_form"


async def filed(counter: Counter) -> str:
    await fill_install(counter)
    await counter.talk.tap("以后再补")
    await counter.talk.tap("确认提交")
    return counter.desk.newest


@pytest.mark.parametrize(("state", "words"), [
    (State.RECEIVED, "已受理"), (State.REVIEWING, "正在审核"), (State.SURVEYING, "上门勘察"), (State.QUOTED, "1200.00元"),
    (State.AWAITING_PAYMENT, "等您缴费"), (State.CONSTRUCTING, "正在施工"), (State.DONE, "装上通水"),
    (State.REJECTED, "没有通过"), (State.WITHDRAWN, "已经撤回"), (State.DOCUMENTS_MISSING, "营业执照"),
])
async def test_every_state_is_told(counter: Counter, state: State, words: str) -> None:
    number = await filed(counter)
    counter.desk.move(number, state, missing=("licence",), quote_fen=120000, note="请看这里")
    said = await counter.say("报装到哪了", "install_progress")
    assert words in said
    assert number in said
    assert "请看这里" in said
    assert "13957100021" not in said
    assert "陈建国" not in said


async def test_progress_by_number_and_of_others(counter: Counter) -> None:
    number = await filed(counter)
    assert "已受理" in await counter.say(f"查{number}", "install_progress", work_order_no=number)
    foreign = (await counter.service.file("oStranger", "request-9", Filing(Kind.INSTALL, name="别人"))).number
    unknown = await counter.say("查SQ209901010001", "install_progress", work_order_no="SQ209901010001")
    assert await counter.say(f"查{foreign}", "install_progress", work_order_no=foreign) == unknown
    assert "没有这个编号" in unknown


async def test_several_applications_are_listed(counter: Counter) -> None:
    await counter.bind("paid_up")
    await filed(counter)
    await counter.service.file(OPENID, "request-2", Filing(Kind.HOUSEHOLD, account_no=PAID_UP, people=6))
    said = await counter.say("我的申请怎么样了", "install_progress")
    assert "报装" in said
    assert "一户多人口" in said
    assert "已受理" in await counter.talk.tap("一户多人口0002")
    assert "一户多人口" in await counter.say("多人口批了没", "multi_person")
    assert "报装申请" in await counter.say("报装进度", "install_progress")


async def test_nothing_filed_yet(counter: Counter) -> None:
    for text in ("我的申请呢", "把报装撤了", "补报装材料"):
        assert "还没有在这里提交过申请" in await counter.say(text, "install_progress")


async def test_progress_while_csms_is_away(counter: Counter) -> None:
    await filed(counter)
    counter.desk.down = True
    said = await counter.say("报装到哪了", "install_progress")
    assert "已受理" in said
    assert "暂时没有回应" in said


async def test_adding_documents(counter: Counter) -> None:
    number = await filed(counter)
    counter.desk.move(number, State.DOCUMENTS_MISSING, missing=("property",))
    assert "不动产权证" in await counter.say("补报装材料", "new_install")
    await counter.say("/inform", image=await counter.photo())
    assert "1 张照片已经交给" in await counter.say("发完了")
    await counter.service.hand_over_documents()
    assert [document for _, document, _ in counter.desk.documents.values()] == ["property"]


async def test_adding_documents_later(counter: Counter) -> None:
    await filed(counter)
    await counter.say("补材料", "install_progress")
    assert "先不补" in await counter.say("手边没有，以后再说")
    assert counter.talk.form is None


async def test_taking_it_back(counter: Counter) -> None:
    number = await filed(counter)
    assert "确认撤回" in await counter.say("报装不要了，撤回吧", "install_progress")
    assert "照常办" in await counter.talk.tap("不撤了")
    await counter.say("撤回申请", "install_progress")
    counter.desk.down = True
    assert "没有回应" in await counter.say("是的", "affirm")
    counter.desk.down = False
    assert "已经撤回" in await counter.talk.tap("再试一次")
    assert counter.desk.applications[number].state is State.WITHDRAWN


async def test_too_late_to_take_back(counter: Counter) -> None:
    number = await filed(counter)
    counter.desk.move(number, State.CONSTRUCTING)
    assert "撤不回来" in await counter.say("撤回报装", "install_progress")


async def test_news_of_missing_documents_takes_the_next_photo(counter: Counter) -> None:
    number = await filed(counter)
    counter.desk.move(number, State.DOCUMENTS_MISSING, missing=("licence",))
    said = await counter.say("", "EXTERNAL_application_changed", application_no=number)
    assert "还缺材料" in said
    assert "营业执照" in said
    assert "第 1 张" in await counter.say("/inform", image=await counter.photo())


@pytest.mark.parametrize(("filing", "words"), [
    (Filing(Kind.HOUSEHOLD, account_no=PAID_UP, people=6), "276吨"),
    (Filing(Kind.STOP, account_no=PAID_UP, start=date(2026, 12, 1)), "已经停用"),
    (Filing(Kind.RESTORE, account_no=PAID_UP), "恢复用水"),
    (Filing(Kind.NATURE, account_no=PAID_UP, nature="commercial"), "4.90元"),
])
async def test_news_that_it_is_done_tells_the_effect(counter: Counter, filing: Filing, words: str) -> None:
    await counter.bind("paid_up")
    number = (await counter.service.file(OPENID, "request-1", filing)).number
    counter.desk.move(number, State.DONE)
    assert words in await counter.say("", "EXTERNAL_application_changed", application_no=number)


async def test_news_of_a_filing_that_went_through_after_all(counter: Counter) -> None:
    number = await filed(counter)
    assert "其实已经收到" in await counter.say("", "EXTERNAL_application_filed", application_no=number)


async def test_arrears_paid_between_asking_and_stopping(counter: Counter) -> None:
    await counter.bind("ordinary")
    await counter.say("报停", "stop_restore_service")
    for bill_no, bill in counter.csms.all_bills.items():
        counter.csms.all_bills[bill_no] = paid(bill)
    assert "从哪天起停水" in await counter.say("缴好了，报停", "stop_restore_service")


async def test_too_short_a_phone_is_no_question_for_the_hotline(counter: Counter) -> None:
    await counter.say("我要装水表", "new_install")
    await counter.say("滨江区云栖路88号", address="滨江区云栖路88号")
    await counter.talk.tap("居民")
    await counter.say("陈建国")
    assert "不像一个手机号" in await counter.say("电话1395710", "hotline")


@pytest.mark.parametrize("text", ["就这一张", "就这两张了", "就这些"])
async def test_no_more_photos_in_other_words(counter: Counter, text: str) -> None:
    await counter.bind("paid_up")
    await counter.say("我家六口人，申请多人口", "multi_person", people=6)
    await counter.say("/inform", image=await counter.photo())
    assert "确认提交" in await counter.say(text, "pay_bill")
