"""A run whose database is restarted, cut off, full or read-only goes on by itself, and the books are right."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Callable

import pytest

from tests.system.kill_books import audit
from tests.system.kill_ground import KillGround, Plan, kill_ground

PLAN = Plan(jobs=40, per_s=10)
END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'owner'"


def restart(ground: KillGround) -> None:
    """As an administrator does: sessions are ended, everything is written down."""
    ground.server.stop()
    ground.server.start()


def restart_at_once(ground: KillGround) -> None:
    """As after a crash: nothing is written down, the server recovers from its log."""
    assert ground.server.pid is not None
    os.kill(ground.server.pid, signal.SIGQUIT)
    ground.server.wait()
    ground.server.start()


def end_all_sessions(ground: KillGround) -> None:
    """Some times in a row, wherever each of them stands."""
    for _ in range(5):
        ground.manage(END_SESSIONS)
        ground.wait_stored(1)


def refuse_connections(ground: KillGround) -> None:
    """There is no connection left for anybody, until there is."""
    ground.manage("ALTER ROLE owner CONNECTION LIMIT 0", END_SESSIONS)
    ground.wait_said("store.unavailable", 3)
    ground.manage("ALTER ROLE owner CONNECTION LIMIT -1")


def take_no_writes(ground: KillGround) -> None:
    """As a server does that has failed over, for a while."""
    ground.manage("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    ground.wait_said("store.unavailable", 3)
    ground.manage("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")


@pytest.mark.parametrize("trouble", [restart, restart_at_once, end_all_sessions, refuse_connections, take_no_writes])
def test_a_run_goes_on_after_trouble_with_its_database_and_loses_and_doubles_nothing(
    trouble: Callable[[KillGround], None],
) -> None:
    with kill_ground(PLAN) as ground:
        node = ground.start()
        ground.wait_stored(3)

        trouble(ground)

        assert ground.wait_over(120)
        assert ground.stop() == [0]
        assert "\n".join(str(line) for line in audit(ground, strikes=0) if not line.is_kept) == ""
        assert _said_too_often(node.errors) == {}
        assert "Traceback" not in node.errors


def _said_too_often(errors: str) -> dict[str, int]:
    """Who has told of the database's being away more than once an outage."""
    told = [json.loads(line) for line in errors.splitlines() if line.startswith("{")]
    count = Counter(str(line.get("path")) for line in told if line["event"] == "store.unavailable")
    back = Counter(str(line.get("path")) for line in told if line["event"] == "store.recovered")
    return {path: times for path, times in count.items() if times > back[path] + 1}
