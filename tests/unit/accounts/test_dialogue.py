"""Conversations about accounts, over the real services."""

from __future__ import annotations

import pytest

from runxia.clock import FixedClock
from services.errors import SystemUnavailable
from services.ports import BillType
from tests.fakes import PASSWORD, PHONE, FakeCsms, FakeSms, number_of
from tests.unit.accounts.talk import OPENID, Talk

ORDINARY = number_of("ordinary")
A, B = number_of("neighbour_a"), number_of("neighbour_b")
NEIGHBOURS_PHONE = "13900000003"


async def bind(talk: Talk, sms: FakeSms, *numbers: str, phone: str = PHONE) -> None:
    await talk.say("绑定", "bind_account", account_no=list(numbers))
    await talk.say("是的", "affirm")
    await talk.say(code=sms.code(phone))
    await talk.say("先不改", "deny")
    assert talk.form is None


async def bound(talk: Talk) -> list[str]:
    return [account.account_no for account in await talk.services.accounts.bindings(OPENID)]


# --- binding


async def test_binds_by_code_and_asks_how_bills_come(talk: Talk, sms: FakeSms, csms: FakeCsms) -> None:
    assert "户号" in await talk.say("我要绑定", "bind_account")
    shown = await talk.say(ORDINARY, account_no=ORDINARY)
    assert "林*满" in shown
    assert "林小满" not in shown
    assert "502" not in shown
    assert "139****0001" in await talk.tap("是的")
    assert "绑好了" in await talk.say(code=sms.code())
    assert "电子账单" in await talk.tap("电子和纸质都要")
    assert await bound(talk) == [ORDINARY]
    assert csms.accounts[ORDINARY].bill_type is BillType.BOTH
    assert talk.slots["account_no"] == ORDINARY


async def test_binds_several_with_one_code_for_one_phone(talk: Talk, sms: FakeSms) -> None:
    shown = await talk.say("", "bind_account", account_no=[A, B])
    assert A in shown
    assert B in shown
    await talk.tap("是的")
    assert await talk.say(code=sms.code(NEIGHBOURS_PHONE))
    assert await bound(talk) == [A, B]
    assert len(sms.sent) == 1


async def test_asks_one_proof_for_each_phone(talk: Talk, sms: FakeSms) -> None:
    await talk.say("", "bind_account", account_no=[ORDINARY, A])
    await talk.tap("是的")
    second = await talk.say(code=sms.code())
    assert "139****0003" in second
    assert await bound(talk) == []
    assert "绑好了" in await talk.say(code=sms.code(NEIGHBOURS_PHONE))
    assert await bound(talk) == [ORDINARY, A]


async def test_binds_by_password_where_there_is_no_phone(talk: Talk) -> None:
    await talk.say("", "bind_account", account_no=number_of("no_phone"))
    assert "查询密码" in await talk.tap("是的")
    assert "绑好了" in await talk.secret(PASSWORD)


async def test_binds_only_what_was_picked(talk: Talk, sms: FakeSms) -> None:
    await talk.say("", "bind_account", account_no=[A, B])
    shown = await talk.say("只要第二个", ordinal=2)
    assert A not in shown
    assert B in shown
    await talk.tap("是的")
    await talk.say(code=sms.code(NEIGHBOURS_PHONE))
    assert await bound(talk) == [B]


async def test_a_corrected_number_replaces_the_first(talk: Talk) -> None:
    await talk.say("", "bind_account", account_no=ORDINARY)
    shown = await talk.say(f"不对，户号是{A}", "deny", account_no=A)
    assert A in shown
    assert ORDINARY not in shown
    assert "户号发给我" in await talk.tap("不是")


@pytest.mark.parametrize(
    ("role", "answer"),
    [("closed", "销户"), ("none", "没有查到")],
)
async def test_explains_why_an_account_cannot_be_bound(talk: Talk, role: str, answer: str) -> None:
    number = "1999999999" if role == "none" else number_of(role)
    said = await talk.say("", "bind_account", account_no=number)
    assert answer in said
    assert talk.form == "bind_form"


