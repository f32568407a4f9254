-- Keys that go with no append.
CREATE TABLE airlock.spent (
    scope bytea PRIMARY KEY CHECK (length(scope) = 32),
    until_ms bigint NOT NULL
);

CREATE INDEX spent_until ON airlock.spent (until_ms);
