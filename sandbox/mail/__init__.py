"""The mail server, and an inbox that shows what every address got."""

from sandbox.mail.server import bp, clear

__all__ = ["bp", "clear"]
