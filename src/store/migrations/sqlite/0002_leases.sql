CREATE TABLE lease (
    resource TEXT PRIMARY KEY,
    holder TEXT,
    token INTEGER NOT NULL CHECK (token > 0),
    ttl_ms INTEGER NOT NULL CHECK (ttl_ms > 0),
    until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER lease_token_never_falls BEFORE UPDATE ON lease WHEN new.token < old.token
BEGIN
    SELECT RAISE(ABORT, 'tokens never fall');
END;

CREATE TRIGGER lease_is_never_deleted BEFORE DELETE ON lease
BEGIN
    SELECT RAISE(ABORT, 'leases are never deleted');
END;
