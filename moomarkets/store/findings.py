"""Findings: what is strange about rows that are stored; those of a part are replaced whenever it is fetched anew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, text

from moomarkets.domain.coverage import Covered
from moomarkets.domain.quality import Finding
from moomarkets.store.coverage import Owner
from moomarkets.store.reports import Record


def replace(
    connection: Connection,
    owner: Owner,
    dataset: str,
    covered: Covered,
    findings: Sequence[Finding],
    execution_id: int | None,
) -> None:
    """Record the findings of a part, one row for each strange row, and forget those that it had before."""
    part = {
        "user_id": owner.user_id,
        "source_id": owner.source_id,
        "dataset": dataset,
        "key": covered.key,
        "from_on": covered.from_on,
        "to_on": covered.to_on,
    }
    connection.execute(
        text(
            """
            DELETE FROM findings
            WHERE user_id = :user_id AND data_source_id = :source_id AND dataset = :dataset AND key = :key
              AND from_on >= :from_on AND to_on <= :to_on
            """
        ),
        part,
    )
    found = [
        {
            **part,
            "rule": finding.rule,
            "detail": finding.detail[:2000],
            "row_key": None if row_key is None else json.dumps(list(row_key), ensure_ascii=False),
            "execution_id": execution_id,
            "found_at": covered.fetched_at,
        }
        for finding in findings
        for row_key in (finding.keys or (None,))
    ]
    if found:
        connection.execute(
            text(
                """
                INSERT INTO findings (user_id, data_source_id, dataset, key, from_on, to_on, rule, detail, row_key,
                                      execution_id, found_at)
                VALUES (:user_id, :source_id, :dataset, :key, :from_on, :to_on, :rule, :detail,
                        CAST(:row_key AS jsonb), :execution_id, :found_at)
                """
            ),
            found,
        )


def page(
    connection: Connection, user_id: int, *, dataset: str | None, rule: str | None, before: int | None, limit: int
) -> list[Record]:
    """The findings, the newest first; narrowed to a dataset or a rule where given."""
    rows = connection.execute(
        text(
            """
            SELECT * FROM v_findings
            WHERE user_id = :user_id AND (CAST(:dataset AS text) IS NULL OR dataset = :dataset)
              AND (CAST(:rule AS text) IS NULL OR rule = :rule)
              AND (CAST(:before AS bigint) IS NULL OR id < :before)
            ORDER BY id DESC LIMIT :limit
            """
        ),
        {"user_id": user_id, "dataset": dataset, "rule": rule, "before": before, "limit": limit},
    )
    return [dict(row) for row in rows.mappings()]


def counts(connection: Connection, user_id: int) -> dict[str, int]:
    """How many findings each dataset has that has some."""
    rows = connection.execute(
        text(
            "SELECT dataset, count(*) AS findings FROM findings WHERE user_id = :user_id"
            " GROUP BY dataset ORDER BY dataset"
        ),
        {"user_id": user_id},
    )
    return {row.dataset: row.findings for row in rows}


def suspicious_parts(connection: Connection, owner: Owner, dataset: str) -> frozenset[tuple[str, date]]:
    """Key and first date of the parts that have findings."""
    rows = connection.execute(
        text(
            "SELECT DISTINCT key, from_on FROM findings"
            " WHERE user_id = :user_id AND data_source_id = :source_id AND dataset = :dataset"
        ),
        {"user_id": owner.user_id, "source_id": owner.source_id, "dataset": dataset},
    )
    return frozenset((key, from_on) for key, from_on in rows)
