"""What is said when a customer asks about outages. The accounts' addresses are those of ``tests.fakes``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from actions.outages import ActionOutageQuery
from services.outages import OutageKind
from tests.fakes import number_of, outage
from tests.unit.answering import Answer, answer
from tests.unit.website.conftest import NOW, Home

TOMORROW = NOW.replace(hour=9, minute=0) + timedelta(days=1)


def day(iso: str, text: str) -> tuple[str, Any]:
    return ("date", {"from": iso, "to": iso, "part": None, "text": text, "past": False})


async def ask(text: str, *entities: tuple[str, Any], **slots: Any) -> Answer:
    return await answer(ActionOutageQuery(), text, intent="outage_query", entities=entities, slots=slots)


async def test_the_bound_address(home: Home) -> None:
    await home.bind("ordinary")  # 滨江区云栖路88号3栋502室
    near, far = outage(starts_at=TOMORROW, areas=("滨江区云栖路2号至120号",)), outage("TS2", areas=("西湖区茶亭路",))
    home.website.notices = [near, far]
    said = await ask("明天停水吗", day("2026-11-22", "明天"))
    assert "查到 1 条停水公告" in said.text
    assert "11月22日（周日）9:00到17:00" in said.text
    assert "还没开始" in said.text
    assert "查询时间 11月21日（周六）9:00" in said.text
    assert "502室" not in said.text
    assert "/sub_outage" in said.buttons.values()


async def test_nothing_is_said_with_the_time_and_a_way_to_report(home: Home) -> None:
    await home.bind("ordinary")
    home.website.notices = [outage(areas=("西湖区茶亭路",))]
    said = await ask("今天会停水吗")
    assert "没有停水公告" in said.text
    assert "查询时间" in said.text
    assert said.buttons["家里没水，报上去"] == "/low_pressure_or_outage_unplanned"


async def test_a_street_that_is_named_comes_before_the_home(home: Home) -> None:
    await home.bind("ordinary")
    home.website.notices = [outage(areas=("西湖区茶亭路",))]
    assert "西湖区茶亭路" in (await ask("茶亭路停水吗", ("address", "茶亭路"))).text
    assert "松风巷今天起一周内没有停水公告" in (await ask("松风巷停水吗", ("address", "松风巷"))).text
    assert "望江花苑今天起一周内没有停水公告" in (await ask("我们望江花苑停水吗")).text


async def test_our_compound_is_where_the_account_is(home: Home) -> None:
    await home.bind("ordinary")
    home.website.notices = [outage()]
    assert "查到 1 条" in (await ask("我们小区停水吗", ("address", "我们小区"))).text


async def test_a_district(home: Home) -> None:
    home.website.notices = [outage(areas=("西湖区茶亭路",)), outage("TS2", areas=("江东区望潮街",))]
    said = await ask("江东这几天停不停水")
    assert "望潮街" in said.text
    assert "茶亭路" not in said.text


async def test_a_house_number_outside_the_range(home: Home) -> None:
    home.website.notices = [outage(areas=("滨江区云栖路2号至120号",))]
    assert "没有停水公告" in (await ask("滨江区云栖路186号停吗", ("address", "滨江区云栖路186号"))).text
    assert "查到 1 条" in (await ask("滨江区云栖路93号停吗", ("address", "滨江区云栖路93号"))).text


async def test_another_day(home: Home) -> None:
    await home.bind("ordinary")
    home.website.notices = [outage(starts_at=TOMORROW)]
    assert "没有停水公告" in (await ask("后天停水吗", day("2026-11-23", "后天"))).text


async def test_these_days_are_those_to_come(home: Home) -> None:
    await home.bind("ordinary")
    home.website.notices = [outage(starts_at=TOMORROW + timedelta(days=3))]
    days = {"from": "2026-11-19", "to": "2026-11-21", "part": None, "text": "这几天", "past": False}
    assert "查到 1 条" in (await ask("这几天停水吗", ("date", days))).text


async def test_a_sudden_one_that_should_be_over(home: Home) -> None:
    await home.bind("ordinary")
    home.website.notices = [outage(kind=OutageKind.SUDDEN, starts_at=NOW - timedelta(hours=5), hours=4)]
    said = await ask("几点来水")
    assert "【突发停水】已到预计来水时间" in said.text
    assert said.buttons["家里没水，报上去"]


async def test_all_accounts_are_looked_at(home: Home) -> None:
    await home.bind("neighbour_a", "neighbour_b", neighbour_b="爸妈家")
    home.website.notices = [outage(areas=("江东区望潮街",))]
    said = await ask("停水吗")
    assert "爸妈家查到 1 条" in said.text
    assert "没有停水公告" not in said.text
    assert "没有停水公告" in (await ask("尾号0003那户停水吗")).text


async def test_nobody_is_told_of_foreign_accounts(home: Home) -> None:
    await home.bind("ordinary")
    said = await ask("这户停水吗", ("account_no", number_of("arrears")))
    assert "没有绑定在您的微信上" in said.text


async def test_without_an_account_all_is_shown(home: Home) -> None:
    home.website.notices = [outage(areas=("西湖区茶亭路",)), outage("TS2", areas=("江东区望潮街",))]
    said = await ask("查停水")
    assert "全市有 2 条" in said.text
    assert said.buttons["绑定户号"]
    home.website.notices = []
    assert "全市没有停水公告" in (await ask("查停水")).text


async def test_where_the_water_is_off_is_asked_of_the_whole_town(home: Home) -> None:
    await home.bind("ordinary")
    home.website.notices = [outage(areas=("西湖区茶亭路",))]
    assert "西湖区茶亭路" in (await ask("哪些地方在停水")).text


async def test_old_information_says_so(home: Home) -> None:
    home.website.stale = True
    assert "官网现在打不开，上面是 11月21日（周六）9:00 读到的" in (await ask("查停水")).text


async def test_no_information_says_so_and_can_be_tried_again(home: Home) -> None:
    home.website.down = True
    said = await ask("明天停水吗")
    assert "官网现在打不开" in said.text
    assert "0571-96390" in said.text
    assert said.slot("pending_task") == "action_outage_query"


async def test_three_thousand_characters_and_signs(home: Home) -> None:
    await home.bind("ordinary")
    assert (await ask("停水吗😀" * 600)).text
