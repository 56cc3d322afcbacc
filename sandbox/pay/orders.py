"""What WeChat Pay does with orders and refunds."""

from __future__ import annotations

import json
import secrets
import sqlite3
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from sandbox.pay.database import Database, iso
from sandbox.pay.errors import PayError, invalid
from sandbox.pay.platform import Platform

# https://pay.weixin.qq.com/doc/v3/merchant/4012791856: limits of an order's fields.
DESCRIPTION_CHARS = 127
OutTradeNo = Annotated[str, Field(pattern=r"^[0-9A-Za-z_\-|*]{6,32}$")]
OPENID = r"^o[0-9A-Za-z_-]{27}$"
NOTIFY_URL = r"^https?://[^?#\s]{1,240}$"  # no query; the real one takes https only, a sandbox has no certificate
# An order is payable for 7 days where it names no end; a prepay_id for 2 hours.
ORDER_DAYS, PREPAY_HOURS, SHORTEST_MINUTES = 7, 2, 1
# https://pay.weixin.qq.com/doc/v3/merchant/4012791883: refunds within a year, 50 for an order.
REFUND_DAYS, REFUNDS_PER_ORDER = 365, 50
REFUND_SECONDS = 2  # how long a refund to the customer's balance is PROCESSING here


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class _Amount(_Message):
    total: int = Field(ge=1, le=100_000_000)
    currency: Literal["CNY"] = "CNY"


class _Payer(_Message):
    openid: str = Field(pattern=OPENID)


class OrderRequest(_Message):
    """POST /v3/pay/transactions/jsapi or /native."""

    appid: str
    mchid: str
    description: str = Field(min_length=1, max_length=DESCRIPTION_CHARS)
    out_trade_no: OutTradeNo
    time_expire: AwareDatetime | None = None
    attach: str = Field(default="", max_length=128)
    notify_url: str = Field(pattern=NOTIFY_URL)
    amount: _Amount
    payer: _Payer | None = None


class _RefundAmount(_Message):
    refund: int = Field(ge=1)
    total: int = Field(ge=1)
    currency: Literal["CNY"]


class RefundRequest(_Message):
    """POST /v3/refund/domestic/refunds."""

    transaction_id: str | None = None
    out_trade_no: str | None = None
    out_refund_no: str = Field(pattern=r"^[0-9A-Za-z_\-|*@]{1,64}$")
    reason: str = Field(default="", max_length=80)
    notify_url: str = Field(default="", pattern=rf"^$|{NOTIFY_URL}")
    amount: _RefundAmount


