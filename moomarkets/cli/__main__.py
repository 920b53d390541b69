"""`python -m moomarkets.cli` is `moomarkets`."""

from __future__ import annotations

from moomarkets.cli import main

if __name__ == "__main__":
    main(prog_name="moomarkets")
