"""Work that can run in another process: a function by its name, with arguments and a result of JSON."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import AttemptError, InvalidInput, Reason

MAX_BYTES = 64 * 1024 * 1024
"""What the arguments may have as JSON, and so may the result."""

_FUNCTION = re.compile(r"(?!__main__:)([^\W\d]\w*\.)*[^\W\d]\w*:[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Task:
    """A pure function, named `package.module:function`, and what it is to be given; checked when it is made.

    The function takes `(arguments, token)`, both of its own, and returns a JSON value. It may look at the token
    and raise `AttemptError` with a reason; anything else that it raises is a failure too. Called, the task runs it
    in place.

    Example:
        >>> task = Task("operator:is_not", {"code": "7203"})  # rather `my_package.factors:momentum`
        >>> task.body, task(CancelToken())
        (b'{"code":"7203"}', True)
    """

    function: str
    arguments: Mapping[str, object]
    body: bytes = field(init=False, repr=False, compare=False)
    """The arguments as JSON."""

    def __post_init__(self) -> None:
        if not isinstance(self.function, str) or not _FUNCTION.fullmatch(self.function):
            raise InvalidInput("function", "a name such as package.module:function", self.function)
        thing = f"arguments of {self.function}"
        if not isinstance(self.arguments, Mapping) or not all(isinstance(name, str) for name in self.arguments):
            raise InvalidInput(thing, "a mapping of names", type(self.arguments).__name__)
        try:
            body = encoded(dict(self.arguments))
        except ValueError as error:
            raise InvalidInput(thing, "JSON", str(error)) from None
        if len(body) > MAX_BYTES:
            raise InvalidInput(thing, f"at most {MAX_BYTES:,} bytes of JSON", len(body))
        object.__setattr__(self, "body", body)

    def __call__(self, token: CancelToken) -> object:
        """Run the function here and now; what it returns has gone through JSON, as from another process."""
        return json.loads(answer(self.function, self.body, token))


def answer(function: str, body: bytes, token: CancelToken) -> bytes:
    """The function's result as JSON; `AttemptError` where there is no such function, or its result is no JSON."""
    value = _found(function)(json.loads(body), token)
    thing = f"result of {function}"
    try:
        result = encoded(value)
    except ValueError as error:
        raise AttemptError(Reason.INVALID, f"{thing}: expected JSON, got {error}") from None
    if len(result) > MAX_BYTES:
        detail = f"{thing}: expected at most {MAX_BYTES:,} bytes of JSON, got {len(result):,}"
        raise AttemptError(Reason.TOO_LARGE, detail)
    return result


def encoded(value: object) -> bytes:
    """`value` as strict JSON; `ValueError` where it is none."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _found(function: str) -> Callable[[Mapping[str, object], CancelToken], object]:
    module, _, name = function.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise AttemptError(Reason.INVALID, f"function {function}: {type(error).__name__}: {error}") from None
    if not callable(found):
        raise AttemptError(Reason.INVALID, f"function {function}: expected a function, got {type(found).__name__}")
    called: Callable[[Mapping[str, object], CancelToken], object] = found
    return called
