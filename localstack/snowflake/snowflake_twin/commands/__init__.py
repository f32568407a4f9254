"""Statements that are no queries, a family a file."""
