"""The page on the data model says of the migrated database what is true, and all of it."""

from __future__ import annotations

import re

import psycopg

from tests.arch.modules import ROOT
from tests.arch.pages import Page

PAGE = Page(ROOT / "docs/data-model.md")
QUERY = """
    SELECT tables.table_name, tables.table_type, array_agg(column_name::text)
    FROM information_schema.tables JOIN information_schema.columns USING (table_schema, table_name)
    WHERE tables.table_schema = 'public' AND tables.table_name <> 'alembic_version'
    GROUP BY tables.table_name, tables.table_type
"""


def test_the_page_names_every_migrated_table_with_its_columns(owner_url: str) -> None:
    migrated, _ = _migrated(owner_url)

    named = {
        table: {column for row in PAGE.table_under(f"### {table}") for column in re.findall(r"`(\w+)`", row[0])}
        for table in re.findall(r"^### (\w+)$", PAGE.text, re.MULTILINE)
    }

    assert named == migrated


def test_the_page_names_every_view(owner_url: str) -> None:
    _, views = _migrated(owner_url)

    named = {view for row in PAGE.table_under("## Views") for view in re.findall(r"`(\w+)`", row[0])}

    assert named == views


def test_the_diagram_shows_every_migrated_table(owner_url: str) -> None:
    migrated, _ = _migrated(owner_url)
    (diagram,) = PAGE.blocks

    drawn = set(re.findall(r"^    (\w+)", diagram, re.MULTILINE)) | set(re.findall(r"o[{|] (\w+) :", diagram))

    assert drawn == set(migrated)


def _migrated(url: str) -> tuple[dict[str, set[str]], set[str]]:
    """Tables with their columns, and the names of views."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(QUERY).fetchall()
    return (
        {name: set(columns) for name, kind, columns in rows if kind == "BASE TABLE"},
        {name for name, kind, _ in rows if kind == "VIEW"},
    )
