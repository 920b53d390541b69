from __future__ import annotations

from pathlib import Path

from moomarkets.domain.events import NoEvents
from moomarkets.store.place import StorePlace, open_place
from moomarkets.testing.manual_clock import ManualClock

URL = "postgresql://app:geheim@db.example/moomarkets"


def test_a_given_url_is_used_by_both_roles_and_starts_no_server(tmp_path: Path) -> None:
    place = open_place(URL, tmp_path / "data", ManualClock(), NoEvents())
    place.close()

    assert place == StorePlace(URL, URL)
    assert not (tmp_path / "data").exists()


def test_a_place_does_not_show_its_passwords() -> None:
    assert repr(StorePlace(URL, URL)) == "<StorePlace given by URL>"
