"""WeChat Pay's daily statement: its file, read by column name.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012791866 (transaction statement). The file is CSV of its own kind: a
header, one row for each payment and each refund with a backtick before every value, then a header and one row of totals.
Amounts are in yuan. A product name with a comma may be quoted or not: a value ends where comma and backtick follow together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from runxia.money import fen_from_yuan

TRANSACTION, OUT_TRADE_NO, STATE = "微信订单号", "商户订单号", "交易状态"
REFUND_NO, REFUND_STATE = "商户退款单号", "退款状态"
# The names since 2018, then those of older statements, which leave out what coupons paid.
PAID_COLUMNS = ("订单金额", "应结订单金额")
REFUNDED_COLUMNS = ("申请退款金额", "退款金额")
PAID_TOTALS = ("订单总金额", "应结订单总金额")
REFUNDED_TOTALS = ("申请退款总金额", "退款总金额")
VALUE = re.compile(r'(?:^|,)(?:"`((?:[^"]|"")*)"(?=,|$)|`(.*?)(?=,"?`|$))')
PAID_STATES, REFUND_STATES = ("SUCCESS",), ("REFUND", "REVOKED")


class StatementError(ValueError):
    """The file is not a statement, or its totals are not the sums of its rows."""


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One payment, or one refund: then ``out_refund_no`` is set. Amounts in fen, both positive."""

    transaction_id: str
    out_trade_no: str
    amount_fen: int
    out_refund_no: str | None = None
    refund_state: str | None = None  # SUCCESS, PROCESSING, FAIL, CHANGE


@dataclass(frozen=True, slots=True)
class Statement:
    """A day's trade."""

    payments: tuple[StatementRow, ...] = ()
    refunds: tuple[StatementRow, ...] = ()


def parse_statement(content: bytes) -> Statement:
    """Read a statement.

    Raises:
        StatementError: no such file, a column is missing, an amount is none, or the totals do not fit.
    """
    try:
        lines = [line for line in content.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise StatementError("not UTF-8") from error
    tables = [index for index, line in enumerate(lines) if not line.startswith("`")]
    if len(tables) != 2 or tables[0] != 0 or tables[1] != len(lines) - 2:
        raise StatementError("not one table of trade and one of totals")
    records = [_record(lines[0], line) for line in lines[1:tables[1]]]
    statement = Statement(
        payments=tuple(_payment(record) for record in records if _text(record, STATE) in PAID_STATES),
        refunds=tuple(_refund(record) for record in records if _text(record, STATE) in REFUND_STATES),
    )
    _check_totals(statement, _record(lines[-2], lines[-1]))
    return statement


def _record(header: str, line: str) -> dict[str, str]:
    names = [name.strip() for name in header.split(",")]
    values = [(quoted.replace('""', '"') or plain).strip() for quoted, plain in VALUE.findall(line)]
    if len(names) != len(values):
        raise StatementError(f"{len(values)} values in {len(names)} columns")
    return dict(zip(names, values, strict=True))


def _payment(record: Mapping[str, str]) -> StatementRow:
    return StatementRow(_text(record, TRANSACTION), _text(record, OUT_TRADE_NO), _fen(record, PAID_COLUMNS))


def _refund(record: Mapping[str, str]) -> StatementRow:
    return StatementRow(
        _text(record, TRANSACTION), _text(record, OUT_TRADE_NO), _fen(record, REFUNDED_COLUMNS),
        _text(record, REFUND_NO), _text(record, REFUND_STATE),
    )


def _text(record: Mapping[str, str], column: str) -> str:
    if column not in record:
        raise StatementError(f"no column {column}")
    return record[column]


def _fen(record: Mapping[str, str], columns: tuple[str, ...]) -> int:
    for column in columns:
        if column in record:
            try:
                return fen_from_yuan(record[column])
            except ValueError as error:
                raise StatementError(str(error)) from error
    raise StatementError(f"no column {columns[0]}")


def _check_totals(statement: Statement, totals: Mapping[str, str]) -> None:
    for rows, columns in ((statement.payments, PAID_TOTALS), (statement.refunds, REFUNDED_TOTALS)):
        if sum(row.amount_fen for row in rows) != _fen(totals, columns):
            raise StatementError(f"{columns[0]} is not the sum of the rows")
