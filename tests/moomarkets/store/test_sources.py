from __future__ import annotations

from dataclasses import replace

import pytest

from moomarkets.domain.errors import NotFound
from moomarkets.domain.limits import Window
from moomarkets.store import sources
from tests.moomarkets.store.scene import LOCAL, SPEC, Scene


def test_a_source_is_refreshed_from_its_definition_but_keeps_its_switch(scene: Scene) -> None:
    scene.do(sources.ensure, SPEC, is_enabled=False)

    again = scene.do(sources.ensure, replace(SPEC, name="Renamed", windows=(Window(7, 60), Window(9, 86400))))

    row = scene.one("SELECT * FROM data_sources")
    assert again == scene.source_id == row.id
    assert (row.name, row.is_enabled, row.rate_limit_per_minute, row.rate_limit_per_day) == ("Renamed", False, 7, 9)
    assert row.config == {"limits": [[7, 60.0], [9, 86400.0]], "needs_credential": False}


def test_a_source_that_does_not_exist_is_not_found(scene: Scene) -> None:
    assert scene.do(sources.find, "sim").is_enabled
    with pytest.raises(NotFound, match="source nowhere"):
        scene.do(sources.find, "nowhere")


def test_a_credential_takes_the_place_of_the_older_one(scene: Scene) -> None:
    scene.do(sources.put_credential, LOCAL, scene.source_id, b"old")
    first = scene.do(sources.credential, LOCAL, scene.source_id)

    scene.do(sources.put_credential, LOCAL, scene.source_id, b"new")

    second = scene.do(sources.credential, LOCAL, scene.source_id)
    assert first is not None
    assert second is not None
    assert (first.sealed, second.sealed) == (b"old", b"new")
    assert second.updated_at > first.updated_at


def test_a_credential_is_forgotten_once(scene: Scene) -> None:
    scene.do(sources.put_credential, LOCAL, scene.source_id, b"sealed")

    assert scene.do(sources.remove_credential, LOCAL, scene.source_id)
    assert not scene.do(sources.remove_credential, LOCAL, scene.source_id)
    assert scene.do(sources.credential, LOCAL, scene.source_id) is None


def test_the_first_known_answer_is_kept(scene: Scene) -> None:
    assert scene.do(sources.known_answer, b"first") == b"first"
    assert scene.do(sources.known_answer, b"second") == b"first"