class Orders:
    """Orders and refunds of one merchant."""

    def __init__(self, db: Database, platform: Platform) -> None:
        self._db = db
        self._platform = platform

    # --- orders

    def prepay(self, order: OrderRequest, trade_type: str) -> sqlite3.Row:
        """Take an order; the same order again is the same order.

        Raises:
            PayError: a field is wrong, or the number was used for another order, a paid one or a closed one.
        """
        now = self._now()
        self._check(order, trade_type, now)
        with self._db.transaction():
            earlier = self.find(order.out_trade_no)
            if earlier is None:
                return self._add(order, trade_type, now)
            if earlier["state"] in ("SUCCESS", "REFUND"):
                raise PayError(400, "ORDERPAID", "该订单已支付")
            if earlier["state"] == "CLOSED":
                raise PayError(400, "ORDER_CLOSED", "订单已关闭")
            if earlier["facts"] != _facts(order, trade_type):
                raise PayError(403, "OUT_TRADE_NO_USED", "商户订单号重复")
            return earlier

    def _check(self, order: OrderRequest, trade_type: str, now: datetime) -> None:
        if (order.appid, order.mchid) != (self._platform.app_id, self._platform.mch_id):
            raise PayError(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
        if trade_type == "JSAPI" and order.payer is None:
            raise invalid("payer.openid is needed")
        if order.time_expire is not None:
            least, most = now + timedelta(minutes=SHORTEST_MINUTES), now + timedelta(days=ORDER_DAYS)
            if not least <= order.time_expire <= most:
                raise invalid("time_expire is too near or too far")

    def _add(self, order: OrderRequest, trade_type: str, now: datetime) -> sqlite3.Row:
        expires = order.time_expire or now + timedelta(days=ORDER_DAYS)
        self._db.add("orders", {
            "out_trade_no": order.out_trade_no, "prepay_id": f"wx{now:%d%H%M%S}{secrets.token_hex(13)}",
            "trade_type": trade_type, "facts": _facts(order, trade_type), "description": order.description,
            "amount_fen": order.amount.total, "openid": order.payer.openid if order.payer else None,
            "attach": order.attach, "notify_url": order.notify_url, "created_at": iso(now),
            "expires_at": iso(expires), "state": "NOTPAY",
        })
        return self.get(order.out_trade_no)

    def find(self, out_trade_no: str) -> sqlite3.Row | None:
        """The order with the merchant's number, or none."""
        return self._db.one("SELECT * FROM orders WHERE out_trade_no = ?", out_trade_no)

    def get(self, out_trade_no: str) -> sqlite3.Row:
        """The order with the merchant's number.

        Raises:
            PayError: ORDER_NOT_EXIST.
        """
        return _existing(self.find(out_trade_no))

    def get_by_transaction(self, transaction_id: str) -> sqlite3.Row:
        """The order with WeChat Pay's number.

        Raises:
            PayError: ORDER_NOT_EXIST.
        """
        return _existing(self._db.one("SELECT * FROM orders WHERE transaction_id = ?", transaction_id))

    def get_by_prepay(self, prepay_id: str) -> sqlite3.Row:
        """The order that a cashier shows.

        Raises:
            PayError: ORDER_NOT_EXIST.
        """
        return _existing(self._db.one("SELECT * FROM orders WHERE prepay_id = ?", prepay_id))

    def close(self, out_trade_no: str) -> None:
        """Close an unpaid order; closing it again changes nothing.

        Raises:
            PayError: there is none, or it is paid.
        """
        if self.get(out_trade_no)["state"] in ("SUCCESS", "REFUND"):
            raise PayError(400, "ORDERPAID", "该订单已支付")
        self._db.run("UPDATE orders SET state = 'CLOSED' WHERE out_trade_no = ? AND state = 'NOTPAY'", out_trade_no)

    def pay(self, prepay_id: str, openid: str | None) -> sqlite3.Row:
        """The customer pays, and the merchant is called back.

        Raises:
            PayError: paid or closed already, too late, or another customer than the one whose order it is.
        """
        now = self._now()
        with self._db.transaction():
            order = self.get_by_prepay(prepay_id)
            self._check_payable(order, openid, now)
            transaction_id = f"4200{secrets.randbelow(10**6):06d}{now:%Y%m%d}{secrets.randbelow(10**10):010d}"
            self._db.run(
                "UPDATE orders SET state = 'SUCCESS', transaction_id = ?, paid_at = ?, openid = coalesce(openid, ?) "
                "WHERE prepay_id = ?", transaction_id, iso(now), openid, prepay_id,
            )
            self._call_back("transaction", order["out_trade_no"], order["notify_url"], now)
        return self.get(order["out_trade_no"])

    def _check_payable(self, order: sqlite3.Row, openid: str | None, now: datetime) -> None:
        if order["state"] != "NOTPAY":
            raise PayError(400, "ORDERPAID" if order["state"] != "CLOSED" else "ORDER_CLOSED", "订单已支付或已关闭")
        too_old = datetime.fromisoformat(order["created_at"]) + timedelta(hours=PREPAY_HOURS) < now
        if too_old or datetime.fromisoformat(order["expires_at"]) < now:
            raise PayError(400, "ORDER_CLOSED", "订单已过期，请重新下单")
        if openid and order["openid"] and openid != order["openid"]:
            raise PayError(400, "OPENID_MISMATCH", "请使用下单的微信号支付")

    def show(self, order: sqlite3.Row) -> dict[str, Any]:
        """An order as queries and callbacks tell it."""
        shown = {
            "appid": self._platform.app_id, "mchid": self._platform.mch_id, "out_trade_no": order["out_trade_no"],
            "trade_state": order["state"], "trade_state_desc": _STATES[order["state"]], "attach": order["attach"],
            "amount": {"total": order["amount_fen"], "currency": "CNY"},
        }
        if order["transaction_id"] is None:
            return shown
        shown["amount"] |= {"payer_total": order["amount_fen"], "payer_currency": "CNY"}
        return shown | {
            "transaction_id": order["transaction_id"], "trade_type": order["trade_type"], "bank_type": "OTHERS",
            "success_time": order["paid_at"], "payer": {"openid": order["openid"]},
        }

    # --- refunds

    def refund(self, asked: RefundRequest) -> sqlite3.Row:
        """Send money back; the same ``out_refund_no`` again is the same refund.

        Raises:
            PayError: nothing was paid, the amounts do not fit, it is too late, or the number was used for another refund.
        """
        now = self._now()
        with self._db.transaction():
            order = self._refunded_order(asked)
            earlier = self._db.one("SELECT * FROM refunds WHERE out_refund_no = ?", asked.out_refund_no)
            if earlier is not None:
                if (earlier["out_trade_no"], earlier["amount_fen"]) != (order["out_trade_no"], asked.amount.refund):
                    raise invalid("out_refund_no was used for another refund")
                return earlier
            self._check_refund(order, asked, now)
            return self._add_refund(order, asked, now)

    def _refunded_order(self, asked: RefundRequest) -> sqlite3.Row:
        try:
            if asked.transaction_id:
                return self.get_by_transaction(asked.transaction_id)
            return self.get(asked.out_trade_no or "")
        except PayError as error:
            raise PayError(404, "RESOURCE_NOT_EXISTS", "订单不存在") from error

    def _check_refund(self, order: sqlite3.Row, asked: RefundRequest, now: datetime) -> None:
        if order["transaction_id"] is None:
            raise PayError(400, "INVALID_REQUEST", "订单未支付")
        if datetime.fromisoformat(order["paid_at"]) + timedelta(days=REFUND_DAYS) < now:
            raise PayError(400, "INVALID_REQUEST", "订单已超过可退款时间")
        if asked.amount.total != order["amount_fen"]:
            raise invalid("amount.total is not the order's")
        refunds = self.refunds_of(order["out_trade_no"])
        if sum(refund["amount_fen"] for refund in refunds) + asked.amount.refund > order["amount_fen"]:
            raise PayError(400, "INVALID_REQUEST", "退款金额大于支付金额")
        if len(refunds) >= REFUNDS_PER_ORDER:
            raise PayError(400, "INVALID_REQUEST", "退款次数过多")

    def _add_refund(self, order: sqlite3.Row, asked: RefundRequest, now: datetime) -> sqlite3.Row:
        succeeds = now + timedelta(seconds=REFUND_SECONDS)
        self._db.add("refunds", {
            "out_refund_no": asked.out_refund_no, "refund_id": f"503{now:%Y%m%d}{secrets.randbelow(10**15):015d}",
            "out_trade_no": order["out_trade_no"], "amount_fen": asked.amount.refund, "reason": asked.reason,
            "notify_url": asked.notify_url, "created_at": iso(now), "succeeds_at": iso(succeeds),
        })
        self._db.run("UPDATE orders SET state = 'REFUND' WHERE out_trade_no = ?", order["out_trade_no"])
        if asked.notify_url:
            self._call_back("refund", asked.out_refund_no, asked.notify_url, succeeds)
        return self.get_refund(asked.out_refund_no)

    def get_refund(self, out_refund_no: str) -> sqlite3.Row:
        """A refund by the merchant's number.

        Raises:
            PayError: RESOURCE_NOT_EXISTS.
        """
        refund = self._db.one("SELECT * FROM refunds WHERE out_refund_no = ?", out_refund_no)
        if refund is None:
            raise PayError(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        return refund

    def refunds_of(self, out_trade_no: str) -> list[sqlite3.Row]:
        """All refunds of an order."""
        return list(self._db.all("SELECT * FROM refunds WHERE out_trade_no = ?", out_trade_no))

    def show_refund(self, refund: sqlite3.Row) -> dict[str, Any]:
        """A refund as queries tell it."""
        order = self.get(refund["out_trade_no"])
        done = refund["succeeds_at"] <= iso(self._now())
        shown = {
            "refund_id": refund["refund_id"], "out_refund_no": refund["out_refund_no"],
            "transaction_id": order["transaction_id"], "out_trade_no": order["out_trade_no"], "channel": "ORIGINAL",
            "user_received_account": "支付用户零钱", "create_time": refund["created_at"],
            "status": "SUCCESS" if done else "PROCESSING", "funds_account": "AVAILABLE",
            "amount": {
                "total": order["amount_fen"], "refund": refund["amount_fen"], "payer_total": order["amount_fen"],
                "payer_refund": refund["amount_fen"], "settlement_total": order["amount_fen"],
                "settlement_refund": refund["amount_fen"], "discount_refund": 0, "currency": "CNY",
            },
        }
        return shown | {"success_time": refund["succeeds_at"]} if done else shown

    def show_refund_callback(self, refund: sqlite3.Row) -> dict[str, Any]:
        """A refund as the callback tells it: fewer fields, and other names for some."""
        shown = self.show_refund(refund)
        amount = {name: shown["amount"][name] for name in ("total", "refund", "payer_total", "payer_refund")}
        names = ("out_trade_no", "transaction_id", "out_refund_no", "refund_id", "user_received_account")
        return {
            "mchid": self._platform.mch_id, **{name: shown[name] for name in names}, "refund_status": "SUCCESS",
            "success_time": refund["succeeds_at"], "amount": amount,
        }

    def _call_back(self, kind: str, number: str, url: str, at: datetime) -> None:
        self._db.add("callbacks", {
            "id": secrets.token_hex(16), "kind": kind, "number": number, "url": url, "tries": 0, "next_at": iso(at),
            "outcome": "",
        })

    def _now(self) -> datetime:
        return self._platform.clock.now()


_STATES = {"NOTPAY": "订单未支付", "SUCCESS": "支付成功", "CLOSED": "订单已关闭", "REFUND": "订单发生过退款"}


def _existing(order: sqlite3.Row | None) -> sqlite3.Row:
    if order is None:
        raise PayError(404, "ORDER_NOT_EXIST", "订单不存在")
    return order


def _facts(order: OrderRequest, trade_type: str) -> str:
    openid = order.payer.openid if order.payer else None
    return json.dumps([trade_type, order.description, order.amount.total, openid, order.attach, order.notify_url])