async def test_says_how_long_an_account_number_is(talk: Talk) -> None:
    await talk.say("", "bind_account")
    said = await talk.say("12345678")
    assert "10 位" in said
    assert "8 位" in said
    assert "纸质账单" in said
    assert "像是手机号" in await talk.say("13812345678", phone="13812345678")
    await talk.say("嗯嗯呃")
    assert "找人工" in talk.buttons


async def test_says_where_the_account_number_is(talk: Talk) -> None:
    await talk.say("", "bind_account")
    assert "报一下地址" in await talk.say("户号我哪记得，忘了", "list_accounts")


async def test_other_business_leaves_the_binding_question(talk: Talk) -> None:
    await talk.say("", "bind_account")
    await talk.say("改密码，手机是13800000009", "set_query_password", phone="13800000009")
    assert talk.slots["pending_task"] == "action_set_query_password"


async def test_binding_twice_says_so(talk: Talk, sms: FakeSms) -> None:
    await bind(talk, sms, ORDINARY)
    assert "早就绑好了" in await talk.say("", "bind_account", account_no=ORDINARY)
    assert talk.form is None


async def test_three_wrong_codes_lock(talk: Talk, sms: FakeSms, clock: FixedClock) -> None:
    await talk.say("", "bind_account", account_no=ORDINARY)
    await talk.tap("是的")
    assert "2 次" in await talk.say(code="000000")
    assert "1 次" in await talk.secret("Wrong1pass")
    assert "10:00" in await talk.say(code="000001")
    assert talk.form is None
    await talk.say("", "bind_account", account_no=ORDINARY)
    assert "10:00" in await talk.tap("是的")
    clock.advance(minutes=31)
    await talk.say("", "bind_account", account_no=ORDINARY)
    await talk.tap("是的")
    assert "绑好了" in await talk.say(code=sms.code())


async def test_sends_the_code_again_but_not_too_soon(talk: Talk, sms: FakeSms, clock: FixedClock) -> None:
    await talk.say("", "bind_account", account_no=ORDINARY)
    await talk.tap("是的")
    assert "60 秒后" in await talk.tap("重新发送")
    clock.advance(seconds=61)
    first = sms.code()
    assert "新的验证码" in await talk.say("没收到短信", "oos")
    assert len(sms.sent) == 2
    if first != sms.code():
        assert "失效" in await talk.say(code=first)
    assert "绑好了" in await talk.say(code=sms.code())


async def test_a_digression_is_answered_and_the_question_put_again(talk: Talk, sms: FakeSms) -> None:
    await talk.say("", "bind_account", account_no=ORDINARY)
    await talk.tap("是的")
    said = await talk.say("我绑了哪些", "list_accounts")
    assert "验证码已发到" in said  # nothing is bound yet: binding is what there is to do
    assert len(sms.sent) == 1


async def test_cancelling_leaves_nothing_behind(talk: Talk) -> None:
    await talk.say("", "bind_account", account_no=ORDINARY)
    assert "不办了" in await talk.say("算了", "cancel") or not talk.form
    assert talk.form is None
    assert await bound(talk) == []


async def test_csms_down_loses_nothing(talk: Talk, sms: FakeSms, csms: FakeCsms) -> None:
    await talk.say("", "bind_account", account_no=ORDINARY)
    await talk.tap("是的")
    csms.down = True
    assert "没有回应" in await talk.say(code=sms.code())
    assert talk.expects_secret
    csms.down = False
    assert "绑好了" in await talk.say(code=sms.code())


async def test_no_text_messages_leave_the_password(talk: Talk, sms: FakeSms) -> None:
    sms.failures.append(SystemUnavailable("sms"))
    await talk.say("", "bind_account", account_no=ORDINARY)
    assert "查询密码" in await talk.tap("是的")
    assert "绑好了" in await talk.secret(PASSWORD)


