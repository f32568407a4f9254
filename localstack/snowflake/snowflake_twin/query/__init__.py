"""Queries: names resolved, policies enforced, run by DuckDB."""
