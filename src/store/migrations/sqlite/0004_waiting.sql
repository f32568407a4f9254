-- What one person of a member decided and a second one has to decide as well. Persons are digests.
CREATE TABLE waiting (
    collaboration TEXT NOT NULL REFERENCES log (collaboration),
    tenant TEXT NOT NULL,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    asked_by BLOB NOT NULL CHECK (length(asked_by) = 32),
    about TEXT NOT NULL,
    asked_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    PRIMARY KEY (collaboration, tenant, fingerprint)
) STRICT, WITHOUT ROWID;

CREATE INDEX waiting_until ON waiting (until_ms);