async def test_a_phone_long_gone_is_no_wish_for_another_code(talk: Talk, sms: FakeSms) -> None:
    await talk.say("", "bind_account", account_no=ORDINARY)
    await talk.tap("是的")
    assert "查询密码" in await talk.say("这号码早停机了，收不到")
    assert "绑好了" in await talk.secret(PASSWORD)
    assert "照旧" in await talk.say("随便", "nlu_fallback")
    assert len(sms.sent) == 1


# --- a task that needs an account, or a proof


async def test_a_task_waits_for_binding_and_then_goes_on(talk: Talk, sms: FakeSms) -> None:
    said = await talk.say("把我的户号列一下", "list_accounts")
    assert "绑" in said
    assert talk.form == "bind_form"
    await talk.say(ORDINARY, account_no=ORDINARY)
    await talk.tap("是的")
    await talk.say(code=sms.code())
    assert "您绑了 1 个户号" in await talk.say("只要电子账单")


async def test_a_task_waits_for_a_proof_and_remembers_what_was_said(
    talk: Talk, sms: FakeSms, csms: FakeCsms, clock: FixedClock,
) -> None:
    await bind(talk, sms, ORDINARY)
    clock.advance(minutes=31)
    assert "验证码" in await talk.say("不要再寄纸质账单了", "bill_type")
    said = await talk.say(code=sms.code())
    assert "核对好了" in said
    assert "只发电子账单" in said
    assert csms.accounts[ORDINARY].bill_type is BillType.ELECTRONIC


async def test_a_form_interrupted_by_another_is_taken_up_again(talk: Talk, sms: FakeSms, clock: FixedClock) -> None:
    await bind(talk, sms, A, B, phone=NEIGHBOURS_PHONE)
    clock.advance(minutes=31)
    assert "哪一户" in await talk.say("", "unbind_account")
    assert "验证码" in await talk.say("账单改成电子的", "bill_type")
    said = await talk.say(code=sms.code(NEIGHBOURS_PHONE))
    assert "只发电子账单" in said
    assert "要解绑哪一户" in said
    assert talk.form == "unbind_form"


# --- choosing


async def test_switches_by_name_by_place_and_to_the_other(talk: Talk, sms: FakeSms) -> None:
    await bind(talk, sms, A, B, phone=NEIGHBOURS_PHONE)
    assert f"尾号{B[-4:]}" in await talk.say("换另一个", "switch_account")
    assert (await bound(talk))[0] == B
    assert f"尾号{A[-4:]}" in await talk.say(f"切到尾号{A[-4:]}", "switch_account")
    assert "默认用哪一户" in await talk.say("默认户号", "switch_account")
    await talk.say("第二个", ordinal=2)
    assert (await bound(talk))[0] == B


async def test_names_an_account(talk: Talk, sms: FakeSms) -> None:
    await bind(talk, sms, A, B, phone=NEIGHBOURS_PHONE)
    assert "哪一户" in await talk.say("备注成爸妈家", "set_alias", alias="爸妈家")
    assert "爸妈家" in await talk.say("第二个", ordinal=2)
    assert "换一个" in await talk.say("第一个也叫爸妈家", "set_alias", alias="爸妈家", ordinal=1)
    assert "自己家" in await talk.say("那就叫自己家")
    assert [each.alias for each in await talk.services.accounts.bindings(OPENID)] == ["自己家", "爸妈家"]
    said = await talk.say("", "list_accounts")
    assert "1. 自己家" in said
    assert "2. 爸妈家" in said


async def test_an_account_called_by_its_name_gets_the_new_one(talk: Talk, sms: FakeSms) -> None:
    await bind(talk, sms, A, B, phone=NEIGHBOURS_PHONE)
    await talk.say("第二个叫爸妈家", "set_alias", alias="爸妈家", ordinal=2)
    assert "老房子" in await talk.say("把爸妈家改叫老房子", "set_alias", alias=["爸妈家", "老房子"])
    assert [each.alias for each in await talk.services.accounts.bindings(OPENID)] == [None, "老房子"]


