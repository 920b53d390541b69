"""The pages on the data model and on datasets say of the migrated database what is true, and all of it."""

from __future__ import annotations

import re

import psycopg

from moomarkets.domain.datasets.catalogue import DATASETS
from tests.arch import datasets_page
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

    assert named == {table: columns for table, columns in migrated.items() if table not in DATASETS}


def test_the_page_of_datasets_is_what_the_code_declares() -> None:
    assert datasets_page.PAGE.read_text(encoding="utf-8") == datasets_page.page()


def test_every_dataset_has_its_table_with_its_columns_and_no_others(owner_url: str) -> None:
    migrated, _ = _migrated(owner_url)

    for name, dataset in DATASETS.items():
        assert migrated[name] == {*dataset.column_names, *datasets_page.OWNED}


def test_the_page_names_every_view(owner_url: str) -> None:
    _, views = _migrated(owner_url)

    named = {view for row in PAGE.table_under("## Views") for view in re.findall(r"`(\w+)`", row[0])}

    assert (named - {"v_data_"}) | {f"v_data_{name}" for name in DATASETS} == views


def test_the_diagram_shows_every_migrated_table(owner_url: str) -> None:
    migrated, _ = _migrated(owner_url)
    (diagram,) = PAGE.blocks

    drawn = set(re.findall(r"^    (\w+)", diagram, re.MULTILINE)) | set(re.findall(r"o[{|] (\w+) :", diagram))

    assert drawn == {*(set(migrated) - set(DATASETS)), "datasets"}


def _migrated(url: str) -> tuple[dict[str, set[str]], set[str]]:
    """Tables with their columns, and the names of views."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(QUERY).fetchall()
    return (
        {name: set(columns) for name, kind, columns in rows if kind == "BASE TABLE"},
        {name for name, kind, _ in rows if kind == "VIEW"},
    )
