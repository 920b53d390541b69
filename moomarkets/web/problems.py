"""Errors as answers: problem details (RFC 9457) with the status, what was wrong, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from actors.otp.errors import CallError, InboxFull
from moomarkets.domain.errors import (
    Conflict,
    CredentialsMissing,
    Fenced,
    Forbidden,
    InvalidInput,
    MoomarketsError,
    NotFound,
    SettingsError,
    StoreError,
)
from moomarkets.web.access import office_of

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 5
_STATUS: Final[tuple[tuple[type[MoomarketsError], int, str], ...]] = (
    (InvalidInput, 422, "invalid_input"),
    (NotFound, 404, "not_found"),
    (Forbidden, 403, "forbidden"),
    (Conflict, 409, "conflict"),
    (Fenced, 409, "conflict"),
    (CredentialsMissing, 409, "credentials_missing"),
    (SettingsError, 422, "invalid_input"),
    (StoreError, 503, "unavailable"),
    (CallError, 503, "unavailable"),
    (InboxFull, 503, "unavailable"),
)
_TITLES: Final = {
    400: "The request cannot be understood",
    403: "The request comes from another site",
    404: "There is no such thing",
    405: "This cannot be done here",
    408: "The request did not come to an end",
    409: "The state of things does not allow this",
    413: "The body is too large",
    415: "The body has to be JSON",
    421: "This server is not known by that name",
    422: "A value is refused",
    500: "Something went wrong here",
    503: "Not possible just now",
}
_LONGEST: Final = 200
_PLAINLY: Final = {
    "bool_type": "true or false",
    "dict_type": "a JSON object",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "model_attributes_type": "a JSON object",
    "string_type": "a text",
}
"""What pydantic expects, in our words."""


def problem(status: int, kind: str, detail: str, /, **more: object) -> JSONResponse:
    """A problem as a response; `more` are the facts of this kind of problem."""
    body = {"type": f"urn:moomarkets:problem:{kind}", "title": _TITLES.get(status, "Error"), "status": status}
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else None
    return JSONResponse({**body, "detail": detail, **more}, status, headers=headers, media_type=MEDIA_TYPE)


def add_handlers(app: FastAPI) -> None:
    """Have every error of `app` answered as a problem."""
    app.add_exception_handler(MoomarketsError, _ours)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(Exception, _unforeseen)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    for kind, status, name in _STATUS:
        if isinstance(error, kind):
            return problem(status, name, str(error), **_facts(error))
    return await _unforeseen(request, error)


def _facts(error: Exception) -> dict[str, object]:
    if isinstance(error, InvalidInput):
        return {"errors": [{"field": error.thing, "expected": error.expected, "got": _short(error.got)}]}
    if isinstance(error, NotFound):
        near = difflib.get_close_matches(str(error.name), error.known, n=1)
        more = {"did_you_mean": near[0]} if near else {}
        return {"kind": error.kind, "name": str(error.name), "known": list(error.known), **more}
    return {}


async def _unreadable(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [_fault(found) for found in error.errors()]
    detail = "; ".join(f"{fault['field']}: expected {fault['expected']}, got {fault['got']}" for fault in faults[:5])
    return problem(422, "invalid_input", detail, errors=faults)


def _fault(found: Mapping[str, Any]) -> dict[str, str]:
    place: Sequence[Any] = found.get("loc", ())
    field = ".".join(str(part) for part in place[1:]) or str(place[0] if place else "body")
    kind, context = str(found.get("type", "")), found.get("ctx") or {}
    if kind == "missing":
        return {"field": field, "expected": "a value", "got": "none"}
    if kind == "json_invalid":
        return {"field": "body", "expected": "JSON", "got": f"something else ({context.get('error', 'unreadable')})"}
    if kind in _PLAINLY:
        return {"field": field, "expected": _PLAINLY[kind], "got": _short(found.get("input"))}
    if kind == "extra_forbidden":
        return {"field": field, "expected": "only known fields", "got": f"this one ({_short(found.get('input'))})"}
    expected = _said(str(found.get("msg", "another value")))
    return {"field": field, "expected": expected, "got": _short(found.get("input"))}


def _said(message: str) -> str:
    """pydantic's sentence as what was expected: `Input should be …`, `Value error, …`."""
    for start in ("Input should be ", "Value error, ", "Value should be "):
        message = message.removeprefix(start)
    return f"a number {message}" if message.startswith(("greater than", "less than")) else message


async def _plain(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kind = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
    asked = f"{request.method} {request.url.path[:_LONGEST]}"
    is_unknown = error.status_code in (404, 405)
    detail = f"there is no {asked}; GET /api/openapi.json lists what there is" if is_unknown else str(error.detail)
    answer = problem(error.status_code, kind, detail)
    answer.headers.update(error.headers or {})
    return answer


async def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    """The border: the event tells what it was, the answer only its id."""
    runtime = office_of(request).runtime
    error_id = str(runtime.new_id())
    path = request.url.path[:_LONGEST]
    runtime.events.emit("web.request_failed", id=error_id, method=request.method, path=path, error=error)
    return problem(500, "internal", f"the log tells what happened, under the id {error_id}", id=error_id)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
