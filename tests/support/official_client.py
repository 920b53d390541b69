"""The vendor's own client of J-Quants, pointed at a simulator, and its frames beside raw rows."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    jquantsapi: Any = pytest.importorskip("jquantsapi")

PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
PlainRow = dict[str, object]


def official_client(base_url: str, key: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`jquantsapi.ClientV2` as it is, with the retries over http that it has over https."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    client = jquantsapi.ClientV2(api_key=key)
    client.JQUANTS_API_BASE = base_url
    session = client._request_session()
    session.mount("http://", session.get_adapter("https://x"))
    return client


def plain_rows(rows: Iterable[Mapping[str, Any]]) -> list[PlainRow]:
    """Rows as both sides can be compared: a missing value is None, a number a float, a date its text; sorted.

    Takes the records of a frame (`frame.to_dict("records")`) and rows of raw JSON alike.
    """
    found = [{name: _plain(value) for name, value in row.items()} for row in rows]
    return sorted(found, key=lambda row: json.dumps(row, sort_keys=True, ensure_ascii=False))


def _plain(value: Any) -> object:
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    # An undefined date is one that is no date: it is not equal to itself.
    if value is None or value == "" or value != value or (isinstance(value, float) and math.isnan(value)):
        return None
    if hasattr(value, "strftime"):
        return str(value)[:10]
    return float(value) if isinstance(value, int | float) else value
