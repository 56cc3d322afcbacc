"""The statement as WeChat Pay writes it, and what is none."""

from __future__ import annotations

import pytest

from services.payments.statement import Statement, StatementError, StatementRow, parse_statement
from tests.fakes import statement

PAYMENT = {"微信订单号": "4200001", "商户订单号": "RX1", "交易状态": "SUCCESS", "订单金额": "86.40", "商品名称": "水费,2026-10"}
REFUND = {
    "微信订单号": "4200001", "商户订单号": "RX1", "交易状态": "REFUND", "商户退款单号": "RX1-refund", "退款状态": "SUCCESS",
    "申请退款金额": "6.40",
}


def test_payments_and_refunds() -> None:
    assert parse_statement(statement([PAYMENT, REFUND])) == Statement(
        payments=(StatementRow("4200001", "RX1", 8640),),
        refunds=(StatementRow("4200001", "RX1", 640, "RX1-refund", "SUCCESS"),),
    )


def test_a_product_name_with_a_comma_may_be_bare() -> None:
    bare = statement([PAYMENT]).replace('"`水费,2026-10"'.encode(), "`水费,2026-10".encode())
    assert bare != statement([PAYMENT])
    assert parse_statement(bare) == parse_statement(statement([PAYMENT]))


def test_a_day_with_nothing_in_it() -> None:
    assert parse_statement(statement([])) == Statement()


def test_columns_are_found_by_name() -> None:
    lines = statement([{**PAYMENT, "商品名称": "水费"}]).decode("utf-8-sig").splitlines()
    header, values = lines[0].split(","), lines[1].split(",")
    lines[:2] = [",".join(reversed(header)), ",".join(reversed(values))]
    assert parse_statement("\n".join(lines).encode()).payments == (StatementRow("4200001", "RX1", 8640),)


def test_an_older_statement_without_order_amounts() -> None:
    text = statement([{**PAYMENT, "应结订单金额": "86.40"}]).decode()
    text = text.replace(",订单金额", ",旧订单金额").replace(",订单总金额", ",旧订单总金额")
    assert parse_statement(text.encode()).payments[0].amount_fen == 8640


@pytest.mark.parametrize("content", [
    b"", b"\xff\xfe", b"<html></html>", "系统繁忙".encode(), b'{"code":"SYSTEM_ERROR"}',
    statement([PAYMENT]).replace(b"`86.40", b"`86.4x", 1),
    statement([PAYMENT]).replace(b"`86.40", b"`86.41", 1),
    statement([PAYMENT]).replace(b"`86.40", b"`0.001", 1),
    statement([PAYMENT]).replace(b",`86.40", b"", 1),
    statement([PAYMENT]).replace("商户订单号".encode(), "别的".encode(), 1),
    statement([PAYMENT]).replace("交易状态".encode(), "别的".encode(), 1),
    b"\n".join(statement([PAYMENT]).splitlines()[:-1]),
    statement([PAYMENT]) * 2,
])
def test_what_is_no_statement(content: bytes) -> None:
    with pytest.raises(StatementError):
        parse_statement(content)
