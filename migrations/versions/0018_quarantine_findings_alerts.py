"""Answers that must not be stored, rows that are strange, what a person was told, and when data were last verified."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE quarantine (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
            data_source_id bigint NOT NULL REFERENCES data_sources ON DELETE CASCADE,
            endpoint text NOT NULL,
            dataset text NOT NULL,
            key text NOT NULL,
            from_on date NOT NULL,
            to_on date NOT NULL CHECK (to_on >= from_on),
            reason text NOT NULL,
            detail text NOT NULL,
            findings jsonb NOT NULL DEFAULT '[]',
            digest bytea NOT NULL,
            bodies bytea[] NOT NULL,
            is_whole boolean NOT NULL,
            bytes bigint NOT NULL,
            rows integer,
            pages integer NOT NULL,
            execution_id bigint,
            fetched_at timestamptz NOT NULL,
            times integer NOT NULL DEFAULT 1,
            first_at timestamptz NOT NULL,
            last_at timestamptz NOT NULL,
            status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'released', 'dismissed')),
            decided_by text,
            decided_at timestamptz,
            note text,
            CHECK ((status = 'open') = (decided_at IS NULL))
        );
        -- The same answer again is the same entry, as long as nobody has decided about it.
        CREATE UNIQUE INDEX quarantine_of_answer
            ON quarantine (user_id, data_source_id, dataset, key, from_on, to_on, digest) WHERE status = 'open';
        CREATE INDEX quarantine_of_part ON quarantine (user_id, data_source_id, dataset, key, from_on);
        CREATE INDEX quarantine_by_age ON quarantine (last_at);

        CREATE TABLE findings (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
            data_source_id bigint NOT NULL REFERENCES data_sources ON DELETE CASCADE,
            dataset text NOT NULL,
            key text NOT NULL,
            from_on date NOT NULL,
            to_on date NOT NULL,
            rule text NOT NULL,
            detail text NOT NULL,
            row_key jsonb,
            execution_id bigint,
            found_at timestamptz NOT NULL
        );
        CREATE INDEX findings_of_part ON findings (user_id, data_source_id, dataset, key, from_on);

        CREATE TABLE alerts (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
            kind text NOT NULL,
            subject text NOT NULL,
            for_on date NOT NULL,
            detail text NOT NULL,
            told_at timestamptz NOT NULL,
            recovered_at timestamptz,
            UNIQUE (user_id, kind, subject, for_on)
        );
        CREATE INDEX alerts_open ON alerts (user_id, kind, subject) WHERE recovered_at IS NULL;

        ALTER TABLE coverage ADD COLUMN verified_at timestamptz, ADD COLUMN corrected_at timestamptz;
        CREATE INDEX revisions_of_execution ON revisions (replaced_by);

        CREATE VIEW v_quarantine AS
        SELECT quarantine.id, quarantine.user_id, data_sources.code AS source, quarantine.endpoint, quarantine.dataset,
               quarantine.key, quarantine.from_on, quarantine.to_on, quarantine.reason, quarantine.detail,
               quarantine.findings, quarantine.bytes, quarantine.is_whole, quarantine.rows, quarantine.pages,
               quarantine.execution_id, quarantine.fetched_at, quarantine.times, quarantine.first_at,
               quarantine.last_at, quarantine.status, quarantine.decided_by, quarantine.decided_at, quarantine.note
        FROM quarantine JOIN data_sources ON data_sources.id = quarantine.data_source_id;

        CREATE VIEW v_findings AS
        SELECT findings.id, findings.user_id, data_sources.code AS source, findings.dataset, findings.key,
               findings.from_on, findings.to_on, findings.rule, findings.detail, findings.row_key,
               findings.execution_id, findings.found_at
        FROM findings JOIN data_sources ON data_sources.id = findings.data_source_id;

        CREATE VIEW v_alerts AS
        SELECT id, user_id, kind, subject, for_on, detail, told_at, recovered_at FROM alerts;
        """
    )
