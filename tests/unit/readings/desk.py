"""The meter desk, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from runxia.clock import Clock, today
from services.errors import ReadingRefused, SystemUnavailable, UnknownAccount
from services.readings import DayPart, Filing, Kind, Meter, MeterReading, MeterRequest, Slot, State

FIRST = {Kind.READING: State.ACCEPTED, Kind.VISIT: State.BOOKED}


class FakeMeterDesk:
    """``down``, ``lost_answer`` and ``failures`` as in :mod:`tests.fakes`."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.down = False
        self.lost_answer = False
        self.failures: list[Exception] = []
        self.meters: dict[str, Meter] = {}
        self.filed: dict[str, Filing] = {}
        self.requests: dict[str, MeterRequest] = {}
        self.free = 2
        self.sequence = 0

    def _call(self) -> None:
        if self.failures:
            raise self.failures.pop(0)
        if self.down:
            raise SystemUnavailable("csms")

    async def meter(self, account_no: str) -> Meter:
        """See :class:`services.readings.MeterDesk`."""
        self._call()
        if account_no not in self.meters:
            raise UnknownAccount
        return self.meters[account_no]

    async def slots(self, first: date, last: date) -> Sequence[Slot]:
        """See :class:`services.readings.MeterDesk`."""
        self._call()
        days = [first + timedelta(days=each) for each in range((last - first).days + 1)]
        return [Slot(day, part, self.free) for day in days for part in DayPart]

    async def of_account(self, account_no: str) -> Sequence[MeterRequest]:
        """See :class:`services.readings.MeterDesk`."""
        self._call()
        return [each for each in reversed(self.requests.values()) if each.account_no == account_no]

    async def file(self, request_id: str, filing: Filing) -> MeterRequest:
        """See :class:`services.readings.MeterDesk`."""
        self._call()
        number = next((each.request_no for each in self.requests.values() if each.request_id == request_id), None)
        if number is None:
            number = f"DS20261102{len(self.requests) + 1:04d}"
            now = self.clock.now()
            self.sequence += 1
            self.filed[number] = filing
            self.requests[number] = MeterRequest(
                number, request_id, filing.kind, FIRST.get(filing.kind, State.RECEIVED), filing.account_no, now, now,
                self.sequence, filing.value, filing.day, filing.part, None,
            )
        return self._answer(number)

    async def request(self, request_no: str) -> MeterRequest | None:
        """See :class:`services.readings.MeterDesk`."""
        self._call()
        return self.requests.get(request_no)

    async def move(self, request_no: str, day: date, part: DayPart, phone: str) -> MeterRequest:
        """See :class:`services.readings.MeterDesk`."""
        self._call()
        self._change(request_no, day=day, part=part)
        return self._answer(request_no)

    async def cancel(self, request_no: str) -> MeterRequest:
        """See :class:`services.readings.MeterDesk`."""
        self._call()
        if self.requests[request_no].state is State.DONE:
            raise ReadingRefused("too_late")
        self.decide(request_no, State.CANCELLED)
        return self._answer(request_no)

    async def changes(self, after: int) -> Sequence[MeterRequest]:
        """See :class:`services.readings.MeterDesk`."""
        self._call()
        return sorted((each for each in self.requests.values() if each.sequence > after), key=lambda each: each.sequence)

    def decide(self, number: str, state: State, note: str | None = None) -> None:
        """The desk decides."""
        self._change(number, state=state, note=note)

    def _change(self, number: str, **changes: object) -> None:
        self.sequence += 1
        self.requests[number] = replace(
            self.requests[number], sequence=self.sequence, changed_at=self.clock.now(), **changes,  # type: ignore[arg-type]
        )

    def _answer(self, number: str) -> MeterRequest:
        if self.lost_answer:
            self.lost_answer = False
            raise SystemUnavailable("csms")
        return self.requests[number]

    @property
    def newest(self) -> str:
        """The number of the last request."""
        return max(self.requests)


def meter(clock: Clock, account_no: str = "1000000001", **changes: object) -> Meter:
    """A meter that was read nearly two weeks ago and showed 312, changed by keyword."""
    day = today(clock)
    usual = Meter(
        account_no, "LJ15006648", 5, date(2015, 6, 1), Decimal(0), day + timedelta(days=18),
        (
            MeterReading(day - timedelta(days=13), Decimal(312), "actual"),
            MeterReading(day - timedelta(days=43), Decimal(300), "actual"),
        ),
    )
    return replace(usual, **changes)  # type: ignore[arg-type]
