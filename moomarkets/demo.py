"""The demo: simulated providers in this process, so that everything runs without a key and without the internet."""

from __future__ import annotations

from contextlib import ExitStack

from moomarkets.domain.clock import Clock
from moomarkets.domain.secret import Secret
from moomarkets.settings import Settings, SourceSettings

PLAN = "light"


def with_plan(settings: Settings) -> Settings:
    """The settings with the demo's subscription, for whoever looks at the demo without running it."""
    jquants = settings.sources.get("jquants", SourceSettings())
    if jquants.base_url is not None or jquants.plan is not None:
        return settings
    return settings.model_copy(
        update={"sources": {**settings.sources, "jquants": jquants.model_copy(update={"plan": PLAN})}}
    )


def with_simulators(settings: Settings, clock: Clock, undo: ExitStack) -> Settings:
    """The settings with each source pointed at a simulator; one that has a base URL of its own is left alone."""
    # Only the demo pays for them.
    from datasources.simulators.jquants import DEMO_KEY, JQuantsSimulator
    from datasources.simulators.yahoo import YahooSimulator

    sources = dict(settings.sources)
    jquants = sources.get("jquants", SourceSettings())
    if jquants.base_url is None:
        plan = jquants.plan or PLAN
        simulator = undo.enter_context(JQuantsSimulator(plan=plan, clock=clock))
        given = {"base_url": simulator.base_url, "plan": plan, "api_key": Secret(DEMO_KEY)}
        sources["jquants"] = jquants.model_copy(update=given)
    yahoo = sources.get("yahoo", SourceSettings())
    if yahoo.base_url is None:
        chart = undo.enter_context(YahooSimulator(clock=clock))
        sources["yahoo"] = yahoo.model_copy(update={"base_url": chart.url})
    return settings.model_copy(update={"sources": sources})
