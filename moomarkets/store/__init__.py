"""Postgres: the only truth. Functions here take a connection; who opens transactions is above."""
