"""Reads what the admin paths are sent: corrections of the data, and tokens to be revoked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from datasources.simulators.jquants.corrections import BARS, Corrections, ratio_of

_FORMS: Mapping[str, tuple[str, ...]] = {
    "correct": ("code", "on", "values", "path"),
    "split": ("code", "ex_on", "ratio"),
    "delist": ("code", "last_on"),
}


@dataclass(frozen=True, slots=True)
class Order:
    """One order that has been read; `apply` carries it out at an instant."""

    code: str
    path: str
    values: Mapping[str, Any]
    apply: Callable[[Corrections, datetime], None]


def carry_out(content: Any, corrections: Corrections, at: datetime) -> None:
    """All of one order or a list of them, or nothing where one of them makes no sense.

    An order is such as `{"kind": "split", "code": "99010", "ex_on": "2026-11-24", "ratio": 2}`.
    """
    orders = [_order(one) for one in (content if isinstance(content, list) else [content])]
    for order in orders:
        corrections.check(order.code, order.path, order.values)
    for order in orders:
        order.apply(corrections, at)


def revokes_all(content: Any) -> bool:
    """Whether refresh tokens are revoked too: `{"revoke": "all"}` or `{"revoke": "id"}`."""
    wanted = content.get("revoke") if isinstance(content, dict) else content
    if wanted not in ("all", "id"):
        raise ValueError(f"revoke: expected all or id, got {wanted!r}")
    return bool(wanted == "all")


def _order(given: Any) -> Order:
    kind = given.get("kind") if isinstance(given, dict) else given
    if not isinstance(kind, str) or kind not in _FORMS:
        raise ValueError(f"kind: expected one of {', '.join(_FORMS)}, got {kind!r}")
    names = _FORMS[kind]
    if unknown := sorted(set(given) - {"kind", *names}):
        raise ValueError(f"{kind}: expected {', '.join(names)}, got {unknown[0]!r}")
    if missing := [name for name in names if name not in given and name != "path"]:
        raise ValueError(f"{kind}: expected {missing[0]}, got none")
    code = str(given["code"])
    match kind:
        case "correct":
            return _correction(code, given)
        case "split":
            ex_on, ratio = _date("ex_on", given["ex_on"]), ratio_of(given["ratio"])
            return Order(code, BARS, {}, lambda corrections, at: corrections.split(code, ex_on, ratio, at))
        case _:
            last_on = _date("last_on", given["last_on"])
            return Order(code, BARS, {}, lambda corrections, at: corrections.delist(code, last_on, at))


def _correction(code: str, given: Mapping[str, Any]) -> Order:
    day, values, path = _date("on", given["on"]), given["values"], str(given.get("path", BARS))
    if not isinstance(values, dict):
        raise ValueError(f"values: expected fields with values, got {values!r}")
    return Order(code, path, values, lambda corrections, at: corrections.correct(code, day, values, at, path))


def _date(name: str, given: Any) -> date:
    try:
        return date.fromisoformat(str(given))
    except ValueError:
        raise ValueError(f"{name}: expected a date such as 2026-11-20, got {given!r}") from None
