"""The utility's own facts and rules, read from ``utility.yml`` and checked."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Staffed(_Facts):
    """The hours in which a person answers in the chat."""

    opens: time = Field(alias="from")
    closes: time = Field(alias="to")


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


class LateFee(_Facts):
    """The daily charge on what is overdue, as shares of the charge."""

    per_day: Decimal
    cap: Decimal
    grace_days: int


class Payments(_Facts):
    """Rules of paying."""

    link_minutes: int
    order_minutes: int
    max_bills_per_order: int
    paid_twice: Literal["refund", "credit"]
    reconcile_at: time


class Outlet(_Facts):
    """A service hall."""

    name: str
    district: str
    address: str
    hours: str
    phone: str
    latitude: float
    longitude: float


class Promotion(_Facts):
    """An offer that is on until a day."""

    title: str
    text: str
    until: date


class Utility(_Facts):
    """Everything in ``utility.yml``."""

    name: str
    short_name: str
    assistant_name: str
    hotline: Hotline
    website: str
    account_no: AccountNo
    limits: Limits
    security: Security
    tariff: Tariff
    late_fee: LateFee
    payments: Payments
    outlets: list[Outlet]
    promotions: list[Promotion]


@lru_cache(maxsize=4)
def load_utility(path: Path) -> Utility:
    """Read and check ``utility.yml``.

    Raises:
        pydantic.ValidationError: a fact is missing, misspelt or out of range.
    """
    return Utility.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


if __name__ == "__main__":
    load_utility(Path("utility.yml"))
