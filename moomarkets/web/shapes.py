"""How requests and answers are built: ids, page sizes, pages, and bodies that refuse what they do not know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from moomarkets.domain import iso
from moomarkets.store.reports import Record

_MOST_ID: Final = 2**63 - 1


def _instant(value: object) -> datetime:
    # Read by us: pydantic would take a number, in whatever form, for seconds since 1970.
    if (at := iso.instant(value)) is None:
        raise ValueError("an instant with its offset from UTC, such as 2026-11-20T08:00:00Z")
    return at


def _day(value: object) -> date:
    if (day := iso.day(value)) is None:
        raise ValueError("a date such as 2026-11-20")
    return day


Id = Annotated[int, Path(ge=1, le=_MOST_ID)]
Limit = Annotated[int, Query(ge=1, le=500, description="how many at most")]
Before = Annotated[int | None, Query(ge=1, le=_MOST_ID, description="`next` of the page before")]
Whole = Annotated[int, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=1, le=500)]
Truth = Annotated[bool, Field(strict=True)]
Seconds = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Day = Annotated[date, BeforeValidator(_day)]


class Body(BaseModel):
    """The body of a request: unknown fields are refused, and nothing is guessed from another type."""

    model_config = ConfigDict(extra="forbid", str_max_length=100_000)


class Switch(Body):
    """On or off."""

    enabled: Truth


class Page(BaseModel):
    """One page, newest first. `next` is where the next page begins; null on the last one."""

    items: list[dict[str, Any]]
    next: int | str | None = None


def page(items: Sequence[Record], limit: int) -> Page:
    """A page of at most `limit` records."""
    has_more = len(items) == limit
    last = items[-1]["id"] if has_more and items else None
    return Page(items=[public(item) for item in items], next=last if isinstance(last, int) else None)


def public(record: Record) -> dict[str, Any]:
    """A record as it is shown: without whose it is."""
    return {name: value for name, value in record.items() if name != "user_id"}
