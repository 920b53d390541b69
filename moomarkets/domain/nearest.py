"""What somebody probably meant by a word that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """` (did you mean <the nearest>?)`, to end what was expected; empty where nothing is near.

    Example:
        >>> did_you_mean("timezon", ["cron", "timezone"])
        ' (did you mean timezone?)'
    """
    if not isinstance(word, str) or len(word) > 100:
        return ""
    by_lower = {name.lower(): name for name in sorted(known)}
    near = difflib.get_close_matches(word.strip().lower(), by_lower, n=1, cutoff=0.6)
    return f" (did you mean {by_lower[near[0]]}?)" if near else ""
