-- An append names the head that it goes on from: its length and its signed note. Two logs of one length are told apart by that.
-- A gateway of an earlier version that is still at work must not go on from a length alone.
DROP FUNCTION airlock.append(text, bigint, bytea[], text, text, bigint);

-- One call is one transaction that lives in the server alone: a gateway that is stopped in the middle holds no lock.
-- Whoever takes a lease over waits for the row that is shared here: either this append is there by then, or it is refused.
CREATE FUNCTION airlock.append(
    collaboration_of text, expected bigint, note_expected text, leaves bytea[], note_of text, resource_of text, token_of bigint,
    OUT outcome text, OUT number bigint
) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    log_id bigint;
    note_found text;
BEGIN
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
        SELECT log_id, expected + added.n - 1, added.body FROM unnest(leaves) WITH ORDINALITY AS added (body, n);
    number := expected + cardinality(leaves);
    UPDATE airlock.log SET size = number WHERE id = log_id;
    INSERT INTO airlock.checkpoint (log, size, note) VALUES (log_id, number, note_of)
        ON CONFLICT (log) DO UPDATE SET size = excluded.size, note = excluded.note;
    outcome := 'appended';
END
$$;
