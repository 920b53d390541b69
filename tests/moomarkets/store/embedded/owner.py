"""A process that owns an embedded server: says so in JSON, then waits for the end of its input.

Modes: `plain`; `thread`, where the thread that starts the server ends at once; `fork`, where a forked child
lives longer than we.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

from moomarkets.domain.clock import SystemClock
from moomarkets.domain.errors import EmbeddedServerError
from moomarkets.domain.events import NoEvents
from moomarkets.store.embedded.server import EmbeddedServer


def main(data_dir: str, mode: str = "plain") -> int:
    server = EmbeddedServer(Path(data_dir), clock=SystemClock(), events=NoEvents(), settings={"fsync": "off"})
    answer: dict[str, object] = {"pid": os.getpid()}
    try:
        if mode == "thread":
            thread = threading.Thread(target=server.start)
            thread.start()
            thread.join()
        else:
            server.start()
    except EmbeddedServerError as error:
        print(json.dumps({"error": str(error), "exit_code": error.exit_code}), flush=True)
        return error.exit_code
    if mode == "fork":
        child = os.fork()
        if child == 0:
            threading.Event().wait()
        answer["forked"] = child
    print(json.dumps({**answer, "server": server.pid, "alive": server.is_alive()}), flush=True)
    sys.stdin.read()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
