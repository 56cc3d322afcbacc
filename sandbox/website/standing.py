"""What is on the website without anybody publishing it: always the same for the same hour, so that a demonstration never finds
an empty site.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from random import Random

from runxia.clock import SHANGHAI
from services.website import Measurement, OutageKind, OutageNotice, QualityReport

SEED = 5749
QUALITY_DAYS = 7
SAMPLED_BY = time(7, 30)
PUBLISHED_AT = time(10)  # yesterday's sample is published in the morning
SUDDEN_EVERY_HOURS = 4

WORKS = (
    ("临江城东水厂", ("江东区",)),
    ("临江清溪水厂", ("滨江区",)),
    ("临江西溪水厂", ("西湖区",)),
)
# Days from today, hours, kind, areas, reason.
_PLANNED = (
    (-3, 9, 17, ("西湖区柳荫街", "西湖区荷影路50号至90号"), "更换老旧供水管道"),
    (1, 9, 17, ("滨江区云栖路2号至120号",), "供水管道改造，新管与旧管对接"),
    (2, 22, 30, ("江东区望潮街", "江东区渔浦路1号至99号（单号）"), "主干管阀门更换，夜间施工"),
    (5, 8, 16, ("西湖区茶亭路", "西湖区荷塘花苑"), "二次供水泵房年度检修和水箱清洗"),
)
_SUDDEN = (("滨江区潮起街200号至300号",), "路面下沉压坏供水管，抢修队已到现场")


def notices(now: datetime) -> list[OutageNotice]:
    """The notices of the days around ``now``, newest first; one sudden outage is always going on."""
    today = now.astimezone(SHANGHAI).date()
    found = [_planned(today, *each) for each in _PLANNED]
    found.append(_sudden(now))
    return sorted(found, key=lambda notice: notice.published_at, reverse=True)


def _planned(today: date, days: int, start: int, end: int, areas: tuple[str, ...], reason: str) -> OutageNotice:
    midnight = datetime.combine(today + timedelta(days=days), time(), SHANGHAI)
    published = datetime.combine(today + timedelta(days=days - 6), time(16), SHANGHAI)
    return OutageNotice(
        f"TS{midnight:%Y%m%d}{start:02d}", OutageKind.PLANNED, areas, reason,
        midnight + timedelta(hours=start), midnight + timedelta(hours=end), published,
    )


def _sudden(now: datetime) -> OutageNotice:
    slot = now.astimezone(SHANGHAI).replace(minute=0, second=0, microsecond=0)
    slot -= timedelta(hours=slot.hour % SUDDEN_EVERY_HOURS)
    areas, reason = _SUDDEN
    start = slot - timedelta(minutes=40)
    return OutageNotice(
        f"QX{slot:%Y%m%d%H}", OutageKind.SUDDEN, areas, reason, start,
        slot + timedelta(hours=SUDDEN_EVERY_HOURS + 2), start + timedelta(minutes=15),
    )


def reports(now: datetime) -> list[QualityReport]:
    """The reports published by ``now``, newest first."""
    here = now.astimezone(SHANGHAI)
    newest = here.date() - timedelta(days=1 if here.time() >= PUBLISHED_AT else 2)
    return [
        _report(number, newest - timedelta(days=ago))
        for ago in range(QUALITY_DAYS) for number in range(len(WORKS))
    ]


def _report(number: int, day: date) -> QualityReport:
    works, areas = WORKS[number]
    random = Random(f"{SEED}:{number}:{day}")
    measured = (
        ("浑浊度", f"{random.uniform(0.08, 0.32):.2f}"),
        ("色度", "<5"),
        ("臭和味", "无"),
        ("肉眼可见物", "无"),
        ("pH", f"{random.uniform(7.2, 7.8):.2f}"),
        ("游离氯", f"{random.uniform(0.35, 0.65):.2f}"),
        ("总硬度", f"{random.uniform(86, 128):.0f}"),
        ("溶解性总固体", f"{random.uniform(150, 220):.0f}"),
        ("高锰酸盐指数", f"{random.uniform(0.9, 1.6):.2f}"),
        ("氨", f"{random.uniform(0.02, 0.08):.2f}"),
        ("铁", "<0.05"),
        ("菌落总数", str(random.choice((0, 0, 0, 1, 2)))),
        ("总大肠菌群", "未检出"),
    )
    published = datetime.combine(day + timedelta(days=1), PUBLISHED_AT, SHANGHAI)
    return QualityReport(
        f"SZ{day:%Y%m%d}{number + 1:02d}", works, areas, "outlet", day, published,
        tuple(Measurement(name, value) for name, value in measured),
    )
