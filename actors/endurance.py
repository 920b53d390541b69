"""How many abandoned attempts a node bears, and for how long it bears too many of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endurance:
    """Above `abandoned_limit` (None: any number) a node takes no more work; the rules of its end follow from it.

    It asks to be restarted at once above twice the limit, and else when it has borne too much for `patience_s`: what
    has not come back by then hardly will, and a node that takes no work is of no use. It drains first: what runs has
    `drain_s` to finish, and `give_back_s` more to be given back.

    Example:
        >>> bears = Endurance(abandoned_limit=4)
        >>> bears.is_exceeded_by(4), bears.is_exceeded_by(5), bears.is_spent_by(8), bears.is_spent_by(9)
        (False, True, False, True)
    """

    abandoned_limit: int | None = None
    patience_s: float = 60.0
    drain_s: float = 30.0
    give_back_s: float = 8.0

    def is_exceeded_by(self, abandoned: int) -> bool:
        """Whether no more work may be taken."""
        return self.abandoned_limit is not None and abandoned > self.abandoned_limit

    def is_spent_by(self, abandoned: int) -> bool:
        """Whether there is nothing to wait for."""
        return self.abandoned_limit is not None and abandoned > 2 * self.abandoned_limit
