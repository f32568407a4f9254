-- Keys that go with no append.
CREATE TABLE spent (
    scope BLOB PRIMARY KEY CHECK (length(scope) = 32),
    until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX spent_until ON spent (until_ms);
