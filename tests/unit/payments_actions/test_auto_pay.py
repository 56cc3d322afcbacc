"""Direct debit: the link to sign, how it stands, what happens on the day, ending it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from services.errors import AutoPaySigned
from tests.fakes import number_of
from tests.unit.accounts.talk import OPENID
from tests.unit.payments_actions.conftest import Counter

SON = "oSon"
ACCOUNT = number_of("ordinary")


@pytest.fixture
def signed(counter: Counter) -> Callable[[str], Awaitable[None]]:
    """Signs for the ordinary account."""
    async def sign(openid: str = OPENID) -> None:
        token = (await counter.auto_pay.offer(openid, ACCOUNT)).rpartition("/")[2]
        await counter.auto_pay.open_link(token, openid)
        await counter.auto_pay.callback(f"{token.partition('.')[0]} ADD {openid}".encode())
    return sign


async def state(counter: Counter) -> str:
    """What the bot says to somebody who asks whether it is on."""
    return await counter.say("查一下开通了没有", "auto_pay")


async def test_the_link_comes_with_the_rules(counter: Counter) -> None:
    await counter.bind("ordinary")
    said = await counter.say("帮我开自动扣款", "auto_pay")
    assert "第 5 天自动扣" in said
    assert "1000元" in said
    assert "还没有在这里开通" in await state(counter)


@pytest.mark.parametrize("text", ["哪天扣", "卡里没钱怎么办", "有没有上限", "收手续费吗"])
async def test_questions_are_answered_without_a_link(counter: Counter, text: str) -> None:
    await counter.bind("ordinary")
    said = await counter.say(text, "auto_pay")
    assert "共 3 次" in said
    assert "还没有在这里开通" in said
    assert "现在开通" in counter.talk.buttons


async def test_a_bank_card_is_for_the_counter(counter: Counter) -> None:
    await counter.bind("ordinary")
    said = await counter.say("用银行卡托收", "auto_pay")
    assert "银行卡托收要到营业厅柜台" in said
    assert "到微信支付签约" in said


async def test_the_utility_may_not_offer_it(counter: Counter) -> None:
    counter.papay.offered = False
    await counter.bind("ordinary")
    assert "不能在这里签约" in await counter.say("开自动扣款", "auto_pay")


async def test_signed_in_the_same_moment(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    async def offer(openid: str, account_no: str) -> str:
        raise AutoPaySigned

    await counter.bind("ordinary")
    monkeypatch.setattr(counter.auto_pay, "offer", offer)
    assert "刚刚已经开通" in await counter.say("开自动扣款", "auto_pay")


async def test_how_it_stands_once_signed(counter: Counter, signed: Callable[[], Awaitable[None]]) -> None:
    await counter.bind("ordinary")
    await signed()
    assert "2026年11月2日签约" in await state(counter)
    assert "已开通" in await counter.say("开自动扣款", "auto_pay"), "no second link"
    said = await counter.say("几号扣", "auto_pay")
    assert "共 3 次" in said
    assert "已开通" in said


async def test_ending_is_confirmed(counter: Counter, signed: Callable[[], Awaitable[None]]) -> None:
    await counter.bind("ordinary")
    await signed()
    said = await counter.say("取消自动扣款", "auto_pay")
    assert "2026年11月2日签约" in said
    assert "确认取消吗" in said
    assert "已取消" in await counter.talk.tap("确认取消")
    assert len(counter.papay.terminated) == 1
    assert "还没有在这里开通" in await state(counter)


async def test_saying_it_again_is_a_yes(counter: Counter, signed: Callable[[], Awaitable[None]]) -> None:
    await counter.bind("ordinary")
    await signed()
    await counter.say("取消自动扣款", "auto_pay")
    assert "已取消" in await counter.say("对，取消自动扣款", "auto_pay")


async def test_kept_after_all(counter: Counter, signed: Callable[[], Awaitable[None]]) -> None:
    await counter.bind("ordinary")
    await signed()
    await counter.say("取消自动扣款", "auto_pay")
    assert "还没取消" in await counter.say("嗯？", "inform")
    assert "保留不变" in await counter.say("不取消", "deny")
    assert counter.papay.terminated == []


async def test_a_digression_is_left_to_the_rules(counter: Counter, signed: Callable[[], Awaitable[None]]) -> None:
    await counter.bind("ordinary")
    await signed()
    await counter.say("取消自动扣款", "auto_pay")
    assert "确认取消吗" in await counter.say("水价多少", "price_query")


async def test_nothing_to_end(counter: Counter) -> None:
    await counter.bind("ordinary")
    assert "没有在这里签过" in await counter.say("取消自动扣款", "auto_pay")


async def test_only_who_signed_can_end_it(counter: Counter, signed: Callable[[str], Awaitable[None]]) -> None:
    await counter.bind("ordinary")
    await signed(SON)
    assert "由另一个微信号开通" in await state(counter)
    assert "只有签约的微信能取消" in await counter.say("取消自动扣款", "auto_pay")
    assert counter.talk.form is None


async def test_an_outage_keeps_the_yes(counter: Counter, signed: Callable[[], Awaitable[None]]) -> None:
    await counter.bind("ordinary")
    await signed()
    await counter.say("取消自动扣款", "auto_pay")
    counter.papay.down = True
    assert "微信支付" in await counter.say("确认", "affirm")
    assert counter.papay.terminated == []
    counter.papay.down = False
    assert "已取消" in await counter.talk.tap("再试一次")


@pytest.mark.parametrize(("intent", "told"), [
    ("EXTERNAL_auto_pay_on", "的微信自动扣款开通了"), ("EXTERNAL_auto_pay_off", "的自动扣款已在微信里关闭"),
])
async def test_the_customer_is_told(counter: Counter, intent: str, told: str) -> None:
    await counter.bind("ordinary", ordinary="老家")
    assert f"老家 {told}" in await counter.say("x", intent, accounts=[[ACCOUNT]])
    assert f"尾号{number_of('arrears')[-4:]}" in await counter.say("x", intent, accounts=[[number_of("arrears")]])


@pytest.mark.parametrize(("text", "intent", "ended"), [
    ("嗯 取消掉", "unsub", True), ("好的，关了吧", "inform", True), ("别取消", "inform", False),
    ("先不要取消", "inform", False), ("不关了", "auto_pay", False),
])
async def test_yes_and_no_in_other_words(
    counter: Counter, signed: Callable[[], Awaitable[None]], text: str, intent: str, ended: bool,
) -> None:
    await counter.bind("ordinary")
    await signed()
    await counter.say("取消自动扣款", "auto_pay")
    assert ("已取消" if ended else "保留不变") in await counter.say(text, intent)
    assert len(counter.papay.terminated) == ended
