-- Version 1 of the directory. Addresses, domains and names are as people write them; the crate normalises what it reads.

-- As the store has it: whoever writes for a practice locks its row first.
CREATE TABLE IF NOT EXISTS turn (
    practice TEXT COLLATE "C" NOT NULL PRIMARY KEY
);

CREATE TABLE practice (
    id             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name           TEXT   NOT NULL,
    fold_addresses BIGINT NOT NULL DEFAULT 0 CHECK (fold_addresses IN (0, 1)),
    keep_gone_days BIGINT CHECK (keep_gone_days >= 0)
);

CREATE TABLE practice_domain (
    practice TEXT COLLATE "C" NOT NULL,
    domain   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (practice, domain)
);

CREATE TABLE never_log (
    practice TEXT COLLATE "C" NOT NULL,
    entry    TEXT COLLATE "C" NOT NULL, -- an address or a domain
    PRIMARY KEY (practice, entry)
);

CREATE TABLE staff (
    practice TEXT COLLATE "C" NOT NULL,
    id       TEXT COLLATE "C" NOT NULL,
    name     TEXT   NOT NULL,
    address  TEXT   NOT NULL,
    role     TEXT   NOT NULL DEFAULT 'staff' CHECK (role IN ('administrator', 'staff')),
    active   BIGINT NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    PRIMARY KEY (practice, id)
);

CREATE TABLE user_alias (
    practice TEXT COLLATE "C" NOT NULL,
    "user"   TEXT COLLATE "C" NOT NULL,
    address  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (practice, "user", address)
);

CREATE TABLE client (
    practice TEXT COLLATE "C" NOT NULL,
    id       TEXT COLLATE "C" NOT NULL,
    name     TEXT NOT NULL,
    PRIMARY KEY (practice, id)
);

CREATE TABLE client_address (
    practice TEXT COLLATE "C" NOT NULL,
    client   TEXT COLLATE "C" NOT NULL,
    address  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (practice, client, address)
);

CREATE TABLE client_domain (
    practice TEXT COLLATE "C" NOT NULL,
    client   TEXT COLLATE "C" NOT NULL,
    domain   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (practice, client, domain)
);

-- What must not be erased. A client's row may outlive the client: its mail is still there then.
CREATE TABLE client_retention (
    practice  TEXT COLLATE "C" NOT NULL,
    client    TEXT COLLATE "C" NOT NULL,
    held      BIGINT NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
    keep_days BIGINT CHECK (keep_days >= 0),
    PRIMARY KEY (practice, client)
);

-- Keys that were a client's: written by the triggers, whoever takes a key away.
CREATE TABLE former_key (
    practice TEXT COLLATE "C" NOT NULL,
    client   TEXT COLLATE "C" NOT NULL,
    key      TEXT COLLATE "C" NOT NULL, -- an address or a domain
    PRIMARY KEY (practice, client, key)
);

-- Counted up by the triggers below, whoever writes to the tables above.
CREATE TABLE directory_revision (
    practice TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL
);

-- Its argument is the column that names the practice. Updates that change nothing count nothing. Whoever writes may have another
-- search path.
CREATE FUNCTION count_directory_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    named text[] := '{}';
    one   text;
BEGIN
    IF TG_OP = 'UPDATE' AND OLD IS NOT DISTINCT FROM NEW THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        named := named || (to_json(OLD) ->> TG_ARGV[0]);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        named := named || (to_json(NEW) ->> TG_ARGV[0]);
    END IF;
    FOR one IN SELECT DISTINCT practice FROM unnest(named) AS practice ORDER BY practice LOOP
        INSERT INTO directory_revision (practice, revision) VALUES (one, 1)
            ON CONFLICT (practice) DO UPDATE SET revision = directory_revision.revision + 1;
    END LOOP;
    RETURN NULL;
END $$;

-- Its argument is the column that holds the key.
CREATE FUNCTION retire_client_key() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO former_key (practice, client, key) VALUES (OLD.practice, OLD.client, to_json(OLD) ->> TG_ARGV[0])
        ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

-- What is emptied at once tells no trigger which rows went.
CREATE FUNCTION refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the rows of % are to be deleted, not truncated: what was a client''s has to be remembered', TG_TABLE_NAME;
END $$;

CREATE TRIGGER practice_truncated BEFORE TRUNCATE ON practice EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER practice_domain_truncated BEFORE TRUNCATE ON practice_domain EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER never_log_truncated BEFORE TRUNCATE ON never_log EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER staff_truncated BEFORE TRUNCATE ON staff EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER user_alias_truncated BEFORE TRUNCATE ON user_alias EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER client_truncated BEFORE TRUNCATE ON client EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER client_address_truncated BEFORE TRUNCATE ON client_address EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER client_domain_truncated BEFORE TRUNCATE ON client_domain EXECUTE FUNCTION refuse_truncate();

CREATE TRIGGER practice_changed AFTER INSERT OR UPDATE OR DELETE ON practice
    FOR EACH ROW EXECUTE FUNCTION count_directory_change('id');
CREATE TRIGGER practice_domain_changed AFTER INSERT OR UPDATE OR DELETE ON practice_domain
    FOR EACH ROW EXECUTE FUNCTION count_directory_change('practice');
CREATE TRIGGER never_log_changed AFTER INSERT OR UPDATE OR DELETE ON never_log
    FOR EACH ROW EXECUTE FUNCTION count_directory_change('practice');
CREATE TRIGGER staff_changed AFTER INSERT OR UPDATE OR DELETE ON staff
    FOR EACH ROW EXECUTE FUNCTION count_directory_change('practice');
CREATE TRIGGER user_alias_changed AFTER INSERT OR UPDATE OR DELETE ON user_alias
    FOR EACH ROW EXECUTE FUNCTION count_directory_change('practice');
CREATE TRIGGER client_changed AFTER INSERT OR UPDATE OR DELETE ON client
    FOR EACH ROW EXECUTE FUNCTION count_directory_change('practice');
CREATE TRIGGER client_address_changed AFTER INSERT OR UPDATE OR DELETE ON client_address
    FOR EACH ROW EXECUTE FUNCTION count_directory_change('practice');
CREATE TRIGGER client_domain_changed AFTER INSERT OR UPDATE OR DELETE ON client_domain
    FOR EACH ROW EXECUTE FUNCTION count_directory_change('practice');

CREATE TRIGGER client_address_retired AFTER DELETE OR UPDATE OF address, client ON client_address
    FOR EACH ROW EXECUTE FUNCTION retire_client_key('address');
CREATE TRIGGER client_domain_retired AFTER DELETE OR UPDATE OF domain, client ON client_domain
    FOR EACH ROW EXECUTE FUNCTION retire_client_key('domain');
