"""What words say about a fault."""

from __future__ import annotations

import pytest

from services.repairs.triage import Fault, Spot, read


@pytest.mark.parametrize(("text", "intent", "fault", "spot"), [
    ("门口马路上水管爆了", "repair_report", Fault.BURST, Spot.ROAD),
    ("水表前面那个阀门漏水", "repair_report", Fault.LEAK, Spot.BEFORE_METER),
    ("表后的弯头裂了", "repair_report", Fault.LEAK, Spot.AFTER_METER),
    ("楼道水表箱滴水", "repair_report", Fault.LEAK, Spot.BEFORE_METER),
    ("厨房水槽下面漏", "repair_report", Fault.LEAK, Spot.AFTER_METER),
    ("水表不转了", "repair_report", Fault.METER, None),
    ("总阀锈死关不掉", "repair_report", Fault.VALVE, Spot.BEFORE_METER),
    ("路上少了个井盖", "repair_report", Fault.COVER, Spot.ROAD),
    ("报修", "repair_report", None, None),
    ("我们小区没水了", "low_pressure_or_outage_unplanned", Fault.NO_WATER, None),
    ("没水，小区都停了", "low_pressure_or_outage_unplanned", Fault.NO_WATER, None),
    ("水压低得洗不了澡", "low_pressure_or_outage_unplanned", Fault.LOW_PRESSURE, None),
    ("水流特别小", "low_pressure_or_outage_unplanned", Fault.LOW_PRESSURE, None),
    ("水有股漂白粉味", "yellow_water", Fault.ODOUR, None),
    ("水又黄又臭", "yellow_water", Fault.DISCOLOURED, None),
    ("跟茶一样", "yellow_water", Fault.DISCOLOURED, None),
])
def test_fault_and_spot(text: str, intent: str, fault: Fault | None, spot: Spot | None) -> None:
    found = read(text, intent)
    assert (found.fault, found.spot) == (fault, spot)


def test_heavy() -> None:
    assert read("路上哗哗流水").heavy
    assert not read("接头有点渗").heavy
