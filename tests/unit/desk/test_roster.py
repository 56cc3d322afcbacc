"""Whose turn it is."""

from __future__ import annotations

import asyncio
from datetime import datetime

from runxia.clock import SHANGHAI
from tests.unit.desk.office import Office


async def ask(office: Office, count: int) -> list[int]:
    conversations = []
    for number in range(count):
        openid = f"o{number:02}"
        conversations.append(await office.write(openid))
        await office.handovers.ask(openid, "人工")
        office.clock.advance(seconds=1)
    return conversations


async def owners(office: Office, conversations: list[int]) -> list[str | None]:
    return [(await office.stands(each))[1] for each in conversations]


async def test_conversations_go_round_up_to_capacity_and_the_rest_wait(office: Office) -> None:
    await office.come("li", "wang", capacity=2)
    given = await owners(office, await ask(office, 5))
    assert given == ["li", "wang", "li", "wang", None]
    assert [(each.login, each.load, each.online) for each in await office.desk.roster.agents()] == [
        ("li", 2, True), ("wang", 2, True),
    ]


async def test_conversations_that_come_at_once_do_not_exceed_a_capacity(office: Office) -> None:
    await office.come("li", "wang", capacity=2)
    conversations = [await office.write(f"o{number}") for number in range(8)]
    await asyncio.gather(*(office.handovers.ask(f"o{number}", "人工") for number in range(8)))
    given = await owners(office, conversations)
    assert sorted(filter(None, given)) == ["li", "li", "wang", "wang"]


async def test_the_usual_capacity_is_that_of_the_utility(office: Office) -> None:
    await office.come("li")
    assert (await owners(office, await ask(office, 4))).count("li") == 3


async def test_who_comes_gets_the_oldest_that_wait(office: Office) -> None:
    conversations = await ask(office, 3)
    await office.come("li", capacity=2)
    assert await owners(office, conversations) == ["li", "li", None]


async def test_who_ends_one_gets_the_next(office: Office) -> None:
    await office.come("li", capacity=1)
    first, second = await ask(office, 2)
    await office.takeover.take(first, "li")
    await office.takeover.resolve(first, "li")
    assert await owners(office, [first, second]) == [None, "li"]


async def test_who_goes_gives_theirs_to_colleagues(office: Office) -> None:
    await office.come("li", capacity=2)
    first, second = await ask(office, 2)
    await office.takeover.take(first, "li")
    await office.come("wang", capacity=1)
    await office.desk.roster.set_online("li", online=False)
    assert await office.stands(first) == ("waiting", "wang")
    assert await office.stands(second) == ("waiting", None)


async def test_who_is_silent_for_too_long_has_gone(office: Office) -> None:
    await office.come("li")
    (conversation,) = await ask(office, 1)
    office.clock.advance(seconds=60)
    await office.desk.roster.seen("li")
    office.clock.advance(seconds=60)
    assert await office.desk.roster.release_absent() == 0
    office.clock.advance(seconds=60)
    assert await office.desk.roster.release_absent() == 1
    assert await office.stands(conversation) == ("waiting", None)
    assert [each.online for each in await office.desk.roster.agents()] == [False]


async def test_nobody_is_given_anything_at_night(office: Office) -> None:
    office.clock.moment = datetime(2026, 11, 2, 20, tzinfo=SHANGHAI)
    await office.come("li")
    conversations = await ask(office, 1)
    assert await owners(office, conversations) == [None]
    office.clock.moment = datetime(2026, 11, 3, 8, 30, tzinfo=SHANGHAI)
    await office.come("li")
    assert await owners(office, conversations) == ["li"]
