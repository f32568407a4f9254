CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    collaboration TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL CHECK (size >= 0)
) STRICT;

CREATE TABLE leaf (
    log INTEGER NOT NULL REFERENCES log (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    body BLOB NOT NULL,
    PRIMARY KEY (log, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint (
    log INTEGER PRIMARY KEY REFERENCES log (id),
    size INTEGER NOT NULL CHECK (size >= 0),
    note TEXT NOT NULL
) STRICT;

CREATE TRIGGER leaf_is_never_changed BEFORE UPDATE ON leaf
BEGIN
    SELECT RAISE(ABORT, 'leaves are never changed');
END;

CREATE TRIGGER leaf_is_never_deleted BEFORE DELETE ON leaf
BEGIN
    SELECT RAISE(ABORT, 'leaves are never deleted');
END;
