"""Water quality: what was measured, whether it keeps the standard, and single indicators."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from rasa_sdk.events import EventType

from actions import figures
from actions.flow import Task
from actions.outages import place_asked
from actions.turn import Turn
from runxia.utility import Indicator
from services.accounts import BoundAccount, named_in
from services.outages import Place
from services.quality import Judged, Sample, latest
from services.website import Published

POINTS = {"outlet": "出厂水", "tap": "管网末梢水"}
DRINK = re.compile(r"能喝|直饮|直接喝|生喝|生饮|可以喝|敢喝|好喝")
EVERYWHERE = re.compile(r"全市|所有水厂|各水厂|每个水厂|哪个水厂最")
BUTTONS = [("我家水有颜色或气味", "/yellow_water"), ("订阅水质通知", "/sub_quality")]


class ActionQualityQuery(Task):
    """水质怎么样, 余氯多少: of the works named, or that serves the place named or the account bound, else of all."""

    follows_up = True

    def name(self) -> str:
        """The name in the domain."""
        return "action_quality_query"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Find the samples, and say a verdict first."""
        quality, hotline = turn.services.quality, turn.services.utility.hotline.phone
        place = None if EVERYWHERE.search(turn.text) else await place_asked(turn) or await _home(turn)
        published = await quality.samples(turn.text, place)
        samples = self._of_the_day(turn, published)
        if not samples:
            turn.say("utter_quality_nothing", website=turn.services.utility.website, hotline=hotline)
            return []
        self._tell(turn, samples, quality.indicators_in(turn.text))
        if DRINK.search(turn.text):
            failed = any(sample.failed for sample in samples)
            turn.say("utter_quality_drink_not" if failed else "utter_quality_drink", hotline=hotline)
        stale = "utter_website_stale" if published.stale else "utter_website_as_of"
        turn.say(stale, as_of=figures.moment(published.as_of), hotline=hotline)
        return []

    @staticmethod
    def _tell(turn: Turn, samples: Sequence[Sample], asked: Sequence[Indicator]) -> None:
        """The indicators asked for, else one works in full, else a verdict on each."""
        standard = turn.services.utility.water_quality.standard
        if asked:
            turn.say("utter_quality_indicators", lines=indicator_lines(asked, samples), standard=standard, buttons=BUTTONS)
        elif len(samples) == 1:
            turn.say("utter_quality_report", lines=report_lines(samples[0]), standard=standard, buttons=BUTTONS)
        else:
            turn.say("utter_quality_works", lines=works_lines(samples), standard=standard, buttons=BUTTONS)

    @staticmethod
    def _of_the_day(turn: Turn, published: Published[Sample]) -> list[Sample]:
        """The samples of the day asked for; where there are none, the newest, after saying so."""
        days = _days_asked(turn)
        if days is None:
            return latest(published.items)
        first, last, text = days
        then = [sample for sample in published.items if first <= sample.report.sampled_on <= last]
        if not then and published.items:
            sampled = [sample.report.sampled_on for sample in published.items]
            turn.say(
                "utter_quality_other_days", day=text, first=figures.day(min(sampled)), last=figures.day(max(sampled)),
            )
        return latest(then or published.items)


def _days_asked(turn: Turn) -> tuple[date, date, str] | None:
    for value in (*turn.values.all("date"), *turn.values.all("period")):
        first, last = (date.fromisoformat(value[end]) for end in ("from", "to"))
        if value["from"] != turn.services.clock.now().date().isoformat():  # 今天的水质: the newest there is
            return first, last, str(value.get("text") or figures.day(first))
    return None


async def _home(turn: Turn) -> Place | None:
    """Where the account in question is; none where none is bound."""
    bound = await turn.services.accounts.bindings(turn.openid)
    if not bound:
        return None
    chosen = named_in(turn.text, bound) or bound[0]
    addresses = await turn.services.accounts.addresses(turn.openid)
    return Place.parse(addresses[chosen.account_no], turn.services.outages.districts)


def report_lines(sample: Sample) -> str:
    """One works: the verdict, and every value with its limit."""
    return "\n".join([verdict(sample), *(_value_line(value, sample.report.point) for value in sample.values)])


def works_lines(samples: Sequence[Sample]) -> str:
    """Several works: one verdict each, with what is outside the limits."""
    blocks = []
    for sample in samples:
        wrong = [_value_line(value, sample.report.point) for value in sample.failed]
        blocks.append("\n".join([verdict(sample), *wrong]))
    return "\n".join(blocks)


def verdict(sample: Sample) -> str:
    """``临江清溪水厂（供滨江区）11月19日出厂水：检测13项，全部合格``."""
    report = sample.report
    checked = [value for value in sample.values if value.within is not None]
    result = f"{len(sample.failed)}项不合格" if sample.failed else "全部合格"
    where = f"{report.works}（供{'、'.join(report.areas)}）{figures.day(report.sampled_on)}{POINTS[report.point]}"
    return f"{where}：检测{len(checked)}项，{result}"


def indicator_lines(asked: Sequence[Indicator], samples: Sequence[Sample]) -> str:
    """For each indicator what it is about and its limit, then each works' value."""
    blocks = []
    for indicator in asked:
        head = f"{indicator.name}（{indicator.about}）：{limit(indicator, samples[0].report.point)}"
        blocks.append("\n".join([head, *(_of_works(indicator, sample) for sample in samples)]))
    return "\n\n".join(blocks)


def limit(indicator: Indicator, point: str) -> str:
    """``国标不超过1 NTU``, ``国标0.3至2 mg/L``, ``国标要求未检出``."""
    if indicator.words:
        return f"国标要求{indicator.words[0]}"
    unit = f" {indicator.unit}" if indicator.unit else ""
    lowest = indicator.at_least_tap if point == "tap" else indicator.at_least_outlet
    lowest = indicator.at_least if lowest is None else lowest
    if lowest is None:
        return f"国标不超过{indicator.at_most}{unit}"
    return f"国标{lowest}至{indicator.at_most}{unit}"


def _of_works(indicator: Indicator, sample: Sample) -> str:
    report = sample.report
    where = f"· {report.works}（供{'、'.join(report.areas)}）{figures.day(report.sampled_on)}{POINTS[report.point]}："
    value = sample.value(indicator)
    if value is None:
        return f"{where}这天公布的数据里没有这一项"
    return where + _value(value)


def _value_line(value: Judged, point: str) -> str:
    name = value.indicator.name if value.indicator else value.measurement.indicator
    bound = f"（{limit(value.indicator, point)}）" if value.indicator else ""
    return f"· {name} {_value(value)}{bound}"


def _value(value: Judged) -> str:
    unit = f" {value.indicator.unit}" if value.indicator and value.indicator.unit and value.number is not None else ""
    level = f"，{value.level}" if value.level else ""
    outside = "，不合格" if value.within is False else ""
    return f"{value.measurement.value}{unit}{level}{outside}"
