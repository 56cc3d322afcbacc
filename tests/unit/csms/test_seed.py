"""The made-up books hold together, on whatever day they are made."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import pytest

from runxia.utility import load_utility
from sandbox.csms import ledger
from sandbox.csms.records import BillRecord, Books
from sandbox.csms.seed import HOUSEHOLDS, MONTHS, PLANS, build_books
from sandbox.csms.tariff import tariff_year, tier_parts

UTILITY = load_utility(Path("utility.yml"))
DAYS = [date(2026, 11, 21), date(2026, 11, 22), date(2027, 1, 5), date(2028, 2, 29), date(2026, 7, 31)]


@lru_cache
def books_of(day: date) -> Books:
    return build_books(UTILITY, day)


@pytest.fixture(params=DAYS, ids=str)
def day(request: pytest.FixtureRequest) -> date:
    found: date = request.param
    return found


@pytest.fixture
def books(day: date) -> Books:
    return books_of(day)


@pytest.fixture
def by_role(books: Books) -> dict[str, list[BillRecord]]:
    """Bills of each named role, oldest first."""
    return {
        account.role: [bill for bill in books.bills if bill.account_no == account.account_no]
        for account in books.accounts if account.role != "household"
    }


def test_the_same_day_makes_the_same_books(day: date, books: Books) -> None:
    assert build_books(UTILITY, day) == books


def test_accounts_are_distinct_and_well_formed(books: Books) -> None:
    assert len(books.accounts) == len(PLANS) + HOUSEHOLDS >= 40
    assert len({account.account_no for account in books.accounts}) == len(books.accounts)
    assert all(len(account.account_no) == UTILITY.account_no.digits for account in books.accounts)
    assert len({account.meter_no for account in books.accounts}) == len(books.accounts)
    assert all(account.phone is None or re.fullmatch(r"1390000\d{4}", account.phone) for account in books.accounts)


def test_every_role_is_there_once(books: Books) -> None:
    roles = Counter(account.role for account in books.accounts)
    assert all(roles[plan.role] == 1 for plan in PLANS)


def test_readings_and_periods_go_on_from_bill_to_bill(books: Books) -> None:
    of_account: defaultdict[str, list[BillRecord]] = defaultdict(list)
    for bill in books.bills:
        of_account[bill.account_no].append(bill)
    for bills in of_account.values():
        for earlier, later in pairwise(bills):
            assert later.previous_reading == earlier.current_reading
            assert later.start_on == earlier.end_on
            assert later.volume >= 0


def test_charges_add_up_and_water_is_priced_by_the_years_tiers(books: Books) -> None:
    people = {account.account_no: account for account in books.accounts}
    before: defaultdict[tuple[str, int], Decimal] = defaultdict(Decimal)
    for bill in books.bills:
        assert bill.debt.charge_fen == sum(line.amount_fen for line in bill.lines)
        water = [line for line in bill.lines if line.kind == "water"]
        assert sum(line.volume or 0 for line in water) == bill.volume
        account = people[bill.account_no]
        year = (bill.account_no, tariff_year(UTILITY.tariff, bill.end_on))
        if account.kind == "residential" and bill.volume:
            parts = tier_parts(UTILITY.tariff.residential, account.people, before[year], bill.volume)
            assert [(line.tier, line.volume) for line in water] == [(part.tier, part.used) for part in parts if part.used]
        before[year] += bill.volume


def test_nothing_is_issued_or_paid_in_the_future(day: date, books: Books) -> None:
    assert all(bill.issued_on <= day for bill in books.bills)
    assert all(payment.paid_at.date() <= day for payment in books.payments)


def test_payments_are_what_bills_say_was_paid(books: Books) -> None:
    paid: Counter[str] = Counter()
    for payment in books.payments:
        assert payment.bill_no
        paid[payment.bill_no] += payment.amount_fen
    assert {bill.bill_no: bill.debt.paid_fen for bill in books.bills if bill.debt.paid_fen} == dict(paid)


def test_thirty_months_are_there(books: Books, by_role: dict[str, list[BillRecord]]) -> None:
    assert len(by_role["ordinary"]) == MONTHS
    cycles = Counter(account.cycle_months for account in books.accounts)
    assert cycles[1] > cycles[2] > 0


def test_roles_are_what_they_are_called(day: date, by_role: dict[str, list[BillRecord]]) -> None:
    newest = {role: bills[-1] for role, bills in by_role.items() if bills}
    status = {role: bill.debt.status for role, bill in newest.items()}
    assert status["ordinary"] == "unpaid"
    assert all(bill.debt.status == "paid" for bill in by_role["ordinary"][:-1])
    assert (status["disputed"], status["partly_paid"], status["paid_up"]) == ("disputed", "partly_paid", "paid")
    assert newest["estimated"].reading_kind == "estimated"
    assert by_role["no_bills"] == []
    assert newest["leak"].volume > 3 * by_role["leak"][-2].volume
    assert newest["closed"].issued_on < day - timedelta(days=120)
    overdue = [
        bill for bill in by_role["arrears"]
        if bill.debt.status == "unpaid" and ledger.late_fee(bill.debt, UTILITY.late_fee, day)
    ]
    assert len(overdue) >= 3


def test_only_one_bill_is_disputed(books: Books) -> None:
    assert sum(bill.debt.status == "disputed" for bill in books.bills) == 1


def test_the_ordinary_account_just_reached_the_second_tier() -> None:
    books = books_of(date(2026, 11, 21))
    ordinary = [bill for bill in books.bills if bill.account_no == books.accounts[0].account_no]
    assert [line.tier for line in ordinary[-1].lines if line.kind == "water"] == [1, 2]
    assert [line.tier for line in ordinary[-2].lines if line.kind == "water"] == [1]


def test_neighbours_share_owner_and_phone_but_no_address(books: Books) -> None:
    first, second = (account for account in books.accounts if account.role.startswith("neighbour"))
    assert (first.owner, first.phone) == (second.owner, second.phone)
    assert first.address != second.address


def test_passwords_keep_the_utilitys_rule(books: Books) -> None:
    rule = UTILITY.security.password
    for account in books.accounts:
        if account.password is not None:
            assert rule.min_length <= len(account.password) <= rule.max_length
            assert re.search(r"[A-Za-z]", account.password)
            assert re.search(r"\d", account.password)
