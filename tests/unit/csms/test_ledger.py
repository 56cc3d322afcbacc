"""Late fees and what payments do to a bill."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from runxia.utility import LateFee
from sandbox.csms.ledger import Debt, amount, late_fee, pay

RULE = LateFee(per_day=Decimal("0.0005"), cap=Decimal("1.0"), grace_days=0)
DUE = date(2026, 9, 30)
DEBT = Debt(charge_fen=10_000, late_fee_fen=0, late_fee_to=None, paid_fen=0, status="unpaid", due_on=DUE)


def day(after_due: int) -> date:
    return DUE + timedelta(days=after_due)


def test_no_late_fee_on_the_due_day() -> None:
    assert late_fee(DEBT, RULE, DUE) == 0


def test_a_share_of_the_charge_for_each_day_after() -> None:
    assert [late_fee(DEBT, RULE, day(days)) for days in (1, 2, 40)] == [5, 10, 200]


def test_grace_days_put_the_start_off() -> None:
    assert late_fee(DEBT, replace_rule(grace_days=3), day(4)) == 5


def replace_rule(**changes: int) -> LateFee:
    return RULE.model_copy(update=changes)


def test_never_above_the_cap() -> None:
    assert late_fee(DEBT, RULE, day(5000)) == 10_000


def test_a_disputed_bill_gathers_no_late_fee() -> None:
    assert late_fee(replace(DEBT, status="disputed"), RULE, day(100)) == 0


def test_a_part_payment_stops_the_late_fee_on_what_was_paid() -> None:
    part, taken = pay(DEBT, RULE, day(10), 6000)
    assert (taken, part.status, late_fee(part, RULE, day(10))) == (6000, "partly_paid", 50)
    assert late_fee(part, RULE, day(20)) == 50 + 20


def test_a_paid_bill_stays_as_it_is() -> None:
    settled, taken = pay(DEBT, RULE, day(10), 10_050)
    assert (taken, settled.status) == (10_050, "paid")
    assert amount(settled, RULE, day(300)) == 10_050


def test_what_is_too_much_is_not_taken() -> None:
    _, taken = pay(DEBT, RULE, day(10), 20_000)
    assert taken == 10_050


def test_an_order_made_before_midnight_settles_after_it() -> None:
    settled, taken = pay(DEBT, RULE, day(11), amount(DEBT, RULE, day(10)))
    assert (taken, settled.status, settled.late_fee_fen) == (10_050, "paid", 50)


def test_one_fen_less_than_yesterdays_amount_does_not_settle() -> None:
    part, _ = pay(DEBT, RULE, day(11), amount(DEBT, RULE, day(10)) - 1)
    assert part.status == "partly_paid"


@given(
    charge=st.integers(1, 200_000), offers=st.lists(st.tuples(st.integers(0, 90), st.integers(1, 100_000)), max_size=6),
)
def test_payments_never_take_more_than_is_owed(charge: int, offers: list[tuple[int, int]]) -> None:
    debt, total, moment = replace(DEBT, charge_fen=charge), 0, DUE
    for days, offered in offers:
        moment += timedelta(days=days)
        debt, taken = pay(debt, RULE, moment, offered)
        total += taken
        assert 0 <= taken <= offered
        assert debt.paid_fen == total <= amount(debt, RULE, moment)
        assert (debt.status == "paid") == (debt.paid_fen == amount(debt, RULE, moment) and debt.paid_fen > 0)
