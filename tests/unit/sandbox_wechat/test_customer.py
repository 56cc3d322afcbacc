"""What the phone page and the tests of everything drive."""

from __future__ import annotations

import asyncio

from tests.unit.sandbox_wechat.conftest import OPENID, World


async def test_messages_can_be_waited_for(world: World) -> None:
    await world.send(type="text", content="账单")
    last = world.wechat.inbox.last_id(OPENID)
    waiting = asyncio.create_task(world.http.get(
        "/sandbox/wechat/messages", params={"openid": OPENID, "after": last, "wait": 20},
    ))
    await world.custom("来了")
    assert [each["rendered"]["plain"] for each in (await waiting).json()["messages"]] == ["来了"]


async def test_messages_are_one_customers_own(world: World) -> None:
    await world.send(type="text", content="账单")
    assert (await world.http.get("/sandbox/wechat/messages", params={"openid": "oOther"})).json() == {"messages": []}


async def test_the_stream_tells_of_messages_and_of_typing(world: World) -> None:
    await world.send(type="text", content="账单")
    async with world.http.stream("GET", "/sandbox/wechat/stream", params={"openid": OPENID}) as stream:
        lines = stream.aiter_lines()

        async def until(event: str) -> str:
            async for line in lines:
                if line == f"event: {event}":
                    return "".join([await anext(lines), await anext(lines)])
            raise AssertionError(event)

        assert "账单" in await until("message")
        assert '"typing": false' in await until("state")
        await world.call("message/custom/typing", {"touser": OPENID, "command": "Typing"})
        assert '"typing": true' in await until("state")


async def test_the_journal_keeps_what_went_over_the_wire_without_secrets(world: World) -> None:
    await world.send(type="text", content="账单")
    await world.custom("您好")
    traffic = (await world.http.get("/sandbox/wechat/traffic")).json()["traffic"]
    assert [(entry["side"], entry["outcome"]) for entry in traffic] == [("callback", "ok"), ("api", "ok"), ("api", "ok")]
    assert "账单" in traffic[0]["request"]
    token = await world.token()
    assert not any(token in entry["name"] + entry["request"] + entry["response"] for entry in traffic)
    assert "app-secret" not in str(traffic)


async def test_a_new_customer_does_not_follow_yet(world: World) -> None:
    new = (await world.http.post("/sandbox/wechat/users", json={"nickname": "小李"})).json()
    assert (new["nickname"], new["subscribed"], len(new["openid"])) == ("小李", False, 28)
    follow = {"openid": new["openid"], "type": "event", "event": "subscribe"}
    followed = await world.http.post("/sandbox/wechat/send", json=follow)
    assert followed.status_code == 200
    assert world.wechat.users.find(new["openid"]).subscribed  # type: ignore[union-attr]
