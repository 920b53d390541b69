"""Checks values that are to be kept as JSON, before anything is stored."""

from __future__ import annotations

import json

from moomarkets.domain.errors import InvalidInput

MOST_BYTES = 1024 * 1024
DEEPEST = 50


def json_text(thing: str, value: object) -> str:
    """The value as JSON that the database takes; `thing` names it where it is refused.

    At most 1 MiB and 50 levels deep; no NaN, no infinity, no NUL, and no half of a character.

    Example:
        >>> json_text("parameters", {"symbol": "7203", "days": [1, 2]})
        '{"symbol":"7203","days":[1,2]}'
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode())
    except RecursionError:
        raise InvalidInput(thing, f"at most {DEEPEST} levels", "more") from None
    except UnicodeEncodeError:
        raise InvalidInput(thing, "text of whole characters", "half of one (a lone surrogate)") from None
    except (TypeError, ValueError) as error:
        raise InvalidInput(thing, f"JSON without NaN and infinity ({error})", value) from None
    if size > MOST_BYTES:
        raise InvalidInput(thing, f"at most {MOST_BYTES:,} bytes of JSON", f"{size:,} bytes")
    # Both looks are quick where there is nothing to find, which is nearly always.
    if text.count("{") + text.count("[") > DEEPEST and _depth(text) > DEEPEST:
        raise InvalidInput(thing, f"at most {DEEPEST} levels", f"{_depth(text)} levels")
    if "\\u0000" in text and "\\u0000" in text.replace("\\\\", ""):
        raise InvalidInput(thing, "text without NUL characters", "one with")
    return text


def json_map(thing: str, value: object) -> str:
    """The same for a value that has to be a map.

    Raises:
        InvalidInput: it is none, or JSON cannot say it.
    """
    if not isinstance(value, dict):
        raise InvalidInput(thing, 'a map such as {"symbol": "7203"}', value)
    if not all(isinstance(name, str) for name in value):
        raise InvalidInput(thing, "a map whose names are text", value)
    return json_text(thing, value)


def _depth(text: str) -> int:
    """How deep the lists and maps of a JSON text are nested; what stands inside strings does not count."""
    depth = deepest = 0
    is_string = is_escaped = False
    for character in text:
        if is_string:
            is_string = is_escaped or character != '"'
            is_escaped = not is_escaped and character == "\\"
        elif character == '"':
            is_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest
