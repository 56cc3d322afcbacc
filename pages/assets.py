"""Styles and scripts of the pages."""

from __future__ import annotations

from pathlib import Path

from sanic import Blueprint

assets = Blueprint("page_assets")
assets.static("/p/static", Path(__file__).parent / "static", name="files")
