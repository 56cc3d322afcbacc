"""The client of the mail server."""

from __future__ import annotations

import logging
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

import aiosmtplib

from runxia.clock import Clock
from runxia.settings import Settings
from services.errors import SystemUnavailable

log = logging.getLogger(__name__)

SYSTEM = "mail"
TIMEOUT_SECONDS = 10.0


class SmtpMail:
    """:class:`services.ports.Mail` over SMTP: a connection for each mail, for there are few."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    async def send(self, to: str, subject: str, text: str) -> None:
        """See :class:`services.ports.Mail`. Not repeated here: a second mail may be on its way."""
        settings = self._settings
        if not settings.smtp_host:
            raise SystemUnavailable(SYSTEM)
        try:
            await aiosmtplib.send(
                self._message(to, subject, text), sender=settings.mail_from, recipients=[to],
                hostname=settings.smtp_host, port=settings.smtp_port, timeout=TIMEOUT_SECONDS,
                use_tls=settings.smtp_security == "tls", start_tls=settings.smtp_security == "starttls",
                username=settings.smtp_user or None, password=settings.smtp_password.get_secret_value() or None,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            log.warning("the mail server did not take a mail: %s", type(error).__name__)
            raise SystemUnavailable(SYSTEM) from error

    def _message(self, to: str, subject: str, text: str) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._settings.mail_from, to, subject
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = make_msgid(domain=self._settings.mail_from.partition("@")[2] or None)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        return message
