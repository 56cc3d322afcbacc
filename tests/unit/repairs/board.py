"""A hotline and an outage board in memory, able to fail on demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from runxia.clock import Clock
from services.errors import OrderClosed, SystemUnavailable, UnknownOrder
from services.outages import OutageNotice
from services.repairs.ports import Filing, HotlineOrder, OrderState


@dataclass
class FakeHotline:
    """Orders by number. ``down`` fails every call; ``lost_answer`` makes the next change happen and then fail."""

    clock: Clock
    down: bool = False
    lost_answer: bool = False
    orders: dict[str, HotlineOrder] = field(default_factory=dict)
    filings: dict[str, Filing] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    files: dict[str, bytes] = field(default_factory=dict)
    ratings: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    amendments: list[dict[str, str | None]] = field(default_factory=list)
    reminders: int = 0

    async def file(self, filing: Filing) -> HotlineOrder:
        """See :class:`services.repairs.ports.Hotline`."""
        self._call()
        number = next((each.order_no for each in self.orders.values() if each.request_key == filing.request_key), None)
        if number is None:
            now = self.clock.now()
            number = f"GD20261121{len(self.orders) + 1:04d}"
            self.filings[number] = filing
            self.orders[number] = HotlineOrder(
                number, filing.request_key, filing.kind, OrderState.ACCEPTED, now, filing.promised_at, now, None, None,
                self._version(),
            )
        return self._answer(number)

    async def order(self, order_no: str) -> HotlineOrder:
        """See :class:`services.repairs.ports.Hotline`."""
        self._call()
        if order_no not in self.orders:
            raise UnknownOrder
        return self.orders[order_no]

    async def remind(self, order_no: str, request_key: str) -> HotlineOrder:
        """See :class:`services.repairs.ports.Hotline`."""
        await self._open(order_no)
        self.reminders += self._new(request_key)
        return self._answer(order_no)

    async def cancel(self, order_no: str, reason: str) -> HotlineOrder:
        """See :class:`services.repairs.ports.Hotline`."""
        if (await self.order(order_no)).state is OrderState.DONE:
            raise OrderClosed
        self.move(order_no, OrderState.CANCELLED, reason)
        return self._answer(order_no)

    async def amend(
        self, order_no: str, request_key: str, *, address: str | None = None, phone: str | None = None, note: str | None = None,
    ) -> HotlineOrder:
        """See :class:`services.repairs.ports.Hotline`."""
        await self._open(order_no)
        if self._new(request_key):
            self.amendments.append({"address": address, "phone": phone, "note": note})
        return self._answer(order_no)

    async def attach(self, order_no: str, file_id: str, content: bytes, content_type: str) -> None:
        """See :class:`services.repairs.ports.Hotline`."""
        await self.order(order_no)
        self.files[file_id] = content

    async def rate(self, order_no: str, score: int, comment: str | None) -> None:
        """See :class:`services.repairs.ports.Hotline`."""
        await self.order(order_no)
        self.ratings[order_no] = (score, comment)

    async def changes(self, after: int) -> Sequence[HotlineOrder]:
        """See :class:`services.repairs.ports.Hotline`."""
        self._call()
        return sorted((each for each in self.orders.values() if each.version > after), key=lambda each: each.version)

    def move(self, order_no: str, state: OrderState, result: str | None = None) -> None:
        """The hotline's staff bring an order on."""
        moved = replace(
            self.orders[order_no], state=state, result=result, version=self._version(), updated_at=self.clock.now(),
        )
        self.orders[order_no] = moved

    async def _open(self, order_no: str) -> None:
        if not (await self.order(order_no)).state.is_open:
            raise OrderClosed

    def _new(self, request_key: str) -> bool:
        is_new = request_key not in self.keys
        self.keys.add(request_key)
        return is_new

    def _version(self) -> int:
        return max((each.version for each in self.orders.values()), default=0) + 1

    def _call(self) -> None:
        if self.down:
            raise SystemUnavailable("hotline")

    def _answer(self, order_no: str) -> HotlineOrder:
        if self.lost_answer:
            self.lost_answer = False
            raise SystemUnavailable("hotline")
        return self.orders[order_no]


@dataclass
class FakeOutages:
    """Notices that concern every address."""

    notices: list[OutageNotice] = field(default_factory=list)
    down: bool = False
    asked: list[str] = field(default_factory=list)

    async def affecting(self, address: str, at: datetime) -> list[OutageNotice]:
        """See :class:`services.outages.OutageBoard`."""
        self.asked.append(address)
        if self.down:
            raise SystemUnavailable("website")
        return self.notices
