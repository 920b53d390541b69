"""The support itself: each test gets a database of its own."""

from __future__ import annotations

import psycopg
import pytest


@pytest.mark.parametrize("number", [1, 2, 3])
def test_each_test_has_an_empty_database_of_its_own(database_url: str, owner_url: str, number: int) -> None:
    with psycopg.connect(owner_url) as connection:
        connection.execute("CREATE TABLE only_here (number integer)")

    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO only_here VALUES (%s)", (number,))
        rows = connection.execute("TABLE only_here").fetchall()

    assert rows == [(number,)]
