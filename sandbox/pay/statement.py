"""The daily transaction statement (交易账单): CSV, a backtick before each value, amounts in yuan, and two summary rows."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from sandbox.pay.database import Database
from sandbox.pay.platform import Platform

# https://pay.weixin.qq.com/doc/v3/merchant/4013070738: columns of a statement of type ALL.
COLUMNS = (
    "交易时间", "公众账号ID", "商户号", "特约商户号", "设备号", "微信订单号", "商户订单号", "用户标识", "交易类型", "交易状态",
    "付款银行", "货币种类", "应结订单金额", "代金券金额", "微信退款单号", "商户退款单号", "退款金额", "充值券退款金额",
    "退款类型", "退款状态", "商品名称", "商户数据包", "手续费", "费率", "订单金额", "申请退款金额", "费率备注",
)
TOTALS = (
    "总交易单数", "应结订单总金额", "退款总金额", "充值券退款总金额", "手续费总金额", "订单总金额", "申请退款总金额",
)
_SUMMED = ("应结订单金额", "退款金额", "充值券退款金额", "手续费", "订单金额", "申请退款金额")
FEE_RATE = Decimal("0.006")
_NONE, _FEE_STEP = "0.00", Decimal("0.00001")


def build(db: Database, platform: Platform, day: date, kind: str) -> bytes | None:
    """A day's statement of ``kind`` ALL, SUCCESS or REFUND; none where nothing happened."""
    orders = _of_day(db, "SELECT * FROM orders WHERE paid_at >= ? AND paid_at < ? || 'T99' ORDER BY paid_at", day)
    refunds = _of_day(
        db,
        "SELECT r.*, o.* , r.amount_fen AS refund_fen, r.created_at AS refunded_at FROM refunds r "
        "JOIN orders o USING (out_trade_no) WHERE r.created_at >= ? AND r.created_at < ? || 'T99' ORDER BY r.created_at",
        day,
    )
    rows = [
        *([_payment_row(order, platform) for order in orders] if kind != "REFUND" else []),
        *([_refund_row(refund, platform) for refund in refunds] if kind != "SUCCESS" else []),
    ]
    return _write(rows) if rows else None


def _of_day(db: Database, query: str, day: date) -> Sequence[sqlite3.Row]:
    return db.all(query, day.isoformat(), day.isoformat())


def _payment_row(order: sqlite3.Row, platform: Platform) -> dict[str, str]:
    fee = _fee(order["amount_fen"])
    return _common(order, platform) | {
        "交易时间": _when(order["paid_at"]), "交易状态": "SUCCESS", "应结订单金额": _yuan(order["amount_fen"]),
        "手续费": fee, "订单金额": _yuan(order["amount_fen"]),
    }


def _refund_row(refund: sqlite3.Row, platform: Platform) -> dict[str, str]:
    amount = _yuan(refund["refund_fen"])
    return _common(refund, platform) | {
        "交易时间": _when(refund["refunded_at"]), "交易状态": "REFUND", "微信退款单号": refund["refund_id"],
        "商户退款单号": refund["out_refund_no"], "退款金额": amount, "退款类型": "ORIGINAL", "退款状态": "SUCCESS",
        "手续费": f"-{_fee(refund['refund_fen'])}", "申请退款金额": amount,
    }


def _common(order: sqlite3.Row, platform: Platform) -> dict[str, str]:
    return {
        **dict.fromkeys(COLUMNS, ""), "公众账号ID": platform.app_id, "商户号": platform.mch_id, "特约商户号": "0",
        "微信订单号": order["transaction_id"], "商户订单号": order["out_trade_no"], "用户标识": order["openid"],
        "交易类型": order["trade_type"], "付款银行": "OTHERS", "货币种类": "CNY", "应结订单金额": _NONE, "代金券金额": _NONE,
        "退款金额": _NONE, "充值券退款金额": _NONE, "商品名称": order["description"], "商户数据包": order["attach"],
        "微信退款单号": "0", "商户退款单号": "0", "费率": "0.60%", "订单金额": _NONE, "申请退款金额": _NONE,
    }


def _write(rows: Sequence[dict[str, str]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([f"`{row[name]}" for name in COLUMNS])
    writer.writerow(TOTALS)
    writer.writerow([f"`{total}" for total in (len(rows), *(_total(rows, name) for name in _SUMMED))])
    return ("\ufeff" + out.getvalue()).encode()


def _total(rows: Sequence[dict[str, str]], name: str) -> str:
    return str(sum((Decimal(row[name]) for row in rows), Decimal("0.00")))


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _fee(fen: int) -> str:
    cents = (Decimal(fen) / 100 * FEE_RATE).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return str(cents.quantize(_FEE_STEP))


def _when(iso: str) -> str:
    return iso[:19].replace("T", " ")
