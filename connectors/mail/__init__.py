"""The mail server, over SMTP."""

from connectors.mail.client import SmtpMail

__all__ = ["SmtpMail"]
