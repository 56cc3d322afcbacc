"""The billing system, over the HTTP API that docs/csms.openapi.yaml describes."""

from connectors.csms.applications import ApplicationsClient
from connectors.csms.client import CsmsClient

__all__ = ["ApplicationsClient", "CsmsClient"]
