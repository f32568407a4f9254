CREATE TABLE airlock.lease (
    resource text PRIMARY KEY,
    holder text,
    token bigint NOT NULL CHECK (token > 0),
    ttl_ms bigint NOT NULL CHECK (ttl_ms BETWEEN 1 AND 86400000),
    until_ms bigint NOT NULL
);

CREATE TRIGGER lease_token_never_falls BEFORE UPDATE ON airlock.lease
    FOR EACH ROW WHEN (new.token < old.token) EXECUTE FUNCTION airlock.refuse('tokens');

CREATE TRIGGER lease_is_never_deleted BEFORE DELETE OR TRUNCATE ON airlock.lease
    FOR EACH STATEMENT EXECUTE FUNCTION airlock.refuse('leases');

-- The one clock of all gateways: this moment, not the transaction's beginning.
CREATE FUNCTION airlock.now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint
$$;

-- One call is one transaction that lives in the server alone: a gateway that is stopped in the middle holds no lock.
-- Whoever takes a lease over waits for the row that is shared here: either this append is there by then, or it is refused.
CREATE FUNCTION airlock.append(
    collaboration_of text, expected bigint, leaves bytea[], note_of text, resource_of text, token_of bigint,
    OUT outcome text, OUT number bigint
) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    log_id bigint;
BEGIN
    IF resource_of IS NOT NULL THEN
        SELECT token INTO number FROM airlock.lease WHERE resource = resource_of FOR SHARE;
        number := coalesce(number, 0);
        IF number <> token_of THEN
            outcome := 'fenced';
            RETURN;
        END IF;
    END IF;
    IF expected = 0 THEN
        INSERT INTO airlock.log (collaboration, size) VALUES (collaboration_of, 0) ON CONFLICT DO NOTHING;
    END IF;
    SELECT id, size INTO log_id, number FROM airlock.log WHERE collaboration = collaboration_of FOR NO KEY UPDATE;
    number := coalesce(number, 0);
    IF log_id IS NULL OR number <> expected THEN
        outcome := 'conflict';
        RETURN;
    END IF;
    INSERT INTO airlock.leaf (log, position, body)
        SELECT log_id, expected + added.n - 1, added.body FROM unnest(leaves) WITH ORDINALITY AS added (body, n);
    number := expected + cardinality(leaves);
    UPDATE airlock.log SET size = number WHERE id = log_id;
    INSERT INTO airlock.checkpoint (log, size, note) VALUES (log_id, number, note_of)
        ON CONFLICT (log) DO UPDATE SET size = excluded.size, note = excluded.note;
    outcome := 'appended';
END
$$;
