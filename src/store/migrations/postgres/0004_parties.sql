-- How long the log was that its parties are known of: 0 for every log that was there before.
ALTER TABLE airlock.log ADD COLUMN projected bigint NOT NULL DEFAULT 0 CHECK (projected >= 0);

CREATE TABLE airlock.party (
    member text COLLATE "C" NOT NULL,
    collaboration text COLLATE "C" NOT NULL REFERENCES airlock.log (collaboration),
    stands text NOT NULL CHECK (stands IN ('invited', 'member', 'former')),
    PRIMARY KEY (member, collaboration)
);

CREATE INDEX party_collaboration ON airlock.party (collaboration);

CREATE TABLE airlock.once (
    scope bytea PRIMARY KEY CHECK (length(scope) = 32),
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
    collaboration text COLLATE "C" NOT NULL REFERENCES airlock.log (collaboration),
    position bigint NOT NULL CHECK (position >= 0),
    leaves bigint NOT NULL CHECK (leaves > 0),
    until_ms bigint NOT NULL
);

CREATE INDEX once_until ON airlock.once (until_ms);

-- These and nobody else are the parties of a log. Whoever calls it holds the log's row.
CREATE FUNCTION airlock.keep_parties(collaboration_of text, members_of text[], stands_of text[])
RETURNS void LANGUAGE sql VOLATILE AS $$
    DELETE FROM airlock.party WHERE collaboration = collaboration_of;
    INSERT INTO airlock.party (member, collaboration, stands)
        SELECT kept.member, collaboration_of, kept.stands FROM unnest(members_of, stands_of) AS kept (member, stands);
$$;

CREATE FUNCTION airlock.project(collaboration_of text, size_of bigint, members_of text[], stands_of text[])
RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    UPDATE airlock.log SET projected = size WHERE collaboration = collaboration_of AND size = size_of;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM airlock.keep_parties(collaboration_of, members_of, stands_of);
    RETURN true;
END
$$;

-- A gateway of an earlier version that is still at work would leave the parties as they were, and spend no key.
DROP FUNCTION airlock.append(text, bigint, text, bytea[], text, text, bigint);

-- One call is one transaction that lives in the server alone: a gateway that is stopped in the middle holds no lock.
-- Whoever takes a lease over waits for the row that is shared here: either this append is there by then, or it is refused.
-- What is waited for has one order: key, lease, log, spent keys; and nobody waits for a spent key after its own.
CREATE FUNCTION airlock.append(
    collaboration_of text, expected bigint, note_expected text, leaves_of bytea[], note_of text, resource_of text, token_of bigint,
    members_of text[], stands_of text[], scope_of bytea, fingerprint_of bytea, kept_ms bigint, swept_max bigint,
    OUT outcome text, OUT number bigint
) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    log_id bigint;
    note_found text;
BEGIN
    IF scope_of IS NOT NULL THEN
        -- Of two that would spend one key the second waits here until the first is done; any other that does loses a moment.
        PERFORM pg_advisory_xact_lock(1634889327, ('x' || encode(substring(scope_of FOR 4), 'hex'))::bit(32)::integer);
        -- A statement of its own, that sees what the first committed.
        IF EXISTS (SELECT FROM airlock.once WHERE scope = scope_of AND until_ms > airlock.now_ms()) THEN
            outcome := 'repeated';
            number := 0;
            RETURN;
        END IF;
    END IF;
    IF resource_of IS NOT NULL THEN
        SELECT token INTO number FROM airlock.lease WHERE resource = resource_of FOR SHARE;
        number := coalesce(number, 0);
        IF number <> token_of THEN
            outcome := 'fenced';
            RETURN;
        END IF;
    END IF;
    IF expected = 0 AND note_expected IS NULL THEN
        INSERT INTO airlock.log (collaboration, size) VALUES (collaboration_of, 0) ON CONFLICT DO NOTHING;
    END IF;
    SELECT id, size INTO log_id, number FROM airlock.log WHERE collaboration = collaboration_of FOR NO KEY UPDATE;
    number := coalesce(number, 0);
    IF log_id IS NULL OR number <> expected THEN
        outcome := 'conflict';
        RETURN;
    END IF;
    -- Asked once the log's row is held: what another committed meanwhile is seen.
    SELECT note INTO note_found FROM airlock.checkpoint WHERE log = log_id AND size = number;
    IF note_found IS DISTINCT FROM note_expected THEN
        outcome := 'conflict';
        RETURN;
    END IF;
    INSERT INTO airlock.leaf (log, position, body)
        SELECT log_id, expected + added.n - 1, added.body FROM unnest(leaves_of) WITH ORDINALITY AS added (body, n);
    number := expected + cardinality(leaves_of);
    -- Parties that were not known at the log's end before are not known by staying who they are.
    UPDATE airlock.log SET size = number,
        projected = CASE WHEN members_of IS NOT NULL OR projected = size THEN number ELSE projected END WHERE id = log_id;
    INSERT INTO airlock.checkpoint (log, size, note) VALUES (log_id, number, note_of)
        ON CONFLICT (log) DO UPDATE SET size = excluded.size, note = excluded.note;
    IF members_of IS NOT NULL THEN
        PERFORM airlock.keep_parties(collaboration_of, members_of, stands_of);
    END IF;
    IF scope_of IS NOT NULL THEN
        INSERT INTO airlock.once (scope, fingerprint, collaboration, position, leaves, until_ms)
            VALUES (scope_of, fingerprint_of, collaboration_of, expected, cardinality(leaves_of), airlock.now_ms() + kept_ms)
            ON CONFLICT (scope) DO UPDATE SET fingerprint = excluded.fingerprint, collaboration = excluded.collaboration,
            position = excluded.position, leaves = excluded.leaves, until_ms = excluded.until_ms;
        DELETE FROM airlock.once WHERE scope IN (
            SELECT scope FROM airlock.once WHERE until_ms <= airlock.now_ms() ORDER BY until_ms LIMIT swept_max
            FOR UPDATE SKIP LOCKED
        );
    END IF;
    outcome := 'appended';
END
$$;
