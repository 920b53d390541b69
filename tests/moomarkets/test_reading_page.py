"""What docs/reading.md shows can be typed as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest

from moomarkets.domain.adjustment import adjustment_of
from moomarkets.domain.datasets.catalogue import DATASETS
from tests.arch.modules import ROOT
from tests.arch.pages import Page
from tests.support.library import Library, bar, library

PAGE = Page(ROOT / "docs/reading.md")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def held(owner_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """Data of an installation that the environment names, as the page takes it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("MOOMARKETS_DATABASE_URL", owner_url)
    monkeypatch.setenv("MOOMARKETS_DATA_DIR", str(tmp_path))
    with library(owner_url) as opened:
        days = [date(2026, 11, day) for day in (18, 19, 20)]
        opened.store(
            *(bar(code, day, factor=0.5 if day.day == 20 else 1) for code in ("72030", "99010") for day in days)
        )
        yield opened


def test_every_python_snippet_runs_in_the_order_of_the_page(held: Library, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}

    for block in blocks("python"):
        exec(compile(block, str(PAGE.path), "exec"), names)

    assert len(blocks("python")) == 6
    assert names["rows"] == [(date(2026, 11, 18), 1500.0), (date(2026, 11, 19), 1500.0), (date(2026, 11, 20), 3000.0)]
    assert Path("bars.parquet").exists()
    assert "turnover" in capsys.readouterr().out


def test_every_statement_runs(held: Library, owner_url: str) -> None:
    (statement,) = blocks("sql")

    with psycopg.connect(owner_url) as connection:
        rows = connection.execute(statement).fetchall()  # type: ignore[call-overload]

    assert rows[0] == (date(2026, 11, 18), 3000.0, 1500.0, 0.5)


def test_what_the_page_says_of_adjustable_datasets_is_all_there_is() -> None:
    adjustable = {name: adjustment_of(dataset) for name, dataset in DATASETS.items() if adjustment_of(dataset)}

    assert set(adjustable) == {"daily_bars", "yahoo_daily_bars"}
    for adjustment in adjustable.values():
        assert adjustment is not None
        assert (adjustment.prices, adjustment.volumes) == (("open", "high", "low", "close"), ("volume",))
