"""The SQL API v2 on the wire."""
