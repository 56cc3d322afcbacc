"""What every module of the billing system's API shares: reading a request, and saying why not."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError
from sanic import Request
from sanic.exceptions import SanicException


class Body(BaseModel):
    """The JSON or the query of a request; what is not described is refused."""

    model_config = ConfigDict(extra="forbid")


class Problem(SanicException):
    """An answer other than success: HTTP status and a code for programs."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(message or code, status_code=status)
        self.code = code


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
