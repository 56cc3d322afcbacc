"""Water quality: judged by GB 5749-2022, and told in plain words."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from actions.quality import ActionQualityQuery
from runxia.utility import load_utility
from services.outages import Place
from services.quality import Quality, latest
from tests.fakes import FakeWebsite, quality_report
from tests.unit.answering import Answer, answer
from tests.unit.website.conftest import Home
from tests.unit.website.test_outages import UTILITY, UTILITY_FILE

EAST = {"works": "临江城东水厂", "areas": ("江东区",)}


def judged(**values: str) -> dict[str, bool | None]:
    sample = Quality(FakeWebsite(), UTILITY).judge(quality_report(**values))
    return {value.measurement.indicator: value.within for value in sample.values}


@pytest.mark.parametrize(
    ("indicator", "value", "within"),
    [
        ("浑浊度", "1", True), ("浑浊度", "1.01", False), ("浊度", "0.2", True), ("色度", "<5", True), ("色度", "16", False),
        ("pH", "6.5", True), ("pH", "6.49", False), ("PH", "8.6", False), ("游离氯", "0.3", True), ("游离氯", "0.29", False),
        ("余氯", "2.1", False), ("游离氯", "<0.05", False), ("总硬度", "450", True), ("总硬度", "451", False),
        ("臭和味", "无异臭、异味", True), ("肉眼可见物", "无", True), ("总大肠菌群", "未检出", True),
        ("总大肠菌群", "3", False),
        ("菌落总数", "100", True), ("菌落总数", "101", False), ("耗氧量", "3.1", False), ("氨氮", "0.5", True),
        ("放射性", "0.1", None), ("铅", "<0.005", True), ("铅", "未检出", None),
    ],
)
def test_a_value_is_judged(indicator: str, value: str, within: bool | None) -> None:
    assert judged(**{indicator: value})[indicator] is within


def test_at_the_tap_less_chlorine_will_do() -> None:
    report = quality_report(游离氯="0.1")
    tap = report.__class__(**{name: getattr(report, name) for name in report.__slots__} | {"point": "tap"})
    values = {each.measurement.indicator: each.within for each in Quality(FakeWebsite(), UTILITY).judge(tap).values}
    assert values["游离氯"] is True


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("余氯多少", ["游离氯"]), ("硬度高不高", ["总硬度"]), ("PH值和浊度", ["浑浊度", "pH"]), ("TDS多少", ["溶解性总固体"]),
        ("有没有大肠杆菌", ["总大肠菌群"]), ("水质怎么样", []), ("含铁吗", ["铁"]), ("地铁站附近水质", []), ("氨氮", ["氨"]),
        ("cod是多少", ["高锰酸盐指数"]), ("总硬度多少", ["总硬度"]),
    ],
)
def test_the_indicator_asked_for(text: str, names: list[str]) -> None:
    assert [each.name for each in Quality(FakeWebsite(), UTILITY).indicators_in(text)] == names


async def test_the_works_that_serves_a_place() -> None:
    quality = Quality(FakeWebsite(quality=[quality_report(), quality_report(**EAST)]), UTILITY)  # type: ignore[arg-type]
    assert [each.report.works for each in (await quality.samples(place=Place("江东区", None))).items] == ["临江城东水厂"]
    assert [each.report.works for each in (await quality.samples("清溪水厂的水")).items] == ["临江清溪水厂"]
    assert len((await quality.samples("水质")).items) == 2


def test_the_newest_of_each_works() -> None:
    quality = Quality(FakeWebsite(), UTILITY)
    samples = [quality.judge(quality_report(sampled_on=date(2026, 11, day))) for day in (20, 19)]
    assert [each.report.sampled_on.day for each in latest(samples)] == [20]
    assert [each.report.sampled_on.day for each in latest(samples, date(2026, 11, 19))] == [19]


def test_the_limits_are_those_of_the_standard() -> None:
    """GB 5749-2022, tables 1 to 3 and annex A."""
    most = {each.name: each.at_most for each in load_utility_standard()}
    assert most | {
        "浑浊度": Decimal(1), "色度": Decimal(15), "pH": Decimal("8.5"), "游离氯": Decimal(2), "总硬度": Decimal(450),
        "溶解性总固体": Decimal(1000), "高锰酸盐指数": Decimal(3), "氨": Decimal("0.5"), "铁": Decimal("0.3"),
        "锰": Decimal("0.1"), "铝": Decimal("0.2"), "铅": Decimal("0.01"),
        "砷": Decimal("0.01"), "氟化物": Decimal(1), "氯化物": Decimal(250),
        "硫酸盐": Decimal(250), "硝酸盐": Decimal(10), "菌落总数": Decimal(100),
    } == most


def load_utility_standard() -> Any:
    return UTILITY.water_quality.indicators


def test_a_name_used_twice_is_refused(tmp_path: Any) -> None:
    text = (UTILITY_FILE).read_text(encoding="utf-8").replace("also: [颜色]", "also: [浊度]")
    (tmp_path / "utility.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="used twice"):
        load_utility(tmp_path / "utility.yml")


async def ask(text: str, *entities: tuple[str, Any]) -> Answer:
    return await answer(ActionQualityQuery(), text, intent="quality_query", entities=entities)


async def test_the_works_of_the_bound_address_in_full(home: Home) -> None:
    await home.bind("ordinary")
    home.website.reports = [quality_report(), quality_report(**EAST)]  # type: ignore[arg-type]
    said = await ask("水质怎么样")
    assert "临江清溪水厂（供滨江区）11月20日出厂水：检测10项，全部合格" in said.text
    assert "浑浊度 0.18 NTU（国标不超过1 NTU）" in said.text
    assert "城东" not in said.text
    assert "GB 5749-2022" in said.text
    assert "查询时间" in said.text


async def test_without_an_account_every_works(home: Home) -> None:
    home.website.reports = [quality_report(), quality_report(浑浊度="1.4", **EAST)]  # type: ignore[arg-type]
    said = await ask("水质报告")
    assert "城东水厂（供江东区）11月20日出厂水：检测10项，1项不合格" in said.text
    assert "浑浊度 1.4 NTU，不合格" in said.text


async def test_a_single_indicator_with_a_plain_word(home: Home) -> None:
    await home.bind("ordinary")
    home.website.reports = [quality_report()]
    said = await ask("硬度高不高")
    assert "102 mg/L，偏软" in said.text
    assert "国标不超过450 mg/L" in said.text
    assert "余氯" not in said.text


async def test_an_indicator_that_was_not_measured(home: Home) -> None:
    home.website.reports = [quality_report()]
    assert "没有这一项" in (await ask("含氟多少")).text


async def test_a_day_and_a_day_without_data(home: Home) -> None:
    home.website.reports = [quality_report(), quality_report(sampled_on=date(2026, 11, 18))]
    day = {"from": "2026-11-18", "to": "2026-11-18", "part": None, "text": "18号", "past": True}
    assert "11月18日出厂水" in (await ask("18号的水质", ("date", day))).text
    day = day | {"from": "2026-10-01", "to": "2026-10-01", "text": "国庆"}
    said = await ask("国庆的水质", ("date", day))
    assert "没有国庆的水质数据，官网现有11月18日到11月20日的" in said.text
    assert "11月20日出厂水" in said.text


@pytest.mark.parametrize(("turbidity", "words"), [("0.2", "建议烧开后再喝"), ("3", "请先不要直接饮用")])
async def test_whether_one_may_drink_it(home: Home, turbidity: str, words: str) -> None:
    home.website.reports = [quality_report(浑浊度=turbidity)]
    assert words in (await ask("自来水能直接喝吗")).text


async def test_no_data(home: Home) -> None:
    assert "还没有公布水质数据" in (await ask("水质")).text
    home.website.down = True
    assert "官网现在打不开" in (await ask("水质")).text
