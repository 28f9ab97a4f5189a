-- Version 1. Times are seconds since 1970 (UTC), digests and keys are octets, lists are JSON arrays.

CREATE TABLE account (
    practice        TEXT    NOT NULL,
    account         TEXT    NOT NULL,
    user            TEXT    NOT NULL,
    address         TEXT    NOT NULL,
    settings        TEXT    NOT NULL, -- JSON, without secrets
    state           TEXT    NOT NULL CHECK (state IN ('connected', 'disconnected')),
    epoch           INTEGER NOT NULL,
    last_attempt    INTEGER,
    last_success    INTEGER,
    failure         TEXT,
    failure_message TEXT,
    not_before      INTEGER,
    hints           TEXT    NOT NULL,
    policy          BLOB,
    revision        TEXT    NOT NULL,
    PRIMARY KEY (practice, account)
) STRICT, WITHOUT ROWID;

-- The latest lease of each account; it is kept when it ends, so that tokens only rise.
CREATE TABLE lease (
    practice   TEXT    NOT NULL,
    account    TEXT    NOT NULL,
    token      INTEGER NOT NULL,
    holder     TEXT    NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (practice, account)
) STRICT, WITHOUT ROWID;

-- A mailbox's cursor; UID sets as ranges in LEB128.
CREATE TABLE mailbox (
    practice            TEXT    NOT NULL,
    account             TEXT    NOT NULL,
    mailbox             BLOB    NOT NULL,
    uid_validity        INTEGER NOT NULL,
    seen                BLOB    NOT NULL,
    history             BLOB,
    status_messages     INTEGER,
    status_uid_next     INTEGER,
    status_uid_validity INTEGER,
    status_mod_seq      INTEGER,
    look_again_at       INTEGER,
    PRIMARY KEY (practice, account, mailbox)
) STRICT, WITHOUT ROWID;

CREATE TABLE gap (
    practice TEXT    NOT NULL,
    account  TEXT    NOT NULL,
    mailbox  BLOB    NOT NULL,
    uid      INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    attempts INTEGER NOT NULL,
    next_try INTEGER NOT NULL,
    PRIMARY KEY (practice, account, mailbox, uid)
) STRICT, WITHOUT ROWID;

CREATE TABLE covered_key (
    practice TEXT NOT NULL,
    account  TEXT NOT NULL,
    key      BLOB NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('covered', 'pending')),
    PRIMARY KEY (practice, account, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE octets_read (
    practice TEXT    NOT NULL,
    account  TEXT    NOT NULL,
    day      INTEGER NOT NULL, -- days since 1970 (UTC)
    octets   INTEGER NOT NULL,
    PRIMARY KEY (practice, account, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE message (
    practice    TEXT    NOT NULL,
    message     BLOB    NOT NULL,
    sort_time   INTEGER NOT NULL,
    message_id  TEXT,
    key_version INTEGER NOT NULL,
    PRIMARY KEY (practice, message)
) STRICT, WITHOUT ROWID;

CREATE TABLE rendition (
    practice     TEXT    NOT NULL,
    message      BLOB    NOT NULL,
    digest       BLOB    NOT NULL,
    ordinal      INTEGER NOT NULL, -- in the order of arrival, from 0
    date         INTEGER,
    date_offset  INTEGER,          -- minutes east of UTC
    subject      TEXT    NOT NULL,
    text         TEXT    NOT NULL,
    html         TEXT,
    participants TEXT    NOT NULL, -- [[field, local part, domain, name], ...]
    attachments  TEXT    NOT NULL, -- [[name, media type, octets, Content-ID or null], ...]
    in_reply_to  TEXT,
    refs         TEXT    NOT NULL,
    unparsed     TEXT,
    parsed_by    INTEGER NOT NULL,
    PRIMARY KEY (practice, message, digest),
    FOREIGN KEY (practice, message) REFERENCES message (practice, message)
) STRICT;

CREATE TABLE copy (
    practice      TEXT    NOT NULL,
    account       TEXT    NOT NULL,
    mailbox       BLOB    NOT NULL,
    uid_validity  INTEGER NOT NULL,
    uid           INTEGER NOT NULL,
    message       BLOB    NOT NULL,
    rendition     BLOB    NOT NULL,
    sha256        BLOB    NOT NULL,
    size          INTEGER NOT NULL,
    internal_date INTEGER,
    labels        TEXT    NOT NULL, -- [name as spelled on the wire, in hexadecimal digits, ...]
    bcc           TEXT    NOT NULL, -- as participants
    state         TEXT    NOT NULL CHECK (state IN ('present', 'missing', 'gone')),
    missing_since INTEGER,
    PRIMARY KEY (practice, account, mailbox, uid_validity, uid),
    FOREIGN KEY (practice, message, rendition) REFERENCES rendition (practice, message, digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX copy_of_message ON copy (practice, message);

-- Newest first is this key read backwards.
CREATE TABLE posting (
    practice  TEXT    NOT NULL,
    key       BLOB    NOT NULL,
    sort_time INTEGER NOT NULL,
    message   BLOB    NOT NULL,
    PRIMARY KEY (practice, key, sort_time, message)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letter (
    practice     TEXT    NOT NULL,
    account      TEXT    NOT NULL,
    mailbox      BLOB    NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid          INTEGER NOT NULL,
    reason       TEXT    NOT NULL,
    message_id   TEXT,
    sha256       BLOB,
    size         INTEGER,
    at           INTEGER NOT NULL,
    PRIMARY KEY (practice, account, mailbox, uid_validity, uid)
) STRICT, WITHOUT ROWID;

-- The last number given to a change, so that none is given twice.
CREATE TABLE feed (
    practice      TEXT    NOT NULL PRIMARY KEY,
    last_sequence INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE change_feed (
    practice TEXT    NOT NULL,
    sequence INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    account  TEXT,
    kind     TEXT    NOT NULL,
    message  BLOB,
    failure  TEXT,
    PRIMARY KEY (practice, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE blob (
    practice TEXT    NOT NULL,
    sha256   BLOB    NOT NULL,
    size     INTEGER NOT NULL,
    body     INTEGER NOT NULL,
    PRIMARY KEY (practice, sha256)
) STRICT, WITHOUT ROWID;

-- Bodies that have no name yet. Their numbers are never used again, so that a writer whose body was swept notices.
CREATE TABLE blob_staging (
    body INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT
) STRICT;

-- The octets of a body; a body belongs to one blob of one practice.
CREATE TABLE blob_chunk (
    body    INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    octets  BLOB    NOT NULL,
    PRIMARY KEY (body, ordinal)
) STRICT;

CREATE TABLE credential (
    practice    TEXT    NOT NULL,
    account     TEXT    NOT NULL,
    field       TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    octets      BLOB    NOT NULL, -- sealed
    claim_token INTEGER,
    claim_until INTEGER,
    PRIMARY KEY (practice, account, field)
) STRICT, WITHOUT ROWID;

-- Versions and claims are numbered across all records: a number of before a deletion never comes again.
CREATE TABLE credential_counter (
    name  TEXT    NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
