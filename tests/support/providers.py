"""Simulated providers and the settings of a whole system that uses them, quick enough for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from datasources.simulators.jquants import DEMO_KEY, JQuantsSimulator
from datasources.simulators.yahoo import YahooSimulator
from moomarkets.domain.limits import Window
from moomarkets.domain.secret import Secret
from moomarkets.settings import Settings, SourceSettings

WIDE = Window(1000, 1)
TODAY = date(2026, 11, 20)


@dataclass(frozen=True, slots=True)
class Providers:
    """J-Quants and Yahoo on loopback ports."""

    jquants: JQuantsSimulator
    yahoo: YahooSimulator

    @property
    def requests(self) -> int:
        """How many requests both have seen."""
        return len(self.jquants.ledger.entries()) + len(self.yahoo.ledger.entries())

    def settings(self, database_url: str | None, data_dir: Path, **given: Any) -> Settings:
        """Settings of a system that uses them; `key` None gives no credential, `jquants` changes that source."""
        key = given.pop("key", DEMO_KEY)
        jquants = {"base_url": self.jquants.base_url, "plan": "light", "limits": (WIDE,)}
        jquants |= {"api_key": Secret(key)} if key is not None else {}
        sources = {
            "jquants": SourceSettings(**{**jquants, **given.pop("jquants", {})}),
            "yahoo": SourceSettings(base_url=self.yahoo.url, limits=(WIDE,)),
        }
        quick = {"retry_delay_s": 0, "drain_deadline_s": 5, "poll_s": 1, "executors": 4}
        place = {"database_url": Secret(database_url) if database_url else None, "data_dir": data_dir}
        return Settings(**{**place, "sources": sources, **quick, **given})


@contextmanager
def providers(issues: int = 50) -> Iterator[Providers]:
    """Both, started."""
    with JQuantsSimulator(plan="light", issues=issues, limit=WIDE) as jquants, YahooSimulator() as yahoo:
        yield Providers(jquants, yahoo)
