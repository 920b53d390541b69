"""Every error of ours ends a command with a code that says what to do."""

from __future__ import annotations

import pytest

from moomarkets.domain.errors import (
    AttemptError,
    CannotDecrypt,
    Conflict,
    CredentialsMissing,
    DatabaseTooNew,
    EmbeddedServerError,
    Fenced,
    InvalidInput,
    MoomarketsError,
    NotFound,
    Reason,
    SettingsError,
    StoreUnavailable,
)
from moomarkets.exit_codes import ExitCode, exit_code_of


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError(["wrong"]), ExitCode.BAD_CONFIGURATION),
        (DatabaseTooNew("newer"), ExitCode.BAD_CONFIGURATION),
        (InvalidInput("limit", "a number", "x"), ExitCode.USAGE),
        (NotFound("group", "x"), ExitCode.NOT_FOUND),
        (Conflict("exists"), ExitCode.CONFLICT),
        (CredentialsMissing("jquants"), ExitCode.NEEDS_CREDENTIALS),
        (CannotDecrypt("no"), ExitCode.NEEDS_CREDENTIALS),
        (StoreUnavailable("away"), ExitCode.UNAVAILABLE),
        (EmbeddedServerError("owned by another", 4), ExitCode.CONFLICT),
        (EmbeddedServerError("cannot run"), ExitCode.UNAVAILABLE),
        (Fenced("late"), ExitCode.WORK_REMAINS),
        (AttemptError(Reason.AUTH, "the key is refused"), ExitCode.NEEDS_CREDENTIALS),
        (AttemptError(Reason.UPSTREAM, "HTTP 503"), ExitCode.WORK_REMAINS),
        (MoomarketsError("anything"), ExitCode.WORK_REMAINS),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_error_has_its_exit_code(error: MoomarketsError, code: ExitCode) -> None:
    assert exit_code_of(error) == code


def test_the_numbers_are_those_of_the_documentation() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0,
        "WORK_REMAINS": 1,
        "USAGE": 2,
        "NOT_FOUND": 3,
        "CONFLICT": 4,
        "NEEDS_CREDENTIALS": 5,
        "UNAVAILABLE": 69,
        "GAVE_UP": 70,
        "BAD_CONFIGURATION": 78,
        "INTERRUPTED": 130,
    }
