"""The text-message provider, and an inbox that shows what every phone got: docs/sms.openapi.yaml."""

from sandbox.sms.api import bp, clear

__all__ = ["bp", "clear"]
