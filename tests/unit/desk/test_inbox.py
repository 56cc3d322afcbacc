"""Lists, counts, search, transcripts."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select, text

from services.desk.inbox import Filters
from services.desk.model import Done
from services.errors import SearchTooShort, UnknownConversation
from store.models import Binding, ConversationGram, Customer
from tests.unit.desk.office import ANNA, BELLA, CARLA, Office, understood


async def ids(office: Office, login: str = "li", **filters: object) -> list[int]:
    return [row.id for row in (await office.desk.inbox.page(Filters(**filters), login)).rows]  # type: ignore[arg-type]


async def test_queues_count_and_list_what_belongs_to_them(office: Office) -> None:
    anna, bella, carla = [await office.write(openid) for openid in (ANNA, BELLA, CARLA)]
    await office.handovers.ask(ANNA, "人工")
    await office.takeover.take(bella, "li")
    assert await office.desk.inbox.counts("li") == {
        "waiting": 1, "mine": 1, "bot": 1, "snoozed": 0, "resolved": 0, "all": 3,
    }
    assert (await ids(office, queue="waiting"), await ids(office, queue="mine"), await ids(office, queue="bot")) == (
        [anna], [bella], [carla],
    )
    assert await ids(office, login="wang", queue="mine") == []
    with pytest.raises(ValueError, match="nonsense"):
        await ids(office, queue="nonsense")


async def test_who_waits_longest_comes_first_with_a_colour_by_the_sla(office: Office) -> None:
    await office.write(ANNA)
    for openid in (BELLA, ANNA, CARLA):
        await office.handovers.ask(openid, "人工")
        office.clock.advance(minutes=2)
    rows = (await office.desk.inbox.page(Filters(queue="waiting"), "li")).rows
    assert [(row.openid, row.waited_seconds, row.colour) for row in rows] == [
        (BELLA, 360, "late"), (ANNA, 240, "warn"), (CARLA, 120, "warn"),
    ]


@pytest.mark.parametrize("queue", ["waiting", "mine", "all"])
async def test_pages_follow_each_other_without_gap_or_repeat(office: Office, queue: str) -> None:
    if queue == "mine":
        await office.come("li", capacity=9)
    for number in range(7):
        await office.write(f"o{number}")
        await office.handovers.ask(f"o{number}", "人工")
        office.clock.advance(seconds=number % 2)  # some at the same moment
    seen: list[int] = []
    after = None
    while True:
        page = await office.desk.inbox.page(Filters(queue=queue), "li", after, size=3)
        seen += [row.id for row in page.rows]
        after = page.next
        if after is None:
            break
    assert sorted(seen) == sorted(set(seen))
    assert len(seen) == 7
    assert seen == await ids(office, queue=queue)


async def test_every_filter_finds_its_own(office: Office) -> None:
    anna = await office.write(ANNA, "查账单", understood(entities=[{"entity": "period", "value": "8月"}]))
    bella = await office.write(BELLA, "看照片", understood("repair_report", 0.4, actions=[Done("action_repair")]), kind="image")
    carla = await office.write(CARLA, "嗯？", understood("nlu_fallback", 0.2, actions=()), kind="voice")
    await office.takeover.take(anna, "li")
    await office.takeover.rated(ANNA, 2)
    tag = await office.desk.reviews.tag(bella, "li", "漏水")
    now = office.clock.now()
    async with office.db.begin() as session:
        session.add(Customer(openid=CARLA, created_at=now, last_seen_at=now))
        await session.flush()
        session.add(Binding(openid=CARLA, account_no="1000000001", owner="x", address="y", created_at=now))
    for filters, found in (
        ({"intent": "bill_current"}, [anna]), ({"entity": "period"}, [anna]), ({"task": "action_repair"}, [bella]),
        ({"confidence_below": 0.5}, [carla, bella]), ({"outcome": "not_understood"}, [carla]), ({"tag": tag}, [bella]),
        ({"rating": 2}, [anna]), ({"account_no": "1000000001"}, [carla]), ({"agent": "li"}, [anna]),
        ({"has_photo": True}, [bella]), ({"has_voice": True}, [carla]), ({"fell_back": True}, [carla]),
        ({"since": date(2026, 11, 2), "until": date(2026, 11, 2)}, [carla, bella, anna]), ({"until": date(2026, 11, 1)}, []),
        ({"intent": "bill_current", "has_photo": True}, []),
    ):
        assert await ids(office, **filters) == found, filters


async def test_words_are_found_where_they_really_stand(office: Office) -> None:
    anna = await office.write(ANNA, "我家云栖路８８号的水表坏了")
    bella = await office.write(BELLA, "水费表")
    await office.write(BELLA, "水表不坏，坏的是阀门")
    for words, found in (
        ("水表坏", [anna]), ("云栖路88号", [anna]), ("水表", [bella, anna]), ("表坏了 ", [anna]),
        ("坏了水表", []), ("没说过", []),
    ):
        assert await ids(office, text=words) == found, words
    with pytest.raises(SearchTooShort):
        await ids(office, text=" 水。")


async def test_a_search_goes_on_from_page_to_page(office: Office) -> None:
    for number in range(5):
        await office.write(f"o{number}", "水管漏水了")
        office.clock.advance(seconds=1)
    first = await office.desk.inbox.page(Filters(text="漏水"), "li", size=3)
    second = await office.desk.inbox.page(Filters(text="漏水"), "li", first.next, size=3)
    assert [row.openid for row in (*first.rows, *second.rows)] == ["o4", "o3", "o2", "o1", "o0"]


async def test_what_staff_write_is_found_too_and_the_table_holds_no_words(office: Office) -> None:
    conversation = await office.write(ANNA, "你好")
    await office.sending.text(conversation, "li", "k1", "已为您派单")
    assert await ids(office, text="派单") == [conversation]
    async with office.db.read() as session:
        rows = (await session.scalars(select(ConversationGram.gram))).all()
        key = await session.scalar(text("SELECT secret FROM search_key"))
    assert len(rows) == 5
    assert key is not None
    assert key.startswith("k1.")


async def test_what_is_kept_no_longer_is_not_searched_any_more(office: Office) -> None:
    conversation = await office.write(ANNA, "漏水")
    office.clock.advance(days=60)
    await office.write(ANNA, "谢谢")
    assert await office.desk.search.prune(date(2026, 11, 30)) == 0
    assert await office.desk.search.prune(date(2026, 12, 1)) == 1
    assert await ids(office, text="漏水") == []
    assert await ids(office, text="谢谢") == [conversation]


async def test_a_transcript_has_who_said_what_and_how_it_was_understood(office: Office) -> None:
    what = understood(
        "bill_current", 0.81, runner_up="arrears", runner_up_confidence=0.12, form="bind_form", asks="account",
        entities=[{"entity": "phone", "value": "13900000001"}], slots={"account_no": "1000000001"},
    )
    conversation = await office.write(ANNA, "我的电话13900000001", what)
    await office.answer(ANNA, "请问户号是多少？")
    await office.sending.text(conversation, "li", "k1", "您好")
    asked, answered, staff = await office.desk.inbox.transcript(conversation)
    assert (asked.by, asked.text, asked.understood) == ("customer", "我的电话139****01", what)
    assert (answered.by, answered.text, answered.understood) == ("bot", "请问户号是多少？", None)
    assert (staff.by, staff.sender, staff.text) == ("staff", "li", "您好")
    plain = await office.desk.inbox.transcript(conversation, before=answered.id, masked=False)
    assert [said.text for said in plain] == ["我的电话13900000001"]
    with pytest.raises(UnknownConversation):
        await office.desk.inbox.transcript(999)


async def test_the_same_understanding_twice_counts_once(office: Office) -> None:
    lost = understood("nlu_fallback", 0.2, actions=())
    conversation = await office.write(ANNA, "嗯", lost)
    message = (await office.messages(ANNA))[0]
    async with office.db.begin() as session:
        await office.desk.ledger.understood(session, ANNA, message.id, lost)
    assert (await office.row(conversation)).fallbacks == 1


async def test_an_export_has_every_conversation_once(office: Office) -> None:
    for number in range(4):
        await office.write(f"o{number}")
    rows = [row async for row in office.desk.inbox.export(Filters(), "li")]
    assert sorted(row.openid for row in rows) == ["o0", "o1", "o2", "o3"]
