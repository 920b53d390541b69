"""`moomarkets simulate`: a provider on this machine, with made-up data, until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from datetime import datetime

    from datasources.simulators.faults import Fault
    from datasources.simulators.jquants import JQuantsSimulator
    from moomarkets.domain.limits import Window

_PLANS = ("free", "light", "standard", "premium")
_ADDONS = ("minute", "tdnet")


def _read(name: str, text: str) -> Any:
    """An option's value as the simulators read it; a refusal in the command's own words."""
    # Imported here: `--help` and completion must not pay for it.
    from datasources.simulators import command_line

    readers: dict[str, Callable[[str], Any]] = {
        "today": command_line.evening_of,
        "limit": command_line.window,
        "account": command_line.account,
        "fault": command_line.fault,
    }
    try:
        return readers[name](text)
    except (ValueError, TypeError) as error:
        raise click.BadParameter(str(error)) from None


def _today(text: str) -> datetime:
    found: datetime = _read("today", text)
    return found


def _limit(text: str) -> Window:
    found: Window = _read("limit", text)
    return found


def _account(text: str) -> tuple[str, str]:
    found: tuple[str, str] = _read("account", text)
    return found


def _fault(text: str) -> Fault:
    found: Fault = _read("fault", text)
    return found


def _shared(default_port: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options of every simulator."""
    options = (
        click.option(
            "--port", type=click.IntRange(0, 65535), default=default_port, show_default=True, help="0: a free one."
        ),
        click.option(
            "--today", type=_today, metavar="DATE", help="A date (its evening in Tokyo) or an ISO instant; default now."
        ),
        click.option("--limit", type=_limit, metavar="COUNT/SECONDS", help="Such as 5/60, in place of the provider's."),
        click.option(
            "--speed",
            type=click.FloatRange(min=0, min_open=True),
            default=1.0,
            show_default=True,
            help="So many times as fast as real do limits and expiries pass.",
        ),
        click.option(
            "--fault",
            "faults",
            type=_fault,
            multiple=True,
            metavar="KIND[,…]",
            help="Trouble, such as status,status=503,times=3,path=/fins; all kinds: docs/simulators.md.",
        ),
    )

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@click.group()
def simulate() -> None:
    """Serve a provider's protocol with made-up data.

    On this machine only. Prints one line of JSON when it is ready, with its addresses and a request to try. Ctrl-C
    stops it.
    """


@simulate.command()
@_shared(8790)
@click.option("--plan", type=click.Choice(_PLANS), default="free", show_default=True)
@click.option("--key", "keys", multiple=True, help="A key of V2 that is good; may be given several times.")
@click.option("--addon", "addons", type=click.Choice(_ADDONS), multiple=True, help="What is bought beside the plan.")
@click.option("--issues", type=click.IntRange(1, 9000), default=4400, show_default=True, help="Listed issues.")
@click.option("--page-bytes", type=click.IntRange(min=1), default=5_000_000, show_default=True, help="A page's size.")
@click.option(
    "--v1-account",
    "accounts",
    type=_account,
    metavar="MAIL:PASSWORD",
    multiple=True,
    help="An account that may log in to V1.",
)
@click.option("--v1-gone", is_flag=True, help="V1 answers 410, as it does since it ended.")
def jquants(
    port: int,
    today: datetime | None,
    limit: Window | None,
    speed: float,
    faults: tuple[Fault, ...],
    plan: str,
    keys: tuple[str, ...],
    addons: tuple[str, ...],
    issues: int,
    page_bytes: int,
    accounts: tuple[tuple[str, str], ...],
    v1_gone: bool,
) -> None:
    """J-Quants: V2 with the key demo-key, V1, bulk files."""
    from datasources.simulators.command_line import run_until_stopped
    from datasources.simulators.jquants import DEMO_ACCOUNTS, DEMO_KEY, JQuantsSimulator

    if addons and plan == "free":
        raise click.UsageError("--addon: expected none beside the plan free, as they are sold from light on, got some")
    simulator = JQuantsSimulator(
        plan,
        keys or (DEMO_KEY,),
        today=today,
        limit=limit,
        issues=issues,
        page_bytes=page_bytes,
        addons=addons,
        accounts=dict(accounts) or DEMO_ACCOUNTS,
        gone=v1_gone,
        speed=speed,
        port=port,
    )
    simulator.faults.add(*faults)
    key = (keys or (DEMO_KEY,))[0]
    run_until_stopped(
        simulator,
        lambda: {"v2_url": simulator.base_url, "v1_url": simulator.v1_url, "try": _bars_request(simulator, key)},
    )


def _bars_request(simulator: JQuantsSimulator, key: str) -> str:
    """A request of V2 that finds rows under every plan."""
    day = simulator.newest_bars_on()
    return f"curl -H 'x-api-key: {key}' '{simulator.base_url}/equities/bars/daily?code=99010&date={day}'"


@simulate.command()
@_shared(8791)
def yahoo(port: int, today: datetime | None, limit: Window | None, speed: float, faults: tuple[Fault, ...]) -> None:
    """Yahoo's chart endpoint."""
    from datasources.simulators.command_line import run_until_stopped
    from datasources.simulators.yahoo import YahooSimulator

    simulator = YahooSimulator(today=today, limit=limit, speed=speed, port=port)
    simulator.faults.add(*faults)

    def request() -> str:
        end = int(simulator.clock.now().timestamp())
        return f"curl '{simulator.url}/v8/finance/chart/AAPL?period1={end - 14 * 86_400}&period2={end}'"

    run_until_stopped(simulator, lambda: {"try": request()})
