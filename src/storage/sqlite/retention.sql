-- Version 2: what must not be erased. A client's row may outlive the client: its mail is still there then.

ALTER TABLE practice ADD COLUMN keep_gone_days INTEGER CHECK (keep_gone_days >= 0);

CREATE TABLE client_retention (
    practice  TEXT    NOT NULL,
    client    TEXT    NOT NULL,
    held      INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
    keep_days INTEGER CHECK (keep_days >= 0),
    PRIMARY KEY (practice, client)
) STRICT, WITHOUT ROWID;

-- Keys that were a client's: written by the triggers, whoever takes a key away.
CREATE TABLE former_key (
    practice TEXT NOT NULL,
    client   TEXT NOT NULL,
    key      TEXT NOT NULL, -- an address or a domain
    PRIMARY KEY (practice, client, key)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER client_address_retired AFTER DELETE ON client_address BEGIN
    DELETE FROM former_key WHERE practice = OLD.practice AND client = OLD.client AND key = OLD.address;
    INSERT INTO former_key (practice, client, key) VALUES (OLD.practice, OLD.client, OLD.address);
END;

CREATE TRIGGER client_address_replaced AFTER UPDATE OF address, client ON client_address BEGIN
    DELETE FROM former_key WHERE practice = OLD.practice AND client = OLD.client AND key = OLD.address;
    INSERT INTO former_key (practice, client, key) VALUES (OLD.practice, OLD.client, OLD.address);
END;

CREATE TRIGGER client_domain_retired AFTER DELETE ON client_domain BEGIN
    DELETE FROM former_key WHERE practice = OLD.practice AND client = OLD.client AND key = OLD.domain;
    INSERT INTO former_key (practice, client, key) VALUES (OLD.practice, OLD.client, OLD.domain);
END;

CREATE TRIGGER client_domain_replaced AFTER UPDATE OF domain, client ON client_domain BEGIN
    DELETE FROM former_key WHERE practice = OLD.practice AND client = OLD.client AND key = OLD.domain;
    INSERT INTO former_key (practice, client, key) VALUES (OLD.practice, OLD.client, OLD.domain);
END;
