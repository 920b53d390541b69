"""How long `import moomarkets` takes in a fresh interpreter, beside an interpreter that imports nothing."""

from __future__ import annotations

import subprocess
import sys

from tests.bench.measure import Figure, timed_ms

TIMES = 15
INSIDE = "import time; t = time.perf_counter(); import moomarkets; print((time.perf_counter() - t) * 1000)"


def run() -> list[str]:
    """`import moomarkets` itself, and whole interpreters with and without it."""
    inside = [float(_python(INSIDE)) for _ in range(TIMES)]
    nothing = Figure("interpreter alone", "ms", timed_ms(lambda: _python("pass"), TIMES))
    with_it = Figure("interpreter with import moomarkets", "ms", timed_ms(lambda: _python("import moomarkets"), TIMES))
    return [Figure("import moomarkets", "ms", inside, goal=20).line(), nothing.line(), with_it.line(nothing)]


def _python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
