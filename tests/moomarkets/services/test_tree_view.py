"""The drawing of the tree: every line hangs where it belongs."""

from __future__ import annotations

from actors.otp.process import ProcessInfo, ProcessState
from moomarkets.services.tree_view import TreeView


def info(path: str, **changes: object) -> ProcessInfo:
    usual: dict[str, object] = {
        "path": path,
        "server": "Server",
        "name": None,
        "state": ProcessState.IDLE,
        "message": "",
        "busy_s": 0.0,
        "queue": 0,
        "handled": 1,
        "restarts": 0,
        "last_exit": "",
    }
    return ProcessInfo(**{**usual, **changes})  # type: ignore[arg-type]  # any field


def test_children_hang_below_their_parents() -> None:
    drawn = repr(TreeView([info("root"), info("root/a"), info("root/a/x"), info("root/a/y"), info("root/b")]))

    assert [line.split(" Server")[0].rstrip() for line in drawn.splitlines()] == [
        "root",
        "├─ a",
        "│  ├─ x",
        "│  └─ y",
        "└─ b",
    ]


def test_a_line_tells_what_a_server_is_at() -> None:
    busy = info("root", state=ProcessState.BUSY, message="Look", busy_s=1.25, queue=3, restarts=2, last_exit="killed")

    assert repr(TreeView([busy])).split(maxsplit=1)[1] == (
        "Server  busy  Look for 1.2 s  3 queued  1 handled  2 restarts, last exit killed"
    )


def test_a_view_is_a_sequence_of_its_lines_as_data() -> None:
    view = TreeView([info("root"), info("root/a")])

    assert len(view) == 2
    assert view[1].path == "root/a"
    assert [one.path for one in view[:1]] == ["root"]
    assert repr(TreeView([])) == "(no server)"


def test_a_part_of_the_tree_is_headed_by_its_whole_place() -> None:
    drawn = repr(TreeView([info("root/a"), info("root/a/x"), info("root/a/x/deep"), info("root/b")]))

    assert [line.split(" Server")[0].rstrip() for line in drawn.splitlines()] == [
        "root/a",
        "└─ x",
        "   └─ deep",
        "root/b",
    ]


def test_one_restart_is_not_many() -> None:
    assert "1 restart, last exit killed" in repr(TreeView([info("root", restarts=1, last_exit="killed")]))


def test_a_notebook_gets_the_drawing_in_which_nothing_is_markup() -> None:
    assert TreeView([info("<root>")])._repr_html_().startswith("<pre>&lt;root&gt; ")
