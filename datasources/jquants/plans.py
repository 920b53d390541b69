"""The subscriptions of J-Quants, and what lies beside them."""

from __future__ import annotations

from moomarkets.domain.limits import Window
from moomarkets.domain.source import Plan

PLANS = {
    plan.name: plan
    for plan in (
        Plan("free", (Window(5, 60),), years=2, delay_weeks=12, has_bulk=False),
        Plan("light", (Window(60, 60),), years=5),
        Plan("standard", (Window(120, 60),), years=10),
        Plan("premium", (Window(500, 60),), years=20),
    )
}
"""By name, the smallest first (provider's page of plans, 2026-07)."""

MINUTES = "minute"
"""The add-on with prices by the minute and single trades."""

TDNET = "tdnet"
"""The add-on with timely disclosures."""
