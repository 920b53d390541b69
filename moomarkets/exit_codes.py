"""With what a command ends: one table for all entry points."""

from __future__ import annotations

from enum import IntEnum

from moomarkets.domain.errors import (
    AttemptError,
    CannotDecrypt,
    Conflict,
    CredentialsMissing,
    DatabaseTooNew,
    EmbeddedServerError,
    InvalidInput,
    MoomarketsError,
    NotFound,
    Reason,
    SettingsError,
    StoreError,
)


class ExitCode(IntEnum):
    """What an exit code says; the same for every command."""

    OK = 0
    WORK_REMAINS = 1
    USAGE = 2
    NOT_FOUND = 3
    CONFLICT = 4
    NEEDS_CREDENTIALS = 5
    UNAVAILABLE = 69
    GAVE_UP = 70
    BAD_CONFIGURATION = 78
    INTERRUPTED = 130


_CODES: tuple[tuple[type[MoomarketsError], ExitCode], ...] = (
    (SettingsError, ExitCode.BAD_CONFIGURATION),
    (DatabaseTooNew, ExitCode.BAD_CONFIGURATION),
    (InvalidInput, ExitCode.USAGE),
    (NotFound, ExitCode.NOT_FOUND),
    (Conflict, ExitCode.CONFLICT),
    (CredentialsMissing, ExitCode.NEEDS_CREDENTIALS),
    (CannotDecrypt, ExitCode.NEEDS_CREDENTIALS),
    (StoreError, ExitCode.UNAVAILABLE),
)


def exit_code_of(error: MoomarketsError) -> int:
    """The exit code that `error` ends a command with.

    Example:
        >>> exit_code_of(NotFound("group", "x"))
        <ExitCode.NOT_FOUND: 3>
    """
    if isinstance(error, EmbeddedServerError):
        return error.exit_code
    if isinstance(error, AttemptError) and error.reason is Reason.AUTH:
        return ExitCode.NEEDS_CREDENTIALS
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.WORK_REMAINS)
