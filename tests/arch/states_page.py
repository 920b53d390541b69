"""Makes the last chapter of the page on states: for each kind of thing a drawing and a table of its legal moves."""

from __future__ import annotations

from itertools import groupby

from moomarkets.domain.states import LIVES, Life, Move
from tests.arch.modules import ROOT

PAGE = ROOT / "docs/states.md"
CHAPTER = "\n## Every legal move\n"
NOTE = """
Made from the table in `moomarkets/domain/states.py` by `python -m tests.arch.states_page`. The database refuses every
other change of a state.
"""


def chapter() -> str:
    """The chapter's text, without its heading."""
    return NOTE + "".join(_section(life) for life in LIVES)


def _section(life: Life) -> str:
    rows = "\n".join(
        f"| {', '.join(f'`{before}`' for before in befores)} | `{after}` | {verb} |"
        for befores, after, verb in _rows(life)
    )
    return f"""
### States of {life.name}s

```mermaid
{_drawing(life)}
```

| from | to | when |
|---|---|---|
{rows}
"""


def _drawing(life: Life) -> str:
    lines = ["stateDiagram-v2"]
    lines += [f"    [*] --> {state}" for state in life.first]
    lines += [f"    {move.before} --> {move.after}" for move in life.moves]
    lines += [f"    {state} --> [*]" for state in life.final]
    return "\n".join(lines)


def _rows(life: Life) -> list[tuple[list[str], str, str]]:
    def what(move: Move) -> tuple[str, str]:
        return move.verb, move.after

    return [
        ([str(move.before) for move in moves], after, verb)
        for (verb, after), moves in groupby(sorted(life.moves, key=lambda move: _place(life, move)), what)
    ]


def _place(life: Life, move: Move) -> tuple[int, int]:
    """By the order of the verbs in the table, then by the state that they lead to."""
    verbs = [known.verb for known in life.moves]
    return verbs.index(move.verb), life.states.index(move.after)


if __name__ == "__main__":
    written = PAGE.read_text(encoding="utf-8").partition(CHAPTER)[0]
    PAGE.write_text(written + CHAPTER + chapter(), encoding="utf-8")
