"""States change only along the moves that `docs/states.md` draws: the database refuses every other one."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"

# As in moomarkets/domain/states.py when this was written; a test compares the two.
MOVES = {
    "job_groups": {
        "idle": ("pending", "running", "paused"),
        "pending": ("running", "failed", "idle", "paused"),
        "running": ("completed", "failed", "pending", "paused"),
        "paused": ("idle", "pending", "running", "completed", "failed"),
        "completed": ("pending", "running", "paused"),
        "failed": ("pending", "running", "paused"),
    },
    "runs": {
        "pending": ("running", "cancelled", "skipped"),
        "running": ("completed", "failed", "cancelled"),
        "completed": ("running",),
        "failed": ("running",),
        "cancelled": ("running",),
    },
    "jobs": {
        "pending": ("running", "paused", "cancelled", "failed"),
        "running": ("completed", "pending", "failed", "cancelled"),
        "completed": ("pending",),
        "failed": ("pending",),
        "cancelled": ("pending",),
        "idle": ("pending",),
        "paused": ("pending", "cancelled"),
    },
    "executions": {
        "running": ("completed", "failed", "interrupted", "cancelled"),
    },
}


def upgrade() -> None:
    _guard_states()
    _index_held_jobs()


def _guard_states() -> None:
    # The condition is the whole check, without a call. An AFTER trigger, for a BEFORE trigger would lock each row once
    # more before its condition is looked at.
    op.execute(
        """
        CREATE FUNCTION refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'status',
                CONSTRAINT = TG_NAME, MESSAGE = format('%s %s: expected a legal move, got %s -> %s',
                                                       TG_TABLE_NAME, OLD.id, OLD.status, NEW.status);
        END $$
        """
    )
    for table, moves in MOVES.items():
        cases = " ".join(
            f"WHEN '{before}' THEN NEW.status IN ({', '.join(repr(state) for state in after)})"
            for before, after in moves.items()
        )
        op.execute(
            f"""
            CREATE TRIGGER {table}_legal_moves AFTER UPDATE OF status ON {table} FOR EACH ROW
            WHEN (OLD.status <> NEW.status AND NOT CASE OLD.status {cases} ELSE false END)
            EXECUTE FUNCTION refuse_move()
            """
        )


def _index_held_jobs() -> None:
    op.execute(
        """
        -- The best held job of a run is found without a look at the others.
        CREATE INDEX jobs_held ON jobs (run_id, ((due_at AT TIME ZONE 'UTC') - priority * interval '1 hour'), id)
            WHERE is_held;
        """
    )
