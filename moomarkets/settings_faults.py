"""Faults of settings as sentences: which one, what was expected, what came; never a secret's value."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

_MAX_SHOWN = 80


def sentences(error: ValidationError, settings: type[BaseModel], nested: Mapping[str, type[BaseModel]]) -> list[str]:
    """One sentence per wrong setting, opening with its dotted path; `nested` has the models of tables."""
    found: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_context=False):
        path, known, model = _located([str(part) for part in detail["loc"]], settings, nested)
        found.setdefault(path, f"{path}: {_fault(path, known, model, detail['input'])}")
    return list(found.values())


def expected(known: FieldInfo) -> str:
    """What a setting takes, in words."""
    return str(_notes(known).get("expected", "another value"))


def is_secret(known: FieldInfo) -> bool:
    """Whether the value of a setting is never shown."""
    return bool(_notes(known).get("is_secret"))


def shown(value: object) -> str:
    """A value as a sentence may quote it."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."


def _located(
    parts: list[str], settings: type[BaseModel], nested: Mapping[str, type[BaseModel]]
) -> tuple[str, FieldInfo | None, type[BaseModel]]:
    """The dotted path, the field (None: there is none of that name) and the model that should have it."""
    model = nested.get(parts[0])
    if model is None:
        return parts[0], settings.model_fields.get(parts[0]), settings
    if len(parts) < 3:
        return ".".join(parts), settings.model_fields[parts[0]], settings
    return ".".join(parts[:3]), model.model_fields.get(parts[2]), model


def _fault(path: str, known: FieldInfo | None, model: type[BaseModel], value: object) -> str:
    if known is None:
        above = path.rpartition(".")[0]
        return "no such setting" + _guess(path, [f"{above}.{name}" if above else name for name in model.model_fields])
    # An address may carry an account and its password before an @.
    is_hidden = is_secret(known) or "@" in str(value)
    got = "something else (not shown, it may hold a secret)" if is_hidden else shown(value)
    return f"expected {expected(known)}, got {got}"


def _guess(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _notes(known: FieldInfo) -> Mapping[str, object]:
    notes = known.json_schema_extra
    return notes if isinstance(notes, Mapping) else {}
