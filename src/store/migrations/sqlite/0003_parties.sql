-- How long the log was that its parties are known of: 0 for every log that was there before.
ALTER TABLE log ADD COLUMN projected INTEGER NOT NULL DEFAULT 0 CHECK (projected >= 0);

CREATE TABLE party (
    member TEXT NOT NULL,
    collaboration TEXT NOT NULL REFERENCES log (collaboration),
    stands TEXT NOT NULL CHECK (stands IN ('invited', 'member', 'former')),
    PRIMARY KEY (member, collaboration)
) STRICT, WITHOUT ROWID;

CREATE INDEX party_collaboration ON party (collaboration);

CREATE TABLE once (
    scope BLOB PRIMARY KEY CHECK (length(scope) = 32),
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    collaboration TEXT NOT NULL REFERENCES log (collaboration),
    position INTEGER NOT NULL CHECK (position >= 0),
    leaves INTEGER NOT NULL CHECK (leaves > 0),
    until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX once_until ON once (until_ms);
