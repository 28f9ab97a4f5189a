-- Version 2: sending. Times are seconds since 1970 (UTC), ids, digests and keys are octets, lists are JSON arrays.

-- Intents to send.
CREATE TABLE outgoing (
    practice        TEXT    NOT NULL,
    id              BLOB    NOT NULL,
    ordinal         INTEGER NOT NULL, -- in the order in which they were queued, from 1
    author          TEXT    NOT NULL,
    account         TEXT,             -- by noreply where there is none
    key             TEXT,
    draft           BLOB    NOT NULL,
    message         BLOB    NOT NULL,
    message_id      TEXT    NOT NULL,
    rendition       BLOB    NOT NULL,
    sha256          BLOB    NOT NULL,
    size            INTEGER NOT NULL,
    reverse_path    TEXT    NOT NULL,
    policy          TEXT    NOT NULL CHECK (policy IN ('all_or_none', 'accepted_ones')),
    not_before      INTEGER,
    created_at      INTEGER NOT NULL,
    state           TEXT    NOT NULL
        CHECK (state IN ('queued', 'sending', 'sent', 'refused', 'unknown', 'cancelled')),
    recipients      TEXT    NOT NULL, -- [[field, local part, domain, state, reply, bounce or null], ...]
    attempts        INTEGER NOT NULL,
    next_try        INTEGER,
    held            INTEGER NOT NULL, -- 1: waits for a person, for the file was restored from a backup
    sent_at         INTEGER,
    failure         TEXT,
    failure_message TEXT,
    decide_after    INTEGER,
    filing          TEXT    NOT NULL CHECK (filing IN ('not', 'pending', 'server', 'appended')),
    filed_mailbox   BLOB,
    filed_validity  INTEGER,
    filed_uid       INTEGER,
    claim_token     INTEGER NOT NULL, -- the latest claim's; tokens only rise
    claim_work      TEXT,             -- null when it has ended
    claim_holder    TEXT,
    claim_until     INTEGER,
    claim_epoch     INTEGER,
    claim_permitted INTEGER NOT NULL DEFAULT 0, -- 1: the message may have left under it
    PRIMARY KEY (practice, id)
) STRICT;

CREATE UNIQUE INDEX outgoing_in_order ON outgoing (practice, ordinal);
CREATE UNIQUE INDEX outgoing_of_key ON outgoing (practice, key);
CREATE INDEX outgoing_due ON outgoing (practice, next_try, ordinal);
CREATE INDEX outgoing_of_message ON outgoing (practice, message, ordinal);
CREATE INDEX outgoing_of_message_id ON outgoing (practice, message_id);
CREATE INDEX outgoing_sent ON outgoing (practice, account, sent_at);

-- Of the whole file: the number by which it is known whether it was restored from a backup. No row before the first delivery.
CREATE TABLE outbox_nonce (
    id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    nonce BLOB    NOT NULL
) STRICT;

CREATE TABLE practice_settings (
    practice TEXT NOT NULL PRIMARY KEY,
    settings TEXT NOT NULL -- JSON, without secrets
) STRICT, WITHOUT ROWID;

ALTER TABLE rendition ADD COLUMN automatic INTEGER NOT NULL DEFAULT 0;
ALTER TABLE change_feed ADD COLUMN outgoing BLOB;
ALTER TABLE account ADD COLUMN files_copies INTEGER;
