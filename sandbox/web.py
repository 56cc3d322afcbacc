"""What the HTTP APIs of the utility's systems share: signatures, faults, reading a request, and saying why not."""

from __future__ import annotations

import logging
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from sanic import Request, Sanic
from sanic.exceptions import SanicException
from sanic.response import BaseHTTPResponse, HTTPResponse, json

from sandbox import faults
from sandbox.signing import Refused, Signing

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 16 << 20
UNSIGNED = ("/health", "/sandbox/")  # beginnings of the paths that anybody may ask


class Body(BaseModel):
    """The JSON or the query of a request; what is not described is refused."""

    model_config = ConfigDict(extra="forbid")


class Problem(SanicException):
    """An answer other than success: HTTP status and a code for programs."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(message or code, status_code=status)
        self.code = code


def signed_app(system: faults.System, signing: Signing) -> Sanic[Any, Any]:
    """The application of a system, yet without routes: checks signatures, signs its answers, has its faults."""
    app: Sanic[Any, Any] = Sanic(system, configure_logging=False)
    app.config.REQUEST_MAX_SIZE = MAX_BODY_BYTES
    app.config.OAS = False

    @app.on_request
    async def check(request: Request) -> HTTPResponse | None:
        if request.path.startswith(UNSIGNED):
            return None
        try:
            signing.check(request)
        except Refused as error:
            raise Problem(401, error.code) from error
        answer = await faults.misbehave(system, faults.MAINTENANCE)
        request.ctx.authentic = answer is None  # whoever answers in our place has no key
        return answer

    async def sign(request: Request, response: BaseHTTPResponse) -> None:
        if getattr(request.ctx, "authentic", False):
            signing.sign(request, response)

    app.middleware(sign, "response")

    @app.exception(Exception)
    async def tell(_request: Request, error: Exception) -> HTTPResponse:
        if isinstance(error, Problem):
            return json({"code": error.code, "message": str(error)}, error.status_code)
        if isinstance(error, SanicException):
            return json({"code": "invalid", "message": str(error)}, error.status_code)
        log.error("request failed", exc_info=error)
        return json({"code": "internal", "message": "internal error"}, 500)

    return app


def read_body[Model: BaseModel](model: type[Model], request: Request) -> Model:
    """The body as ``model``; a :class:`Problem` 422 where it does not fit."""
    try:
        return model.model_validate_json(request.body)
    except ValidationError as error:
        raise _invalid(error) from error


def read_query[Model: BaseModel](model: type[Model], request: Request) -> Model:
    """The query as ``model``; a :class:`Problem` 422 where it does not fit."""
    try:
        return model.model_validate(dict(request.query_args))
    except ValidationError as error:
        raise _invalid(error) from error


def unknown(what: str) -> Problem:
    """404 ``unknown_<what>``."""
    return Problem(404, f"unknown_{what}")


def _invalid(error: ValidationError) -> Problem:
    places = sorted({".".join(map(str, found["loc"])) or "body" for found in error.errors(include_input=False)})
    return Problem(422, "invalid", ", ".join(places))
