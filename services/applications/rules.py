"""What the utility's rules say to an application: where, when, with which documents, and what it changes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from runxia.utility import ApplicationRules, ConnectionUse, NatureKind, ServedDistrict, StopRules, Tariff
from services.applications.ports import Filing, Kind, State
from services.billing.tariff import PriceList, price_list

CLOSED = frozenset({State.DONE, State.REJECTED, State.WITHDRAWN})
# Once the trench is open there is nothing to withdraw.
WITHDRAWABLE = frozenset(State) - CLOSED - {State.CONSTRUCTING}
ON_ACCOUNT = frozenset(Kind) - {Kind.INSTALL}
# 上海市…, 萧山区, 桐庐县; but not 望江小区, 开发区, 厂区.
_OTHER_PLACE = re.compile(
    r"^[\u4e00-\u9fff]{2,3}[省市]|[\u4e00-\u9fff]{2}(?<![小社园校厂景街片发业活宅假城])区|[\u4e00-\u9fff]{2}县",
)

_ADDRESS_LIKE = re.compile(r"[\u4e00-\u9fff](?:.*[路街巷道弄村镇乡里坊区园苑城府湾庄号幢栋楼组队]|.*\d)")


@dataclass(frozen=True, slots=True)
class Placed:
    """Where an address is: a district served; or ``elsewhere``, because it names another place; or unknown."""

    district: str | None
    elsewhere: bool = False


def place(address: str, area: Sequence[ServedDistrict], city: str) -> Placed:
    """Find the district of an address by its name, else by the streets and places known in it."""
    named = next((each.district for each in area if each.district in address), None)
    if named:
        return Placed(named)
    rest = address.replace(city, "")
    if _OTHER_PLACE.search(rest):
        return Placed(None, elsewhere=True)
    return Placed(next((each.district for each in area if any(word in rest for word in each.places)), None))


def is_address_like(text: str) -> bool:
    """Whether a text may be an address at all: a street, a place, a house."""
    return _ADDRESS_LIKE.search(text) is not None


def city_of(utility_name: str) -> str:
    """``临江市自来水有限公司`` → ``临江市``."""
    found = re.match(r".+?市", utility_name)
    return found.group() if found else utility_name


def use_said(text: str, uses: Iterable[ConnectionUse]) -> ConnectionUse | None:
    """What a connection is for, by the customer's words; the last kind that fits, as the rarer ones come last."""
    return next((use for use in reversed(list(uses)) if any(word in text for word in use.words)), None)


def natures_said(text: str, kinds: Iterable[NatureKind]) -> list[str]:
    """The kinds of use that a text speaks of; 非居民 is not 居民."""
    plain = text.replace("非居民", "经营")
    return [each.kind for each in kinds if any(word in plain for word in each.words)]


def documents_for(filing: Filing, rules: ApplicationRules) -> list[str]:
    """Ids of the documents that an application needs."""
    match filing.kind:
        case Kind.INSTALL:
            return next((use.documents for use in rules.installation.uses if use.use == filing.use), [])
        case Kind.HOUSEHOLD:
            return rules.household.documents
        case Kind.NATURE:
            return next((each.documents for each in rules.nature.kinds if each.kind == filing.nature), [])
        case _:
            return []


def first_stop_day(rules: StopRules, today: date) -> date:
    """The earliest day without water."""
    return today + timedelta(days=rules.notice_days)


def last_start_day(rules: StopRules, today: date) -> date:
    """The latest day on which a stop may begin."""
    return today + timedelta(days=rules.latest_days)


def stop_ends(rules: StopRules, start: date) -> tuple[date, date]:
    """The earliest and the latest last day of a stop that begins on ``start``."""
    return start + timedelta(days=rules.min_days - 1), start + timedelta(days=rules.max_days - 1)


@dataclass(frozen=True, slots=True)
class TariffChange:
    """The prices of an account before and after an application."""

    before: PriceList
    after: PriceList


def tariff_change(filing: Filing, tariff: Tariff, kind: str, people: int) -> TariffChange | None:
    """What an application changes in the prices of an account of ``kind`` with ``people``; none where it changes none."""
    if filing.kind is Kind.HOUSEHOLD:
        return TariffChange(price_list(tariff, "residential", people), price_list(tariff, "residential", filing.people))
    if filing.kind is Kind.NATURE and filing.nature:
        return TariffChange(price_list(tariff, kind, people), price_list(tariff, filing.nature, people))
    return None


def months_later(day: date, months: int) -> date:
    """The same day some months on, or the last day of that month."""
    index = day.year * 12 + day.month - 1 + months
    first = date(index // 12, index % 12 + 1, 1)
    following = date((index + 1) // 12, (index + 1) % 12 + 1, 1)
    return min(first + timedelta(days=day.day - 1), following - timedelta(days=1))
