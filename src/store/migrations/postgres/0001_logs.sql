DO $$
BEGIN
    -- A role that may not make schemas is given one of this name.
    IF to_regnamespace('airlock') IS NULL THEN
        CREATE SCHEMA airlock;
    END IF;
END
$$;

CREATE TABLE airlock.version (
    number integer PRIMARY KEY CHECK (number > 0)
);

CREATE TABLE airlock.log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collaboration text COLLATE "C" NOT NULL UNIQUE,
    size bigint NOT NULL CHECK (size >= 0)
);

CREATE TABLE airlock.leaf (
    log bigint NOT NULL REFERENCES airlock.log (id),
    position bigint NOT NULL CHECK (position >= 0),
    body bytea NOT NULL,
    PRIMARY KEY (log, position)
);

CREATE TABLE airlock.checkpoint (
    log bigint PRIMARY KEY REFERENCES airlock.log (id),
    size bigint NOT NULL CHECK (size >= 0),
    note text NOT NULL
);

CREATE FUNCTION airlock.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% are never changed', TG_ARGV[0];
END
$$;

CREATE TRIGGER leaf_is_never_changed BEFORE UPDATE OR DELETE ON airlock.leaf
    FOR EACH ROW EXECUTE FUNCTION airlock.refuse('leaves');

CREATE TRIGGER leaf_is_never_truncated BEFORE TRUNCATE ON airlock.leaf
    FOR EACH STATEMENT EXECUTE FUNCTION airlock.refuse('leaves');
