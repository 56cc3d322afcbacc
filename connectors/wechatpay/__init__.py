"""WeChat Pay, API v3."""

from connectors.wechatpay.client import WechatPay

__all__ = ["WechatPay"]
