"""The utility's own facts and rules, read from ``utility.yml`` and checked."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

# What can be wrong, as services.repairs.triage tells it; a leak behind the meter is the customer's own.
FAULTS = frozenset({
    "burst", "leak", "leak_after_meter", "no_water", "low_pressure", "discoloured", "odour", "meter", "valve", "cover", "other",
})
URGENCIES = frozenset({"immediate", "urgent", "ordinary"})


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Span(_Facts):
    """A part of a day."""

    starts: time = Field(alias="from")
    ends: time = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Span:
        if self.starts >= self.ends:
            raise ValueError("a span must end after it starts")
        return self


class Staffed(_Facts):
    """The hours in which a person answers in the chat: ISO weekdays (1 is Monday), breaks such as lunch, holidays.

    ``workdays`` are days worked in place of a holiday (调休), whatever their weekday.
    """

    opens: time = Field(alias="from")
    closes: time = Field(alias="to")
    breaks: list[Span] = []
    weekdays: list[int] = [1, 2, 3, 4, 5, 6, 7]
    holidays: list[date] = []
    workdays: list[date] = []

    @model_validator(mode="after")
    def _in_order(self) -> Staffed:
        ends = [self.opens, *(end for each in self.breaks for end in (each.starts, each.ends)), self.closes]
        if ends != sorted(ends) or not self.weekdays or not all(1 <= day <= 7 for day in self.weekdays):
            raise ValueError("staffed hours need weekdays 1 to 7, and breaks in order between opening and closing")
        return self

    @property
    def spans(self) -> list[tuple[time, time]]:
        """The hours of a working day: ``[(8:30, 12:00), (13:00, 17:30)]``."""
        edges = [self.opens, *(end for each in self.breaks for end in (each.starts, each.ends)), self.closes]
        return list(zip(edges[::2], edges[1::2], strict=True))

    def works_on(self, day: date) -> bool:
        """Whether somebody is there on a day at all."""
        return day in self.workdays or (day.isoweekday() in self.weekdays and day not in self.holidays)

    def is_open(self, now: datetime) -> bool:
        """Whether somebody is there now."""
        return self.works_on(now.date()) and any(start <= now.time() < end for start, end in self.spans)

    def next_open(self, now: datetime) -> datetime | None:
        """When somebody will be there; none where that is not within a month."""
        for ahead in range(32):
            day = now.date() + timedelta(days=ahead)
            starts = [datetime.combine(day, start, now.tzinfo) for start, _ in self.spans] if self.works_on(day) else []
            if found := next((start for start in starts if start > now), None):
                return found
        return None


class Hotline(_Facts):
    """The telephone hotline."""

    phone: str
    hours: str
    staffed: Staffed


class AccountNo(_Facts):
    """What an account number looks like."""

    digits: int
    where_to_find: str


class Limits(_Facts):
    """How many accounts go with how many customers."""

    accounts_per_customer: int
    customers_per_account: int


class PasswordRule(_Facts):
    """Strength of a query password."""

    min_length: int
    max_length: int


class Security(_Facts):
    """When and how a customer proves who they are."""

    sensitive_rule: Literal["session", "bound_device"]
    session_minutes: int
    wrong_tries: int
    lock_minutes: int
    code_digits: int
    code_minutes: int
    code_resend_seconds: int
    codes_per_day: int
    password: PasswordRule


class Tier(_Facts):
    """One step of the residential tariff; ``up_to`` is the yearly volume in m³ that it reaches, none for the last."""

    tier: int
    up_to: int | None
    water: Decimal


class Residential(_Facts):
    """The tiered tariff of households. Prices in yuan per m³."""

    people_included: int
    extra_volume_per_person: int
    tiers: list[Tier]
    sewage: Decimal
    resource_fee: Decimal

    @model_validator(mode="after")
    def _tiers_ascend(self) -> Residential:
        ends = [tier.up_to for tier in self.tiers]
        if ends[-1] is not None or None in ends[:-1] or ends[:-1] != sorted(ends[:-1], key=lambda end: end or 0):
            raise ValueError("tiers must ascend, and only the last has no end")
        return self


class FlatTariff(_Facts):
    """A tariff with one price. Yuan per m³."""

    water: Decimal
    sewage: Decimal
    resource_fee: Decimal


class Tariff(_Facts):
    """Prices in force, and the document that sets them."""

    effective_from: date
    source: str
    year_starts: str
    residential: Residential
    commercial: FlatTariff
    special: FlatTariff


class Commitments(_Facts):
    """What the utility promises: hours until somebody comes, working days until something is decided."""

    urgent_arrival_hours: int
    repair_arrival_hours: int
    complaint_days: int
    business_days: int


class Privacy(_Facts):
    """How long personal data is kept: conversations, photos, records of payment."""

    message_days: int = Field(gt=0)
    media_days: int = Field(gt=0)
    payment_years: int


class LateFee(_Facts):
    """The daily charge on what is overdue, as shares of the charge."""

    per_day: Decimal
    cap: Decimal
    grace_days: int


class RefundRules(_Facts):
    """How many days back payments are looked for, and may be asked back."""

    look_back_days: int = Field(ge=1)
    request_days: int = Field(ge=1)


class AutoPayRules(_Facts):
    """Direct debit: when and how CSMS debits. ``highest`` in yuan; a larger bill is left to the customer."""

    link_minutes: int
    debit_days: int
    retries: int
    highest: int


class Prepay(_Facts):
    """How much may be paid in advance at a time, and which amounts are offered. Whole yuan."""

    lowest: int = Field(ge=1)
    highest: int
    offered: list[int]

    @model_validator(mode="after")
    def _offers_fit(self) -> Prepay:
        if not all(self.lowest <= amount <= self.highest for amount in self.offered):
            raise ValueError("amounts offered must lie between the lowest and the highest")
        return self


class Payments(_Facts):
    """Rules of paying."""

    link_minutes: int
    order_minutes: int
    max_bills_per_order: int
    paid_twice: Literal["refund", "credit"]
    reconcile_at: time
    auto_pay: AutoPayRules
    refunds: RefundRules
    prepay: Prepay


class InvoiceRules(_Facts):
    """Rules of e-invoices."""

    months_back: int = Field(ge=1)
    at_once: int = Field(ge=1)
    reissue_days: int
    reissues: int
    link_hours: int = Field(ge=1)
    special: str


class RemindRule(_Facts):
    """How often a customer may urge a work order: first, then again, and how often at most."""

    after_minutes: int
    every_minutes: int
    most: int


class Repairs(_Facts):
    """Rules of work orders. ``urgency`` is by fault, ``arrive_hours`` by urgency; both must name every one."""

    urgency: dict[str, str]
    arrive_hours: dict[str, int]
    reply_days: dict[str, int]
    after_meter_served: bool
    after_meter: str
    remind: RemindRule
    max_photos: int
    rating_days: int

    @model_validator(mode="after")
    def _all_named(self) -> Repairs:
        if set(self.urgency) != FAULTS or not set(self.urgency.values()) <= URGENCIES:
            raise ValueError(f"urgency must say one of {sorted(URGENCIES)} for each of {sorted(FAULTS)}")
        if set(self.arrive_hours) != URGENCIES or set(self.reply_days) != {"complaint", "suggestion"}:
            raise ValueError("arrive_hours must name every urgency, reply_days complaint and suggestion")
        return self


class OpenHours(_Facts):
    """When a service hall is open on some weekdays; ISO weekdays, Monday is 1."""

    weekdays: list[int]
    opens: time = Field(alias="from")
    closes: time = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> OpenHours:
        if self.opens >= self.closes or not all(1 <= day <= 7 for day in self.weekdays):
            raise ValueError("opening hours must be in order, on weekdays 1 to 7")
        return self


class Outlet(_Facts):
    """A service hall. ``hours`` is what customers read; ``open`` is the same for the clock."""

    name: str
    district: str
    address: str
    hours: str
    open: list[OpenHours]
    phone: str
    latitude: float
    longitude: float

    def hours_on(self, weekday: int) -> OpenHours | None:
        """The hours on an ISO weekday; none where it is closed."""
        return next((hours for hours in self.open if weekday in hours.weekdays), None)


class Promotion(_Facts):
    """An offer that is on until a day."""

    title: str
    text: str
    until: date


class ServedDistrict(_Facts):
    """A district with water from this utility, and words in an address that tell it: streets, places, the short name."""

    district: str
    places: list[str]


class ConnectionUse(_Facts):
    """What a new connection may be for; ``words``: how customers say it; ``documents``: by their ids."""

    use: str
    name: str
    words: list[str]
    documents: list[str]
    fee: str


class ConnectionDays(_Facts):
    """Working days of each step of a new connection."""

    review: int
    survey: int
    construction: int


class Installation(_Facts):
    """New connections."""

    uses: list[ConnectionUse]
    working_days: ConnectionDays


class StopRules(_Facts):
    """Stopping the supply for a time. Days."""

    notice_days: int
    latest_days: int
    min_days: int
    max_days: int
    fee: str


class RestoreRules(_Facts):
    """Taking water again after a stop."""

    working_days: int
    fee: str


class CloseRules(_Facts):
    """Closing an account, which is done in person."""

    documents: list[str]
    where: str


class HouseholdRules(_Facts):
    """Larger households: more people, wider tiers."""

    max_people: int
    documents: list[str]
    working_days: int
    valid_months: int
    renew_days: int
    takes_effect: str


class NatureKind(_Facts):
    """A kind of use that an account may be changed to; ``words``: how customers say it."""

    kind: Literal["residential", "commercial", "special"]
    words: list[str]
    documents: list[str]


class NatureRules(_Facts):
    """Changing what the water is used for, and so its price."""

    working_days: int
    takes_effect: str
    kinds: list[NatureKind]


class ApplicationRules(_Facts):
    """What customers apply for, and what each asks of them. ``documents``: the name of each by its id."""

    number_prefix: str
    open_per_customer: int
    photos: int
    documents: dict[str, str]
    installation: Installation
    stop: StopRules
    restore: RestoreRules
    close: CloseRules
    household: HouseholdRules
    nature: NatureRules

    @model_validator(mode="after")
    def _documents_have_names(self) -> ApplicationRules:
        asked = [
            *(use.documents for use in self.installation.uses), *(each.documents for each in self.nature.kinds),
            self.close.documents, self.household.documents,
        ]
        unnamed = {document for documents in asked for document in documents} - set(self.documents)
        if unnamed:
            raise ValueError(f"documents without a name: {sorted(unnamed)}")
        return self


class SelfReadingRules(_Facts):
    """When a customer's own reading is taken, in days around the reading day; and what is more than usual: both must be
    exceeded, the multiple of usual use and the volume in m³.
    """

    opens_days_before: int = Field(ge=1)
    closes_days_after: int = Field(ge=0)
    high_times: int = Field(ge=2)
    high_volume: int = Field(ge=1)
    shown: int = Field(ge=1)


class DisputeRules(_Facts):
    """Requests to look into a reading."""

    working_days: int
    bills: int = Field(ge=1)


class VisitRules(_Facts):
    """When somebody comes to read a meter: ISO weekdays, Monday is 1; hours by half of the day; days ahead."""

    weekdays: list[int]
    hours: dict[Literal["morning", "afternoon"], str]
    first_days: int = Field(ge=0)
    last_days: int
    holidays: list[date]
    fee: str

    @model_validator(mode="after")
    def _in_order(self) -> VisitRules:
        if self.first_days > self.last_days or not all(1 <= day <= 7 for day in self.weekdays):
            raise ValueError("visits need weekdays 1 to 7 and a last day after the first")
        if set(self.hours) != {"morning", "afternoon"}:
            raise ValueError("hours must name morning and afternoon")
        return self


class CheckRules(_Facts):
    """Verification of meters: by which rule, in how many working days, and who pays."""

    rule: str
    tolerance: str
    working_days: int
    fee: str
    qualified: str
    unqualified: str


class RequestPrefixes(_Facts):
    """How the numbers begin that CSMS gives to requests about meters."""

    reading: str
    dispute: str
    visit: str
    check: str


class ReadingRules(_Facts):
    """Readings and meters."""

    number_prefixes: RequestPrefixes
    self_reading: SelfReadingRules
    dispute: DisputeRules
    visits: VisitRules
    check: CheckRules


class Level(_Facts):
    """A plain word for values up to a bound, none for all above."""

    up_to: Decimal | None
    word: str


class Indicator(_Facts):
    """One indicator of water quality and its limit: bounds, or the words that count as good.

    ``at_least_outlet`` and ``at_least_tap`` are bounds for water that leaves the works, and at the end of the pipes.
    """

    name: str
    also: list[str] = []
    unit: str = ""
    at_most: Decimal | None = None
    at_least: Decimal | None = None
    at_least_outlet: Decimal | None = None
    at_least_tap: Decimal | None = None
    words: list[str] = []
    about: str = ""
    levels: list[Level] = []


class WaterQuality(_Facts):
    """The standard that water is measured by."""

    standard: str
    source: str
    indicators: list[Indicator]

    @model_validator(mode="after")
    def _each_name_once(self) -> WaterQuality:
        names = [name.casefold() for each in self.indicators for name in (each.name, *each.also)]
        if len(set(names)) != len(names):
            raise ValueError("an indicator's name is used twice")
        return self


class Range(_Facts):
    """Whole numbers that a customer may choose from, both included."""

    lowest: int
    highest: int


class QuietHours(_Facts):
    """The hours of the night that are meant where a customer names none."""

    starts: time = Field(alias="from")
    ends: time = Field(alias="to")


class Notifications(_Facts):
    """What customers may set for their notifications. Volumes in m³, money in yuan."""

    overuse_volume: Range
    overuse_yuan: Range
    pay_days: Range
    balance_yuan: Range
    quiet: QuietHours


class StaffPasswordRule(_Facts):
    """Strength of a staff password; ``kinds``: of small letters, capitals, digits and marks, how many it must mix."""

    min_length: int = Field(ge=8)
    max_length: int = Field(le=128)
    kinds: int = Field(ge=1, le=4)


class ConsoleRules(_Facts):
    """How staff sign in to the console, and for how long."""

    password: StaffPasswordRule
    wrong_tries: int = Field(ge=3)
    lock_minutes: int = Field(ge=1)
    idle_minutes: int = Field(ge=1)
    session_hours: int = Field(ge=1)
    remember_days: int = Field(ge=1)
    code_digits: int = Field(ge=6, le=8)
    code_minutes: int = Field(ge=1, le=60)
    code_tries: int = Field(ge=1)
    code_resend_seconds: int = Field(ge=1)
    codes_per_day: int = Field(ge=1)
    tries_per_minute: int = Field(ge=1)


class DeskSla(_Facts):
    """Minutes that a customer may wait for a person until it is shown in yellow, in red, and told to the supervisor."""

    warn_minutes: int = Field(gt=0)
    late_minutes: int
    escalate_minutes: int

    @model_validator(mode="after")
    def _in_order(self) -> DeskSla:
        if not self.warn_minutes < self.late_minutes <= self.escalate_minutes:
            raise ValueError("warn_minutes, late_minutes and escalate_minutes must ascend")
        return self


class HandOverRule(_Facts):
    """When a conversation goes to a person without being asked for: any of the words, said with any of the intents.

    No intents: whatever the intent. ``title`` is what staff read.
    """

    name: str = Field(max_length=24)
    title: str
    intents: list[str] = []
    words: list[str] = Field(min_length=1)


class FormShortcut(_Facts):
    """What an agent can have the assistant do for the customer: ``intent`` starts it, ``text`` is said before."""

    name: str
    title: str
    text: str
    intent: str


class Desk(_Facts):
    """Rules of the desk of customer service."""

    capacity: int = Field(ge=1)
    sla: DeskSla
    away_seconds: int = Field(ge=20)
    failed_fallbacks: int = Field(ge=1)
    anger: list[str]
    hand_over: list[HandOverRule]
    shortcuts: list[FormShortcut]
    sample_per_day: int = Field(ge=0)

    @model_validator(mode="after")
    def _names_once(self) -> Desk:
        for names in ([rule.name for rule in self.hand_over], [each.name for each in self.shortcuts]):
            if len(set(names)) != len(names):
                raise ValueError("a name is used twice")
        return self


class Utility(_Facts):
    """Everything in ``utility.yml``."""

    name: str
    short_name: str
    assistant_name: str
    hotline: Hotline
    desk: Desk
    website: str
    account_no: AccountNo
    limits: Limits
    security: Security
    tariff: Tariff
    water_source: str
    commitments: Commitments
    privacy: Privacy
    late_fee: LateFee
    payments: Payments
    repairs: Repairs
    invoices: InvoiceRules
    outlets: list[Outlet]
    water_quality: WaterQuality
    notifications: Notifications
    promotions: list[Promotion]
    service_area: list[ServedDistrict]
    applications: ApplicationRules
    readings: ReadingRules
    console: ConsoleRules


@lru_cache(maxsize=4)
def load_utility(path: Path) -> Utility:
    """Read and check ``utility.yml``.

    Raises:
        pydantic.ValidationError: a fact is missing, misspelt or out of range.
    """
    return Utility.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


if __name__ == "__main__":
    load_utility(Path("utility.yml"))
