"""What staff add to conversations, and tests made of them."""

from __future__ import annotations

from datetime import date

import pytest
import yaml
from sqlalchemy import func, select

from services.desk.dialogue_test import dialogue_test
from services.desk.inbox import Filters
from services.errors import UnknownConversation
from store.models import Binding, ConversationRecord, Customer, Message, Note, TrainerItem
from tests.dialogue.conversation import load
from tests.unit.desk.office import ANNA, BELLA, Office, understood


async def test_a_note_names_colleagues_who_see_it_once(office: Office) -> None:
    conversation = await office.write()
    _, named = await office.desk.reviews.add_note(conversation, "li", "@wang @zhao. 这户上周刚换过表，@wang 看下")
    assert named == ["wang", "zhao"]
    assert [note.text[:5] for note in await office.desk.reviews.mentions("wang")] == ["@wang"]
    await office.desk.reviews.see_mentions("wang", conversation)
    assert await office.desk.reviews.mentions("wang") == []
    assert len(await office.desk.reviews.mentions("zhao")) == len(await office.desk.reviews.notes(conversation)) == 1
    with pytest.raises(UnknownConversation):
        await office.desk.reviews.add_note(999, "li", "x")


async def test_tags_are_made_as_they_are_used(office: Office) -> None:
    conversation = await office.write()
    tag = await office.desk.reviews.tag(conversation, "li", "漏水")
    assert await office.desk.reviews.tag(conversation, "wang", " 漏水 ") == tag
    assert (await office.desk.inbox.conversation(conversation)).tags == ("漏水",)
    await office.desk.reviews.untag(conversation, tag)
    assert (await office.desk.inbox.conversation(conversation)).tags == ()


async def test_canned_replies_are_found_by_their_start_or_words(office: Office) -> None:
    await office.desk.reviews.save_reply("li", "/hello", "您好，请问有什么可以帮您？")
    await office.desk.reviews.save_reply("li", "hello", "您好！")
    await office.desk.reviews.save_reply("li", "bye", "祝您生活愉快。")
    assert [(each.shortcut, each.text) for each in await office.desk.reviews.replies("he")] == [("hello", "您好！")]
    assert [each.shortcut for each in await office.desk.reviews.replies("愉快")] == ["bye"]
    assert await office.desk.reviews.replies("%") == []
    await office.desk.reviews.delete_reply("li", "bye")
    assert len(await office.desk.reviews.replies()) == 1
    with pytest.raises(ValueError, match="two words"):
        await office.desk.reviews.save_reply("li", "two words", "x")


async def test_views_are_ones_own_or_shared(office: Office) -> None:
    filters = Filters(queue="waiting", since=date(2026, 11, 1), text="漏水", fell_back=True)
    await office.desk.reviews.save_view("li", "漏水的", Filters())
    await office.desk.reviews.save_view("li", "漏水的", filters, shared=True)
    await office.desk.reviews.save_view("li", "我的", Filters())
    (seen,) = await office.desk.reviews.views("wang")
    assert (seen.name, seen.filters, seen.own) == ("漏水的", filters, False)
    await office.desk.reviews.delete_view("wang", seen.id)
    assert len(await office.desk.reviews.views("li")) == 2


async def test_a_wrong_answer_sends_its_question_to_the_trainers_once(office: Office) -> None:
    conversation = await office.write(ANNA, "水费咋算")
    answer = await office.answer(ANNA, "营业厅在……")
    for login in ("li", "wang"):
        await office.desk.reviews.wrong(conversation, answer, login, "答非所问")
    (item,) = await office.desk.reviews.trainer_items()
    assert (item.message_id, item.by, item.note) == ((await office.messages(ANNA))[0].id, "li", "答非所问")
    assert [each.kind for each in await office.desk.reviews.reviews(conversation)] == ["wrong", "wrong"]
    other = await office.write(BELLA)
    with pytest.raises(UnknownConversation):
        await office.desk.reviews.flag(other, answer, "li", "不是这段对话的")


async def test_scores_and_marks(office: Office) -> None:
    conversation = await office.write()
    await office.desk.reviews.reviewed(conversation, "li")
    await office.desk.reviews.score(conversation, "li", 4, "答得清楚")
    with pytest.raises(ValueError, match="6"):
        await office.desk.reviews.score(conversation, "li", 6)
    kept = await office.desk.reviews.reviews(conversation)
    assert [(each.kind, each.score) for each in kept] == [("reviewed", None), ("score", 4)]


async def test_a_days_sample_is_drawn_once_when_the_day_is_over(office: Office) -> None:
    for number in range(25):
        await office.write(f"o{number}")
    day = office.clock.now().date()
    assert await office.desk.reviews.sample(day) == []
    office.clock.advance(days=1)
    await office.write("later")
    drawn = await office.desk.reviews.sample(day)
    assert len(drawn) == 20
    assert await office.desk.reviews.sample(day) == drawn


async def test_what_belongs_to_a_forgotten_conversation_goes_with_it(office: Office) -> None:
    conversation = await office.write(ANNA, "水费", understood())
    await office.desk.reviews.add_note(conversation, "li", "x")
    await office.desk.reviews.wrong(conversation, (await office.messages(ANNA))[0].id, "li")
    async with office.db.begin() as session:
        for model in (ConversationRecord, Message):
            for row in await session.scalars(select(model).where(model.openid == ANNA)):
                await session.delete(row)
    async with office.db.read() as session:
        assert [await session.scalar(select(func.count()).select_from(model)) for model in (Note, TrainerItem)] == [0, 0]


async def test_a_dialogue_test_has_nothing_of_its_customer(office: Office, tmp_path: object) -> None:
    now = office.clock.now()
    async with office.db.begin() as session:
        session.add(Customer(openid=ANNA, created_at=now, last_seen_at=now))
        await session.flush()
        session.add(Binding(
            openid=ANNA, account_no="1002003004", alias="老房子", owner="王秀兰", address="望江路19号2栋301室", created_at=now,
        ))
    entities = [{"entity": "name", "value": "李建国"}, {"entity": "period", "value": {"text": "8月"}}]
    named = understood("change_contact", entities=entities)
    conversation = await office.write(ANNA, "我是王秀兰，帮李建国查1002003004，电话13812345678", named)
    await office.answer(ANNA, "王秀兰您好，老房子8月水费36.15元，要现在缴吗？")
    await office.write(ANNA, "是的", message="/affirm")
    await office.answer(ANNA, "缴费链接发给您了，30分钟内有效。")
    await office.write(ANNA, "[图片]", kind="image", message=None)
    await office.write(ANNA, "（密码，已隐去）", message='/inform{"secret": "abc"}')
    made = await dialogue_test(office.db, conversation, "替家人查水费", account_digits=10)
    assert not any(word in made for word in ("王秀兰", "李建国", "1002003004", "13812345678", "望江路", "老房子", "abc"))
    (test,) = yaml.safe_load(made)
    assert test["given"] == {"bound": ["ordinary"]}
    assert test["steps"] == [
        {"customer": "我是林小满，帮林小满查{ordinary.account_no}，电话{ordinary.phone}", "bot": ["要现在缴吗"]},
        {"tap": "是的", "bot": ["缴费链接发给您了"]}, {"image": "yellow_water"}, {"customer": "Lin2Jiang"},
    ]
    path = tmp_path / "made.yml"  # type: ignore[operator]
    path.write_text(made, encoding="utf-8")
    assert load(path)[0].name == "替家人查水费"
