"""Runs the benchmarks named, or all of them, and prints a table."""

from __future__ import annotations

import platform
import sys

from moomarkets.assembly import VERSION
from tests.bench import (
    bars,
    bulk,
    drain,
    enqueue,
    frozen,
    growth,
    idle,
    import_time,
    latency,
    limiter,
    memory,
    month,
    otp,
    reading,
    start,
    width,
)

BENCHES = {
    "import": import_time.run,
    "start": start.run,
    "bars": bars.run,
    "reading": reading.run,
    "bulk": bulk.run,
    "idle": idle.run,
    "drain": drain.run,
    "enqueue": enqueue.run,
    "latency": latency.run,
    "limiter": limiter.run,
    "width": width.run,
    "growth": growth.run,
    "memory": memory.run,
    "frozen": frozen.run,
    "month": month.run,
    "otp": otp.run,
}


def main(words: list[str]) -> None:
    """Run them one after the other. `--months N` is how much `bulk` loads."""
    options = words[words.index("--months") :][:2] if "--months" in words else []
    names = [word for word in words if word not in options]
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        sys.exit(f"bench: expected some of {', '.join(BENCHES)}, got {', '.join(unknown)}")
    print(f"moomarkets {VERSION}, Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    for name in names or BENCHES:
        print(f"\n{name}")
        for line in bulk.run(options) if name == "bulk" else BENCHES[name]():
            print(f"  {line}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
