-- Version 1. Addresses, domains and names are as people write them; the crate normalises what it reads.

CREATE TABLE practice (
    id             TEXT    NOT NULL PRIMARY KEY,
    name           TEXT    NOT NULL,
    fold_addresses INTEGER NOT NULL DEFAULT 0 CHECK (fold_addresses IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE practice_domain (
    practice TEXT NOT NULL,
    domain   TEXT NOT NULL,
    PRIMARY KEY (practice, domain)
) STRICT, WITHOUT ROWID;

CREATE TABLE never_log (
    practice TEXT NOT NULL,
    entry    TEXT NOT NULL, -- an address or a domain
    PRIMARY KEY (practice, entry)
) STRICT, WITHOUT ROWID;

CREATE TABLE staff (
    practice TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    address  TEXT    NOT NULL,
    role     TEXT    NOT NULL DEFAULT 'staff' CHECK (role IN ('administrator', 'staff')),
    active   INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    PRIMARY KEY (practice, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_alias (
    practice TEXT NOT NULL,
    user     TEXT NOT NULL,
    address  TEXT NOT NULL,
    PRIMARY KEY (practice, user, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE client (
    practice TEXT NOT NULL,
    id       TEXT NOT NULL,
    name     TEXT NOT NULL,
    PRIMARY KEY (practice, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE client_address (
    practice TEXT NOT NULL,
    client   TEXT NOT NULL,
    address  TEXT NOT NULL,
    PRIMARY KEY (practice, client, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE client_domain (
    practice TEXT NOT NULL,
    client   TEXT NOT NULL,
    domain   TEXT NOT NULL,
    PRIMARY KEY (practice, client, domain)
) STRICT, WITHOUT ROWID;

-- Counted up by the triggers below, whoever writes to the tables above.
CREATE TABLE directory_revision (
    practice TEXT    NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A conflict clause of the statement that fires a trigger overrides those inside it (sqlite.org/lang_createtrigger.html):
-- so the row is made where it is missing, not upserted. Updates that change nothing count nothing.

CREATE TRIGGER practice_inserted AFTER INSERT ON practice BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT NEW.id, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = NEW.id);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice = NEW.id;
END;

CREATE TRIGGER practice_updated AFTER UPDATE ON practice
WHEN OLD.id IS NOT NEW.id
    OR OLD.name IS NOT NEW.name
    OR OLD.fold_addresses IS NOT NEW.fold_addresses
BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT OLD.id, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = OLD.id);
    INSERT INTO directory_revision (practice, revision)
        SELECT NEW.id, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = NEW.id);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice IN (OLD.id, NEW.id);
END;

CREATE TRIGGER practice_deleted AFTER DELETE ON practice BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT OLD.id, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = OLD.id);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice = OLD.id;
END;

CREATE TRIGGER practice_domain_inserted AFTER INSERT ON practice_domain BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT NEW.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = NEW.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice = NEW.practice;
END;

CREATE TRIGGER practice_domain_updated AFTER UPDATE ON practice_domain
WHEN OLD.practice IS NOT NEW.practice
    OR OLD.domain IS NOT NEW.domain
BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT OLD.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = OLD.practice);
    INSERT INTO directory_revision (practice, revision)
        SELECT NEW.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = NEW.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice IN (OLD.practice, NEW.practice);
END;

CREATE TRIGGER practice_domain_deleted AFTER DELETE ON practice_domain BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT OLD.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = OLD.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice = OLD.practice;
END;

CREATE TRIGGER never_log_inserted AFTER INSERT ON never_log BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT NEW.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = NEW.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice = NEW.practice;
END;

CREATE TRIGGER never_log_updated AFTER UPDATE ON never_log
WHEN OLD.practice IS NOT NEW.practice
    OR OLD.entry IS NOT NEW.entry
BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT OLD.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = OLD.practice);
    INSERT INTO directory_revision (practice, revision)
        SELECT NEW.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = NEW.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice IN (OLD.practice, NEW.practice);
END;

CREATE TRIGGER never_log_deleted AFTER DELETE ON never_log BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT OLD.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = OLD.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice = OLD.practice;
END;

CREATE TRIGGER staff_inserted AFTER INSERT ON staff BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT NEW.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = NEW.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice = NEW.practice;
END;

CREATE TRIGGER staff_updated AFTER UPDATE ON staff
WHEN OLD.practice IS NOT NEW.practice
    OR OLD.id IS NOT NEW.id
    OR OLD.name IS NOT NEW.name
    OR OLD.address IS NOT NEW.address
    OR OLD.role IS NOT NEW.role
    OR OLD.active IS NOT NEW.active
BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT OLD.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = OLD.practice);
    INSERT INTO directory_revision (practice, revision)
        SELECT NEW.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = NEW.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice IN (OLD.practice, NEW.practice);
END;

CREATE TRIGGER staff_deleted AFTER DELETE ON staff BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT OLD.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = OLD.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice = OLD.practice;
END;

CREATE TRIGGER user_alias_inserted AFTER INSERT ON user_alias BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT NEW.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = NEW.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice = NEW.practice;
END;

CREATE TRIGGER user_alias_updated AFTER UPDATE ON user_alias
WHEN OLD.practice IS NOT NEW.practice
    OR OLD.user IS NOT NEW.user
    OR OLD.address IS NOT NEW.address
BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT OLD.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = OLD.practice);
    INSERT INTO directory_revision (practice, revision)
        SELECT NEW.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = NEW.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice IN (OLD.practice, NEW.practice);
END;

CREATE TRIGGER user_alias_deleted AFTER DELETE ON user_alias BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT OLD.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = OLD.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice = OLD.practice;
END;

CREATE TRIGGER client_inserted AFTER INSERT ON client BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT NEW.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = NEW.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice = NEW.practice;
END;

CREATE TRIGGER client_updated AFTER UPDATE ON client
WHEN OLD.practice IS NOT NEW.practice
    OR OLD.id IS NOT NEW.id
    OR OLD.name IS NOT NEW.name
BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT OLD.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = OLD.practice);
    INSERT INTO directory_revision (practice, revision)
        SELECT NEW.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = NEW.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice IN (OLD.practice, NEW.practice);
END;

CREATE TRIGGER client_deleted AFTER DELETE ON client BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT OLD.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = OLD.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice = OLD.practice;
END;

CREATE TRIGGER client_address_inserted AFTER INSERT ON client_address BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT NEW.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = NEW.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice = NEW.practice;
END;

CREATE TRIGGER client_address_updated AFTER UPDATE ON client_address
WHEN OLD.practice IS NOT NEW.practice
    OR OLD.client IS NOT NEW.client
    OR OLD.address IS NOT NEW.address
BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT OLD.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = OLD.practice);
    INSERT INTO directory_revision (practice, revision)
        SELECT NEW.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = NEW.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice IN (OLD.practice, NEW.practice);
END;

CREATE TRIGGER client_address_deleted AFTER DELETE ON client_address BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT OLD.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = OLD.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice = OLD.practice;
END;

CREATE TRIGGER client_domain_inserted AFTER INSERT ON client_domain BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT NEW.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = NEW.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice = NEW.practice;
END;

CREATE TRIGGER client_domain_updated AFTER UPDATE ON client_domain
WHEN OLD.practice IS NOT NEW.practice
    OR OLD.client IS NOT NEW.client
    OR OLD.domain IS NOT NEW.domain
BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT OLD.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = OLD.practice);
    INSERT INTO directory_revision (practice, revision)
        SELECT NEW.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = NEW.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice IN (OLD.practice, NEW.practice);
END;

CREATE TRIGGER client_domain_deleted AFTER DELETE ON client_domain BEGIN
    INSERT INTO directory_revision (practice, revision)
        SELECT OLD.practice, 0 WHERE NOT EXISTS (SELECT 1 FROM directory_revision WHERE practice = OLD.practice);
    UPDATE directory_revision SET revision = revision + 1 WHERE practice = OLD.practice;
END;
