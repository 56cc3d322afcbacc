"""WeChat Pay's refusals: HTTP status and code as https://pay.weixin.qq.com/doc/v3/merchant/ lists them for each call."""

from __future__ import annotations


class PayError(Exception):
    """WeChat Pay refuses a call."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message


def invalid(message: str) -> PayError:
    """A parameter is missing or wrong."""
    return PayError(400, "PARAM_ERROR", message)
