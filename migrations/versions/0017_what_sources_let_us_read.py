"""What a provider has said that may be read, and how far the disclosures of a day have been read."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE learnt_access (
            user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
            data_source_id bigint NOT NULL REFERENCES data_sources ON DELETE CASCADE,
            -- '' for the source as a whole: from when to when its data may be read.
            endpoint text NOT NULL,
            is_included boolean NOT NULL,
            first_on date,
            last_on date,
            -- The subscription that was set when it was learnt; with another one it says nothing any more.
            subscription text NOT NULL,
            learnt_at timestamptz NOT NULL,
            PRIMARY KEY (user_id, data_source_id, endpoint),
            CHECK (first_on <= last_on)
        );

        CREATE TABLE reading_marks (
            user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
            data_source_id bigint NOT NULL REFERENCES data_sources ON DELETE CASCADE,
            dataset text NOT NULL,
            on_date date NOT NULL,
            cursor text NOT NULL CHECK (length(cursor) BETWEEN 1 AND 4096),
            updated_at timestamptz NOT NULL,
            PRIMARY KEY (user_id, data_source_id, dataset)
        );
        """
    )
