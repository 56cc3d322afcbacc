"""What staff send: once, by who has the conversation, and only while WeChat takes it."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from services.errors import ConversationTaken, NotBound, NothingToPay, SystemUnavailable, Undeliverable
from store.models import Binding, Customer, PayOrder
from tests.fakes import number_of
from tests.unit.desk.office import ANNA, Office

JPEG = b"\xff\xd8\xff\xe0 a picture"


async def bind(office: Office, *roles: str) -> None:
    now = office.clock.now()
    async with office.db.begin() as session:
        session.add(Customer(openid=ANNA, created_at=now, last_seen_at=now))
        await session.flush()
        session.add_all(
            Binding(openid=ANNA, account_no=number_of(role), owner="林小满", address="云栖路88号", created_at=now)
            for role in roles
        )


async def test_the_first_reply_takes_the_conversation(office: Office) -> None:
    conversation = await office.write()
    sent = await office.sending.text(conversation, "li", "k1", " 您好，我是小李。 ")
    assert office.chat.sent == [(ANNA, "您好，我是小李。")]
    assert (await office.stands(conversation), sent.repeated) == (("taken", "li"), False)
    row = await office.row(conversation)
    assert (row.last_by, row.waiting_since) == ("staff", None)
    with pytest.raises(ConversationTaken):
        await office.sending.text(conversation, "wang", "k1", "我来")
    assert len(office.chat.sent) == 1


async def test_a_click_too_many_sends_nothing_twice(office: Office) -> None:
    conversation = await office.write()
    office.chat.slow = 0.05
    results = await asyncio.gather(*(office.sending.text(conversation, "li", "k1", "您好") for _ in range(3)))
    assert sorted(each.repeated for each in results) == [False, True, True]
    assert len({each.message_ids for each in results}) == 1
    assert office.chat.sent == [(ANNA, "您好")]


async def test_of_two_agents_who_reply_at_once_one_is_heard(office: Office) -> None:
    conversation = await office.write()
    results = await asyncio.gather(
        *(office.sending.text(conversation, login, "k", login) for login in ("li", "wang")), return_exceptions=True,
    )
    assert sum(isinstance(each, ConversationTaken) for each in results) == 1
    assert office.chat.sent == [(ANNA, (await office.stands(conversation))[1])]


async def test_what_is_left_is_shown_before_it_bites(office: Office) -> None:
    conversation = await office.write()
    written = office.clock.now()
    for number in range(5):
        allowed = await office.sending.allowance(conversation)
        assert (allowed.left, allowed.refusal) == (5 - number, None)
        await office.sending.text(conversation, "li", f"k{number}", f"第{number}条")
    allowed = await office.sending.allowance(conversation)
    assert (allowed.left, allowed.refusal) == (0, "quota")
    assert allowed.ends_at is not None
    assert (allowed.ends_at - written).total_seconds() == 48 * 3600
    with pytest.raises(Undeliverable, match="quota"):
        await office.sending.text(conversation, "li", "k5", "第六条")
    assert len(office.chat.sent) == 5


async def test_when_the_window_has_closed_nothing_is_sent_nor_taken_nor_kept_for_later(office: Office) -> None:
    conversation = await office.write()
    office.clock.advance(hours=48)
    with pytest.raises(Undeliverable, match="window"):
        await office.sending.text(conversation, "li", "k1", "您好")
    assert (office.chat.sent, await office.stands(conversation)) == ([], ("bot", None))
    assert (await office.sending.allowance(conversation)).refusal == "window"
    await office.write(ANNA, "在吗")
    await office.sending.text(conversation, "li", "k1", "在的")
    assert office.chat.sent == [(ANNA, "在的")]


async def test_what_wechat_did_not_answer_for_is_sent_by_the_same_call_again(office: Office) -> None:
    conversation = await office.write()
    office.chat.down = True
    with pytest.raises(SystemUnavailable):
        await office.sending.text(conversation, "li", "k1", "您好")
    office.chat.down = False
    assert (await office.sending.text(conversation, "li", "k1", "您好")).repeated
    assert office.chat.sent == [(ANNA, "您好")]


async def test_pictures_are_kept_and_what_is_none_is_refused(office: Office) -> None:
    conversation = await office.write()
    with pytest.raises(ValueError, match="no picture"):
        await office.sending.image(conversation, "li", "k0", b"<svg>")
    for _ in range(2):
        await office.sending.image(conversation, "li", "k1", JPEG)
    assert office.chat.sent == [(ANNA, "image image/jpeg")]


@pytest.mark.parametrize("text", ["", "  ", "x" * 1001])
async def test_no_words_and_too_many_are_refused(office: Office, text: str) -> None:
    with pytest.raises(ValueError, match="characters"):
        await office.sending.text(await office.write(), "li", "k1", text)


async def test_a_payment_link_is_for_the_customers_own_accounts(office: Office) -> None:
    conversation = await office.write()
    await bind(office, "arrears", "paid_up")
    with pytest.raises(NotBound):
        await office.sending.pay_link(conversation, "li", "k1", [number_of("ordinary")])
    with pytest.raises(NothingToPay):
        await office.sending.pay_link(conversation, "li", "k2", [number_of("paid_up")])
    for _ in range(2):
        await office.sending.pay_link(conversation, "li", "k3", [number_of("arrears")])
    ((_, text),) = office.chat.sent
    assert "去付款" in text
    async with office.db.read() as session:
        assert len((await session.scalars(select(PayOrder))).all()) == 1


async def test_a_form_shortcut_gives_the_customer_to_the_bot_for_it(office: Office) -> None:
    conversation = await office.write()
    await office.takeover.take(conversation, "li")
    for _ in range(2):
        await office.sending.form(conversation, "li", "k1", "reading")
    assert "水表拍张照" in office.chat.sent[0][1]
    assert await office.stands(conversation) == ("bot", None)
    assert await office.outbox() == [("trigger", {"intent": "self_reading", "entities": {}})]
    with pytest.raises(KeyError):
        await office.sending.form(conversation, "li", "k2", "no such")
