"""The customer and what stands behind them."""

from tests.unit.website.conftest import Home, db, home

__all__ = ["Home", "db", "home"]
