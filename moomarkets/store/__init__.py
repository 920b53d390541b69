"""Postgres, the only truth: functions that take a connection; who opens transactions is above."""