async def test_a_question_about_an_account_is_no_name(talk: Talk, sms: FakeSms) -> None:
    await bind(talk, sms, ORDINARY)
    await talk.say("起个名字", "set_alias")
    await talk.say("爸妈家水费多少", "list_accounts", alias="爸妈家")
    assert [each.alias for each in await talk.services.accounts.bindings(OPENID)] == [None]


async def test_a_name_that_is_none_is_refused(talk: Talk, sms: FakeSms) -> None:
    await bind(talk, sms, ORDINARY)
    assert "叫什么" in await talk.say("起个名字", "set_alias")
    assert "加个字" in await talk.say("888", "nlu_fallback")
    assert "分不清" in await talk.say("全部")
    assert "记住了" in await talk.say("888栋", "nlu_fallback")


async def test_unbinds_after_asking(talk: Talk, sms: FakeSms) -> None:
    await bind(talk, sms, A, B, phone=NEIGHBOURS_PHONE)
    assert "确定解绑吗" in await talk.say("解绑第一个", "unbind_account", ordinal=1)
    assert "没有解绑" in await talk.tap("先留着")
    await talk.say("解绑", "unbind_account")
    await talk.say("第一个", ordinal=1)
    assert "默认查江东区" in await talk.tap("确定解绑")
    assert await bound(talk) == [B]
    assert "发户号给我" in (await talk.say("解绑", "unbind_account"), await talk.tap("确定解绑"))[1]


async def test_another_accounts_number_is_refused(talk: Talk, sms: FakeSms) -> None:
    await bind(talk, sms, ORDINARY)
    assert "没有绑定在您的微信" in await talk.say("", "unbind_account", account_no=A)
    assert A in await talk.tap("绑定这个户号")


# --- changing


async def test_changes_the_phone_by_a_code_to_the_new_one(talk: Talk, sms: FakeSms, csms: FakeCsms) -> None:
    await bind(talk, sms, ORDINARY)
    await talk.say("换手机号", "change_contact")
    assert "11 位" in await talk.say("1381234567", "nlu_fallback")
    await talk.say("13800000009", phone="13800000009")
    assert "138****0008" in await talk.say("不对，13800000008", "deny", phone="13800000008")
    assert "现在是 13800000008" in await talk.say(code=sms.code("13800000008"))
    assert csms.accounts[ORDINARY].phone == "13800000008"


async def test_changes_the_email_by_a_code_to_the_phone_on_file(talk: Talk, sms: FakeSms, csms: FakeCsms) -> None:
    await bind(talk, sms, ORDINARY)
    assert "139****0001" in await talk.say("邮箱改成 a@b.cn", "change_contact", email="a@b.cn")
    await talk.say(code=sms.code())
    assert csms.accounts[ORDINARY].email == "a@b.cn"


async def test_sets_a_password_that_the_dialogue_never_sees(talk: Talk, sms: FakeSms, csms: FakeCsms) -> None:
    await bind(talk, sms, ORDINARY)
    assert "8 到 20 位" in await talk.say("改密码", "set_query_password")
    assert "重复" in await talk.secret("aaaaaaa1")
    assert "户号" in await talk.secret(f"a{ORDINARY}")
    assert "再发一次" in await talk.secret("Qing7Shui8")
    assert "两次不一样" in await talk.secret("Qing7Shui9")
    await talk.secret("Qing7Shui8")
    assert "设好了" in await talk.secret("Qing7Shui8")
    assert csms.passwords[ORDINARY] == "Qing7Shui8"
    assert "Qing7Shui8" not in repr((talk.slots, talk.events))


async def test_changing_needs_a_proof_even_where_seeing_does_not(talk: Talk, sms: FakeSms, clock: FixedClock) -> None:
    await bind(talk, sms, ORDINARY)
    clock.advance(minutes=31)
    assert "核对一下身份" in await talk.say("改密码", "set_query_password")
    assert "新的查询密码" in await talk.secret(PASSWORD)
