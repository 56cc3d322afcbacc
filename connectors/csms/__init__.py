"""The billing system, over the HTTP API that docs/csms.openapi.yaml describes."""

from connectors.csms.client import CsmsClient

__all__ = ["CsmsClient"]
