"""Benchmarks, off by default: `python -m tests.bench [name ...]`."""
