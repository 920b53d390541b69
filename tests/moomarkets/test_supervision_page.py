"""What docs/supervision.md draws, lists and types is what happens."""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator

from actors.otp.process import ProcessInfo
from moomarkets.exit_codes import ExitCode
from moomarkets.settings import Settings
from moomarkets.system import System
from tests.arch.modules import ROOT
from tests.arch.pages import Page
from tests.support.postgres import swept_directory

PAGE = Page(ROOT / "docs/supervision.md")
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
AT_REST = "idle  0 handled"
# What differs each time: what a server is just at, times, counts, and where it hangs.
PASSING = [
    (re.compile(r"(?:idle|busy +\S+ for [\d.]+ s)(?: +\d+ queued)? +\d+ handled"), AT_REST),
    (re.compile(r"suspended +\d+ queued +\d+ handled"), "suspended"),
    (re.compile(r"[\d:.]{15} root/core/manager (?:call|cast|info) .*"), "A MESSAGE"),
    (re.compile(r"\d\d:\d\d:\d\d"), "TIME"),
    (re.compile(r"for [\d.]+ s"), "FOR A WHILE"),
    (re.compile(r"(queued|handled) \d+"), r"\1 N"),
    (re.compile(r"it is at .*"), "it is at PLACE"),
    (re.compile(r"(replace_state +)[\d.]+ +\d+ +\d+"), r"\1"),
]


class Checker(doctest.OutputChecker):
    """Passes over what differs each time."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(lasting(want), lasting(got), optionflags)


def lasting(text: str) -> str:
    """The text without what differs each time."""
    for pattern, instead in PASSING:
        text = pattern.sub(instead, text)
    return text


def drills() -> Iterator[tuple[str, str]]:
    """The title and the typed lines of each drill at a prompt, in the order of the page."""
    for section in re.split(r"^### ", PAGE.text, flags=re.MULTILINE)[1:]:
        blocks = re.findall(r"^```pycon\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        if blocks:
            # A person looks again; a machine under load just takes longer.
            yield section.partition("\n")[0], "".join(blocks).replace("wait(60)", "wait(300)")


def test_every_drill_at_a_prompt_shows_what_the_page_says() -> None:
    runner = doctest.DocTestRunner(Checker(), optionflags=OPTIONS)
    failed: list[str] = []
    with swept_directory() as place:
        place.chmod(0o711)  # the account that the server runs as has to pass
        for title, typed in drills():
            with System(Settings(demo=True, data_dir=place / "data")) as system:
                test = doctest.DocTestParser().get_doctest(typed, {"system": system}, title, str(PAGE.path), 0)
                runner.run(test, out=failed.append)

    assert "".join(failed) == ""
    assert runner.tries > 50, "expected the drills to be found"


def drawn() -> list[tuple[int, str, str]]:
    """Depth, id and class of each line of the page's tree."""
    block = next(block for block in PAGE.blocks if block.startswith("```text\nroot "))
    lines = [re.fullmatch(r"([│├└─ ]*)(\S+) +(\S+) .*", line) for line in block.splitlines()[1:-1]]
    return [(len(line[1]) // 3, line[2], line[3]) for line in lines if line]


def test_the_tree_and_the_budgets_of_the_page_are_those_of_a_running_demo() -> None:
    with swept_directory() as place:
        place.chmod(0o711)
        with System(Settings(demo=True, data_dir=place / "data")) as system:
            infos = list(system.tree())
            budgets = {info.path: budget(system, info) for info in infos if info.server.endswith("Supervisor")}

    assert drawn() == [(info.path.count("/"), info.path.rpartition("/")[2], info.server) for info in infos]
    rows = {row[0].strip("`"): tuple(row[1:3]) for row in PAGE.table_under("## Budgets")}
    assert rows == budgets


def budget(system: System, info: ProcessInfo) -> tuple[str, str]:
    """Strategy and restarts of a supervisor, as the page words them."""
    state = system.state(info.path)
    most, seconds = state["max_restarts"], state["max_seconds"]
    return str(state["strategy"]), f"{most} in {seconds:g} s" if most else "none"


def test_the_exit_codes_of_the_page_exist() -> None:
    listed = [int(row[0]) for row in PAGE.table_under("## Exit codes")]

    assert {ExitCode(code) for code in listed} == {
        ExitCode.OK,
        ExitCode.WORK_REMAINS,
        ExitCode.CONFLICT,
        ExitCode.UNAVAILABLE,
        ExitCode.GAVE_UP,
        ExitCode.INTERRUPTED,
    }


def test_every_verb_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"\bsystem\.(\w+)", PAGE.text))

    assert {name for name in named if not hasattr(System, name)} <= {"actors", "runtime"}


def test_every_drill_in_a_terminal_names_the_test_that_runs_it() -> None:
    chapter = PAGE.text.partition("\n## Drills in a terminal\n")[2].partition("\n## ")[0]
    sections = re.split(r"^### ", chapter, flags=re.MULTILINE)[1:]

    assert len(sections) == 4
    assert [section.partition("\n")[0] for section in sections if "`tests/system/test_" not in section] == []
