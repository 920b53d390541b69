"""Statements that are the algorithm, one file each; `statement("verb_object")` gives the text."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import TextClause, text


@cache
def statement(name: str) -> TextClause:
    """The statement of that name, as SQLAlchemy text with `:parameters`."""
    return text((Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8"))
