"""The text-message provider, over the HTTP API that docs/sms.openapi.yaml describes."""

from connectors.sms.client import SmsClient

__all__ = ["SmsClient"]
