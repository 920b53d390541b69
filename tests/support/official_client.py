"""The vendor's own client of J-Quants, pointed at a simulator."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    jquantsapi: Any = pytest.importorskip("jquantsapi")

PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


def official_client(base_url: str, key: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`jquantsapi.ClientV2` as it is, with the retries over http that it has over https."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    client = jquantsapi.ClientV2(api_key=key)
    client.JQUANTS_API_BASE = base_url
    session = client._request_session()
    session.mount("http://", session.get_adapter("https://x"))
    return client
