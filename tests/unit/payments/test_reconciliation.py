"""The daily comparison: what agrees, what does not, and the file that CSMS gets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from runxia.clock import SHANGHAI
from services.errors import SystemUnavailable
from services.payments import OrderState, PayLink
from services.ports import Transaction
from store.models import Reconciliation, ReconciliationDifference
from tests.fakes import number_of, statement
from tests.unit.payments.world import MOTHER, SON, World

DAY = date(2026, 11, 10)


def row(transaction: Transaction, **changes: str) -> dict[str, str]:
    """A payment in the statement."""
    return {
        "微信订单号": transaction.transaction_id or "", "商户订单号": transaction.out_trade_no, "交易状态": "SUCCESS",
        "订单金额": f"{transaction.amount_fen / 100:.2f}", **changes,
    }


def next_day(world: World, rows: Iterable[dict[str, str]]) -> None:
    """The statement of the day is out."""
    world.pay.statements[DAY] = statement(list(rows))
    world.clock.moment = datetime(2026, 11, 11, 10, 30, tzinfo=SHANGHAI)


async def differences(world: World) -> list[tuple[str, int | None, int | None]]:
    async with world.db.read() as session:
        found = await session.scalars(select(ReconciliationDifference).order_by(ReconciliationDifference.id))
        return [(each.kind, each.ours_fen, each.theirs_fen) for each in found]


def handed_over(world: World) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(world.csms.reconciliations[DAY].decode())))


async def settled(world: World, openid: str, role: str) -> tuple[PayLink, Transaction]:
    link, transaction = await world.paid(openid, role)
    await world.hours_pass()
    return link, transaction


async def test_a_day_that_agrees(world: World) -> None:
    link, transaction = await settled(world, MOTHER, "arrears")
    next_day(world, [row(transaction)])
    assert await world.payments.reconcile_due() == 1
    assert await differences(world) == []
    rows = handed_over(world)
    assert [each["period"] for each in rows] == ["2026-08", "2026-09", "2026-10"]
    assert {each["status"] for each in rows} == {"matched"}
    assert sum(int(each["booked_fen"]) for each in rows) == link.amount_fen
    assert {each["account_no"] for each in rows} == {number_of("arrears")}
    async with world.db.read() as session:
        known = await session.get_one(Reconciliation, DAY)
    assert (known.state, known.payments, known.paid_fen) == ("handed_over", 1, link.amount_fen)
    assert len(known.statement_sha1 or "") == 40


async def test_not_before_the_statement_is_out(world: World) -> None:
    _, transaction = await settled(world, MOTHER, "ordinary")
    next_day(world, [row(transaction)])
    world.clock.moment -= timedelta(minutes=1)
    assert await world.payments.reconcile_due() == 0
    world.clock.advance(minutes=1)
    assert await world.payments.reconcile_due() == 1
    assert await world.payments.reconcile_due() == 0


async def test_missed_days_are_caught_up(world: World) -> None:
    _, transaction = await settled(world, MOTHER, "ordinary")
    next_day(world, [row(transaction)])
    world.clock.advance(days=3)
    assert await world.payments.reconcile_due() == 4
    assert sorted(world.csms.reconciliations) == [DAY + timedelta(days=number) for number in range(4)]


async def test_a_payment_that_only_the_statement_knows_is_settled(world: World) -> None:
    link = await world.prepaid(MOTHER, "ordinary")
    transaction = world.thumb(link)
    next_day(world, [row(transaction)])
    assert await world.payments.reconcile(DAY) == 0
    assert (await world.one(link)).state == OrderState.SETTLED
    await world.check_books()


async def test_what_differs(world: World) -> None:
    agreed, first = await settled(world, MOTHER, "ordinary")
    wrong, second = await settled(world, MOTHER, "neighbour_a")
    missing, _ = await settled(world, MOTHER, "neighbour_b")
    waiting, fourth = await world.paid(SON, "leak")
    world.csms.failures = [SystemUnavailable("csms")]
    foreign = {"微信订单号": "4200009", "商户订单号": "SHOP-1", "交易状态": "SUCCESS", "订单金额": "1.00"}
    next_day(world, [
        row(first), row(second, 订单金额=f"{(wrong.amount_fen + 1) / 100:.2f}"), row(fourth), foreign,
        {
            "微信订单号": first.transaction_id or "", "商户订单号": agreed.out_trade_no, "交易状态": "REFUND",
            "商户退款单号": "by-hand", "退款状态": "SUCCESS", "申请退款金额": "0.50",
        },
    ])
    assert await world.payments.reconcile(DAY) == 5
    assert sorted(await differences(world), key=str) == sorted([
        ("amount", wrong.amount_fen, wrong.amount_fen + 1),
        ("missing_there", missing.amount_fen, None),
        ("unbooked", waiting.amount_fen, waiting.amount_fen),
        ("missing_here", None, 100),
        ("refund", None, 50),
    ], key=str)
    assert {each["status"] for each in handed_over(world)} == {
        "matched", "amount", "missing_there", "unbooked", "missing_here", "refund",
    }
    assert ("system", "reconcile", "differences") in await world.audited()


async def test_a_refund_of_ours_agrees(world: World) -> None:
    link = await world.prepaid(MOTHER, "ordinary")
    world.csms.pay_elsewhere((await world.one(link)).lines[0].bill_no)
    transaction = world.thumb(link)
    await world.payments.notified(transaction)
    await world.hours_pass()
    (refund,) = await world.refunds()
    back = {
        "微信订单号": transaction.transaction_id or "", "商户订单号": link.out_trade_no, "交易状态": "REFUND",
        "商户退款单号": refund.out_refund_no, "退款状态": "SUCCESS", "申请退款金额": f"{refund.amount_fen / 100:.2f}",
    }
    next_day(world, [row(transaction), back])
    assert await world.payments.reconcile(DAY) == 0
    assert [int(each["amount_fen"]) for each in handed_over(world)] == [link.amount_fen, -link.amount_fen]


async def test_a_refund_that_the_statement_lacks(world: World) -> None:
    link = await world.prepaid(MOTHER, "ordinary")
    world.csms.pay_elsewhere((await world.one(link)).lines[0].bill_no)
    transaction = world.thumb(link)
    await world.payments.notified(transaction)
    await world.hours_pass()
    next_day(world, [row(transaction)])
    assert await world.payments.reconcile(DAY) == 1
    assert await differences(world) == [("refund", link.amount_fen, None)]


async def test_csms_down_hands_over_later(world: World) -> None:
    _, transaction = await settled(world, MOTHER, "ordinary")
    next_day(world, [row(transaction)])
    for trouble in ("down", "lost_answer"):
        setattr(world.csms, trouble, True)
        with pytest.raises(SystemUnavailable):
            await world.payments.reconcile_due()
        setattr(world.csms, trouble, False)
    assert await world.payments.reconcile_due() == 1
    assert len(handed_over(world)) == 1
    assert await differences(world) == []


async def test_nonsense_is_not_compared(world: World) -> None:
    await settled(world, MOTHER, "ordinary")
    next_day(world, [])
    world.pay.statements[DAY] = b"<html>busy</html>"
    with pytest.raises(SystemUnavailable):
        await world.payments.reconcile_due()
    assert await differences(world) == []


async def test_before_the_first_payment_there_is_nothing_to_compare(world: World) -> None:
    world.clock.advance(days=2)
    assert await world.payments.reconcile_due() == 0
