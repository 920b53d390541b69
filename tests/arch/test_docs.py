"""The documentation names only what exists, and says it in words that a user may read."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from datasources import registry as sources
from moomarkets.cli import main
from moomarkets.exit_codes import ExitCode
from moomarkets.jobtypes import registry as jobtypes
from tests.arch.architecture_page import CHAPTER, chapter
from tests.arch.modules import PACKAGES, ROOT, modules_under, product
from tests.arch.pages import Page, pages

PAGES = pages()
FOLDERS = (*PACKAGES, "migrations", "tests", "docs", "contrib", ".ci")
TRACKED = (".py", ".sql", ".md", ".mako")
# They look like modules but are a file of the user's, and the groups under which other packages offer theirs.
NO_MODULES = {"moomarkets.toml", sources.ENTRY_POINTS, jobtypes.ENTRY_POINTS}
DOTTED = re.compile(rf"(?<![\w./-])(?:{'|'.join(PACKAGES)})(?:\.[A-Za-z_]\w*)+(?![\w/])")
# Places of the machine that something was written on, and words of how it was made, have no meaning for a reader.
PLACES = re.compile(r"/[w]ork\b|/[f]arm|\b[s]hared/|/[o]pt/|/[r]oot/|[p]ypi\.org|[p]ythonhosted", re.IGNORECASE)
WORDS = re.compile(r"\b[s]essions?\b|\bissue #?\d|\b[t]his issue\b|\bbrief\b|TODO|FIXME|/tmp/", re.IGNORECASE)
DEMO = "python3 -m venv .venv && .venv/bin/pip install -e . && .venv/bin/python -m moomarkets.supervisor --demo --once"
TESTS = ".venv/bin/pip install -e '.[test]' && .venv/bin/pytest"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.place)
def test_every_file_that_a_page_names_exists(page: Page) -> None:
    assert [path for path in _paths(page) if not _exists(page, path)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.place)
def test_every_module_that_a_page_names_exists(page: Page) -> None:
    named = {name for text in (*page.spans, *page.blocks) for name in DOTTED.findall(text)}

    assert [name for name in sorted(named - NO_MODULES) if not _resolves(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.place)
def test_every_relative_link_leads_somewhere(page: Page) -> None:
    assert [link for link in page.links if not _leads_somewhere(page, link)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.place)
def test_a_page_speaks_of_the_product_only(page: Page) -> None:
    assert PLACES.findall(page.text) + WORDS.findall(page.text.partition(CHAPTER)[0]) == []


def test_the_code_names_no_place_of_the_machine_it_was_written_on() -> None:
    modules = [*product(), *modules_under("tests", "migrations")]

    assert {module.place: found for module in modules if (found := PLACES.findall(module.text))} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.place)
def test_every_command_that_a_page_shows_exists(page: Page) -> None:
    shown = [
        line
        for text in (*page.spans, *page.blocks)
        for line in re.findall(r"(?:^|(?<!from)[/ ])moomarkets( [^\n#|]+)", text)
    ]

    assert [line for line in shown if _unknown_command(line.split())] == []


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_a_readme_is_short_and_opens_with_the_two_commands(name: str) -> None:
    page = Page(ROOT / name)

    assert len(page.text.splitlines()) <= 200
    assert DEMO in page.blocks[0].splitlines()
    assert TESTS in page.blocks[0].splitlines()


@pytest.mark.parametrize(("name", "heading"), [("README.md", "## Exit codes"), ("README.ja.md", "## 終了コード")])
def test_a_readme_lists_the_exit_codes(name: str, heading: str) -> None:
    listed = {int(row[0]) for row in Page(ROOT / name).table_under(heading)}

    assert listed == {code.value for code in ExitCode}


def test_the_architecture_page_lists_every_file_and_nothing_else() -> None:
    page = Page(ROOT / "docs/architecture.md")

    assert page.text.partition(CHAPTER)[1:] == (CHAPTER, chapter()), (
        "expected the chapter as it is made; write it anew with `python -m tests.arch.architecture_page`"
    )


def test_every_decision_is_half_a_page_and_says_the_same_four_things() -> None:
    decisions = [page for page in PAGES if page.place.startswith("docs/decisions/")]

    parts = {page.place: re.findall(r"^## (.+)$", page.text, re.MULTILINE) for page in decisions}

    assert decisions
    assert [page.place for page in decisions if len(page.text.splitlines()) > 60] == []
    assert {tuple(headings) for headings in parts.values()} == {("Context", "Decision", "Consequences", "Alternatives")}


def test_a_name_that_does_not_exist_is_found(tmp_path: Path) -> None:
    page = Page(tmp_path / "page.md")
    page.path.write_text("`moomarkets/domain/nothing.py` `actors.tree.missing` [a](nowhere.md)", encoding="utf-8")

    assert [path for path in _paths(page) if not _exists(page, path)] == ["moomarkets/domain/nothing.py"]
    assert [name for name in page.spans if DOTTED.fullmatch(name) and not _resolves(name)] == ["actors.tree.missing"]
    assert [link for link in page.links if not _leads_somewhere(page, link)] == ["nowhere.md"]
    assert _unknown_command(["groups", "fly"]) == "fly"


def _paths(page: Page) -> Iterator[str]:
    for span in page.spans:
        for word in span.split():
            is_ours = word.startswith(tuple(f"{folder}/" for folder in FOLDERS))
            if re.fullmatch(r"[\w./-]+", word) and (is_ours or word.endswith(TRACKED)):
                yield word


def _exists(page: Page, path: str) -> bool:
    return (ROOT / path).exists() or (page.path.parent / path).exists()


def _resolves(name: str) -> bool:
    """Whether the name is that of a module, or of something in one."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:count])
        if place.with_suffix(".py").is_file() or (place / "__init__.py").is_file():
            if count == len(parts):
                return True
            module = importlib.import_module(".".join(parts[:count]))
            return count == len(parts) - 1 and hasattr(module, parts[count])
    return False


def _leads_somewhere(page: Page, link: str) -> bool:
    if "://" in link:
        return True
    path, _, anchor = link.partition("#")
    target = Page((page.path.parent / path).resolve() if path else page.path)
    return target.path.exists() and (not anchor or anchor in target.anchors)


def _unknown_command(words: list[str]) -> str:
    """The first word that the command line would not understand; "" where there is none."""
    command: click.Command = main
    for word in words:
        if word.startswith("-"):
            known = {option for parameter in command.params for option in parameter.opts} | {"--help", "--version"}
            if word.split("=")[0] not in known:
                return word
        elif isinstance(command, click.Group):
            found = command.commands.get(word)
            if found is None:
                return word
            command = found
    return ""
