"""The hotline's HTTP API, as docs/hotline.openapi.yaml describes it, and the switches of the demonstration."""

from __future__ import annotations

import json as plain
import sqlite3
from typing import Any, Literal

from pydantic import AwareDatetime, Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sanic import Request, Sanic
from sanic.response import HTTPResponse, empty, json

from runxia.clock import Clock, clock_from
from runxia.settings import Settings
from sandbox.hotline.database import Database
from sandbox.signing import Signing
from sandbox.web import Body, Problem, read_body, read_query, signed_app, unknown

PAGE = 100
OPEN_STATES = ("accepted", "assigned", "on_site")
MEDIA_TYPES = ("image/", "video/")
Key = Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")
Phone = Field(default=None, pattern=r"^(1[3-9]\d{9}|0\d{2,3}-?\d{7,8})$")


class HotlineSettings(BaseSettings):
    """Where the hotline system listens."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore")

    hotline_host: str = "127.0.0.1"
    hotline_port: int = 9200


class _Filing(Body):
    request_key: str = Key
    kind: Literal["repair", "complaint", "suggestion"]
    urgency: Literal["immediate", "urgent", "ordinary"]
    promised_at: AwareDatetime
    description: str = Field(min_length=1, max_length=1000)
    category: Literal[
        "burst", "leak", "no_water", "low_pressure", "discoloured", "odour", "meter", "valve", "cover", "other",
    ] | None = None
    spot: Literal["road", "corridor", "before_meter", "after_meter", "unknown"] | None = None
    address: str | None = Field(default=None, min_length=2, max_length=200)
    location: str | None = Field(default=None, pattern=r"^-?\d{1,3}(\.\d+)?,-?\d{1,3}(\.\d+)?$")
    since: str | None = Field(default=None, max_length=60)
    phone: str | None = Phone
    account_no: str | None = Field(default=None, max_length=20)


class _Reminder(Body):
    request_key: str = Key


class _Cancellation(Body):
    reason: str = Field(min_length=1, max_length=100)


class _Amendment(Body):
    request_key: str = Key
    address: str | None = Field(default=None, min_length=2, max_length=200)
    phone: str | None = Phone
    note: str | None = Field(default=None, min_length=1, max_length=1000)


class _Rating(Body):
    score: int = Field(ge=1, le=5)
    comment: str | None = Field(default=None, max_length=500)


class _After(Body):
    after: int = Field(default=0, ge=0)


class _Move(Body):
    order_no: str
    state: Literal["assigned", "on_site", "done", "cancelled"]
    crew: str | None = None
    result: str | None = None


class Hotline:
    """The API over one set of orders."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._clock = clock
        self.signing = Signing(settings.hotline_key_id, settings.hotline_key.get_secret_value(), clock)
        self._db = Database(settings.data_dir / "hotline.db")
        self._db.seed(clock.now())

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    # --- what docs/hotline.openapi.yaml describes

    async def file(self, request: Request) -> HTTPResponse:
        """POST /orders."""
        given = read_body(_Filing, request)
        filing = given.model_dump_json(exclude={"promised_at"})
        known = self._db.by_key(given.request_key)
        if known is None:
            if given.kind == "repair" and not (given.category and (given.address or given.location)):
                raise Problem(422, "invalid", "a repair needs a category and a place")
            facts = given.model_dump(mode="json", exclude={"request_key", "kind", "promised_at"}, exclude_none=True)
            with self._db.transaction():
                number = self._db.new_order(
                    given.request_key, given.kind, facts, self._clock.now(), given.promised_at, filing,
                )
        elif plain.loads(known["filing"])["kind"] != given.kind:
            raise Problem(409, "request_key_used")
        else:
            number = known["order_no"]
        return self._tell(number)

    async def order(self, _request: Request, order_no: str) -> HTTPResponse:
        """GET /orders/{order_no}."""
        return self._tell(order_no)

    async def remind(self, request: Request, order_no: str) -> HTTPResponse:
        """POST /orders/{order_no}/reminders."""
        given = read_body(_Reminder, request)
        self._open(order_no)
        now = self._clock.now()
        with self._db.transaction():
            if self._db.add_entry(order_no, "reminder", given.request_key, {"at": now.isoformat()}, now):
                self._db.change(order_no, now)
        return self._tell(order_no)

    async def cancel(self, request: Request, order_no: str) -> HTTPResponse:
        """POST /orders/{order_no}/cancellation."""
        given = read_body(_Cancellation, request)
        if self._known(order_no)["state"] == "done":
            raise Problem(409, "order_closed")
        with self._db.transaction():
            if self._known(order_no)["state"] != "cancelled":
                self._db.change(order_no, self._clock.now(), state="cancelled", result=given.reason)
        return self._tell(order_no)

    async def amend(self, request: Request, order_no: str) -> HTTPResponse:
        """POST /orders/{order_no}/amendments."""
        given = read_body(_Amendment, request)
        self._open(order_no)
        now, content = self._clock.now(), given.model_dump(exclude={"request_key"}, exclude_none=True)
        if not content:
            raise Problem(422, "invalid", "address, phone or note is needed")
        with self._db.transaction():
            if self._db.add_entry(order_no, "amendment", given.request_key, content, now):
                self._db.amend_facts(order_no, **{name: value for name, value in content.items() if name != "note"})
                self._db.change(order_no, now)
        return self._tell(order_no)

    async def attach(self, request: Request, order_no: str, file_id: str) -> HTTPResponse:
        """PUT /orders/{order_no}/attachments/{file_id}."""
        self._known(order_no)
        content_type = request.headers.get("content-type", "")
        if not content_type.startswith(MEDIA_TYPES) or not request.body:
            raise Problem(422, "invalid", "a picture or a video is needed")
        self._db.put_attachment(order_no, file_id, content_type, request.body)
        return empty()

    async def rate(self, request: Request, order_no: str) -> HTTPResponse:
        """PUT /orders/{order_no}/rating."""
        given = read_body(_Rating, request)
        if self._known(order_no)["state"] != "done":
            raise Problem(409, "order_closed")
        self._db.put_rating(order_no, given.score, given.comment)
        return empty()

    async def changes(self, request: Request) -> HTTPResponse:
        """GET /changes."""
        rows = self._db.changed(read_query(_After, request).after, PAGE)
        return json({"orders": [_order(row) for row in rows]})

    # --- switches of the demonstration: for this machine only, not part of the API

    async def orders(self, _request: Request) -> HTTPResponse:
        """GET /sandbox/orders: everything about every order, newest first."""
        return json({"orders": [
            {
                **_order(row), **plain.loads(row["facts"]), "reminders": len(self._db.entries(row["order_no"], "reminder")),
                "amendments": self._db.entries(row["order_no"], "amendment"),
                "attachments": self._db.attachments(row["order_no"]), "rating": self._db.rating(row["order_no"]),
            }
            for row in self._db.all()
        ]})

    async def move(self, request: Request) -> HTTPResponse:
        """POST /sandbox/move: the hotline's staff bring an order on."""
        given = read_body(_Move, request)
        row = self._known(given.order_no)
        with self._db.transaction():
            self._db.change(
                given.order_no, self._clock.now(), state=given.state, crew=given.crew or row["crew"],
                result=given.result or row["result"],
            )
        return self._tell(given.order_no)

    def _tell(self, order_no: str) -> HTTPResponse:
        return json(_order(self._known(order_no)))

    def _known(self, order_no: str) -> sqlite3.Row:
        row = self._db.order(order_no)
        if row is None:
            raise unknown("order")
        return row

    def _open(self, order_no: str) -> None:
        if self._known(order_no)["state"] not in OPEN_STATES:
            raise Problem(409, "order_closed")


