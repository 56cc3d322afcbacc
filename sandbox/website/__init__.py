"""The utility's official website: pages for people, and the feeds that docs/website.openapi.yaml describes."""

from sandbox.website.controls import bp as controls
from sandbox.website.site import bp, clear

__all__ = ["bp", "clear", "controls"]
