"""Reads from when to when codes were listed out of the lists of issues that were fetched."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import Connection, text

from moomarkets.domain.listing import Listing
from moomarkets.store.coverage import Owner

_READ = """
    WITH lists AS (
        SELECT on_date FROM listed_issues WHERE user_id = :user_id AND data_source_id = :source_id GROUP BY on_date
    ), spans AS (
        SELECT code, min(on_date) AS first_on, max(on_date) AS last_on FROM listed_issues
        WHERE user_id = :user_id AND data_source_id = :source_id AND code = ANY (CAST(:codes AS text[]))
        GROUP BY code
    )
    SELECT code, (SELECT max(on_date) FROM lists WHERE on_date < first_on) AS not_before,
           (SELECT min(on_date) FROM lists WHERE on_date > last_on) AS no_more
    FROM spans
"""


def listings(connection: Connection, owner: Owner, codes: Collection[str]) -> dict[str, Listing]:
    """The listing of each of the codes that is in any list: after the last list without it, before the first one."""
    if not codes:
        return {}
    rows = connection.execute(
        text(_READ), {"user_id": owner.user_id, "source_id": owner.source_id, "codes": list(codes)}
    )
    day = timedelta(days=1)
    return {
        row.code: Listing(row.not_before and row.not_before + day, row.no_more and row.no_more - day) for row in rows
    }


def known_codes(connection: Connection, owner: Owner) -> list[str]:
    """All codes that are in any list."""
    found = connection.execute(
        text(
            "SELECT DISTINCT code FROM listed_issues WHERE user_id = :user_id AND data_source_id = :source_id"
            " ORDER BY code"
        ),
        {"user_id": owner.user_id, "source_id": owner.source_id},
    )
    return list(found.scalars())
