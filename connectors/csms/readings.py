"""The client of the part of CSMS that reads meters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import TypeAdapter

from connectors.csms.desk import CONFLICT, NOT_FOUND, DeskClient, account_path, is_number
from connectors.signed import Answer
from services.errors import ReadingRefused
from services.readings.filing import filing_facts
from services.readings.ports import DayPart, Filing, Meter, MeterRequest, Slot

MAX_NOTE = 500
MAX_DIGITS = 9
# Why CSMS does not take a request → why, as the service says it.
_REFUSALS = {
    "account_closed": "closed", "account_stopped": "stopped", "reading_taken": "taken", "request_open": "open", "full": "full",
    "too_late": "too_late",
}


@dataclass(frozen=True, slots=True)
class _Slots:
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class _Requests:
    requests: tuple[MeterRequest, ...]


_METER, _SLOTS = TypeAdapter(Meter), TypeAdapter(_Slots)
_REQUEST, _REQUESTS = TypeAdapter(MeterRequest), TypeAdapter(_Requests)


class CsmsReadings(DeskClient):
    """:class:`services.readings.MeterDesk` over HTTP."""

    async def meter(self, account_no: str) -> Meter:
        """See :class:`services.readings.MeterDesk`."""
        meter = self._parse(_METER, await self._client.get("accounts", account_path(account_no), "meter"))
        self._require(meter.account_no == account_no, "another account's meter")
        self._require(1 <= meter.digits <= MAX_DIGITS, "a meter without wheels")
        days = [reading.read_on for reading in meter.readings]
        self._require(days == sorted(days, reverse=True), "readings out of order")
        self._require(all(reading.value >= 0 for reading in meter.readings) and meter.start >= 0, "a negative reading")
        return meter

    async def slots(self, first: date, last: date) -> Sequence[Slot]:
        """See :class:`services.readings.MeterDesk`."""
        answer = await self._client.get("visit-slots", query={"from": first.isoformat(), "to": last.isoformat()})
        slots = self._parse(_SLOTS, answer).slots
        self._require(all(first <= slot.day <= last for slot in slots), "slots of other days")
        return slots

    async def of_account(self, account_no: str) -> Sequence[MeterRequest]:
        """See :class:`services.readings.MeterDesk`."""
        answer = await self._client.get("accounts", account_path(account_no), "meter-requests")
        requests = self._parse(_REQUESTS, answer).requests
        for request in requests:
            self._check_request(request)
            self._require(request.account_no == account_no, "another account's request")
        return sorted(requests, key=lambda request: request.filed_at, reverse=True)

    async def file(self, request_id: str, filing: Filing) -> MeterRequest:
        """See :class:`services.readings.MeterDesk`."""
        answer = await self._client.send("POST", "meter-requests", json_body={"request_id": request_id, **filing_facts(filing)})
        request = self._one(answer)
        self._require(request.request_id == request_id and request.kind is filing.kind, "another request")
        return request

    async def request(self, request_no: str) -> MeterRequest | None:
        """See :class:`services.readings.MeterDesk`."""
        if not is_number(request_no):
            return None
        answer = await self._client.get("meter-requests", request_no)
        if answer.status == NOT_FOUND:
            return None
        request = self._one(answer)
        self._require(request.request_no == request_no, "another request")
        return request

    async def move(self, request_no: str, day: date, part: DayPart, phone: str) -> MeterRequest:
        """See :class:`services.readings.MeterDesk`."""
        body = {"day": day.isoformat(), "part": part, "phone": phone}
        return await self._change(request_no, "visit", "PUT", body)

    async def cancel(self, request_no: str) -> MeterRequest:
        """See :class:`services.readings.MeterDesk`."""
        return await self._change(request_no, "cancellation", "POST", {})

    async def changes(self, after: int) -> Sequence[MeterRequest]:
        """See :class:`services.readings.MeterDesk`."""
        requests = self._parse(_REQUESTS, await self._client.get("meter-requests", query={"after": str(after)})).requests
        for request in requests:
            self._check_request(request)
        sequences = [request.sequence for request in requests]
        self._require(sequences == sorted(set(sequences)) and all(each > after for each in sequences), "changes out of order")
        return requests

    async def _change(self, request_no: str, what: str, method: str, body: dict[str, str]) -> MeterRequest:
        self._require(is_number(request_no), "a request number that is none")
        request = self._one(await self._client.send(method, "meter-requests", request_no, what, json_body=body))
        self._require(request.request_no == request_no, "another request")
        return request

    def _one(self, answer: Answer) -> MeterRequest:
        if answer.status == CONFLICT and answer.code in _REFUSALS:
            raise ReadingRefused(_REFUSALS[answer.code])
        request = self._parse(_REQUEST, answer)
        self._check_request(request)
        return request

    def _check_request(self, request: MeterRequest) -> None:
        self._require(is_number(request.request_no), "a request number that is none")
        self._require(len(request.note or "") <= MAX_NOTE, "too much text")
        moments = (request.filed_at, request.changed_at)
        self._require(all(moment.tzinfo is not None for moment in moments), "a time without a zone")
