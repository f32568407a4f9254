"""Accepted queries really run: over objects of a store, in a child process, on the twin's clock. Knows no rules."""
