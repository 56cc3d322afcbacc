"""What the readings service needs of CSMS: the meter's readings, and the desk that takes requests about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """What a customer asks of the meter desk."""

    READING = "reading"  # takes the customer's own reading
    DISPUTE = "dispute"  # looks into a reading that the customer doubts
    VISIT = "visit"  # sends somebody to read the meter
    CHECK = "check"  # has the meter verified


class State(StrEnum):
    """Where a request stands. Which of them occur depends on the kind."""

    RECEIVED = "received"  # dispute, check
    REVIEWING = "reviewing"  # reading, dispute
    ACCEPTED = "accepted"  # reading: the next bill goes by it
    REJECTED = "rejected"  # reading, check: the note says why
    CORRECTED = "corrected"  # dispute: the reading was wrong
    UPHELD = "upheld"  # dispute: the reading was right
    BOOKED = "booked"  # visit
    SCHEDULED = "scheduled"  # check: the day is in the note
    DONE = "done"  # visit
    QUALIFIED = "qualified"  # check
    UNQUALIFIED = "unqualified"  # check
    CANCELLED = "cancelled"


class DayPart(StrEnum):
    """The half of a day in which somebody comes."""

    MORNING = "morning"
    AFTERNOON = "afternoon"


@dataclass(frozen=True, slots=True)
class MeterReading:
    """A reading on file. ``kind``: actual | estimated | customer."""

    read_on: date
    value: Decimal
    kind: str


@dataclass(frozen=True, slots=True)
class Meter:
    """An account's meter. ``digits``: of its black wheels, which count whole m³. ``start``: what it showed when installed.

    ``next_on``: when it is read next; none for an account that takes no water. ``readings``: newest first.
    """

    account_no: str
    meter_no: str
    digits: int
    installed_on: date
    start: Decimal
    next_on: date | None
    readings: tuple[MeterReading, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """Half a day in which somebody could come, and for how many more visits there is time."""

    day: date
    part: DayPart
    free: int


@dataclass(frozen=True, slots=True)
class Filing:
    """What a customer asks. Which facts are given depends on the kind.

    ``value``: what the meter shows (reading, dispute). ``bill_no`` and ``since``: the bill in dispute, and since which month
    its readings are doubted. ``day``, ``part``: of a visit. ``phone``: whom to call, in clear.
    """

    kind: Kind
    account_no: str
    value: int | None = None
    bill_no: str | None = None
    since: str | None = None
    day: date | None = None
    part: DayPart | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class MeterRequest:
    """A request as CSMS holds it. ``sequence`` grows with every change of any request. ``note``: words for the customer."""

    request_no: str
    request_id: str
    kind: Kind
    state: State
    account_no: str
    filed_at: datetime
    changed_at: datetime
    sequence: int
    value: int | None
    day: date | None
    part: DayPart | None
    note: str | None


class MeterDesk(Protocol):
    """The part of CSMS that reads meters. Every method may raise ``SystemUnavailable("csms")``."""

    async def meter(self, account_no: str) -> Meter:
        """The meter and its readings.

        Raises:
            UnknownAccount: there is no such account.
        """
        ...

    async def slots(self, first: date, last: date) -> Sequence[Slot]:
        """When somebody could come to read a meter, from ``first`` to ``last``, both included, in order."""
        ...

    async def of_account(self, account_no: str) -> Sequence[MeterRequest]:
        """Requests about an account, whoever made them, newest first.

        Raises:
            UnknownAccount: there is no such account.
        """
        ...

    async def file(self, request_id: str, filing: Filing) -> MeterRequest:
        """Take a request. The same ``request_id`` again takes nothing and gives the same request.

        Raises:
            ReadingRefused: it cannot be taken; ``full`` where the visit's time is taken.
            UnknownAccount: there is no such account.
        """
        ...

    async def request(self, request_no: str) -> MeterRequest | None:
        """A request, or none."""
        ...

    async def move(self, request_no: str, day: date, part: DayPart, phone: str) -> MeterRequest:
        """Put a visit to another time; again, nothing more happens.

        Raises:
            ReadingRefused: ``full``, or ``too_late``.
        """
        ...

    async def cancel(self, request_no: str) -> MeterRequest:
        """Take a request back; again, nothing more happens.

        Raises:
            ReadingRefused: ``too_late``.
        """
        ...

    async def changes(self, after: int) -> Sequence[MeterRequest]:
        """Requests changed since the sequence number ``after``, in its order, each once as it is now; the first few."""
        ...
