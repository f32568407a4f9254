-- What one person of a member decided and a second one has to decide as well. Persons are digests.
CREATE TABLE airlock.waiting (
    collaboration text COLLATE "C" NOT NULL REFERENCES airlock.log (collaboration),
    tenant text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
    asked_by bytea NOT NULL CHECK (length(asked_by) = 32),
    about text NOT NULL,
    asked_ms bigint NOT NULL,
    until_ms bigint NOT NULL,
    PRIMARY KEY (collaboration, tenant, fingerprint)
);

CREATE INDEX waiting_until ON airlock.waiting (until_ms);

-- An append that uses up what waited: of many at once one finds it. What waits is waited for before everything that an append waits for.
CREATE FUNCTION airlock.append_seconded(
    collaboration_of text, expected bigint, note_expected text, leaves_of bytea[], note_of text, resource_of text, token_of bigint,
    members_of text[], stands_of text[], scope_of bytea, fingerprint_of bytea, kept_ms bigint, swept_max bigint,
    tenant_of text, waits_of bytea, by_of bytea,
    OUT outcome text, OUT number bigint
) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
BEGIN
    PERFORM FROM airlock.waiting WHERE collaboration = collaboration_of AND tenant = tenant_of AND fingerprint = waits_of
        AND until_ms > airlock.now_ms() AND asked_by <> by_of FOR UPDATE;
    IF NOT FOUND THEN
        outcome := 'unseconded';
        number := 0;
        -- A statement of its own, that sees what was committed meanwhile.
        IF scope_of IS NOT NULL AND EXISTS (SELECT FROM airlock.once WHERE scope = scope_of AND until_ms > airlock.now_ms()) THEN
            outcome := 'repeated';
        END IF;
        RETURN;
    END IF;
    SELECT done.outcome, done.number INTO outcome, number FROM airlock.append(
        collaboration_of, expected, note_expected, leaves_of, note_of, resource_of, token_of,
        members_of, stands_of, scope_of, fingerprint_of, kept_ms, swept_max
    ) AS done;
    IF outcome = 'appended' THEN
        DELETE FROM airlock.waiting WHERE collaboration = collaboration_of AND tenant = tenant_of AND fingerprint = waits_of;
    END IF;
END
$$;
