"""What the applications service needs of CSMS: where applications are filed, reviewed and carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """What is applied for."""

    INSTALL = "install"  # a new connection; all others are changes of an account
    STOP = "stop"
    RESTORE = "restore"
    HOUSEHOLD = "household"  # how many people the tiers are reckoned for
    NATURE = "nature"  # what the water is used for


class State(StrEnum):
    """Where an application stands at the utility."""

    RECEIVED = "received"
    REVIEWING = "reviewing"
    DOCUMENTS_MISSING = "documents_missing"
    SURVEYING = "surveying"
    QUOTED = "quoted"
    AWAITING_PAYMENT = "awaiting_payment"
    CONSTRUCTING = "constructing"
    DONE = "done"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Filing:
    """What a customer applies for. Which facts are given depends on the kind; personal ones are in clear.

    ``use``: of a new connection, as in ``utility.yml``. ``nature``: the kind of account that it is to become.
    ``start`` and ``end``: first and last day without water, the end maybe open.
    """

    kind: Kind
    account_no: str | None = None
    name: str | None = None
    phone: str | None = None
    address: str | None = None
    use: str | None = None
    people: int | None = None
    nature: str | None = None
    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True)
class Application:
    """An application as CSMS holds it. ``sequence`` grows with every change of any application.

    ``missing``: ids of the documents still wanted. ``quote_fen``: what a new connection will cost. ``note``: the reviewer's
    words to the customer.
    """

    application_no: str
    request_id: str
    kind: Kind
    state: State
    account_no: str | None
    filed_at: datetime
    changed_at: datetime
    sequence: int
    missing: tuple[str, ...]
    quote_fen: int | None
    note: str | None


class ApplicationDesk(Protocol):
    """The part of CSMS that takes applications. Every method may raise ``SystemUnavailable("csms")``."""

    async def file(self, request_id: str, filing: Filing) -> Application:
        """File an application. The same ``request_id`` again files nothing and gives the same application.

        Raises:
            ApplicationRefused: the account is not in a state for it, or owes money.
            UnknownAccount: there is no such account.
        """
        ...

    async def application(self, application_no: str) -> Application | None:
        """An application, or none."""
        ...

    async def withdraw(self, application_no: str) -> Application:
        """Withdraw an application; again, nothing more happens.

        Raises:
            ApplicationRefused: too late.
        """
        ...

    async def add_document(
        self, application_no: str, document_id: str, document: str, content: bytes, content_type: str,
    ) -> None:
        """Hand over a photo of a ``document``. The same ``document_id`` again changes nothing.

        Raises:
            ApplicationRefused: the application is closed.
        """
        ...

    async def changes(self, after: int) -> Sequence[Application]:
        """Applications changed since the sequence number ``after``, in its order, each once as it is now; the first few."""
        ...
