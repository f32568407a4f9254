"""A twin of Snowflake for tests."""