def _order(row: sqlite3.Row) -> dict[str, Any]:
    names = (
        "order_no", "request_key", "kind", "state", "created_at", "promised_at", "updated_at", "crew", "result", "version",
    )
    return {name: row[name] for name in names}


def create_app(settings: Settings) -> Sanic[Any, Any]:
    """The application."""
    hotline = Hotline(settings, clock_from(settings.clock_file))
    app = signed_app("hotline", hotline.signing)
    _add_routes(app, hotline)

    @app.after_server_stop
    async def stop(_app: Sanic[Any, Any]) -> None:
        hotline.close()

    return app


def _add_routes(app: Sanic[Any, Any], hotline: Hotline) -> None:
    order = "/orders/<order_no:str>"
    app.add_route(hotline.file, "/orders", methods=["POST"])
    app.add_route(hotline.order, order)
    app.add_route(hotline.remind, f"{order}/reminders", methods=["POST"])
    app.add_route(hotline.cancel, f"{order}/cancellation", methods=["POST"])
    app.add_route(hotline.amend, f"{order}/amendments", methods=["POST"])
    app.add_route(hotline.attach, f"{order}/attachments/<file_id:str>", methods=["PUT"])
    app.add_route(hotline.rate, f"{order}/rating", methods=["PUT"])
    app.add_route(hotline.changes, "/changes")
    app.add_route(hotline.orders, "/sandbox/orders")
    app.add_route(hotline.move, "/sandbox/move", methods=["POST"])
    app.add_route(_health, "/health")


async def _health(_request: Request) -> HTTPResponse:
    return json({"status": "ok"})
