"""The hotline system."""

from connectors.hotline.client import HotlineClient

__all__ = ["HotlineClient"]
