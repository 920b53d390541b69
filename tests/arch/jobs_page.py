"""Makes the table of the page on jobs that says what follows from each reason, from the policy itself."""

from __future__ import annotations

from moomarkets.domain.retry import RULES
from tests.arch.modules import ROOT

PAGE = ROOT / "docs/jobs.md"
BEGIN, END = "<!-- the policy, by `python -m tests.arch.jobs_page` -->\n", "<!-- end of the policy -->\n"


def table() -> str:
    """One row per reason."""
    rows = [
        f"| `{reason}` | `{reason.error_class}` | {'yes' if rule.is_charged else 'no'} | {rule.backoff} | {rule.told} |"
        for reason, rule in RULES.items()
    ]
    head = "| reason | class | attempt spent | next attempt | who is told |\n|---|---|---|---|---|\n"
    return "\n" + head + "\n".join(rows) + "\n\n"


if __name__ == "__main__":
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2], encoding="utf-8")
