-- Version 5: erasing messages.

-- Since when a copy is missing, or gone; rows of before do not say since when they are gone.
UPDATE copy SET missing_since = unixepoch() WHERE state = 'gone';

-- Made when the first message of a practice is erased: the digests below are of no use without it.
CREATE TABLE practice_secret (
    practice TEXT NOT NULL PRIMARY KEY,
    secret   BLOB NOT NULL -- 32 random octets
) STRICT, WITHOUT ROWID;

CREATE TABLE tombstone (
    practice   TEXT    NOT NULL,
    message    BLOB    NOT NULL, -- SHA-256 over the secret and the message's key
    message_id BLOB,             -- SHA-256 over the secret and its Message-ID
    reason     TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    bars       TEXT    NOT NULL CHECK (bars IN ('for_ever', 'until', 'until_client_is_back')),
    until      INTEGER,
    client     TEXT,
    PRIMARY KEY (practice, message)
) STRICT, WITHOUT ROWID;

CREATE INDEX tombstone_of_message_id ON tombstone (practice, message_id, at);
CREATE INDEX tombstone_of_client ON tombstone (practice, client);
CREATE INDEX tombstone_until ON tombstone (practice, until);

-- Clients whose messages were erased until they are back.
CREATE TABLE erased_client (
    practice TEXT    NOT NULL,
    client   TEXT    NOT NULL,
    was_away INTEGER NOT NULL CHECK (was_away IN (0, 1)),
    PRIMARY KEY (practice, client)
) STRICT, WITHOUT ROWID;

-- Of an intent that was erased: its id and key, so that it is not sent again; when it was sent and by which way, for the limits;
-- and under the secret its message and content, so that its copies are known under another Message-ID too.
CREATE TABLE erased_intent (
    practice  TEXT NOT NULL,
    id        BLOB NOT NULL,
    key       TEXT,
    account   TEXT,
    sent_at   INTEGER,
    message   BLOB NOT NULL,
    rendition BLOB NOT NULL,
    PRIMARY KEY (practice, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX erased_intent_of_key ON erased_intent (practice, key);
CREATE INDEX erased_intent_sent ON erased_intent (practice, account, sent_at);

-- Messages that are no client's any more.
CREATE TABLE unlisted (
    practice TEXT    NOT NULL,
    message  BLOB    NOT NULL,
    since    INTEGER NOT NULL,
    PRIMARY KEY (practice, message)
) STRICT, WITHOUT ROWID;

-- Octets that nothing named when they were first shown, and has not since, as far as was shown.
CREATE TABLE orphan (
    practice TEXT    NOT NULL,
    sha256   BLOB    NOT NULL,
    since    INTEGER NOT NULL,
    PRIMARY KEY (practice, sha256)
) STRICT, WITHOUT ROWID;

-- So that a message that is tried again is what it would have been.
ALTER TABLE dead_letter ADD COLUMN internal_date INTEGER;
ALTER TABLE dead_letter ADD COLUMN labels TEXT NOT NULL DEFAULT '[]'; -- as those of a copy

-- Whether octets are named is asked of digests one by one.
CREATE INDEX copy_of_octets ON copy (practice, coalesce(stored, sha256));
CREATE INDEX dead_letter_of_octets ON dead_letter (practice, sha256);
CREATE INDEX outgoing_of_octets ON outgoing (practice, sha256);

-- Who asks what became of a message has its Message-ID.
CREATE INDEX message_of_message_id ON message (practice, message_id);
-- How many rows there are of one practice, of one account, and so on, in a large archive. SQLite would guess ten of a practice,
-- and walk through all its copies for those of a message; also before a rendition goes, for those that point at it.
ANALYZE sqlite_schema;
DELETE FROM sqlite_stat1 WHERE tbl = 'copy';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('copy', 'copy', '1000000 1000000 50000 5000 5000 1'),
    ('copy', 'copy_of_message', '1000000 1000000 2 2 2 2 1'),
    ('copy', 'copy_of_octets', '1000000 1000000 2 2 2 2 1');
ANALYZE sqlite_schema;
