"""What WeChat Pay says, checked on the way in. Only the fields that we use; it may add others at any time."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from services.ports import RefundResult, Transaction


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=False)


class _Amount(_Message):
    total: int = Field(default=0, ge=0)
    currency: Literal["CNY"] = "CNY"


class _Payer(_Message):
    openid: str | None = None


class TransactionMessage(_Message):
    """A payment, from a query or a callback. https://pay.weixin.qq.com/doc/v3/merchant/4012791859."""

    appid: str
    mchid: str
    out_trade_no: str
    trade_state: str
    transaction_id: str | None = None
    success_time: AwareDatetime | None = None
    amount: _Amount = _Amount()
    payer: _Payer = _Payer()

    @model_validator(mode="after")
    def _success_is_complete(self) -> TransactionMessage:
        if self.trade_state == "SUCCESS" and not (self.transaction_id and self.success_time and self.payer.openid):
            raise ValueError("a payment without number, time or payer")
        return self

    def transaction(self) -> Transaction:
        """As the service knows it. The amount is the order's: coupons of WeChat Pay may pay a part of it."""
        return Transaction(
            self.out_trade_no, self.trade_state, self.transaction_id or None, self.amount.total, self.success_time,
            self.payer.openid,
        )


class RefundAnswer(_Message):
    """The answer to a request for a refund."""

    out_refund_no: str
    status: str

    def result(self) -> RefundResult:
        """As the service knows it."""
        return RefundResult(self.out_refund_no, self.status)


class RefundNotice(_Message):
    """A refund that has ended, from a callback: the names differ from those of the answer."""

    mchid: str
    out_refund_no: str
    refund_status: str

    def result(self) -> RefundResult:
        """As the service knows it."""
        return RefundResult(self.out_refund_no, self.refund_status)


class PrepayAnswer(_Message):
    """The answer to a new order."""

    prepay_id: str = Field(min_length=1, max_length=64)


class StatementAnswer(_Message):
    """Where a statement can be fetched, and what it must hash to (before compression)."""

    download_url: str
    hash_type: Literal["SHA1"]
    hash_value: str


class Problem(_Message):
    """Why a request was refused."""

    code: str = ""
    message: str = ""
