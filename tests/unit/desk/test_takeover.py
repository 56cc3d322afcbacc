"""Taking over, passing on, giving back; and what happens when two do so at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from services.errors import ConversationTaken, StaffUnavailable, SystemUnavailable, Undeliverable, UnknownConversation
from services.outbox import Dispatcher, enqueue
from tests.unit.desk.office import ANNA, BELLA, CARLA, Office


async def test_of_two_who_take_it_at_once_exactly_one_has_it(office: Office) -> None:
    conversation = await office.write()
    results = await asyncio.gather(
        *(office.takeover.take(conversation, login) for login in ("li", "wang", "zhao")), return_exceptions=True,
    )
    lost = [each for each in results if isinstance(each, ConversationTaken)]
    state, owner = await office.stands(conversation)
    assert (len(lost), state) == (2, "taken")
    assert all(each.owner == owner for each in lost)
    assert await office.handovers.owner(ANNA) == owner
    assert await office.steps(conversation) == ["taken"]


async def test_taking_again_what_one_has_changes_nothing(office: Office) -> None:
    conversation = await office.write()
    await office.takeover.take(conversation, "li")
    await office.takeover.take(conversation, "li")
    assert await office.steps(conversation) == ["taken"]


async def test_what_the_bot_is_sending_at_the_takeover_ends_before_it_and_the_rest_is_withheld(office: Office) -> None:
    conversation = await office.write()
    office.chat.slow = 0.15
    pictures = [{"text": "第一段"}, {"custom": {"kind": "image", "media_id": await office.media.keep(
        ANNA, "image", b"\xff\xd8\xff", "image/jpeg")}}, {"text": "第三段"}]
    sending = asyncio.create_task(office.delivery.answers(ANNA, pictures, "answers:1"))
    await asyncio.sleep(0.07)  # the first is on its way to WeChat
    await office.takeover.take(conversation, "li")
    sent = list(office.chat.sent)
    with pytest.raises(Undeliverable, match="taken"):
        await sending
    assert office.chat.sent == sent == [(ANNA, "第一段")]
    assert [each.state for each in await office.messages(ANNA) if each.direction == "out"] == ["sent", "withheld", "withheld"]


async def test_pushes_of_the_bot_wait_for_the_end_of_the_takeover(office: Office) -> None:
    conversation = await office.write()
    await office.takeover.take(conversation, "li")
    for push in (office.delivery.trigger(ANNA, "EXTERNAL_x", {}, "p:1"), office.delivery.answers(ANNA, [{"text": "x"}], "p:2")):
        with pytest.raises(SystemUnavailable, match="desk"):
            await push
    assert office.bot.triggered == []
    await office.takeover.give_back(conversation, "li")
    await office.delivery.trigger(ANNA, "EXTERNAL_x", {}, "p:1")
    assert office.chat.sent == [(ANNA, "机器人：EXTERNAL_x")]


async def test_given_back_what_had_to_wait_is_told_at_once(office: Office) -> None:
    conversation = await office.write()
    await office.takeover.take(conversation, "li")
    async with office.db.begin() as session:
        await enqueue(
            session, office.clock, openid=ANNA, kind="answers", payload={"answers": [{"text": "缴费已到账"}]}, dedupe_key="p:1",
        )
    outbox = Dispatcher(office.db, office.clock, office.delivery)
    for _ in range(3):
        await outbox.send_due()
        office.clock.advance(seconds=30)
    assert office.chat.sent == []
    await office.takeover.give_back(conversation, "li")
    while await outbox.send_due():
        pass
    assert [text for _, text in office.chat.sent] == ["缴费已到账", "机器人：EXTERNAL_back_from_person"]


async def test_given_back_the_bot_is_told_to_go_on(office: Office) -> None:
    conversation = await office.write()
    await office.takeover.take(conversation, "li")
    await office.takeover.give_back(conversation, "li")
    assert await office.stands(conversation) == ("bot", None)
    assert await office.outbox() == [("trigger", {"intent": "EXTERNAL_back_from_person", "entities": {}})]


async def test_what_a_colleague_has_is_not_ones_own_to_end(office: Office) -> None:
    conversation = await office.write()
    await office.takeover.take(conversation, "li")
    later = office.clock.now() + timedelta(hours=1)
    await office.come("zhao")
    for attempt in (
        office.takeover.give_back(conversation, "wang"), office.takeover.resolve(conversation, "wang"),
        office.takeover.snooze(conversation, "wang", later), office.takeover.transfer(conversation, "zhao", "wang", "x"),
    ):
        with pytest.raises(ConversationTaken):
            await attempt
    with pytest.raises(UnknownConversation):
        await office.takeover.take(999, "li")
    assert await office.stands(conversation) == ("taken", "li")


async def test_a_transfer_goes_to_a_colleague_who_is_there_with_a_note(office: Office) -> None:
    conversation = await office.write()
    await office.takeover.take(conversation, "li")
    with pytest.raises(StaffUnavailable):
        await office.takeover.transfer(conversation, "wang", "li", "您熟悉这户")
    await office.come("wang")
    await office.takeover.transfer(conversation, "wang", "li", "您熟悉这户")
    assert await office.stands(conversation) == ("taken", "wang")
    *_, last = await office.desk.inbox.history(conversation)
    assert (last.step, last.by, last.owner, last.note) == ("transferred", "li", "wang", "您熟悉这户")


async def test_a_supervisor_assigns_what_waits_and_the_bot_goes_on_until_it_is_taken(office: Office) -> None:
    conversation = await office.write()
    await office.come("wang")
    await office.takeover.assign(conversation, "wang", "boss")
    assert await office.stands(conversation) == ("waiting", "wang")
    assert await office.handovers.owner(ANNA) is None


async def test_snoozed_it_comes_back_at_its_time_or_when_the_customer_writes(office: Office) -> None:
    anna, bella = await office.write(ANNA), await office.write(BELLA)
    for conversation in (anna, bella):
        await office.takeover.take(conversation, "li")
        await office.takeover.snooze(conversation, "li", office.clock.now() + timedelta(hours=1))
    await office.write(ANNA, "还在吗")
    assert await office.stands(anna) == ("taken", "li")
    assert await office.takeover.wake_due() == 0
    office.clock.advance(hours=1)
    assert await office.takeover.wake_due() == 1
    assert await office.stands(bella) == ("taken", "li")


async def test_resolved_the_customer_is_asked_how_it_was_and_starts_anew_with_the_bot(office: Office) -> None:
    conversation = await office.write()
    await office.takeover.take(conversation, "li")
    await office.takeover.resolve(conversation, "li")
    ((kind, payload),) = await office.outbox()
    assert kind == "answers"
    offered = [button["payload"] for button in payload["answers"][0]["buttons"]]
    assert offered == ["/desk_rate:3", "/desk_rate:2", "/desk_rate:1"]
    (thanks,) = await office.takeover.rated(ANNA, 3)
    assert "谢谢" in thanks["text"]
    assert await office.takeover.rated(ANNA, 9) == []
    assert (await office.row(conversation)).rating == 3
    await office.write(ANNA, "再问一下")
    assert await office.stands(conversation) == ("bot", None)


async def test_who_waits_too_long_is_told_to_the_supervisor_once(office: Office) -> None:
    late, taken, answered = [await office.write(openid) for openid in (ANNA, BELLA, CARLA)]
    await office.handovers.ask(ANNA, "人工")
    await office.takeover.take(taken, "li")
    await office.takeover.take(answered, "li")
    await office.sending.text(answered, "li", "k1", "您好")
    office.clock.advance(minutes=9)
    assert await office.takeover.escalate_due(10) == 0
    office.clock.advance(minutes=1)
    assert await office.takeover.escalate_due(10) == 2
    assert await office.takeover.escalate_due(10) == 0
    told = {(change.conversation, change.who) for change in office.live.changes if change.what == "escalated"}
    assert told == {(late, None), (taken, "li")}
