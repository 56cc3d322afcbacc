"""The utility's official website: outage notices and water quality, by the feeds that docs/website.openapi.yaml describes."""

from connectors.website.client import WebsiteClient

__all__ = ["WebsiteClient"]
