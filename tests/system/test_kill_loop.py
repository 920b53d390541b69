"""Short sieges; `python -m tests.system.kill_loop` runs long ones."""

from __future__ import annotations

import pytest

from tests.system.kill_loop import Siege, run


@pytest.mark.parametrize(
    "siege",
    [
        pytest.param(Siege(kills=8, jobs=50), id="one-node"),
        pytest.param(Siege(kills=5, jobs=40, nodes=3, freezes=True, seed=2), id="three-nodes-and-a-freeze"),
    ],
)
def test_after_kills_at_random_points_every_sum_is_right(siege: Siege) -> None:
    lines = run(siege, lambda text: None)

    assert "\n".join(str(line) for line in lines if not line.is_kept) == ""
