"""Serves the simulated J-Quants until stopped."""

from __future__ import annotations

import argparse

from datasources.jquants.plans import PLANS
from datasources.simulators.command_line import evening_of, port, run_until_stopped, window
from datasources.simulators.jquants import DEMO_KEY, JQuantsSimulator


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="python -m datasources.simulators.jquants", description=__doc__)
    parser.add_argument("--port", type=port, default=0, help="0 picks a free one")
    parser.add_argument("--plan", choices=list(PLANS), default="light")
    parser.add_argument("--key", action="append", help=f"may be given several times; default {DEMO_KEY}")
    parser.add_argument("--today", type=evening_of, help="a date (its evening in Tokyo) or an ISO instant")
    parser.add_argument("--limit", type=window, help="count/seconds in place of the plan's, such as 5/3")
    parser.add_argument("--issues", type=int, default=4400)
    parser.add_argument("--page-bytes", type=int, default=5_000_000)
    given = parser.parse_args()
    simulator = JQuantsSimulator(
        given.plan,
        given.key or (DEMO_KEY,),
        today=given.today,
        limit=given.limit,
        issues=given.issues,
        page_bytes=given.page_bytes,
        port=given.port,
    )
    run_until_stopped(simulator)


if __name__ == "__main__":
    main()
