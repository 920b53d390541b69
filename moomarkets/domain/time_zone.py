"""Names of time zones: which are accepted, and what somebody probably meant."""

from __future__ import annotations

import difflib
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from moomarkets.domain.errors import InvalidInput

# Both are listed by the system but mean "whatever this machine is set to" and "not set up".
_REFUSED = {"localtime", "Factory"}
_FAMILIAR = {"jst": "Asia/Tokyo", "pst": "America/Los_Angeles", "bst": "Europe/London", "ist": "Asia/Kolkata"}


def zone_named(name: object) -> ZoneInfo:
    """The zone of that name; `InvalidInput` with the nearest known name where there is none.

    Example:
        >>> zone_named("Asia/Tokyo").key
        'Asia/Tokyo'
    """
    if isinstance(name, str) and name in _names():
        return ZoneInfo(name)
    raise InvalidInput("timezone", f"a time zone name such as Asia/Tokyo{_guess(name)}", name)


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones() - _REFUSED)


def _guess(name: object) -> str:
    if not isinstance(name, str) or len(name) > 100:
        return ""
    wanted = name.strip().lower().replace(" ", "_")
    by_words = {known.rpartition("/")[2].lower(): known for known in sorted(_names(), reverse=True)}
    by_words |= {known.lower(): known for known in _names()} | _FAMILIAR
    near = difflib.get_close_matches(wanted, by_words, n=1, cutoff=0.7)
    return f" (did you mean {by_words[near[0]]}?)" if near else ""
