"""`moomarkets shell`: a prompt with a running system, one line for each error, and an orderly end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from moomarkets.cli import main
from moomarkets.shell import LateFile
from moomarkets.store.embedded.ownership import Ownership
from tests.support.postgres import swept_directory

needs_ipython = pytest.mark.skipif(find_spec("IPython") is None, reason="IPython comes with the extra `shell`")

Converse = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def converse(owner_url: str, tmp_path: Path) -> Converse:
    """Types these lines at the prompt of a real shell on the test's database, and then `exit`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MOOMARKETS_")}
    env = {**clean, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "IPYTHONDIR": str(tmp_path / "ipython")}
    command = ["-m", "moomarkets.cli", "--data-dir", str(tmp_path / "data"), "--database-url", owner_url, "shell"]

    def run(*lines: str) -> subprocess.CompletedProcess[str]:
        typed = "\n".join([*lines, "exit", ""])
        return subprocess.run(
            [sys.executable, *command], input=typed, env=env, capture_output=True, text=True, timeout=60, check=False
        )

    return run


@needs_ipython
def test_a_person_sees_the_system_its_handles_and_one_line_for_each_error(converse: Converse) -> None:
    shown = converse(
        "system.actors.core.executors.x0",
        'system.state("mannager")',
        "system.kill?",
        "import warnings; warnings.simplefilter('ignore')  # completions are provisional in IPython",
        "tab = lambda text: [c.text for c in get_ipython().Completer.completions(text, len(text))]",
        'tab("system.actors.core.ex"), tab("system.actors.core.executors.x0.res")',
        """tab('system.actors.core.executors["x')""",
    )

    assert shown.returncode == 0, shown.stderr
    assert "root/core/executors/x0       JobExecutor  idle" in shown.stdout
    assert "Give the server up at once" in shown.stdout
    assert "(['executors'], ['restart', 'resume'])" in shown.stdout
    assert "['x0', 'x1', 'x2'" in shown.stdout
    (said,) = shown.stderr.splitlines()
    assert said.startswith("NoSuchActor: actor mannager does not exist; did you mean manager? in root there are: ")


@needs_ipython
def test_leaving_stops_in_order_and_the_log_is_in_a_file_of_its_owner(
    converse: Converse, owner_url: str, tmp_path: Path
) -> None:
    shown = converse('system.kill("manager")', 'system.state("manager")["state"].keys()')

    log = tmp_path / "data" / "shell.log"
    assert shown.returncode == 0, shown.stderr
    assert "server.killed" not in shown.stdout + shown.stderr
    assert "server.killed" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600
    with psycopg.connect(owner_url) as connection:
        living = connection.execute("SELECT count(*) FROM nodes WHERE stopped_at IS NULL").fetchone()
    assert living == (0,)


@needs_ipython
def test_a_tree_that_gave_up_is_told_of_at_the_prompt_and_by_the_exit_code(converse: Converse) -> None:
    shown = converse('system.kill("root")')

    assert "the supervision tree gave up; leave with `exit`" in shown.stderr
    assert shown.returncode == 70


def shell(data_dir: Path) -> tuple[int, list[str]]:
    """The exit code of a shell that cannot start, and what it says on standard error."""
    result = CliRunner().invoke(main, ["--data-dir", str(data_dir), "shell"])
    assert isinstance(result.exception, SystemExit)
    return result.exit_code, result.stderr.splitlines()


def test_without_ipython_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", None)

    code, said = shell(tmp_path)

    assert code == 1
    assert said == ["shell: expected IPython, got none; install it with `pip install 'moomarkets[shell]'`"]


def test_beside_a_supervisor_of_the_same_data_directory_none_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "IPython.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with swept_directory() as data_dir:
        supervisor = Ownership(data_dir / "owner.lock")
        supervisor.take()

        code, said = shell(data_dir)

        supervisor.release()
    assert code == 4
    assert len(said) == 1
    assert f"owned by the running process {os.getpid()}; a shell needs it for itself: stop that process" in said[0]


def test_what_is_logged_before_there_is_a_file_is_not_lost(tmp_path: Path) -> None:
    log = LateFile()
    log.write("early\n")

    log.open(tmp_path / "new" / "shell.log")
    log.write("late\n")
    log.close()

    assert (tmp_path / "new" / "shell.log").read_text() == "early\nlate\n"
