"""The client of the hotline system; see docs/hotline.openapi.yaml."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass
from typing import Any, Self

from pydantic import TypeAdapter

from connectors.signed import Answer, SystemClient
from runxia.clock import Clock
from runxia.settings import Settings
from services.errors import OrderClosed, ServiceError, UnknownOrder
from services.repairs.ports import Filing, HotlineOrder

SYSTEM = "hotline"
NOT_FOUND, CONFLICT = 404, 409
MAX_TEXT = 500  # of what the hotline tells that is shown to customers
_NUMBER = re.compile(r"[0-9A-Za-z_-]{1,32}")
_MEDIA = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class _Changes:
    orders: tuple[HotlineOrder, ...]


_ORDER, _CHANGES = TypeAdapter(HotlineOrder), TypeAdapter(_Changes)


class HotlineClient(SystemClient):
    """:class:`services.repairs.ports.Hotline` over HTTP. Open with :meth:`open`."""

    @classmethod
    def open(cls, settings: Settings, clock: Clock) -> AbstractAsyncContextManager[Self]:
        """Open the connections; close them at the end."""
        return cls._open(SYSTEM, settings.hotline_base_url, settings.hotline_key_id, settings.hotline_key, clock)

    async def file(self, filing: Filing) -> HotlineOrder:
        """See :class:`services.repairs.ports.Hotline`."""
        body = {name: value for name, value in asdict(filing).items() if value is not None}
        answer = await self._client.send("POST", "orders", json_body={**body, "promised_at": filing.promised_at.isoformat()})
        order = self._order(answer)
        self._require(order.request_key == filing.request_key and order.kind is filing.kind, "another order")
        return order

    async def order(self, order_no: str) -> HotlineOrder:
        """See :class:`services.repairs.ports.Hotline`."""
        return self._this(order_no, await self._client.get("orders", _number(order_no)))

    async def remind(self, order_no: str, request_key: str) -> HotlineOrder:
        """See :class:`services.repairs.ports.Hotline`."""
        return await self._change(order_no, "reminders", {"request_key": request_key})

    async def cancel(self, order_no: str, reason: str) -> HotlineOrder:
        """See :class:`services.repairs.ports.Hotline`."""
        return await self._change(order_no, "cancellation", {"reason": reason})

    async def amend(
        self, order_no: str, request_key: str, *, address: str | None = None, phone: str | None = None, note: str | None = None,
    ) -> HotlineOrder:
        """See :class:`services.repairs.ports.Hotline`."""
        given = {name: value for name, value in (("address", address), ("phone", phone), ("note", note)) if value is not None}
        return await self._change(order_no, "amendments", {"request_key": request_key, **given})

    async def attach(self, order_no: str, file_id: str, content: bytes, content_type: str) -> None:
        """See :class:`services.repairs.ports.Hotline`."""
        if not _MEDIA.fullmatch(file_id):
            raise KeyError(file_id)
        path = ("orders", _number(order_no), "attachments", file_id)
        answer = await self._client.upload("PUT", *path, content=content, content_type=content_type)
        self._accept(answer)

    async def rate(self, order_no: str, score: int, comment: str | None) -> None:
        """See :class:`services.repairs.ports.Hotline`."""
        body = {"score": score, **({"comment": comment} if comment else {})}
        answer = await self._client.send("PUT", "orders", _number(order_no), "rating", json_body=body)
        self._accept(answer)

    async def changes(self, after: int) -> Sequence[HotlineOrder]:
        """See :class:`services.repairs.ports.Hotline`."""
        answer = await self._client.get("changes", query={"after": str(after)})
        orders = self._parse(_CHANGES, answer).orders
        versions = [order.version for order in orders]
        in_order = all(version > after for version in versions) and versions == sorted(set(versions))
        self._require(in_order, "changes out of order")
        for order in orders:
            self._check(order)
        return orders

    async def _change(self, order_no: str, what: str, body: dict[str, Any]) -> HotlineOrder:
        return self._this(order_no, await self._client.send("POST", "orders", _number(order_no), what, json_body=body))

    def _this(self, order_no: str, answer: Answer) -> HotlineOrder:
        order = self._order(answer)
        self._require(order.order_no == order_no, "another order")
        return order

    def _order(self, answer: Answer) -> HotlineOrder:
        order = self._parse(_ORDER, answer)
        self._check(order)
        return order

    def _check(self, order: HotlineOrder) -> None:
        self._require(_NUMBER.fullmatch(order.order_no) is not None, "an order number of no known shape")
        moments = (order.created_at, order.promised_at, order.updated_at)
        self._require(all(moment.tzinfo is not None for moment in moments), "a time without a zone")
        self._require(all(len(text or "") <= MAX_TEXT for text in (order.crew, order.result)), "a text too long to show")

    def _refusal(self, answer: Answer) -> ServiceError:
        if answer.status == NOT_FOUND and answer.code == "unknown_order":
            return UnknownOrder()
        if answer.status == CONFLICT and answer.code == "order_closed":
            return OrderClosed()
        return super()._refusal(answer)


def _number(order_no: str) -> str:
    if not _NUMBER.fullmatch(order_no):
        raise UnknownOrder
    return order_no
