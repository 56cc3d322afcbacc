"""The controls' HTTP API. For this machine only: it has no authentication."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from sanic import Blueprint, Request, Sanic
from sanic.exceptions import SanicException
from sanic.response import HTTPResponse, json

from runxia.settings import load_settings
from sandbox import faults, mail, sms, website
from sandbox.clock import advance, move_to, sandbox_clock
from sandbox.controls.hotline import work_orders
from sandbox.fixture import customers, staff

CSMS_SECONDS = 30.0

bp = Blueprint("controls", url_prefix="/sandbox")


class _Move(BaseModel):
    model_config = ConfigDict(extra="forbid")

    now: AwareDatetime | None = None
    advance_seconds: float | None = Field(default=None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _one(self) -> _Move:
        if (self.now is None) == (self.advance_seconds is None):
            raise ValueError("either now or advance_seconds")
        return self


class _SetFault(faults.Fault):
    system: faults.System


@bp.before_server_start
async def _open(app: Sanic[Any, Any]) -> None:
    app.ctx.csms_http = httpx.AsyncClient(base_url=load_settings().csms_base_url, timeout=CSMS_SECONDS, trust_env=False)


@bp.after_server_stop
async def _close(app: Sanic[Any, Any]) -> None:
    await app.ctx.csms_http.aclose()


@bp.get("/fixture")
async def fixture(request: Request) -> HTTPResponse:
    """The accounts with role, password and bills; the staff; the WeChat customers; the hotline's orders."""
    answer = await _csms(request, "GET", "/sandbox/fixture")
    orders = await work_orders(request)
    return json({"accounts": answer["accounts"], "staff": staff(), "customers": customers(), "work_orders": orders})


@bp.post("/reset")
async def reset(request: Request) -> HTTPResponse:
    """CSMS and the website as on their first day, inboxes empty, no faults. The clock and what WeChat Pay knows stay."""
    await _csms(request, "POST", "/sandbox/reset")
    sms.clear(request.app)
    mail.clear(request.app)
    website.clear(request.app)
    faults.clear()
    return json({"reset": True})


@bp.post("/csms/pay")
async def pay_at_counter(request: Request) -> HTTPResponse:
    """Somebody pays ``{"bill_no"}`` at the counter; ``{"paid": whether anything was owed}``."""
    return json(await _csms(request, "POST", "/sandbox/pay", request.json))


@bp.get("/csms/reconciliations")
async def reconciliations(request: Request) -> HTTPResponse:
    """The reconciliation files that CSMS was handed."""
    return json(await _csms(request, "GET", "/sandbox/reconciliations"))


@bp.get("/csms/applications")
async def applications(request: Request) -> HTTPResponse:
    """The applications that were filed, the newest first, with their facts and documents."""
    return json(await _csms(request, "GET", "/sandbox/applications"))


@bp.post("/csms/applications/<application_no:str>")
async def move_application(request: Request, application_no: str) -> HTTPResponse:
    """The department decides: ``{"state", "missing": [document ids], "quote_fen", "note"}``; done changes the account."""
    return json(await _csms(request, "POST", f"/sandbox/applications/{application_no}", request.json))


@bp.get("/csms/meter-requests")
async def meter_requests(request: Request) -> HTTPResponse:
    """The requests about meters (readings, disputes, visits, checks), the newest first, with their facts."""
    return json(await _csms(request, "GET", "/sandbox/meter-requests"))


@bp.post("/csms/meter-requests/<request_no:str>")
async def decide_meter_request(request: Request, request_no: str) -> HTTPResponse:
    """The meter desk decides: ``{"state", "note", "value"}``; corrected with a value reckons the bill anew."""
    return json(await _csms(request, "POST", f"/sandbox/meter-requests/{request_no}", request.json))


@bp.get("/csms/invoices")
async def invoices(request: Request) -> HTTPResponse:
    """The invoices that were asked for, the newest first, and what was sent by e-mail."""
    return json(await _csms(request, "GET", "/sandbox/invoices"))


@bp.get("/csms/refund-requests")
async def refund_requests(request: Request) -> HTTPResponse:
    """The requests for money back, the newest first, with their facts."""
    return json(await _csms(request, "GET", "/sandbox/refund-requests"))


@bp.post("/csms/meters")
async def set_meter(request: Request) -> HTTPResponse:
    """Another meter for ``{"account_no"}``: ``digits``, ``installed_days_ago``, ``start``, ``last_value``, ``next_in_days``."""
    return json(await _csms(request, "POST", "/sandbox/meters", request.json))


@bp.post("/csms/visit-slots")
async def set_visit_slots(request: Request) -> HTTPResponse:
    """How many visits a half of the day has time for: ``{"part", "visits", "day"}``; without a day, on every day."""
    return json(await _csms(request, "POST", "/sandbox/visit-slots", request.json))


@bp.get("/clock")
async def clock(_request: Request) -> HTTPResponse:
    """``{"now": ISO}``: the time that every process sees."""
    return _now()


@bp.post("/clock")
async def move_clock(request: Request) -> HTTPResponse:
    """Set the clock to ``{"now": ISO}``, or move it by ``{"advance_seconds": n}``."""
    move = _parse(_Move, request)
    file = _clock_file()
    if move.now is not None:
        move_to(file, move.now)
    else:
        advance(file, move.advance_seconds or 0.0)
    return _now()


@bp.get("/faults")
async def current_faults(_request: Request) -> HTTPResponse:
    """The systems that misbehave now: ``{system: {mode, seconds, times}}``."""
    return json({system: fault.model_dump() for system, fault in faults.current().items()})


@bp.post("/faults")
async def set_fault(request: Request) -> HTTPResponse:
    """Make ``{"system"}`` misbehave by ``mode`` (ok, slow, down, garbage, lose_/duplicate_/late_callback), seconds, times."""
    given = _parse(_SetFault, request)
    fault = faults.Fault.model_validate(given.model_dump(exclude={"system"}))
    faults.put(given.system, fault)
    return json({"system": given.system, **fault.model_dump()})


async def _csms(request: Request, method: str, path: str, body: Any = None) -> dict[str, Any]:
    try:
        answer = await request.app.ctx.csms_http.request(method, path, json=body)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise SanicException(f"the billing system did not answer: {type(error).__name__}", status_code=502) from error
    return dict(answer.json()) if answer.content else {}


def _parse[Model: BaseModel](model: type[Model], request: Request) -> Model:
    try:
        return model.model_validate_json(request.body)
    except ValidationError as error:
        found = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_input=False)]
        raise SanicException("; ".join(found), status_code=422) from error


def _clock_file() -> Path:
    file = load_settings().clock_file
    if file is None:
        raise SanicException("CLOCK_FILE is not set", status_code=409)
    return file


def _now() -> HTTPResponse:
    return json({"now": sandbox_clock().now().isoformat()})
